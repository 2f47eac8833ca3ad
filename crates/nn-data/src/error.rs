//! What can be wrong with data, where, and how to mend it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who or what is at fault; a program chooses its exit code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The content of a file is not what it should be.
    Data,
    /// A server, a connection, or a download that fails its checksum.
    Network,
    /// The local file system.
    Io,
    /// A name that does not exist.
    Usage,
}

/// Everything that can go wrong in this crate.
///
/// The text of an error says where, what was expected and what was found, in
/// one line; [`Error::help`] says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are no rows.
    #[error("{path}: 0 samples", path = path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// A folder, a pipe or a device stands where a file should.
    #[error("{path}: not a regular file but {found}", path = path.display())]
    NotAFile {
        /// What was to be read.
        path: PathBuf,
        /// What it is, with its article.
        found: &'static str,
    },
    /// One of a data set's files is not there, compressed or not.
    #[error("{path}: no such file, with or without .gz", path = path.display())]
    MissingFile {
        /// The uncompressed file.
        path: PathBuf,
        /// The data set it belongs to, if it can be fetched.
        dataset: Option<&'static str>,
    },
    /// A file is not in the IDX format, or not the expected kind of it.
    #[error("{path}: {problem}", path = path.display())]
    Idx {
        /// The file.
        path: PathBuf,
        /// What is wrong with its bytes.
        problem: IdxProblem,
    },
    /// A label names a class that does not exist.
    #[error(
        "{path}: label {label} at index {index}, expected labels below {n_classes}",
        path = path.display()
    )]
    LabelOutOfRange {
        /// The file of labels.
        path: PathBuf,
        /// Place of the first bad label, counted from 0.
        index: usize,
        /// The label.
        label: u32,
        /// How many classes there are.
        n_classes: usize,
    },
    /// Images and labels do not pair up.
    #[error(
        "{images}: {n_images} images, but {labels} has {n_labels} labels",
        images = images.display(), labels = labels.display()
    )]
    CountMismatch {
        /// The file of images.
        images: PathBuf,
        /// How many it holds.
        n_images: usize,
        /// The file of labels.
        labels: PathBuf,
        /// How many it holds.
        n_labels: usize,
    },
    /// Images have no pixels, or not as many as those to train on.
    #[error(
        "{path}: images of {found_height} x {found_width} pixels, expected {expected}",
        path = path.display(), found_height = found.0, found_width = found.1,
        expected = ExpectedSize(*expected)
    )]
    ImageSize {
        /// The file of images.
        path: PathBuf,
        /// Height and width of the training images; `None`: anything but 0.
        expected: Option<(usize, usize)>,
        /// Height and width found.
        found: (usize, usize),
    },
    /// No data set has this name.
    #[error("unknown data set {name:?}; expected one of: {}", known.join(", "))]
    UnknownDataset {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: Vec<&'static str>,
    },
    /// A local copy is not the published file.
    #[error(
        "{path}: {found_size} bytes with SHA-256 {found_sha256}, \
         expected {expected_size} bytes with SHA-256 {expected_sha256}",
        path = path.display()
    )]
    Checksum {
        /// The copy.
        path: PathBuf,
        /// Bytes of the published file.
        expected_size: u64,
        /// Bytes of the copy.
        found_size: u64,
        /// Of the published file.
        expected_sha256: &'static str,
        /// Of the copy.
        found_sha256: String,
    },
    /// The folder to copy from lacks a file.
    #[error("{folder}: has no {file}", folder = folder.display())]
    NotInFolder {
        /// The folder.
        folder: PathBuf,
        /// The name of the file.
        file: &'static str,
    },
    /// No mirror delivered the published file.
    #[error("{file}: no mirror delivered it: {}", Attempts(attempts))]
    NotDelivered {
        /// The name of the file.
        file: &'static str,
        /// Where it belongs.
        destination: PathBuf,
        /// Of the published file.
        sha256: &'static str,
        /// Every mirror tried, in order.
        attempts: Vec<Attempt>,
    },
    /// Files are not there as published, and no connection was to be opened.
    #[error(
        "{folder}: not there, or damaged: {}",
        names(missing),
        folder = folder.display()
    )]
    NotHere {
        /// Where they belong.
        folder: PathBuf,
        /// Their names and SHA-256.
        missing: Vec<(&'static str, &'static str)>,
    },
    /// An address that is not one to download from.
    #[error("mirror {url:?} is not an https:// address")]
    InvalidMirror {
        /// The address.
        url: String,
    },
    /// The processor lacks instructions that encrypted connections need.
    #[error("this processor lacks {}, needed for https", missing.join(", "))]
    UnsupportedProcessor {
        /// The names of the instruction sets.
        missing: Vec<&'static str>,
    },
    /// Secure connections cannot be set up, for want of root certificates
    /// for example.
    #[error("cannot set up https: {}", Chain(source.as_ref()))]
    SecureConnection {
        /// What the network library said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// Not the first bytes of a PNG.
    #[error(
        "{path}: not a PNG: expected 89 50 4e 47 0d 0a 1a 0a, found {start}{hint}",
        path = path.display(),
        start = hexadecimal(start),
        hint = in_brackets(*looks_like)
    )]
    NotPng {
        /// The file.
        path: PathBuf,
        /// Its first 8 bytes, or fewer if it is shorter.
        start: Vec<u8>,
        /// What these bytes are known to begin.
        looks_like: Option<&'static str>,
    },
    /// A PNG that is cut off or damaged.
    #[error("{path}: damaged PNG: {source}", path = path.display())]
    BadPng {
        /// The file.
        path: PathBuf,
        /// What the decoder found.
        source: png::DecodingError,
    },
    /// A PNG that would take too much memory.
    #[error(
        "{path}: image of {width}x{height} pixels; expected at most {max_side} a side and \
         {max_pixels} in all",
        path = path.display()
    )]
    ImageTooLarge {
        /// The file.
        path: PathBuf,
        /// Pixels a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Largest width or height.
        max_side: u32,
        /// Largest product.
        max_pixels: u64,
    },
    /// Nothing stands out from the paper.
    #[error(
        "blank image: ink and paper differ by {contrast} of 255 grey levels, expected at least \
         {needed}"
    )]
    BlankImage {
        /// Grey levels between paper and ink.
        contrast: u8,
        /// The least that is taken for ink.
        needed: u8,
    },
    /// No augmentation has this name.
    #[error("unknown augmentation {name:?}; expected {}", one_of(expected))]
    UnknownAugmentation {
        /// What was asked for.
        name: String,
        /// What there is.
        expected: Vec<&'static str>,
    },
    /// An augmentation has no parameter of this name.
    #[error(
        "{augmentation} has no parameter {name:?}; expected {}",
        one_of(expected)
    )]
    UnknownAugmentationParameter {
        /// The augmentation.
        augmentation: &'static str,
        /// What was asked for.
        name: String,
        /// What it has.
        expected: Vec<&'static str>,
    },
    /// The parameter of an augmentation is no number or outside its range.
    #[error("{augmentation}: {name} is expected in {low}..={high}, found {found:?}")]
    AugmentationParameter {
        /// The augmentation.
        augmentation: &'static str,
        /// The parameter.
        name: &'static str,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// What was given.
        found: String,
    },
}

impl Error {
    /// What the operating system said about a file or folder.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// Who or what is at fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. }
            | Self::MissingFile { .. }
            | Self::NotInFolder { .. }
            | Self::Idx {
                problem: IdxProblem::Read(_),
                ..
            } => ErrorKind::Io,
            Self::Empty { .. }
            | Self::NotAFile { .. }
            | Self::Idx { .. }
            | Self::LabelOutOfRange { .. }
            | Self::CountMismatch { .. }
            | Self::ImageSize { .. }
            | Self::NotPng { .. }
            | Self::BadPng { .. }
            | Self::ImageTooLarge { .. }
            | Self::BlankImage { .. } => ErrorKind::Data,
            Self::UnknownDataset { .. }
            | Self::InvalidMirror { .. }
            | Self::UnknownAugmentation { .. }
            | Self::UnknownAugmentationParameter { .. }
            | Self::AugmentationParameter { .. } => ErrorKind::Usage,
            Self::Checksum { .. }
            | Self::NotDelivered { .. }
            | Self::NotHere { .. }
            | Self::UnsupportedProcessor { .. }
            | Self::SecureConnection { .. } => ErrorKind::Network,
        }
    }

    /// One command or change that mends it, if there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Io { .. } | Self::Empty { .. } | Self::LabelOutOfRange { .. } => None,
            Self::NotAFile { .. } => Some("give the path of a file on a disk".to_owned()),
            Self::MissingFile { dataset, .. } => dataset.map(fetch_command),
            Self::Idx { problem, .. } => problem.help(),
            Self::CountMismatch { .. } => {
                Some("both files must come from the same data set and the same split".to_owned())
            }
            Self::ImageSize { .. } => {
                Some("all images, to train on and to test on, must be of one size".to_owned())
            }
            Self::UnknownDataset { .. } => {
                Some("for files of your own give their folder or file instead of a name".to_owned())
            }
            Self::NotInFolder { .. } => {
                Some("give the folder that holds the files as published, with their .gz".to_owned())
            }
            Self::Checksum { .. } => {
                Some("copy the file again from where it came, or leave out --from".to_owned())
            }
            Self::NotDelivered {
                file,
                destination,
                sha256,
                ..
            } => Some(format!(
                "run the same command again to resume; or get {file} with SHA-256 {sha256} by \
                 other means and place it at {}",
                destination.display()
            )),
            Self::NotHere { folder, missing } => Some(format!(
                "run the command without --offline; or get the files by other means and place \
                 them in {}: {}",
                folder.display(),
                with_checksums(missing)
            )),
            Self::InvalidMirror { .. } => {
                Some("give a folder, or an address that starts with https://".to_owned())
            }
            Self::UnsupportedProcessor { .. } => Some(
                "download the files with a browser into a folder and give it as --from".to_owned(),
            ),
            Self::SecureConnection { .. } => Some(
                "install the system's root certificates (package ca-certificates), or download \
                 the files with a browser into a folder and give it as --from"
                    .to_owned(),
            ),
            _ => self.help_with_own_files().map(str::to_owned),
        }
    }

    /// As [`help`](Self::help), for images of one's own.
    fn help_with_own_files(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotPng { .. } => "save or convert the image as PNG",
            Self::BadPng { .. } => "save or copy the image again",
            Self::ImageTooLarge { .. } => "crop the image to the digit, or scale it down",
            Self::BlankImage { .. } => {
                "draw darker or thicker; light strokes on a transparent background need a dark one"
            }
            Self::UnknownAugmentation { .. }
            | Self::UnknownAugmentationParameter { .. }
            | Self::AugmentationParameter { .. } => {
                "an example is --augment affine:rotation=10,elastic:alpha=34"
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
    format!("cargo xtask fetch-data {dataset}   (or: nn data fetch {dataset})")
}

/// What can be wrong with the bytes of an IDX file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxProblem {
    /// The system, or whatever the bytes come from, failed.
    #[error("{0}")]
    Read(#[from] io::Error),
    /// The gzip data is cut off, or does not match its own checksum.
    #[error("damaged gzip data: {source}")]
    Gzip {
        /// What the decoder said.
        source: io::Error,
    },
    /// Something follows the end of the gzip data.
    #[error(
        "{} after the end of the gzip data{}", Surplus(Some(*surplus)),
        if *is_gzip { " (a second gzip member)" } else { "" }
    )]
    AfterGzip {
        /// Compressed bytes after the end.
        surplus: u64,
        /// Whether they start as gzip data does.
        is_gzip: bool,
    },
    /// An array that would be large, and large beyond belief beside its gzip
    /// data.
    #[error("{compressed} bytes of gzip data, header promises {promised} (a gzip bomb?)")]
    Bomb {
        /// Bytes of gzip data.
        compressed: u64,
        /// Bytes of header and elements.
        promised: u64,
    },
    /// The first four bytes are not those wanted.
    #[error(
        "bad IDX magic: expected {}, found {}{}",
        Wanted(*wanted), Hex(found), magic_hint(*found)
    )]
    Magic {
        /// The four bytes; `None`: any that the format allows.
        wanted: Option<[u8; 4]>,
        /// The file's first four bytes.
        found: [u8; 4],
    },
    /// The file ends within its header.
    #[error("ends at byte {end}, header alone needs {needed}")]
    HeaderCut {
        /// Bytes there are.
        end: u64,
        /// Bytes of the header, as far as is known.
        needed: u64,
    },
    /// The file ends within its elements.
    #[error("ends at byte {end}, header promises {promised}")]
    Cut {
        /// Bytes there are.
        end: u64,
        /// Bytes of header and elements.
        promised: u64,
    },
    /// The file goes on after its last element.
    #[error("{} after byte {promised}, where the header says it ends", Surplus(*surplus))]
    Trailing {
        /// Bytes of header and elements.
        promised: u64,
        /// Bytes after them; `None`: at least one.
        surplus: Option<u64>,
    },
    /// More elements than 64 bits can count.
    #[error("impossible dimensions {} of {element_size} bytes each", Dims(dims))]
    Overflow {
        /// The dimensions in the header.
        dims: Vec<usize>,
        /// Bytes of one element.
        element_size: usize,
    },
    /// An array that the format cannot hold.
    #[error(
        "cannot write {n_elements} elements as {} (at most 255 dimensions, each below 2^32)",
        Dims(dims)
    )]
    Unwritable {
        /// The dimensions.
        dims: Vec<usize>,
        /// How many elements there are.
        n_elements: usize,
    },
}

impl IdxProblem {
    fn help(&self) -> Option<String> {
        match self {
            Self::Read(_) | Self::Unwritable { .. } => None,
            Self::Magic { found, .. } if found[..2] == GZIP_MAGIC => {
                Some("decompress it once: gunzip".to_owned())
            }
            Self::Bomb { .. } => Some("if it is what it says, decompress it: gunzip".to_owned()),
            _ => Some(
                "get the file again; `nn data fetch` checks what it downloads against published \
                 SHA-256 sums"
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

/// One mirror that did not deliver.
#[derive(Debug)]
pub struct Attempt {
    /// The address of the file.
    pub url: String,
    /// What went wrong there.
    pub failure: MirrorFailure,
}

/// What can be wrong with a mirror.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MirrorFailure {
    /// No connection, or it broke before an answer came.
    #[error("no answer ({cause})")]
    NoAnswer {
        /// What the network library said.
        cause: String,
    },
    /// A redirect that is not followed.
    #[error("redirects {cause}")]
    Redirect {
        /// Where to, or how often.
        cause: String,
    },
    /// An answer other than the file.
    #[error("status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A page instead of the file: an error page or a log-in page.
    #[error("server sent text/html")]
    Html,
    /// The answer is not as long as the file.
    #[error("has {found} bytes, expected {expected}")]
    Size {
        /// Bytes of the answer.
        found: u64,
        /// Bytes of the published file.
        expected: u64,
    },
    /// The answer goes on after the length of the file.
    #[error("sends more than the expected {expected} bytes")]
    TooLong {
        /// Bytes of the published file.
        expected: u64,
    },
    /// Asked for the rest of the file, the server sent something else.
    #[error("asked for the bytes from {asked}, sends {}", found.as_deref().unwrap_or("others"))]
    Range {
        /// First byte asked for.
        asked: u64,
        /// The server's `Content-Range`.
        found: Option<String>,
    },
    /// The connection broke within the file.
    #[error("broke off at byte {at} of {expected} ({cause})")]
    Broken {
        /// Bytes that came.
        at: u64,
        /// Bytes of the published file.
        expected: u64,
        /// What the network library said.
        cause: String,
    },
    /// The server sends, but hardly.
    #[error("slower than {least} bytes a second over {window:?}")]
    TooSlow {
        /// Bytes a second below which a mirror is given up.
        least: u64,
        /// Over how long.
        window: Duration,
    },
    /// The server sends, but does not come to an end.
    #[error("not done after {limit:?}")]
    Overdue {
        /// How long one answer may take.
        limit: Duration,
    },
    /// All bytes came, but they are not those of the file.
    #[error("SHA-256 is {found}, expected {expected}")]
    Checksum {
        /// Of the published file.
        expected: &'static str,
        /// Of what came.
        found: String,
    },
}

/// Shows the mirrors tried, with their reasons.
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

/// Shows an error with everything that caused it.
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

/// Shows bytes as `1f 8b 08 00`.
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

/// Shows the magic number that was wanted, as bytes and as MNIST's page has it.
struct Wanted(Option<[u8; 4]>);

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(magic) => write!(f, "{} ({})", Hex(&magic), u32::from_be_bytes(magic)),
            None => f.write_str("00 00, a type (08, 09 or 0b to 0e) and a rank"),
        }
    }
}

/// Shows dimensions as `60000 x 28 x 28`.
struct Dims<'a>(&'a [usize]);

impl fmt::Display for Dims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (index, dim) in self.0.iter().take(SHOWN).enumerate() {
            let separator = if index == 0 { "" } else { " x " };
            write!(f, "{separator}{dim}")?;
        }
        match self.0.len() {
            0 => f.write_str("a single number"),
            rank if rank > SHOWN => write!(f, " x ... ({rank} dimensions)"),
            _ => Ok(()),
        }
    }
}

/// Shows how many bytes too many there are.
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

/// Shows the size that images should have.
struct ExpectedSize(Option<(usize, usize)>);

impl fmt::Display for ExpectedSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((height, width)) => write!(f, "{height} x {width}"),
            None => f.write_str("at least 1 x 1"),
        }
    }
}

fn in_brackets(looks_like: Option<&'static str>) -> String {
    looks_like.map_or_else(String::new, |name| format!(" ({name})"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
