//! A value of a setting, with the text from which the value was parsed.

use std::fmt;
use std::str::FromStr;

use nn_core::Activation;
use nn_core::training::RateFactor;
use serde::de::{Deserialize, Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use crate::error::{Error, Result};

/// A value, with the text from which the value was parsed, such as `adam:beta1=0.8`.
///
/// Two choices are equal if their texts are equal.
///
/// ```
/// use nn_core::Optimizer;
/// use nn_settings::Choice;
///
/// let choice: Choice<Optimizer> = "adamw:weight-decay=0.1".parse()?;
/// assert!(choice.text().contains("weight-decay"));
/// assert_eq!(Choice::new(*choice.value()), choice);
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Choice<T> {
    text: String,
    value: T,
}

impl<T: fmt::Display> Choice<T> {
    /// Creates a choice from a value, with the shortest text for this value.
    pub fn new(value: T) -> Self {
        Self {
            text: value.to_string(),
            value,
        }
    }
}

impl<T> Choice<T> {
    /// The text from which the value was parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The value parsed from the text.
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<T> PartialEq for Choice<T> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<T: FromStr> FromStr for Choice<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        Ok(Self {
            value: text.parse()?,
            text: text.to_owned(),
        })
    }
}

impl<T: fmt::Display> From<T> for Choice<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> fmt::Display for Choice<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<T> Serialize for Choice<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// From a text, a number, or a list of both: `"128,64"`, `128` and `[128, 64]`.
impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = deserializer.deserialize_any(TextVisitor)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Reads a value as the text that it is in a flag.
struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a list")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<String, A::Error> {
        let mut items = Vec::new();
        while let Some(Item(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(items.join(","))
    }
}

/// An item of a list.
struct Item(String);

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor).map(Self)
    }
}

/// Widths of the hidden layers: `128,64`; empty for none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

impl FromStr for Widths {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let width = |part: &str| {
            part.trim().parse().map_err(|_| {
                Error::usage(format!(
                    "expected widths such as 128,64, found \"{}\"",
                    part.escape_debug()
                ))
            })
        };
        text.split(',').map(width).collect::<Result<_>>().map(Self)
    }
}

impl fmt::Display for Widths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.0))
    }
}

/// Numbers of training samples in a learning curve: `auto`, or `100,1000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// The number of all training samples, and that number halved up to five times.
    Auto,
    /// These numbers, in ascending order.
    Numbers(Vec<usize>),
}

impl FromStr for Sizes {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.trim() == "auto" {
            return Ok(Self::Auto);
        }
        let size = |part: &str| match part.trim().parse() {
            Ok(size) if size > 0 => Ok(size),
            _ => Err(Error::usage(format!(
                "expected auto or whole numbers from 1, such as 100,1000, found \"{}\"",
                part.escape_debug()
            ))),
        };
        let mut sizes: Vec<usize> = text.split(',').map(size).collect::<Result<_>>()?;
        sizes.sort_unstable();
        sizes.dedup();
        Ok(Self::Numbers(sizes))
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Numbers(sizes) => f.write_str(&joined(sizes)),
        }
    }
}

/// Activations of the hidden layers: one for all, or one per layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations(pub Vec<Activation>);

impl FromStr for Activations {
    type Err = nn_core::Error;

    fn from_str(text: &str) -> Result<Self, nn_core::Error> {
        let names = text.split(',');
        names.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Activations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.0))
    }
}

fn joined<T: fmt::Display>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    items.join(",")
}

/// Factors of the learning rate for some tensors: `bias=0.1,scaling=6`; empty for none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RateFactors(pub Vec<RateFactor>);

impl RateFactors {
    /// The names of the tensors: those of dense layers, and the stages.
    pub const TENSORS: [&'static str; 9] = [
        "weight",
        "bias",
        "batch_norm",
        "layer_norm",
        "scaling",
        "parametric",
        "category_embedding",
        "periodic_embedding",
        "piecewise_linear_embedding",
    ];
}

impl FromStr for RateFactors {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let factor = |part: &str| {
            let factor: RateFactor = part.trim().parse()?;
            let tensor = factor.tensor.split('.').next().unwrap_or_default();
            if Self::TENSORS.contains(&tensor) {
                return Ok(factor);
            }
            Err(Error::usage(format!(
                "expected a tensor ({}), found \"{}\"",
                Self::TENSORS.join(", "),
                tensor.escape_debug()
            )))
        };
        text.split(',').map(factor).collect::<Result<_>>().map(Self)
    }
}

impl fmt::Display for RateFactors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&joined(&self.0))
    }
}

/// Embedding of the numeric columns of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NumericEmbedding {
    /// No embedding.
    #[default]
    None,
    /// Cosines with 16 learned frequencies, combined to 3 values per column besides the
    /// column itself.
    Periodic,
    /// A piecewise-linear encoding over 32 quantile bins, combined to 8 values per column.
    PiecewiseLinear,
}

impl NumericEmbedding {
    /// All embeddings.
    pub const ALL: [Self; 3] = [Self::None, Self::Periodic, Self::PiecewiseLinear];

    /// Name in settings: `none`, `periodic` or `piecewise-linear`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Periodic => "periodic",
            Self::PiecewiseLinear => "piecewise-linear",
        }
    }
}

impl FromStr for NumericEmbedding {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&Self::ALL, Self::name, text)
    }
}

impl fmt::Display for NumericEmbedding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Calibration of predicted probabilities after training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calibrate {
    /// Probabilities as the network was trained.
    #[default]
    None,
    /// Temperature scaling (Guo et al. 2017): one factor on the logits, fitted to the
    /// validation samples.
    Temperature,
}

impl Calibrate {
    /// All methods.
    pub const ALL: [Self; 2] = [Self::None, Self::Temperature];

    /// Name in settings: `none` or `temperature`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Temperature => "temperature",
        }
    }
}

impl FromStr for Calibrate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&Self::ALL, Self::name, text)
    }
}

impl fmt::Display for Calibrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A preset: a group of settings with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// A plain multilayer perceptron.
    #[default]
    Plain,
    /// RealMLP-TD (Holzmüller et al. 2024, "Better by Default"), with piecewise-linear embeddings.
    Tabular,
    /// RealMLP-TD-S, the simple variant, with piecewise-linear embeddings and fewer epochs.
    TabularFast,
    /// A plain network with 8 members (Gorishniy et al. 2024, "TabM") for small tables, trained
    /// for more epochs.
    TabularSmall,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 4] = [
        Self::Plain,
        Self::Tabular,
        Self::TabularFast,
        Self::TabularSmall,
    ];

    /// Name in settings: `plain`, `tabular`, `tabular-fast` or `tabular-small`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tabular => "tabular",
            Self::TabularFast => "tabular-fast",
            Self::TabularSmall => "tabular-small",
        }
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&Self::ALL, Self::name, text)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The choice with this name.
fn named<T: Copy>(all: &[T], name_of: fn(T) -> &'static str, text: &str) -> Result<T> {
    let found = all.iter().copied().find(|&choice| name_of(choice) == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|&choice| name_of(choice)).collect();
        Error::usage(format!(
            "expected {}, found \"{}\"",
            names.join(" or "),
            text.escape_debug()
        ))
    })
}

/// Reaction to a loss or a gradient that becomes NaN or infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDivergence {
    /// Stop the run; the best weights so far are kept.
    #[default]
    Stop,
    /// Restart the epoch with half the learning rate.
    HalveRate,
}

impl OnDivergence {
    /// Both reactions to divergence.
    pub const ALL: [Self; 2] = [Self::Stop, Self::HalveRate];

    /// Name in settings: `stop` or `halve-lr`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::HalveRate => "halve-lr",
        }
    }
}

impl FromStr for OnDivergence {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        named(&Self::ALL, Self::name, text)
    }
}

impl fmt::Display for OnDivergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use nn_core::Optimizer;

    use super::*;

    #[test]
    fn texts_are_kept_as_written() {
        let choice: Choice<Optimizer> = "adam:beta1=0.9".parse().unwrap();
        assert_eq!(choice.to_string(), "adam:beta1=0.9");
        assert_eq!(Choice::new(*choice.value()).to_string(), "adam");
        let json = serde_json::to_value(&choice).unwrap();
        assert_eq!(json, "adam:beta1=0.9");
        let read: Choice<Optimizer> = serde_json::from_value(json).unwrap();
        assert_eq!(read, choice);
        assert!(serde_json::from_str::<Choice<Optimizer>>("\"adan\"").is_err());
        for (json, text) in [("12", "12"), ("[128, \"64\"]", "128,64"), ("[]", "")] {
            let widths: Choice<Widths> = serde_json::from_str(json).unwrap();
            assert_eq!(widths.text(), text);
        }
    }

    #[test]
    fn lists_round_trip() {
        for text in ["128,64", "8", ""] {
            assert_eq!(text.parse::<Widths>().unwrap().to_string(), text);
        }
        let error = "8,x".parse::<Widths>().unwrap_err();
        let expected = "expected widths such as 128,64, found \"x\"";
        assert_eq!(error.to_string(), expected);
        for text in ["bias=0.1:decay=0,0.weight=0.5", ""] {
            assert_eq!(text.parse::<RateFactors>().unwrap().to_string(), text);
        }
        let error = "bais=1".parse::<RateFactors>().unwrap_err().to_string();
        assert!(
            error.starts_with("expected a tensor (weight, bias, "),
            "{error}"
        );
        for preset in Preset::ALL {
            assert_eq!(preset.name().parse::<Preset>().unwrap(), preset);
        }
        let text = "relu,leaky-relu:slope=0.2";
        assert_eq!(text.parse::<Activations>().unwrap().to_string(), text);
    }
}
