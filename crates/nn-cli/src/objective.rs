//! What a search makes small.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// What is made small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Objective {
    /// The validation loss.
    Loss,
    /// The share of validation samples that are answered wrongly.
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

    /// Its value, from what was measured on the validation samples.
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

impl FromStr for Objective {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|entry| entry.name() == text);
        found.ok_or_else(|| {
            Failure::usage(format!(
                "--objective: expected {}, found \"{}\"",
                Self::names(),
                text.escape_debug()
            ))
        })
    }
}
