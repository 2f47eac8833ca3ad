//! Errors of this crate, with the location, the expected value, the value found, and a hint.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of an error, for example to choose an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The content of a file is invalid.
    Data,
    /// A server or a connection failed, or a download has the wrong checksum.
    Network,
    /// A file cannot be read or written.
    Io,
    /// A name, number or combination of settings is invalid.
    Usage,
}

impl From<&nn_files::Error> for ErrorKind {
    fn from(error: &nn_files::Error) -> Self {
        match error {
            nn_files::Error::Io { .. } => Self::Io,
            _ => Self::Data,
        }
    }
}

/// Any error of this crate.
///
/// The message is one line with the location, the expected value and the value found.
/// [`Error::help`] says how to fix the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] nn_files::Error),
    /// A file or folder holds no samples.
    #[error("{path}: expected at least 1 sample, found 0 samples", path = path.display())]
    Empty {
        /// Path of the file or folder without samples.
        path: PathBuf,
    },
    /// A file of a data set exists neither compressed nor uncompressed.
    #[error("{path}: no such file, with or without .gz", path = path.display())]
    MissingFile {
        /// Path of the uncompressed file.
        path: PathBuf,
        /// Name of the data set, if it can be downloaded.
        dataset: Option<&'static str>,
    },
    /// A file is not a valid IDX file of the expected element type and rank.
    #[error("{path}: {problem}", path = path.display())]
    Idx {
        /// Path of the IDX file.
        path: PathBuf,
        /// The problem with the content of the file.
        problem: IdxProblem,
    },
    /// A label is not below the number of classes.
    #[error(
        "{path}: index {index}: expected a label below {n_classes}, found {label}",
        path = path.display()
    )]
    LabelOutOfRange {
        /// Path of the file of labels.
        path: PathBuf,
        /// Index of the first invalid label, counted from 0.
        index: usize,
        /// The first invalid label.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// The numbers of images and labels differ.
    #[error(
        "{images} has {n_images} images, but {labels} has {n_labels} labels",
        images = images.display(), labels = labels.display()
    )]
    CountMismatch {
        /// Path of the file of images.
        images: PathBuf,
        /// Number of images.
        n_images: usize,
        /// Path of the file of labels.
        labels: PathBuf,
        /// Number of labels.
        n_labels: usize,
    },
    /// The image file contains labels, and the label file contains images.
    #[error(
        "{images} holds labels, and {labels} holds images: the two files are swapped",
        images = images.display(), labels = labels.display()
    )]
    SwappedFiles {
        /// The file with the name of an image file.
        images: PathBuf,
        /// The file with the name of a label file.
        labels: PathBuf,
    },
    /// A folder holds the IDX files of several data sets.
    #[error(
        "{folder}: expected the IDX files of one data set, found those of {}",
        quoted_names(found),
        folder = folder.display()
    )]
    SeveralDatasets {
        /// Path of the folder.
        folder: PathBuf,
        /// The prefix of the file names of each data set; empty for MNIST's names.
        found: Vec<String>,
    },
    /// Images have no pixels or differ in size from the training images.
    #[error(
        "{path}: expected images of {expected} pixels, found {found_height} x {found_width}",
        path = path.display(), found_height = found.0, found_width = found.1,
        expected = ExpectedSize(*expected)
    )]
    ImageSize {
        /// Path of the file of images.
        path: PathBuf,
        /// Height and width of the training images; `None` means at least 1 x 1.
        expected: Option<(usize, usize)>,
        /// Height and width of the images in the file.
        found: (usize, usize),
    },
    /// The name of a data set is not in the catalog.
    #[error("unknown data set {name:?}; expected one of: {}", known.join(", "))]
    UnknownDataset {
        /// The unknown name of a data set.
        name: String,
        /// Names of the data sets in the catalog.
        known: Vec<&'static str>,
    },
    /// A local copy differs from the published file in size or checksum.
    #[error(
        "{path}: expected {expected_size} bytes with SHA-256 {expected_sha256}, \
         found {found_size} bytes with SHA-256 {found_sha256}",
        path = path.display()
    )]
    Checksum {
        /// Path of the local copy.
        path: PathBuf,
        /// Size of the published file in bytes.
        expected_size: u64,
        /// Size of the copy in bytes.
        found_size: u64,
        /// SHA-256 of the published file.
        expected_sha256: &'static str,
        /// SHA-256 of the copy.
        found_sha256: String,
    },
    /// The folder to copy from does not hold a file of the data set.
    #[error("{folder}: missing file {file}", folder = folder.display())]
    NotInFolder {
        /// The folder to copy from.
        folder: PathBuf,
        /// Name of the missing file.
        file: &'static str,
    },
    /// The download failed from every mirror.
    #[error("{file}: download failed: {}", Attempts(attempts))]
    DownloadFailed {
        /// Name of the file.
        file: &'static str,
        /// Path of the file after a successful download.
        destination: PathBuf,
        /// SHA-256 of the published file.
        sha256: &'static str,
        /// The mirrors tried, in order.
        attempts: Vec<Attempt>,
    },
    /// Files are missing or damaged, and downloads are not allowed.
    #[error(
        "{folder}: missing or damaged files: {}",
        names(missing),
        folder = folder.display()
    )]
    NotFetched {
        /// The folder of the data set.
        folder: PathBuf,
        /// Name and SHA-256 of each missing or damaged file.
        missing: Vec<(&'static str, &'static str)>,
    },
    /// The address of a mirror is not an HTTPS address.
    #[error("mirror {url:?}: expected an https:// address")]
    InvalidMirror {
        /// The address that is not an HTTPS address.
        url: String,
    },
    /// The processor lacks instructions that HTTPS connections need.
    #[error("HTTPS needs a processor with {}", missing.join(", "))]
    UnsupportedProcessor {
        /// Names of the missing instruction sets.
        missing: Vec<&'static str>,
    },
    /// HTTPS cannot be set up, for example without root certificates.
    #[error("cannot set up HTTPS: {}", Chain(source.as_ref()))]
    SecureConnection {
        /// The error of the network library.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The name of an augmentation is unknown.
    #[error("unknown augmentation {name:?}; expected {}", one_of(expected))]
    UnknownAugmentation {
        /// The unknown name of an augmentation.
        name: String,
        /// Names of all augmentations.
        expected: Vec<&'static str>,
    },
    /// An augmentation does not have the requested parameter.
    #[error(
        "{augmentation}: unknown parameter {name:?}; expected {}",
        one_of(expected)
    )]
    UnknownAugmentationParameter {
        /// Name of the augmentation.
        augmentation: &'static str,
        /// Name of the unknown parameter.
        name: String,
        /// Names of the parameters that the augmentation has.
        expected: Vec<&'static str>,
    },
    /// A parameter of an augmentation is not a number in its range.
    #[error("{augmentation}: {name}: expected a number in {low}..={high}, found {found:?}")]
    AugmentationParameter {
        /// Name of the augmentation.
        augmentation: &'static str,
        /// Name of the parameter.
        name: &'static str,
        /// Minimum of the parameter.
        low: f64,
        /// Maximum of the parameter.
        high: f64,
        /// The invalid value of the parameter, as text.
        found: String,
    },
}

impl Error {
    /// Category of the error, for example to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File(error) => error.into(),
            Self::MissingFile { .. }
            | Self::NotInFolder { .. }
            | Self::Idx {
                problem: IdxProblem::Read(_),
                ..
            } => ErrorKind::Io,
            Self::Empty { .. }
            | Self::Idx { .. }
            | Self::LabelOutOfRange { .. }
            | Self::CountMismatch { .. }
            | Self::ImageSize { .. }
            | Self::SwappedFiles { .. }
            | Self::SeveralDatasets { .. } => ErrorKind::Data,
            Self::UnknownDataset { .. }
            | Self::InvalidMirror { .. }
            | Self::UnknownAugmentation { .. }
            | Self::UnknownAugmentationParameter { .. }
            | Self::AugmentationParameter { .. } => ErrorKind::Usage,
            Self::Checksum { .. }
            | Self::DownloadFailed { .. }
            | Self::NotFetched { .. }
            | Self::UnsupportedProcessor { .. }
            | Self::SecureConnection { .. } => ErrorKind::Network,
        }
    }

    /// A hint that says how to fix the error, if there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::File(error) => error.help().map(str::to_owned),
            Self::Empty { .. } | Self::LabelOutOfRange { .. } => None,
            Self::MissingFile { path, dataset } => Some(match dataset {
                Some(dataset) => fetch_command(dataset),
                None => idx_names(path),
            }),
            Self::Idx { problem, .. } => problem.help(),
            Self::CountMismatch { .. } => {
                Some("both files must come from the same data set and the same split".to_owned())
            }
            Self::ImageSize { .. } => {
                Some("training and test images must have the same size".to_owned())
            }
            Self::UnknownDataset { .. } => {
                Some("to read your own files, give their path instead of a name".to_owned())
            }
            Self::NotInFolder { .. } => {
                Some("give a folder with the published files, named NAME.gz".to_owned())
            }
            Self::Checksum { .. } => {
                Some("copy the file again, or leave out `from` to download it".to_owned())
            }
            Self::DownloadFailed {
                file,
                destination,
                sha256,
                ..
            } => Some(format!(
                "run the same command again to resume, or place {file} with SHA-256 {sha256} at {}",
                destination.display()
            )),
            Self::NotFetched { folder, missing } => Some(format!(
                "run the command without `offline`, or place these files in {}: {}",
                folder.display(),
                with_checksums(missing)
            )),
            Self::InvalidMirror { .. } => {
                Some("give a folder or an address that starts with https://".to_owned())
            }
            Self::UnsupportedProcessor { .. } => {
                Some("download the files with a browser, and set `from` to their folder".to_owned())
            }
            Self::SecureConnection { .. } => Some(
                "install the system's root certificates (package ca-certificates), or download \
                 the files with a browser and set `from` to their folder"
                    .to_owned(),
            ),
            _ => self.help_with_own_files().map(str::to_owned),
        }
    }

    /// Hints for files that the user provides, and for augmentations.
    fn help_with_own_files(&self) -> Option<&'static str> {
        Some(match self {
            Self::SwappedFiles { .. } => "swap the names of the two files",
            Self::SeveralDatasets { .. } => "move the files of each data set to its own folder",
            Self::UnknownAugmentation { .. }
            | Self::UnknownAugmentationParameter { .. }
            | Self::AugmentationParameter { .. } => {
                "for example, set `augment` to affine:rotation=10,elastic:alpha=34"
            }
            _ => return None,
        })
    }
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        names => format!("one of: {}", names.join(", ")),
    }
}

fn quoted_names(names: &[String]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| match &**name {
            "" => "MNIST's names".to_owned(),
            name => format!("{name:?}"),
        })
        .collect();
    names.join(", ")
}

/// Says which IDX files are expected in the folder of a missing one.
fn idx_names(missing: &Path) -> String {
    let folder = missing.parent().unwrap_or(missing).display();
    format!(
        "{folder} needs train-images-idx3-ubyte and train-labels-idx1-ubyte; the files of \
         test samples begin with t10k instead of train; names with a dot before idx, with .gz or \
         as in EMNIST are also accepted"
    )
}

fn names(files: &[(&str, &str)]) -> String {
    let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
    names.join(", ")
}

fn with_checksums(files: &[(&str, &str)]) -> String {
    let files = files
        .iter()
        .map(|(name, sha256)| format!("{name} (SHA-256 {sha256})"));
    files.collect::<Vec<_>>().join(", ")
}

fn fetch_command(dataset: &str) -> String {
    format!("run `cargo xtask fetch-data {dataset}` or `nn data fetch {dataset}`")
}

/// A problem with the content of an IDX file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxProblem {
    /// Reading or writing failed.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The gzip data is truncated or does not match its checksum.
    #[error("damaged gzip data: {source}")]
    Gzip {
        /// The error of the decoder.
        source: io::Error,
    },
    /// Bytes follow the end of the gzip data.
    #[error(
        "{} after the end of the gzip data{}", Surplus(Some(*surplus)),
        if *is_gzip { " (a second gzip member)" } else { "" }
    )]
    AfterGzip {
        /// Number of bytes after the end of the gzip data.
        surplus: u64,
        /// Whether the bytes after the end begin with the gzip signature.
        is_gzip: bool,
    },
    /// The header declares implausibly many bytes for the size of the gzip data.
    #[error("header promises {promised} bytes from {compressed} bytes of gzip data (a gzip bomb?)")]
    Bomb {
        /// Number of bytes of gzip data.
        compressed: u64,
        /// Number of bytes of header and elements.
        promised: u64,
    },
    /// The magic number is not the expected one.
    #[error(
        "bad IDX magic: expected {}, found {}{}",
        Wanted(*wanted), Hex(found), magic_hint(*found)
    )]
    Magic {
        /// The expected four bytes; `None` for any valid magic number.
        wanted: Option<[u8; 4]>,
        /// The file's first four bytes.
        found: [u8; 4],
    },
    /// The file ends within its header.
    #[error("ends at byte {end}, but the header needs {needed} bytes")]
    HeaderCut {
        /// Size of the file in bytes.
        end: u64,
        /// Size of the header in bytes, as far as it is known.
        needed: u64,
    },
    /// The file ends within its elements.
    #[error("ends at byte {end}, but the header promises {promised} bytes")]
    Cut {
        /// Size of the file in bytes.
        end: u64,
        /// Number of bytes of header and elements.
        promised: u64,
    },
    /// Bytes follow the last element.
    #[error("expected {promised} bytes, found {} more", Surplus(*surplus))]
    Trailing {
        /// Number of bytes of header and elements.
        promised: u64,
        /// Number of bytes after the last element; `None` means at least one.
        surplus: Option<u64>,
    },
    /// The size of the array in bytes exceeds 64 bits.
    #[error(
        "array too large: dimensions {} with {element_size}-byte elements overflow 64 bits",
        Dims(dims)
    )]
    Overflow {
        /// The dimensions in the header.
        dims: Vec<usize>,
        /// Size of one element in bytes.
        element_size: usize,
    },
    /// The format cannot represent the array.
    #[error(
        "cannot write {n_elements} elements as {} (at most 255 dimensions, each below 2^32)",
        Dims(dims)
    )]
    Unwritable {
        /// The dimensions of the array.
        dims: Vec<usize>,
        /// Number of elements.
        n_elements: usize,
    },
}

impl IdxProblem {
    fn help(&self) -> Option<String> {
        match self {
            Self::Read(_) | Self::Unwritable { .. } => None,
            Self::Magic { found, .. } if found[..2] == GZIP_MAGIC => {
                Some("decompress the file with gunzip".to_owned())
            }
            Self::Bomb { .. } => {
                Some("if the file is genuine, decompress it with gunzip".to_owned())
            }
            _ => Some(
                "download the file again; `nn data fetch` verifies the SHA-256 of its files"
                    .to_owned(),
            ),
        }
    }
}

/// The first two bytes of gzip data (RFC 1952, section 2.3.1).
pub(crate) const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

fn magic_hint(found: [u8; 4]) -> &'static str {
    match found {
        [0x1f, 0x8b, ..] => " (still gzip-compressed?)",
        [b'<', ..] => " (an HTML page?)",
        [b'P', b'K', 3, 4] => " (a zip archive?)",
        [0, 0, 8, 1] => " (a file of labels?)",
        [0, 0, 8, 3] => " (a file of images?)",
        _ => "",
    }
}

/// A failed download from one mirror.
#[derive(Debug)]
pub struct Attempt {
    /// Address of the file.
    pub url: String,
    /// Reason for the failure.
    pub failure: MirrorFailure,
}

/// The reason why a download from a mirror failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorFailure {
    /// The connection failed before a response arrived.
    #[error("no response ({cause})")]
    NoAnswer {
        /// The error of the network library.
        cause: String,
    },
    /// The server redirects to an address that is not allowed, or too often.
    #[error("redirects {cause}")]
    Redirect {
        /// The address, or the number of redirects.
        cause: String,
    },
    /// The server responds with an error status.
    #[error("status {status}")]
    Status {
        /// The HTTP status code.
        status: u16,
    },
    /// The server sends a web page, such as a log-in page, instead of the file.
    #[error("expected a file, found a web page (text/html)")]
    Html,
    /// The size of the response differs from the size of the file.
    #[error("expected {expected} bytes, found {found}")]
    Size {
        /// Size of the response in bytes.
        found: u64,
        /// Size of the published file in bytes.
        expected: u64,
    },
    /// The response is longer than the file.
    #[error("expected {expected} bytes, found more")]
    TooLong {
        /// Size of the published file in bytes.
        expected: u64,
    },
    /// The server sends a range of bytes that was not requested.
    #[error(
        "expected the bytes from {asked}, found {}",
        found.as_deref().unwrap_or("no Content-Range")
    )]
    Range {
        /// Offset of the first requested byte.
        asked: u64,
        /// The `Content-Range` of the response.
        found: Option<String>,
    },
    /// The connection broke before the end of the file.
    #[error("connection lost at byte {at} of {expected} ({cause})")]
    Broken {
        /// Number of bytes received.
        at: u64,
        /// Size of the published file in bytes.
        expected: u64,
        /// The error of the network library.
        cause: String,
    },
    /// The transfer is too slow.
    #[error("slower than {least} bytes per second over {window:?}")]
    TooSlow {
        /// Minimum speed in bytes per second.
        least: u64,
        /// Time over which the speed is measured.
        window: Duration,
    },
    /// The transfer takes too long.
    #[error("not complete after {limit:?}")]
    Timeout {
        /// Maximum time of one transfer.
        limit: Duration,
    },
    /// The downloaded file has the wrong checksum.
    #[error("expected SHA-256 {expected}, found {found}")]
    Checksum {
        /// SHA-256 of the published file.
        expected: &'static str,
        /// SHA-256 of the downloaded file.
        found: String,
    },
}

/// Displays each failed download with its reason.
struct Attempts<'a>(&'a [Attempt]);

impl fmt::Display for Attempts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Attempt { url, failure }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{url}: {failure}")?;
        }
        Ok(())
    }
}

/// Displays an error and its causes.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// Displays bytes as `1f 8b 08 00`.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Displays the expected magic number as bytes and as a decimal number.
struct Wanted(Option<[u8; 4]>);

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(magic) => write!(f, "{} ({})", Hex(&magic), u32::from_be_bytes(magic)),
            None => f.write_str("00 00, an element type (08, 09 or 0b to 0e) and a rank"),
        }
    }
}

/// Displays dimensions as `60000 x 28 x 28`.
struct Dims<'a>(&'a [usize]);

impl fmt::Display for Dims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (index, dim) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { " x " };
            write!(f, "{separator}{dim}")?;
        }
        match self.0.len() {
            0 => f.write_str("a scalar"),
            rank if rank > SHOWN => write!(f, " x ... ({rank} dimensions)"),
            _ => Ok(()),
        }
    }
}

/// Displays a number of bytes.
struct Surplus(Option<u64>);

impl fmt::Display for Surplus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(1) => f.write_str("1 byte"),
            Some(surplus) => write!(f, "{surplus} bytes"),
            None => f.write_str("at least 1 byte"),
        }
    }
}

/// Displays the expected height and width of images.
struct ExpectedSize(Option<(usize, usize)>);

impl fmt::Display for ExpectedSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((height, width)) => write!(f, "{height} x {width}"),
            None => f.write_str("at least 1 x 1"),
        }
    }
}
