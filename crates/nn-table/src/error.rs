//! Errors of this crate, with a location, the expected value, the value found, and a hint.

use std::fmt;
use std::path::{Path, PathBuf};

use nn_columnar::FileFormat;
use nn_data::ErrorKind;

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

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
    /// A table has no rows.
    #[error(transparent)]
    Data(#[from] nn_data::Error),
    /// A setting has a value that is not one of its choices.
    #[error("unknown {what} {name:?}; expected one of: {}", choices.join(", "))]
    UnknownChoice {
        /// Name of the setting, such as `task`.
        what: &'static str,
        /// The invalid value of the setting.
        name: String,
        /// The valid values of the setting.
        choices: Vec<&'static str>,
    },
    /// A file is not a text file.
    #[error("{path}: expected a table in text form, found {looks_like}", path = path.display())]
    NotText {
        /// Path of the file.
        path: PathBuf,
        /// Format that the first bytes indicate, such as `a PNG image`.
        looks_like: &'static str,
    },
    /// A file holds a NUL character, which does not occur in text files.
    #[error("{path}: line {line}: expected text, found a NUL character", path = path.display())]
    Nul {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: u64,
    },
    /// A file in a format other than text cannot be read: it is damaged or has no table, or
    /// this build does not read its format.
    #[error("{path}: {error}", path = path.display())]
    BadFile {
        /// Path of the file.
        path: PathBuf,
        /// The error of the file reader.
        error: nn_columnar::Error,
    },
    /// A column has a type that tables do not support.
    #[error(
        "{path}: column {column}: expected numbers, text, booleans, dates or times, found {found}",
        path = path.display(),
        column = quoted(column)
    )]
    UnsupportedColumn {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// Description of the unsupported type, such as `nested values`.
        found: String,
    },
    /// A gzip file is damaged, or decompresses to an implausible size.
    #[error("{path}: expected a gzip-compressed table: {reason}", path = path.display())]
    BadGzip {
        /// Path of the file.
        path: PathBuf,
        /// Description of the damage.
        reason: String,
    },
    /// A schema file is invalid.
    #[error("invalid schema file: {reason}")]
    BadSchema {
        /// Description of the invalid part of the schema.
        reason: String,
    },
    /// A table without a header has a different number of columns than the model expects.
    #[error(
        "{path}: expected {all} columns as in the training table, or the {inputs} inputs \
         alone; found {found}",
        path = path.display()
    )]
    ColumnCount {
        /// Path of the file.
        path: PathBuf,
        /// Number of columns of the training table.
        all: usize,
        /// Number of input columns.
        inputs: usize,
        /// Number of columns of the table without a header.
        found: usize,
    },
    /// The first row could be a header or data.
    #[error(
        "{path}: line {line}: expected a header or data, found both: {number} is a number, \
         {word} is not",
        path = path.display(),
        number = quoted(number),
        word = quoted(word)
    )]
    AmbiguousHeader {
        /// Path of the file.
        path: PathBuf,
        /// Number of the first line that is not blank.
        line: u64,
        /// The first cell that is a number.
        number: String,
        /// The first cell that is not a number.
        word: String,
    },
    /// Two columns have the same name.
    #[error(
        "{path}: columns {first} and {second} have the same name {name}",
        path = path.display(),
        name = quoted(name)
    )]
    DuplicateColumn {
        /// Path of the file.
        path: PathBuf,
        /// The name that occurs twice.
        name: String,
        /// Position of the first column with the name, counted from 1.
        first: usize,
        /// Position of the second column with the name, counted from 1.
        second: usize,
    },
    /// A line has too many fields.
    #[error(
        "{path}: line {line}: expected at most {limit} columns, found more",
        path = path.display()
    )]
    TooManyColumns {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, counted from 1.
        line: u64,
        /// Maximum number of columns.
        limit: usize,
    },
    /// A row has too few or too many fields.
    #[error(
        "{path}: line {line}: expected {expected} fields, found {found}",
        path = path.display()
    )]
    RaggedRow {
        /// Path of the file.
        path: PathBuf,
        /// First line of the row, counted from 1.
        line: u64,
        /// Number of fields of the first row.
        expected: usize,
        /// Number of fields of the invalid row.
        found: usize,
    },
    /// A cell has an invalid value.
    #[error(
        "{path}: {place}, column {column}: {problem}, found {text}",
        path = path.display(),
        column = quoted(column),
        text = quoted(text)
    )]
    BadCell {
        /// Path of the file.
        path: PathBuf,
        /// Place of the row in the file.
        place: Place,
        /// Name of the column.
        column: String,
        /// Text of the invalid cell.
        text: String,
        /// Description of the invalid value.
        problem: CellProblem,
    },
    /// A requested column does not exist.
    #[error(
        "{path}: unknown column {}{}; expected one of: {}",
        quoted(name),
        did_you_mean(nearest.as_deref()),
        listed(columns),
        path = path.display()
    )]
    UnknownColumn {
        /// Path of the file.
        path: PathBuf,
        /// The unknown column name.
        name: String,
        /// The most similar column name, if there is one.
        nearest: Option<String>,
        /// The names of all columns.
        columns: Vec<String>,
    },
    /// Input or target columns of the model are missing.
    #[error("{path}: missing columns: {}", listed(missing), path = path.display())]
    MissingColumns {
        /// Path of the file.
        path: PathBuf,
        /// Names of the missing columns.
        missing: Vec<String>,
    },
    /// A target or a sample weight is an input of the model that is trained further.
    #[error(
        "{path}: column {column}: an input of the model cannot be the target or the sample weight",
        path = path.display(),
        column = quoted(column)
    )]
    InputHasRole {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
    },
    /// The settings give a column two roles.
    #[error(
        "{path}: column {column}: expected only one of the roles target, sample weight, group, \
         order, split and ignored, found two",
        path = path.display(),
        column = quoted(column)
    )]
    ConflictingRoles {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
    },
    /// A training table of images has no labels.
    #[error(
        "{path}: expected 784 pixel columns and a label column, found no label column",
        path = path.display()
    )]
    NoTarget {
        /// Path of the file.
        path: PathBuf,
    },
    /// There is not enough memory for the encoded inputs.
    #[error(
        "{path}: out of memory for {n_rows} rows of {n_inputs} inputs",
        path = path.display()
    )]
    OutOfMemory {
        /// Path of the file.
        path: PathBuf,
        /// Number of rows.
        n_rows: usize,
        /// Number of inputs per row, after one-hot encoding.
        n_inputs: usize,
    },
    /// The target has no value in any row, or only values of another type than in the training
    /// table.
    #[error(
        "{path}: none of the {n_rows} rows has a value of the target in {columns}",
        path = path.display(),
        columns = listed(columns)
    )]
    NoTargetValues {
        /// Path of the file.
        path: PathBuf,
        /// Names of the target columns.
        columns: Vec<String>,
        /// Number of rows.
        n_rows: usize,
    },
    /// There are no input columns.
    #[error(
        "{path}: expected input columns besides the target, found only: {}",
        listed(columns),
        path = path.display()
    )]
    NoInputs {
        /// Path of the file.
        path: PathBuf,
        /// The names of all columns.
        columns: Vec<String>,
    },
    /// Every input column has the same value in all training rows.
    #[error(
        "{path}: expected an input column that varies in the training rows, found only: {}",
        listed(columns),
        path = path.display()
    )]
    ConstantInputs {
        /// Path of the file.
        path: PathBuf,
        /// The names of all columns.
        columns: Vec<String>,
    },
    /// Classification has more than one target column.
    #[error(
        "{path}: expected 1 target column for classification, found {}: {}",
        columns.len(),
        listed(columns),
        path = path.display()
    )]
    SeveralClassTargets {
        /// Path of the file.
        path: PathBuf,
        /// Names of the target columns.
        columns: Vec<String>,
    },
    /// The target has too many classes.
    #[error(
        "{path}: target {column}: expected at most {limit} classes, found {found}",
        path = path.display(),
        column = quoted(column)
    )]
    TooManyClasses {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// Number of classes found.
        found: usize,
        /// Maximum number of classes.
        limit: usize,
    },
    /// The preprocessing in a model file is invalid.
    #[error("invalid preprocessing in the model file: {reason}")]
    BadPreprocessing {
        /// Description of the invalid part of the preprocessing.
        reason: String,
    },
    /// The network and the preprocessing have different numbers of outputs.
    #[error("expected a network with {expected} outputs, found {found}")]
    OutputCount {
        /// Number of outputs that the preprocessing expects.
        expected: usize,
        /// Number of outputs of the network.
        found: usize,
    },
}

impl Error {
    pub(crate) fn bad_file(path: &Path, error: nn_columnar::Error) -> Self {
        let path = path.to_owned();
        Self::BadFile { path, error }
    }

    /// The category of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File(error) => error.into(),
            Self::Data(error) => error.kind(),
            Self::NotText { .. }
            | Self::Nul { .. }
            | Self::BadGzip { .. }
            | Self::BadFile { .. }
            | Self::UnsupportedColumn { .. }
            | Self::ColumnCount { .. }
            | Self::AmbiguousHeader { .. }
            | Self::DuplicateColumn { .. }
            | Self::RaggedRow { .. }
            | Self::TooManyColumns { .. }
            | Self::BadCell { .. }
            | Self::MissingColumns { .. }
            | Self::NoTarget { .. }
            | Self::NoTargetValues { .. }
            | Self::NoInputs { .. }
            | Self::ConstantInputs { .. }
            | Self::TooManyClasses { .. }
            | Self::BadPreprocessing { .. }
            | Self::OutputCount { .. } => ErrorKind::Data,
            Self::UnknownChoice { .. }
            | Self::UnknownColumn { .. }
            | Self::BadSchema { .. }
            | Self::OutOfMemory { .. }
            | Self::ConflictingRoles { .. }
            | Self::InputHasRole { .. }
            | Self::SeveralClassTargets { .. } => ErrorKind::Usage,
        }
    }

    /// A hint that says how to fix the error, if there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::File(error) => return error.help().map(str::to_owned),
            Self::Data(error) => return error.help(),
            Self::UnknownChoice { .. } | Self::UnknownColumn { .. } | Self::OutputCount { .. } => {
                return None;
            }
            Self::NotText { .. } => "export the table as CSV with UTF-8 encoding",
            Self::Nul { .. } => "the file is damaged or binary: export it as CSV again",
            Self::BadGzip { .. } => "download or copy the file again, or decompress it first",
            Self::BadFile {
                error: nn_columnar::Error::FormatNotBuilt { feature, .. },
                ..
            } => {
                return Some(format!(
                    "to read this format, run `cargo install --path crates/nn-cli --features \
                     {feature}`"
                ));
            }
            Self::BadFile { .. } => "download or copy the file again, or export the table as CSV",
            Self::UnsupportedColumn { .. } => "add the column to `ignore`",
            Self::BadSchema { .. } => {
                "the keys are header, separator, target, missing and columns; the types are \
                 number, date, category and ignored"
            }
            Self::ColumnCount { .. } => {
                "the model was trained on a table without column names, so columns are matched \
                 by position"
            }
            Self::AmbiguousHeader { .. } => "set `header` to yes or no",
            Self::DuplicateColumn { .. } => {
                "rename one of these columns; if the first row is data, set `header` to no"
            }
            Self::RaggedRow { .. } => {
                "give every row the same number of fields; quote cells that contain the separator"
            }
            Self::BadCell { problem, .. } => problem.help(),
            Self::MissingColumns { .. } => "add the columns on which the model was trained",
            Self::TooManyColumns { .. } => "check that each row has its own line",
            Self::ConflictingRoles { .. } => "give each column one role",
            Self::InputHasRole { .. } => "choose another `target`, or train a new model",
            Self::NoTarget { .. } => "add a column \"label\" with the class of each image",
            Self::NoTargetValues { .. } => {
                "write the classes or numbers of the target as in the training table"
            }
            Self::OutOfMemory { .. } => {
                "use `ignore` to leave out text columns with many values, or use fewer rows"
            }
            Self::NoInputs { .. } => "check the separator: a comma, a semicolon or a tab",
            Self::ConstantInputs { .. } => "use more rows, or other columns",
            Self::SeveralClassTargets { .. } => {
                "set `target` to one column; for columns of 0 and 1, set `task` to multi-label"
            }
            Self::TooManyClasses { .. } => {
                "choose another `target`; if its cells are numbers, set `task` to regression"
            }
            Self::BadPreprocessing { .. } => {
                "the model file is damaged: copy it again or train again"
            }
        };
        Some(help.to_owned())
    }
}

/// The place of a row in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The first line of the row in a text file, counted from 1.
    Line(u64),
    /// The number of the row in a file without lines, counted from 1.
    Row(u64),
}

/// `line 2` or `row 1`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
        }
    }
}

impl Place {
    /// The place of a row by its number in [`Table::lines`](crate::Table::lines).
    pub(crate) fn new(format: Option<FileFormat>, number: u64) -> Self {
        match format {
            None => Self::Line(number),
            Some(_) => Self::Row(number),
        }
    }
}

/// A problem with the value of a cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CellProblem {
    /// The cell of a numeric column is not a number.
    #[error("expected a number")]
    NotANumber,
    /// The number is NaN, infinite, or too large for an `f32`.
    #[error("expected a finite number below 3.4e38")]
    NotFinite,
    /// The value of a target or a sample weight is missing.
    #[error("expected a value")]
    Missing,
    /// The cell of a date column does not have the format of the column.
    #[error("expected a date or time ({0})")]
    NotADate(String),
    /// A quoted cell contains a line break.
    #[error("expected one line (is a quote missing?)")]
    LineBreak,
    /// The cell of a multi-label target is neither 0 nor 1.
    #[error("expected 0 or 1")]
    NotBinary,
    /// The cell of a pixel column is not a whole number from 0 to 255.
    #[error("expected a whole number from 0 to 255")]
    NotAPixel,
    /// A sample weight is negative, or all sample weights are 0.
    #[error("expected sample weights of at least 0, not all 0")]
    NotAWeight,
    /// The standardized number is too large for an `f32`.
    #[error("expected a number in the range of the training rows")]
    OutOfRange,
    /// The logarithm of the target is not defined.
    #[error("expected a number above 0, because the logarithm of the target is predicted")]
    NoLogarithm,
    /// The cell of the column that orders the rows is neither a number nor a date.
    #[error("expected a number, a date or a time, to order the rows")]
    NotOrdered,
    /// The cell of the split column is not the name of a split.
    #[error("expected train, validation or test")]
    NotASplit,
    /// The category or class is unknown. The message lists the known names.
    #[error("expected one of: {}", listed(.0))]
    UnknownCategory(Vec<String>),
}

impl CellProblem {
    fn help(&self) -> &'static str {
        match self {
            Self::NotANumber => {
                "correct the cell; add it to `missing` if it means a missing value, or the column \
                 to `categorical` if its cells are categories"
            }
            Self::NotADate(_) => "correct the cell, or add it to `missing`",
            Self::NotFinite => "correct the cell, or delete the row",
            Self::Missing => "fill in the cell or delete the row",
            Self::LineBreak => "close the quote or remove the line break",
            Self::NotBinary => {
                "for multi-label classification, use one column per label, with the values 0 and 1"
            }
            Self::NotAPixel => "pixels are gray values, as in MNIST",
            Self::NotAWeight => "a row of weight 2 counts twice, and a row of weight 0 is ignored",
            Self::OutOfRange => "check the unit of the column",
            Self::NoLogarithm => "correct the cell, or train with `target-transform = none`",
            Self::NotOrdered => "order the rows by another column",
            Self::NotASplit => "write the split of each row, or leave `split-column` out",
            Self::UnknownCategory(_) => {
                "correct the cell, delete the row, or train on rows with this value"
            }
        }
    }
}

/// Maximum number of characters of a cell or name in a message.
const MAX_SHOWN: usize = 40;
/// Maximum number of names of a list in a message.
const MAX_LISTED: usize = 30;

/// Quotes and escapes a text, and truncates it if it is long.
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
