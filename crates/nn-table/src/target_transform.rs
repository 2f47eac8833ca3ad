//! Transforms of a regression target before it is standardized.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::choice::choice;
use crate::{Error, Result};

/// The setting that selects the transform of the regression targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetTransform {
    /// Predict the target itself. A note reports a target that is better predicted as a
    /// logarithm.
    #[default]
    None,
    /// Predict the logarithm of each target, which must not be negative.
    Log,
    /// Predict the logarithm of each target that is skewed: no value is negative, the
    /// skewness is above 1, and the skewness of the logarithm is less than half of it.
    Auto,
}

impl TargetTransform {
    /// All settings.
    pub const ALL: [Self; 3] = [Self::None, Self::Log, Self::Auto];

    /// Name of the setting: `none`, `log` or `auto`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Log => "log",
            Self::Auto => "auto",
        }
    }
}

impl FromStr for TargetTransform {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        choice("target-transform", name, &Self::ALL, Self::name)
    }
}

impl fmt::Display for TargetTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The transform of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transform {
    /// The identity: y.
    #[default]
    Identity,
    /// ln y, for positive targets.
    Log,
    /// ln(1 + y), for targets of at least 0 that include 0.
    Log1p,
}

impl Transform {
    /// Transforms a target; the result is not finite outside the domain of the logarithm.
    pub fn apply(self, y: f64) -> f64 {
        match self {
            Self::Identity => y,
            Self::Log => y.ln(),
            Self::Log1p => y.ln_1p(),
        }
    }

    /// Inverts the transform.
    pub fn inverse(self, transformed: f64) -> f64 {
        match self {
            Self::Identity => transformed,
            Self::Log => transformed.exp(),
            Self::Log1p => transformed.exp_m1(),
        }
    }

    /// Returns `true` if targets are unchanged.
    pub fn is_identity(&self) -> bool {
        *self == Self::Identity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_restores_the_target() {
        for transform in [Transform::Identity, Transform::Log, Transform::Log1p] {
            for y in [1e-6, 0.5, 1.0, 3e7] {
                let restored = transform.inverse(transform.apply(y));
                assert!((restored / y - 1.0).abs() < 1e-12, "{transform:?} {y}");
            }
        }
    }
}
