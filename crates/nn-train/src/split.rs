//! The splits of a data set: training, validation and test samples.

use std::fmt;
use std::str::FromStr;

use nn_settings::{Error, Result};

/// A split of a data set: training, validation or test samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Split {
    /// Training samples.
    Train,
    /// Validation samples.
    Validation,
    /// Test samples.
    Test,
}

impl Split {
    /// All splits: training, validation and test.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Name of the split: `train`, `validation` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }

    /// Parses the name of a split in a table cell, in upper or lower case: `train` or `training`,
    /// `validation`, `valid`, `val` or `dev`, `test`.
    pub fn of_cell(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "validation" | "valid" | "val" | "dev" => Some(Self::Validation),
            "test" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Name of the split in a sentence: `training`, `validation` or `test`.
impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Train => "training",
            other => other.name(),
        })
    }
}

impl FromStr for Split {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|split| split.name() == text);
        found.ok_or_else(|| {
            Error::usage(format!(
                "split: expected {}, found \"{}\"",
                Self::ALL.map(Self::name).join(", "),
                text.escape_debug()
            ))
        })
    }
}
