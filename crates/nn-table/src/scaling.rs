//! The setting that selects the scaling of numeric inputs.

use std::fmt;
use std::str::FromStr;

use crate::choice::choice;
use crate::{Error, Result};

/// The setting that selects the scaling of numeric inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scaling {
    /// Mean 0 and standard deviation 1.
    #[default]
    Standard,
    /// Median 0 and interquartile range 1, then smooth clipping to ±3.
    Robust,
}

impl Scaling {
    /// All settings.
    pub const ALL: [Self; 2] = [Self::Standard, Self::Robust];

    /// Name of the setting: `standard` or `robust`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Robust => "robust",
        }
    }
}

impl FromStr for Scaling {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        choice("scaling", name, &Self::ALL, Self::name)
    }
}

impl fmt::Display for Scaling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
