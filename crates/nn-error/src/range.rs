//! The ranges of numeric settings.

use std::fmt;

use crate::{Error, Result};

/// The range of a numeric setting.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Range {
    /// Any finite number.
    Finite,
    /// Numbers above 0.
    Positive,
    /// Numbers of at least 0.
    NotNegative,
    /// Numbers from 0 (included) to 1 (excluded).
    Fraction,
    /// Numbers above 0 and at most 1.
    Factor,
    /// Whole numbers: 1, 2, 3, …
    Count,
    /// Whole numbers and 0: 0, 1, 2, …
    CountOrZero,
}

impl Range {
    /// Returns `true` if `value` lies in the range.
    pub fn contains(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Self::Finite => true,
                Self::Positive => value > 0.0,
                Self::NotNegative => value >= 0.0,
                Self::Fraction => (0.0..1.0).contains(&value),
                Self::Factor => value > 0.0 && value <= 1.0,
                Self::Count => value >= 1.0 && value.fract() == 0.0,
                Self::CountOrZero => value >= 0.0 && value.fract() == 0.0,
            }
    }

    /// Returns `value` if it is in the range.
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`] if the value is outside the range.
    pub fn check(self, what: &str, value: f64) -> Result<f64> {
        if self.contains(value) {
            return Ok(value);
        }
        Err(Error::OutOfRange {
            what: what.to_owned(),
            expected: self.to_string(),
            found: value.to_string(),
        })
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finite => "a finite number",
            Self::Positive => "a number above 0",
            Self::NotNegative => "a number of 0 or above",
            Self::Fraction => "a number from 0 to below 1",
            Self::Factor => "a number above 0 and at most 1",
            Self::Count => "a whole number of 1 or above",
            Self::CountOrZero => "a whole number of 0 or above",
        })
    }
}
