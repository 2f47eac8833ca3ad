//! The objective of a search.

use std::fmt;
use std::str::FromStr;

use nn_train::{Error, Result};

/// The quantity that a search minimizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objective {
    /// The validation loss.
    Loss,
    /// The validation error rate: 1 - accuracy.
    Error,
}

impl Objective {
    const ALL: [Self; 2] = [Self::Loss, Self::Error];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Error => "error",
        }
    }

    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Loss => "validation loss",
            Self::Error => "validation error rate",
        }
    }

    /// The objective for a validation loss and a validation accuracy.
    pub(crate) fn of(self, loss: Option<f64>, accuracy: Option<f64>) -> Option<f64> {
        match self {
            Self::Loss => loss,
            Self::Error => accuracy.map(|accuracy| 1.0 - accuracy),
        }
    }

    /// All names, for help.
    pub(crate) fn names() -> String {
        Self::ALL.map(Self::name).join(" or ")
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Objective {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|entry| entry.name() == text);
        found.ok_or_else(|| {
            Error::usage(format!(
                "expected {}, found \"{}\"",
                Self::names(),
                text.escape_debug()
            ))
        })
    }
}
