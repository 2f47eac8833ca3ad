//! What can be wrong with a space, a study or its journal, and how to mend it.

use std::io;

/// How a dimension is written.
const FORMS: &str = "lr=log:1e-4..1, dropout=0..0.5, hidden=int:16..256, \
     hidden=int-log:16..1024, batch-size=16|32|64";

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who or what is at fault; a program chooses its exit code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A name, number or range chosen by the user.
    Usage,
    /// The content of a journal is not what it should be.
    Data,
    /// Reading or writing a journal failed.
    Io,
}

/// Everything that can go wrong in this crate.
///
/// The text of an error says where, what was expected and what was found, in
/// one line; [`Error::help`] says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A dimension that cannot be searched.
    #[error("dimension {text:?}: {problem}")]
    Dimension {
        /// What was written.
        text: String,
        /// What is wrong with it.
        problem: DimensionProblem,
    },
    /// Two dimensions have the same name.
    #[error("dimension {name:?} stands twice in the space")]
    DuplicateDimension {
        /// The name.
        name: String,
    },
    /// There is nothing to search.
    #[error("0 dimensions to search")]
    EmptySpace,
    /// A name that is not on a menu.
    #[error("unknown {menu} {name:?}; expected one of: {expected}")]
    UnknownName {
        /// What was being chosen, such as `strategy`.
        menu: &'static str,
        /// What was written.
        name: String,
        /// The right names.
        expected: String,
    },
    /// A parameter that a menu's entry does not have.
    #[error("{entry} has no parameter {parameter:?}; it has: {expected}")]
    UnknownParameter {
        /// Name of the entry.
        entry: &'static str,
        /// What was written.
        parameter: String,
        /// The right names, or `none`.
        expected: String,
    },
    /// A parameter that is not a count.
    #[error("{entry}:{parameter}: expected a whole number from {least}, found {found:?}")]
    Parameter {
        /// Name of the entry.
        entry: &'static str,
        /// Name of the parameter.
        parameter: &'static str,
        /// The smallest value.
        least: usize,
        /// What was written.
        found: String,
    },
    /// A point does not lie in the space.
    #[error("{name}: expected {expected}, found {found}")]
    OutsideSpace {
        /// Name of the dimension.
        name: String,
        /// What the space allows.
        expected: String,
        /// What the point has.
        found: String,
    },
    /// A trial that is not running: never asked for, or told before.
    #[error("trial {id} is not running")]
    NotRunning {
        /// Its number.
        id: usize,
    },
    /// A journal was written by a search with other settings.
    #[error("the journal belongs to another search: {setting} is {found}, expected {expected}")]
    OtherSearch {
        /// The setting that differs.
        setting: &'static str,
        /// Of the search to be continued.
        expected: String,
        /// In the journal.
        found: String,
    },
    /// A journal is empty, or does not begin as one.
    #[error("line 1: not the journal of a search")]
    NotAJournal,
    /// A line of a journal cannot be read.
    #[error("line {line}: {source}")]
    JournalLine {
        /// Counted from 1.
        line: usize,
        /// What the reader of JSON said.
        source: serde_json::Error,
    },
    /// A line of a journal tells what cannot have happened.
    #[error("line {line}: {source}")]
    JournalOrder {
        /// Counted from 1.
        line: usize,
        /// What would have been wrong.
        source: Box<Error>,
    },
    /// The reader or writer handed in failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Error {
    /// Who or what is at fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Dimension { .. }
            | Self::DuplicateDimension { .. }
            | Self::EmptySpace
            | Self::UnknownName { .. }
            | Self::UnknownParameter { .. }
            | Self::Parameter { .. }
            | Self::OutsideSpace { .. }
            | Self::NotRunning { .. }
            | Self::OtherSearch { .. } => ErrorKind::Usage,
            Self::NotAJournal | Self::JournalLine { .. } | Self::JournalOrder { .. } => {
                ErrorKind::Data
            }
            Self::Io(_) => ErrorKind::Io,
        }
    }

    /// How to mend it, if that can be said.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Dimension { problem, .. } => problem.help()?,
            Self::EmptySpace => format!("name what may vary: {FORMS}"),
            Self::OtherSearch { .. } => {
                "repeat the settings of the search to be continued, or begin a new journal"
                    .to_owned()
            }
            Self::JournalLine { .. } | Self::JournalOrder { .. } => {
                "restore the journal, or take that line and all after it out".to_owned()
            }
            _ => return None,
        })
    }
}

/// What is wrong with the text of a dimension.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DimensionProblem {
    /// No `=` in it.
    #[error("expected NAME=RANGE")]
    NoRange,
    /// A name that cannot be a flag.
    #[error("expected a name of letters, digits and hyphens, found {0:?}")]
    Name(String),
    /// Neither `low..high` nor `a|b`.
    #[error("expected LOW..HIGH or A|B|C, found {0:?}")]
    NotARange(String),
    /// A prefix other than those known.
    #[error("unknown scale {0:?}; expected one of: log, int, int-log")]
    Scale(String),
    /// An end of a range is not a number.
    #[error("expected a finite number, found {0:?}")]
    NotANumber(String),
    /// An end of a range of integers is not one, or has too many digits.
    #[error("expected a whole number of at most 15 digits, found {0:?}")]
    NotAnInteger(String),
    /// Nothing between the ends.
    #[error("expected a low end below the high end, found {low} and {high}")]
    Order {
        /// Low end.
        low: String,
        /// High end.
        high: String,
    },
    /// A logarithmic range that reaches 0.
    #[error("expected a logarithmic range to begin above 0, found {0}")]
    NotPositive(String),
    /// An option without a name.
    #[error("expected a value on both sides of each |, found none")]
    EmptyOption,
    /// An option that stands twice.
    #[error("option {0:?} stands twice")]
    DuplicateOption(String),
}

impl DimensionProblem {
    fn help(&self) -> Option<String> {
        match self {
            Self::NoRange | Self::NotARange(_) | Self::Scale(_) => {
                Some(format!("write it as one of: {FORMS}"))
            }
            Self::NotPositive(_) => Some("begin at a small number such as 1e-6".to_owned()),
            _ => None,
        }
    }
}
