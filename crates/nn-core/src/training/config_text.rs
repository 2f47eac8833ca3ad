//! Text forms of training settings that are not menus.

use std::fmt;
use std::str::FromStr;

use nn_error::shorten;

use super::config::{BatchSize, ClassWeights, Monitor, RateFactor, Reduction};
use crate::{Error, Result};

fn invalid(what: &str, expected: &str, found: &str) -> Error {
    Error::OutOfRange {
        what: what.to_owned(),
        expected: expected.to_owned(),
        found: format!("\"{}\"", shorten(found)),
    }
}

/// A number of rows, or `full`.
impl FromStr for BatchSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match (text, text.parse()) {
            ("full", _) => Ok(Self::Full),
            (_, Ok(rows @ 1..)) => Ok(Self::Rows(rows)),
            _ => {
                let expected = "a whole number from 1, or full";
                Err(invalid("batch size", expected, text))
            }
        }
    }
}

impl fmt::Display for BatchSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => f.write_str("full"),
            Self::Rows(rows) => rows.fmt(f),
        }
    }
}

/// `mean` or `sum`.
impl FromStr for Reduction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "mean" => Ok(Self::Mean),
            "sum" => Ok(Self::Sum),
            _ => Err(invalid("reduction", "mean or sum", text)),
        }
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mean => "mean",
            Self::Sum => "sum",
        })
    }
}

/// `loss` or `error`.
impl FromStr for Monitor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "loss" => Ok(Self::Loss),
            "error" => Ok(Self::Error),
            _ => Err(invalid("monitor", "loss or error", text)),
        }
    }
}

impl fmt::Display for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "loss",
            Self::Error => "error",
        })
    }
}

/// `none`, `balanced`, or one number per class: `1,2.5`.
impl FromStr for ClassWeights {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "none" => Ok(Self::None),
            "balanced" => Ok(Self::Balanced),
            list => {
                let weights = list.split(',').map(|weight| weight.trim().parse::<f64>());
                let weights = weights.collect::<Result<_, _>>().map_err(|_| {
                    let expected = "none, balanced, or numbers such as 1,2.5";
                    invalid("class weights", expected, text)
                })?;
                Ok(Self::Given(weights))
            }
        }
    }
}

impl fmt::Display for ClassWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Balanced => f.write_str("balanced"),
            Self::Given(weights) => {
                let weights: Vec<String> = weights.iter().map(f64::to_string).collect();
                f.write_str(&weights.join(","))
            }
        }
    }
}

/// `bias=0.1`, `bias=0.1:decay=0`, or `2.weight=0.5` for the third layer only.
impl FromStr for RateFactor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (factor, decay) = match text.split_once(":decay=") {
                Some((factor, decay)) => (factor, decay.parse().ok()?),
                None => (text, 1.0),
            };
            let (name, factor) = factor.split_once('=')?;
            let in_layer = name
                .split_once('.')
                .and_then(|(layer, tensor)| Some((layer.parse().ok()?, tensor)));
            let (layer, tensor) = match in_layer {
                Some((layer, tensor)) => (Some(layer), tensor),
                None => (None, name),
            };
            Some(Self {
                layer,
                decay,
                ..Self::new(tensor, factor.parse().ok()?)
            })
        };
        let expected = "a tensor and its factor, such as bias=0.1";
        read().ok_or_else(|| invalid("learning-rate factor", expected, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip() {
        for text in ["full", "1", "64"] {
            assert_eq!(text.parse::<BatchSize>().unwrap().to_string(), text);
        }
        for text in ["mean", "sum"] {
            assert_eq!(text.parse::<Reduction>().unwrap().to_string(), text);
        }
        for text in ["loss", "error"] {
            assert_eq!(text.parse::<Monitor>().unwrap().to_string(), text);
        }
        for text in [
            "bias=0.1",
            "2.weight=0.5",
            "parametric.alpha=2:decay=0",
            "0.periodic_embedding.columns=0.1:decay=0.5",
        ] {
            assert_eq!(text.parse::<RateFactor>().unwrap().to_string(), text);
        }
        for text in ["none", "balanced", "1,2.5", "3"] {
            assert_eq!(text.parse::<ClassWeights>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn errors_say_what_is_expected() {
        let error = "0".parse::<BatchSize>().unwrap_err();
        let expected = "batch size: expected a whole number from 1, or full, found \"0\"";
        assert_eq!(error.to_string(), expected);
        assert!("means".parse::<Reduction>().is_err());
        assert!("accuracy".parse::<Monitor>().is_err());
        assert!("1,x".parse::<ClassWeights>().is_err());
        assert!("bias".parse::<RateFactor>().is_err());
        assert!("bias=1:rate=2".parse::<RateFactor>().is_err());
    }
}
