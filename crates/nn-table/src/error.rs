//! What can be wrong with a table, where, and how to fix it.

use std::io;
use std::path::{Path, PathBuf};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who or what is at fault; a program chooses its exit code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The content of a file is not what it should be.
    Data,
    /// The local file system.
    Io,
    /// A name or choice that does not exist.
    Usage,
}

/// Everything that can go wrong in this crate.
///
/// The text of an error says where, what was expected and what was found, in
/// one line; [`Error::help`] says how to fix it.
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
        /// The file.
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
    /// A line has more fields than a table may have columns.
    #[error("{path}: line {line}: more than {limit} columns", path = path.display())]
    TooManyColumns {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// Most columns.
        limit: usize,
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
    /// There is no memory for the inputs that a table becomes.
    #[error(
        "{path}: out of memory: {n_rows} rows of {n_inputs} inputs",
        path = path.display()
    )]
    OutOfMemory {
        /// The file.
        path: PathBuf,
        /// Rows of the table.
        n_rows: usize,
        /// Inputs of a row, one for each category.
        n_inputs: usize,
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

impl Error {
    /// What the operating system said about a file.
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    /// Who or what is at fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Io,
            Self::Empty { .. }
            | Self::NotAFile { .. }
            | Self::NotText { .. }
            | Self::NotUtf8 { .. }
            | Self::MixedHeader { .. }
            | Self::DuplicateColumn { .. }
            | Self::RaggedRow { .. }
            | Self::TooManyColumns { .. }
            | Self::BadCell { .. }
            | Self::MissingColumns { .. }
            | Self::NoTarget { .. }
            | Self::NoInputs { .. }
            | Self::TooManyCategories { .. }
            | Self::BadPreprocessing { .. }
            | Self::OutputCount { .. } => ErrorKind::Data,
            Self::UnknownChoice { .. }
            | Self::UnknownColumn { .. }
            | Self::OutOfMemory { .. }
            | Self::ConflictingRoles { .. }
            | Self::SeveralClassColumns { .. } => ErrorKind::Usage,
        }
    }

    /// One command or change that fixes it, if there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Io { .. }
            | Self::Empty { .. }
            | Self::UnknownChoice { .. }
            | Self::UnknownColumn { .. }
            | Self::OutputCount { .. } => return None,
            Self::NotAFile { .. } => "give the path of a file on a disk",
            Self::NotText { looks_like, .. } if looks_like.starts_with("UTF-16") => SAVE_AS_UTF_8,
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
            Self::TooManyColumns { .. } => "check that every row stands on a line of its own",
            Self::ConflictingRoles { .. } => "name each column once",
            Self::NoTarget { .. } => "to train, add a column \"label\" with the right answers",
            Self::OutOfMemory { .. } => {
                "leave text columns with many values out with --ignore, or use fewer rows"
            }
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
