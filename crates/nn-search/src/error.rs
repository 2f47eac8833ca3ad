//! Errors of nn-search, with the location, the expected and the found value, and a hint.

use std::io;

/// Examples of dimensions.
const FORMS: &str = "lr=log:1e-4..1, dropout=0..0.5, hidden=int:16..256, \
     hidden=int-log:16..1024, batch-size=16|32|64";

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of an error, for example to choose an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A name, number or range is invalid.
    Usage,
    /// The content of a journal is invalid.
    Data,
    /// Reading or writing a journal failed.
    Io,
}

/// An error of this crate.
///
/// The message is one line: the location, the expected and the found value.
/// [`Error::help`] has a hint on how to fix the problem.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text of a dimension is invalid.
    #[error("dimension {text:?}: {problem}")]
    Dimension {
        /// The invalid text of the dimension.
        text: String,
        /// Description of the problem.
        problem: DimensionProblem,
    },
    /// Two dimensions have the same name.
    #[error("dimension {name:?} occurs twice in the search space")]
    DuplicateDimension {
        /// The name that occurs twice.
        name: String,
    },
    /// The search space has no dimensions.
    #[error("expected at least 1 dimension to search, found 0")]
    EmptySpace,
    /// A name is not on a menu.
    #[error("unknown {menu} {name:?}; expected one of: {expected}")]
    UnknownName {
        /// Name of the menu, such as `strategy`.
        menu: &'static str,
        /// The name that is not on the menu.
        name: String,
        /// The names on the menu.
        expected: String,
    },
    /// A menu entry does not have the requested parameter.
    #[error("{entry}: unknown parameter {parameter:?}; expected one of: {expected}")]
    UnknownParameter {
        /// Name of the entry.
        entry: &'static str,
        /// Name of the unknown parameter.
        parameter: String,
        /// Names of the parameters of the entry, or `none`.
        expected: String,
    },
    /// The value of a parameter is not a valid number.
    #[error("{entry}:{parameter}: expected a whole number of at least {least}, found {found:?}")]
    Parameter {
        /// Name of the entry.
        entry: &'static str,
        /// Name of the parameter.
        parameter: &'static str,
        /// Minimum value.
        least: usize,
        /// The invalid value of the parameter, as text.
        found: String,
    },
    /// A point is outside the search space.
    #[error("{name}: expected {expected}, found {found}")]
    OutsideSpace {
        /// Name of the dimension.
        name: String,
        /// The range of the dimension.
        expected: String,
        /// The value outside the range.
        found: String,
    },
    /// A point has a value for a name that is not a dimension.
    #[error("{name}: not a dimension of the search space")]
    UnknownDimension {
        /// The name that is not a dimension.
        name: String,
    },
    /// A trial is not running: it does not exist or has ended.
    #[error("trial {id} is not running")]
    NotRunning {
        /// Number of the trial.
        id: usize,
    },
    /// Two workers have different points or results of the same trial.
    #[error("trial {id}: two workers have different results of this trial")]
    Disagreement {
        /// Number of the trial.
        id: usize,
    },
    /// A journal was written by a search with different settings.
    #[error(
        "the journal belongs to a different search: expected {setting} {expected}, found {found}"
    )]
    OtherSearch {
        /// The setting that differs.
        setting: &'static str,
        /// Value of the setting in the resumed search.
        expected: String,
        /// Value of the setting in the journal.
        found: String,
    },
    /// A journal is empty or does not begin with settings.
    #[error("line 1: expected the settings of a search; this file is not a journal")]
    NotAJournal,
    /// A line of a journal is not a valid entry.
    #[error("line {line}: {source}")]
    JournalLine {
        /// Number of the line, counted from 1.
        line: usize,
        /// The error of the JSON parser.
        source: serde_json::Error,
    },
    /// A line of a journal contradicts the lines before it.
    #[error("line {line}: {source}")]
    JournalOrder {
        /// Number of the line, counted from 1.
        line: usize,
        /// Description of the contradiction.
        source: Box<Error>,
    },
    /// The reader or writer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// Category of the error, for example to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Dimension { .. }
            | Self::DuplicateDimension { .. }
            | Self::EmptySpace
            | Self::UnknownName { .. }
            | Self::UnknownParameter { .. }
            | Self::Parameter { .. }
            | Self::OutsideSpace { .. }
            | Self::UnknownDimension { .. }
            | Self::NotRunning { .. }
            | Self::OtherSearch { .. } => ErrorKind::Usage,
            Self::Disagreement { .. }
            | Self::NotAJournal
            | Self::JournalLine { .. }
            | Self::JournalOrder { .. } => ErrorKind::Data,
            Self::Io(_) => ErrorKind::Io,
        }
    }

    /// A hint on how to fix the error, if there is one.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Dimension { problem, .. } => problem.help()?,
            Self::EmptySpace => format!("give at least one dimension, for example: {FORMS}"),
            Self::Disagreement { .. } => {
                "the result of a trial must depend on its point only, so that workers agree"
                    .to_owned()
            }
            Self::OtherSearch { .. } => {
                "use the settings of the search to be resumed, or start a new journal".to_owned()
            }
            Self::JournalLine { .. } | Self::JournalOrder { .. } => {
                "restore the journal, or delete this line and all lines after it".to_owned()
            }
            _ => return None,
        })
    }
}

/// A problem in the text of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DimensionProblem {
    /// The text has no `=`.
    #[error("expected NAME=RANGE")]
    NoRange,
    /// The name has invalid characters.
    #[error("expected a name of letters, digits and hyphens, found {0:?}")]
    Name(String),
    /// The range is neither `low..high` nor `a|b`.
    #[error("expected LOW..HIGH or A|B|C, found {0:?}")]
    NotARange(String),
    /// The scale is unknown.
    #[error("unknown scale {0:?}; expected one of: log, int, int-log")]
    Scale(String),
    /// A bound of the range is not a finite number.
    #[error("expected a finite number, found {0:?}")]
    NotANumber(String),
    /// A bound of an integer range is not a whole number or has too many digits.
    #[error("expected a whole number of at most 15 digits, found {0:?}")]
    NotAnInteger(String),
    /// The lower bound is not below the upper bound.
    #[error("expected a lower bound below the upper bound, found {low} and {high}")]
    Order {
        /// Lower bound.
        low: String,
        /// Upper bound.
        high: String,
    },
    /// The lower bound of a logarithmic range is not positive.
    #[error("expected a logarithmic range with a lower bound above 0, found {0}")]
    NotPositive(String),
    /// An option is empty.
    #[error("expected a value on both sides of each |, found an empty one")]
    EmptyOption,
    /// An option occurs twice.
    #[error("option {0:?} occurs twice")]
    DuplicateOption(String),
}

impl DimensionProblem {
    fn help(&self) -> Option<String> {
        match self {
            Self::NoRange | Self::NotARange(_) | Self::Scale(_) => {
                Some(format!("write the dimension as one of: {FORMS}"))
            }
            Self::NotPositive(_) => Some("choose a small lower bound such as 1e-6".to_owned()),
            _ => None,
        }
    }
}
