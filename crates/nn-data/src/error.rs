//! What can be wrong with data, where, and how to mend it.

use std::io;
use std::path::{Path, PathBuf};

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
    /// A folder, a pipe or a device where a file was expected.
    #[error("{path}: not a regular file: {found}", path = path.display())]
    NotRegularFile {
        /// What was to be read.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// A name that is not in a menu.
    #[error("unknown {what} {name:?}; expected one of: {}", choices.join(", "))]
    UnknownChoice {
        /// The menu.
        what: &'static str,
        /// The name.
        name: String,
        /// All names there are.
        choices: Vec<&'static str>,
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

    /// A file that is no text.
    #[error("{path}: expected a table as UTF-8 text, found {looks_like}", path = path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// What its first bytes are known to begin.
        looks_like: &'static str,
    },
    /// Text in another encoding.
    #[error("{path}: not UTF-8 at byte offset {offset}: found {byte:02x}", path = path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Where the first bad sequence begins, from 0.
        offset: u64,
        /// The byte there.
        byte: u8,
    },
    /// A first row that could be names or data.
    #[error(
        "{path}: line {line}: is this a header? {number} is a number, {word} is not",
        path = path.display(),
        number = quoted(number),
        word = quoted(word)
    )]
    MixedHeader {
        /// The file.
        path: PathBuf,
        /// Its first line that is not blank.
        line: u64,
        /// A cell that is a number.
        number: String,
        /// One that is not.
        word: String,
    },
    /// Two columns of one name.
    #[error(
        "{path}: columns {first} and {second} are both called {name}",
        path = path.display(),
        name = quoted(name)
    )]
    DuplicateColumn {
        /// The file.
        path: PathBuf,
        /// Their name.
        name: String,
        /// Position of the first, from 1.
        first: usize,
        /// Position of the second.
        second: usize,
    },
    /// A row with too few or too many fields.
    #[error(
        "{path}: line {line}: expected {expected} fields, found {found}",
        path = path.display()
    )]
    RaggedRow {
        /// The file.
        path: PathBuf,
        /// Where the row begins, from 1.
        line: u64,
        /// Fields of the first row.
        expected: usize,
        /// Fields of this one.
        found: usize,
    },
    /// A cell that says something it must not.
    #[error(
        "{path}: line {line}, column {column}: {problem}, found {text}",
        path = path.display(),
        column = quoted(column),
        text = quoted(text)
    )]
    BadCell {
        /// The file.
        path: PathBuf,
        /// Where the row begins, from 1.
        line: u64,
        /// Name of the column.
        column: String,
        /// What the cell says.
        text: String,
        /// What is wrong with it.
        problem: CellProblem,
    },
    /// A name that no column has.
    #[error(
        "{path}: no column {}{}; there are: {}",
        quoted(name),
        did_you_mean(nearest.as_deref()),
        listed(columns),
        path = path.display()
    )]
    UnknownColumn {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
        /// The most similar name there is.
        nearest: Option<String>,
        /// All names.
        columns: Vec<String>,
    },
    /// Columns that the model was trained on, or its target, are not there.
    #[error("{path}: missing columns: {}", listed(missing), path = path.display())]
    MissingColumns {
        /// The file.
        path: PathBuf,
        /// Their names.
        missing: Vec<String>,
    },
    /// One column for two purposes.
    #[error(
        "{path}: column {column} has two uses (target, sample weight, ignored)",
        path = path.display(),
        column = quoted(column)
    )]
    ConflictingRoles {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
    },
    /// A table of images without labels, to train on.
    #[error("{path}: 784 pixel columns and no label", path = path.display())]
    NoTarget {
        /// The file.
        path: PathBuf,
    },
    /// No column is left to predict from.
    #[error(
        "{path}: no input columns beside the target; there are: {}",
        listed(columns),
        path = path.display()
    )]
    NoInputs {
        /// The file.
        path: PathBuf,
        /// All names.
        columns: Vec<String>,
    },
    /// Classes in more than one column.
    #[error(
        "{path}: classes in {} target columns: {}; expected 1",
        columns.len(),
        listed(columns),
        path = path.display()
    )]
    SeveralClassColumns {
        /// The file.
        path: PathBuf,
        /// The target columns.
        columns: Vec<String>,
    },
    /// A text column that is no category.
    #[error(
        "{path}: column {column} has {found} different values; expected at most {limit}",
        path = path.display(),
        column = quoted(column)
    )]
    TooManyCategories {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// Different values in it.
        found: usize,
        /// Most that are taken.
        limit: usize,
    },
    /// What a model file says about its table makes no sense.
    #[error("bad preprocessing in the model file: {reason}")]
    BadPreprocessing {
        /// What is wrong.
        reason: String,
    },
    /// A network that does not fit its preprocessing.
    #[error("the network has {found} outputs, its table wants {expected}")]
    OutputCount {
        /// Outputs that the targets have.
        expected: usize,
        /// Outputs that the network has.
        found: usize,
    },
}

/// What is wrong with a cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellProblem {
    /// Not a number in a column of numbers.
    #[error("expected a number")]
    NotANumber,
    /// `nan`, `inf`, or too large for single precision.
    #[error("expected a finite number below 3.4e38")]
    NotFinite,
    /// Nothing there.
    #[error("expected a value")]
    Empty,
    /// A quoted cell over several lines.
    #[error("expected one line (is a quote missing?)")]
    LineBreak,
    /// Neither 0 nor 1.
    #[error("expected 0 or 1")]
    NotAFlag,
    /// Not a grey value.
    #[error("expected a whole number from 0 to 255")]
    NotAPixel,
    /// A negative sample weight, or the first of nothing but zeros.
    #[error("expected sample weights of at least 0, and some above")]
    NotAWeight,
    /// Too far from the training rows for single precision.
    #[error("expected a number nearer to those of the training rows")]
    OutOfRange,
    /// Not among these.
    #[error("expected one of: {}", listed(.0))]
    UnknownCategory(Vec<String>),
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
            Self::Io { .. } | Self::NotRegularFile { .. } => ErrorKind::Io,
            Self::Empty { .. }
            | Self::NotPng { .. }
            | Self::BadPng { .. }
            | Self::ImageTooLarge { .. }
            | Self::BlankImage { .. }
            | Self::NotText { .. }
            | Self::NotUtf8 { .. }
            | Self::MixedHeader { .. }
            | Self::DuplicateColumn { .. }
            | Self::RaggedRow { .. }
            | Self::BadCell { .. }
            | Self::MissingColumns { .. }
            | Self::NoTarget { .. }
            | Self::NoInputs { .. }
            | Self::TooManyCategories { .. }
            | Self::BadPreprocessing { .. }
            | Self::OutputCount { .. } => ErrorKind::Data,
            Self::UnknownChoice { .. }
            | Self::UnknownColumn { .. }
            | Self::ConflictingRoles { .. }
            | Self::SeveralClassColumns { .. } => ErrorKind::Usage,
        }
    }

    /// One command or change that mends it, if there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Io { .. }
            | Self::Empty { .. }
            | Self::UnknownChoice { .. }
            | Self::UnknownColumn { .. }
            | Self::OutputCount { .. } => return None,
            Self::NotRegularFile { .. } => "name a file; copy a stream to a file first",
            Self::NotPng { .. } => "save or convert the image as PNG",
            Self::BadPng { .. } => "save or copy the image again",
            Self::ImageTooLarge { .. } => "crop the image to the digit, or scale it down",
            Self::BlankImage { .. } => {
                "draw darker or thicker; light strokes on a transparent background need a dark one"
            }
            Self::NotText { looks_like, .. } if looks_like.starts_with("UTF-16") => {
                return Some(SAVE_AS_UTF_8.to_owned());
            }
            Self::NotText { .. } => "unpack it, or export the table as CSV (UTF-8)",
            Self::NotUtf8 { .. } => SAVE_AS_UTF_8,
            Self::MixedHeader { .. } => "say --header yes or --header no",
            Self::DuplicateColumn { .. } => {
                "rename one of them, or say --header no if the first row is data"
            }
            Self::RaggedRow { .. } => {
                "every row needs the fields of the first; put cells that hold commas in quotes"
            }
            Self::BadCell { problem, .. } => problem.help(),
            Self::MissingColumns { .. } => "the table needs the columns the model was trained on",
            Self::ConflictingRoles { .. } => "name each column once",
            Self::NoTarget { .. } => "to train, add a column \"label\" with the right answers",
            Self::NoInputs { .. } => {
                "check the separator: a comma, or a semicolon or tab throughout"
            }
            Self::SeveralClassColumns { .. } => {
                "name one column, or use --task multi-label for columns of 0 and 1"
            }
            Self::TooManyCategories { .. } => {
                "leave the column out if it is a name or a number of the row, or group its values"
            }
            Self::BadPreprocessing { .. } => "the model file is damaged; train or copy it again",
        };
        Some(help.to_owned())
    }
}

impl CellProblem {
    fn help(&self) -> &'static str {
        match self {
            Self::NotANumber => {
                "write numbers as 1234.5, without spaces or a decimal comma; \
                 or declare the column categorical"
            }
            Self::NotFinite | Self::Empty => "fill the cell in, or drop the row",
            Self::LineBreak => "close the quote, or take the line break out of the cell",
            Self::NotAFlag => "several labels a row need one column of 0 and 1 for each",
            Self::NotAPixel => "pixels are grey values as MNIST stores them",
            Self::NotAWeight => "a weight of 0 leaves a row out, 2 counts it twice",
            Self::OutOfRange => "check the unit of the column",
            Self::UnknownCategory(_) => "correct the cell, drop the row, or train with such rows",
        }
    }
}

const SAVE_AS_UTF_8: &str = "save the table as \"CSV UTF-8\"";

/// Most characters of a cell or name in a message.
const MAX_SHOWN: usize = 40;
/// Most names in a list in a message.
const MAX_LISTED: usize = 30;

/// In quotes, escaped, and not too long.
fn quoted(text: &str) -> String {
    let escaped = format!("{text:?}");
    let inner = &escaped[1..escaped.len() - 1];
    if inner.chars().count() <= MAX_SHOWN {
        return escaped;
    }
    let start: String = inner.chars().take(MAX_SHOWN - 3).collect();
    format!("\"{start}...\"")
}

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MAX_LISTED)
        .map(|name| quoted(name))
        .collect();
    match names.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
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
