//! Dimensions of a search space: name, range, and the mapping to the unit interval
//! and back.
//!
//! ```text
//! real     u = (t(x) − t(low)) / (t(high) − t(low))              t = identity or ln
//! integer  u = (t(x) − t(low − ½)) / (t(high + ½) − t(low − ½))
//! options  one coordinate per option: 1/√2 for the chosen option, 0 for the others
//! ```
//!
//! On a linear scale, each integer has an equal part of the interval. Any two options
//! have a distance of 1. The inverse mapping and [`Dimension::snap`] round, so that a Gaussian
//! process is evaluated only at valid integers and options (Garrido-Merchán &
//! Hernández-Lobato 2020).

use std::f64::consts::FRAC_1_SQRT_2;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{DimensionProblem, Error, Result};

/// Maximum step of the grid of real numbers, as a fraction of the unit interval.
const RESOLUTION: f64 = 1e-4;

/// The largest integer with 15 digits, which is exact as an `f64`.
const LARGEST_INTEGER: i64 = 999_999_999_999_999;

/// The possible values of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub enum Domain {
    /// A real number in `low..=high`.
    Real {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
        /// Whether the scale is logarithmic.
        log: bool,
    },
    /// An integer in `low..=high`.
    Integer {
        /// Lower bound.
        low: i64,
        /// Upper bound.
        high: i64,
        /// Whether the scale is logarithmic.
        log: bool,
    },
    /// One of several options without an order.
    Categorical {
        /// The options, at least two and all different.
        options: Vec<String>,
    },
}

/// The value of one dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Value of an integer dimension.
    Integer(i64),
    /// Value of a real dimension.
    Real(f64),
    /// Option of a categorical dimension.
    Category(String),
}

impl fmt::Display for Value {
    /// Formats the value so that parsing gives the same value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Real(value) if *value != 0.0 && !(1e-4..1e7).contains(&value.abs()) => {
                write!(f, "{value:e}")
            }
            Self::Real(value) => write!(f, "{value}"),
            Self::Category(value) => f.write_str(value),
        }
    }
}

/// A named hyperparameter with its range.
///
/// | text | meaning |
/// |---|---|
/// | `dropout=0..0.5` | a real number, bounds included |
/// | `lr=log:1e-4..1` | a real number on a logarithmic scale |
/// | `hidden=int:16..256` | an integer |
/// | `hidden=int-log:16..1024` | an integer on a logarithmic scale |
/// | `batch-size=16\|32\|64` | one of several options without an order |
#[derive(Clone, Debug, PartialEq)]
pub struct Dimension {
    name: String,
    domain: Domain,
}

impl FromStr for Dimension {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parse = || {
            let (name, range) = text.split_once('=').ok_or(DimensionProblem::NoRange)?;
            let name = parse_name(name)?;
            parse_domain(range.trim()).map(|domain| Self { name, domain })
        };
        parse().map_err(|problem| Error::Dimension {
            text: text.to_owned(),
            problem,
        })
    }
}

fn parse_name(text: &str) -> Result<String, DimensionProblem> {
    let trimmed = text.trim();
    let name = trimmed.strip_prefix("--").unwrap_or(trimmed);
    let is_flag = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter));
    match is_flag {
        true => Ok(name.to_owned()),
        false => Err(DimensionProblem::Name(trimmed.to_owned())),
    }
}

fn parse_domain(text: &str) -> Result<Domain, DimensionProblem> {
    if text.contains('|') {
        return parse_options(text);
    }
    let (ends, integer, log) = match text.split_once(':') {
        None => (text, false, false),
        Some(("log", ends)) => (ends, false, true),
        Some(("int", ends)) => (ends, true, false),
        Some(("int-log" | "log-int", ends)) => (ends, true, true),
        Some((scale, _)) => return Err(DimensionProblem::Scale(scale.to_owned())),
    };
    let (low, high) = ends
        .split_once("..")
        .ok_or_else(|| DimensionProblem::NotARange(ends.to_owned()))?;
    let domain = if integer {
        let (low, high) = (parse_integer(low)?, parse_integer(high)?);
        Domain::Integer { low, high, log }
    } else {
        let (low, high) = (parse_real(low)?, parse_real(high)?);
        Domain::Real { low, high, log }
    };
    check_ends(domain)
}

fn parse_options(text: &str) -> Result<Domain, DimensionProblem> {
    let mut options: Vec<String> = Vec::new();
    for option in text.split('|').map(str::trim) {
        if option.is_empty() {
            return Err(DimensionProblem::EmptyOption);
        }
        if options.iter().any(|other| other == option) {
            return Err(DimensionProblem::DuplicateOption(option.to_owned()));
        }
        options.push(option.to_owned());
    }
    Ok(Domain::Categorical { options })
}

fn parse_real(text: &str) -> Result<f64, DimensionProblem> {
    text.trim()
        .parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| DimensionProblem::NotANumber(text.to_owned()))
}

fn parse_integer(text: &str) -> Result<i64, DimensionProblem> {
    text.trim()
        .parse()
        .ok()
        .filter(|value| (-LARGEST_INTEGER..=LARGEST_INTEGER).contains(value))
        .ok_or_else(|| DimensionProblem::NotAnInteger(text.to_owned()))
}

fn check_ends(domain: Domain) -> Result<Domain, DimensionProblem> {
    let (low, high, log) = match domain {
        Domain::Real { low, high, log } => (low, high, log),
        Domain::Integer { low, high, log } => (low as f64, high as f64, log),
        Domain::Categorical { .. } => return Ok(domain),
    };
    if log && low <= 0.0 {
        return Err(DimensionProblem::NotPositive(low.to_string()));
    }
    if low >= high || !(high - low).is_finite() {
        let (low, high) = (low.to_string(), high.to_string());
        return Err(DimensionProblem::Order { low, high });
    }
    Ok(domain)
}

impl fmt::Display for Dimension {
    /// Formats the dimension for `FromStr`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.domain)
    }
}

impl fmt::Display for Domain {
    /// Formats the range as in the text of a dimension, such as `log:0.0001..1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Domain::Real { low, high, log } => {
                f.write_str(if *log { "log:" } else { "" })?;
                write!(f, "{}..{}", Value::Real(*low), Value::Real(*high))
            }
            Domain::Integer { low, high, log } => {
                f.write_str(if *log { "int-log:" } else { "int:" })?;
                write!(f, "{low}..{high}")
            }
            Domain::Categorical { options } => f.write_str(&options.join("|")),
        }
    }
}

impl Dimension {
    /// Name of the dimension, without leading hyphens.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The possible values of the dimension.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The value at `u` in the unit interval, which is divided equally between options.
    pub(crate) fn value_at(&self, u: f64) -> Value {
        let u = u.clamp(0.0, 1.0);
        match &self.domain {
            Domain::Real { low, high, log } => Value::Real(real_at(u, *low, *high, *log)),
            Domain::Integer { low, high, log } => {
                let (start, end) = (ends(*low, -0.5, *log), ends(*high, 0.5, *log));
                let x = inverse_transform(start + u * (end - start), *log);
                Value::Integer((x.round() as i64).clamp(*low, *high))
            }
            Domain::Categorical { options } => {
                let last = options.len() - 1;
                let index = (u * options.len() as f64) as usize;
                Value::Category(options[index.min(last)].clone())
            }
        }
    }

    /// Number of values; `None` for a real dimension.
    pub(crate) fn n_values(&self) -> Option<u64> {
        match &self.domain {
            Domain::Real { .. } => None,
            Domain::Integer { low, high, .. } => Some(high.abs_diff(*low) + 1),
            Domain::Categorical { options } => Some(options.len() as u64),
        }
    }

    /// The value with this index on a grid of `n` values, bounds included.
    pub(crate) fn grid_value(&self, index: u64, n: u64) -> Value {
        let u = match n {
            1 => 0.5,
            _ => index as f64 / (n - 1) as f64,
        };
        match &self.domain {
            Domain::Categorical { options } => {
                let index = usize::try_from(index).expect("a grid has one index per option");
                Value::Category(options[index].clone())
            }
            Domain::Integer { low, high, log } => {
                let (start, end) = (ends(*low, 0.0, *log), ends(*high, 0.0, *log));
                let x = inverse_transform(start + u * (end - start), *log);
                Value::Integer((x.round() as i64).clamp(*low, *high))
            }
            Domain::Real { .. } => self.value_at(u),
        }
    }

    /// Number of coordinates of this dimension for a Gaussian process.
    pub(crate) fn width(&self) -> usize {
        match &self.domain {
            Domain::Categorical { options } => options.len(),
            Domain::Real { .. } | Domain::Integer { .. } => 1,
        }
    }

    /// Appends the [`width`](Self::width) coordinates of `value`.
    ///
    /// # Panics
    /// Panics if the type of `value` does not match the dimension.
    pub(crate) fn encode(&self, value: &Value, coordinates: &mut Vec<f64>) {
        match (&self.domain, value) {
            (Domain::Real { low, high, log }, Value::Real(x)) => {
                let (start, end) = (transform(*low, *log), transform(*high, *log));
                coordinates.push((transform(*x, *log) - start) / (end - start));
            }
            (Domain::Integer { low, high, log }, Value::Integer(x)) => {
                let (start, end) = (ends(*low, -0.5, *log), ends(*high, 0.5, *log));
                coordinates.push((ends(*x, 0.0, *log) - start) / (end - start));
            }
            (Domain::Categorical { options }, Value::Category(chosen)) => {
                coordinates.extend(options.iter().map(|option| one_hot(option == chosen)));
            }
            (domain, value) => panic!("{value:?} is not a value of {domain:?}"),
        }
    }

    /// The value nearest to the given [`width`](Self::width) coordinates.
    pub(crate) fn decode(&self, coordinates: &[f64]) -> Value {
        match &self.domain {
            Domain::Categorical { options } => {
                Value::Category(options[largest(coordinates)].clone())
            }
            Domain::Real { .. } | Domain::Integer { .. } => self.value_at(coordinates[0]),
        }
    }

    /// Rounds coordinates to the coordinates of a valid value. Real numbers are only
    /// clamped to the unit interval: their grid is too fine to matter for the kernel.
    pub(crate) fn snap(&self, coordinates: &mut [f64]) {
        match &self.domain {
            Domain::Real { .. } => coordinates[0] = coordinates[0].clamp(0.0, 1.0),
            Domain::Integer { .. } => {
                let mut exact = Vec::with_capacity(1);
                self.encode(&self.value_at(coordinates[0]), &mut exact);
                coordinates.copy_from_slice(&exact);
            }
            Domain::Categorical { .. } => {
                let chosen = largest(coordinates);
                for (index, coordinate) in coordinates.iter_mut().enumerate() {
                    *coordinate = one_hot(index == chosen);
                }
            }
        }
    }

    /// Coordinates of the adjacent integers.
    pub(crate) fn adjacent(&self, coordinates: &[f64]) -> Vec<Vec<f64>> {
        let (Domain::Integer { low, high, .. }, Value::Integer(x)) =
            (&self.domain, self.decode(coordinates))
        else {
            return Vec::new();
        };
        let inside = [x - 1, x + 1]
            .into_iter()
            .filter(|x| (low..=high).contains(&x));
        inside
            .map(|x| {
                let mut adjacent = Vec::with_capacity(1);
                self.encode(&Value::Integer(x), &mut adjacent);
                adjacent
            })
            .collect()
    }

    /// Checks that `value` is in the range; converts an integer to a real number if
    /// needed.
    ///
    /// # Errors
    /// Returns [`Error::OutsideSpace`] if the value does not belong to the dimension.
    pub(crate) fn accept(&self, value: Value) -> Result<Value> {
        let value = match (&self.domain, value) {
            (Domain::Real { .. }, Value::Integer(x)) => Value::Real(x as f64),
            (_, value) => value,
        };
        let is_inside = match (&self.domain, &value) {
            (Domain::Real { low, high, .. }, Value::Real(x)) => (low..=high).contains(&x),
            (Domain::Integer { low, high, .. }, Value::Integer(x)) => (low..=high).contains(&x),
            (Domain::Categorical { options }, Value::Category(x)) => options.contains(x),
            _ => false,
        };
        match is_inside {
            true => Ok(value),
            false => Err(Error::OutsideSpace {
                name: self.name.clone(),
                expected: self.domain.to_string(),
                found: value.to_string(),
            }),
        }
    }
}

fn transform(x: f64, log: bool) -> f64 {
    if log { libm::log(x) } else { x }
}

fn inverse_transform(t: f64, log: bool) -> f64 {
    if log { libm::exp(t) } else { t }
}

/// An integer plus `shift`, on its scale.
fn ends(x: i64, shift: f64, log: bool) -> f64 {
    transform(x as f64 + shift, log)
}

fn one_hot(chosen: bool) -> f64 {
    if chosen { FRAC_1_SQRT_2 } else { 0.0 }
}

/// Index of the largest coordinate, the first of equal ones.
fn largest(coordinates: &[f64]) -> usize {
    let mut best = 0;
    for (index, &coordinate) in coordinates.iter().enumerate() {
        if coordinate > coordinates[best] {
            best = index;
        }
    }
    best
}

/// The number at `u`, rounded to a decimal grid of [`RESOLUTION`], so that its text
/// is exact. The bounds are not rounded.
fn real_at(u: f64, low: f64, high: f64, log: bool) -> f64 {
    if u <= 0.0 {
        return low;
    }
    if u >= 1.0 {
        return high;
    }
    let (start, end) = (transform(low, log), transform(high, log));
    let x = inverse_transform(start + u * (end - start), log);
    let step = RESOLUTION * (end - start);
    let rounded = if log {
        round_significant(x, step)
    } else {
        round_decimal(x, step)
    };
    rounded.clamp(low, high)
}

/// Rounds `x` to a precision of at least `relative_step · x`.
fn round_significant(x: f64, relative_step: f64) -> f64 {
    let digits = (-libm::log10(relative_step)).ceil().clamp(1.0, 16.0) as usize;
    parsed(&format!("{x:.digits$e}"))
}

/// Rounds `x` to a multiple of the largest power of ten not above `step`.
fn round_decimal(x: f64, step: f64) -> f64 {
    let exponent = libm::log10(step).floor();
    if exponent >= 0.0 {
        let power = libm::pow(10.0, exponent);
        return (x / power).round() * power;
    }
    let decimals = (-exponent).min(300.0) as usize;
    parsed(&format!("{x:.decimals$}"))
}

fn parsed(text: &str) -> f64 {
    text.parse().expect("a printed number can be read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dimension(text: &str) -> Dimension {
        text.parse().unwrap()
    }

    fn problem(text: &str) -> String {
        text.parse::<Dimension>().unwrap_err().to_string()
    }

    #[test]
    fn text_is_read_and_written_back() {
        for text in [
            "lr=log:0.0001..1",
            "lr=log:1e-6..1",
            "dropout=0..0.5",
            "shift=-2.5..1e8",
            "hidden=int:16..256",
            "hidden=int-log:16..1024",
            "batch-size=16|32|64",
            "hidden=128,64|256",
        ] {
            assert_eq!(dimension(text).to_string(), text);
        }
        assert_eq!(dimension(" --lr = log:1e-4..1 ").name(), "lr");
        assert_eq!(dimension("n=log-int:1..9"), dimension("n=int-log: 1 .. 9 "));
    }

    #[test]
    fn errors_say_what_is_expected() {
        assert_eq!(problem("lr"), "dimension \"lr\": expected NAME=RANGE");
        assert_eq!(
            problem("lr=log:0..1"),
            "dimension \"lr=log:0..1\": \
             expected a logarithmic range with a lower bound above 0, found 0"
        );
        assert_eq!(
            problem("h=int:16..2.5"),
            "dimension \"h=int:16..2.5\": \
             expected a whole number of at most 15 digits, found \"2.5\""
        );
        for (text, expected) in [
            ("=1..2", "letters, digits and hyphens"),
            ("a b=1..2", "letters, digits and hyphens"),
            ("lr=0.1", "LOW..HIGH or A|B|C"),
            ("lr=ln:0.1..1", "log, int, int-log"),
            ("lr=0.1..nan", "finite number"),
            ("lr=..1", "finite number"),
            ("lr=1..1", "below the upper bound"),
            ("lr=-1.7e308..1.7e308", "below the upper bound"),
            ("h=int:5..4", "below the upper bound"),
            ("h=int:0..9999999999999999", "15 digits"),
            ("b=16||32", "both sides"),
            ("b=16|", "both sides"),
            ("b=16|16", "twice"),
        ] {
            assert!(problem(text).contains(expected), "{}", problem(text));
        }
        let help = "lr=0.1".parse::<Dimension>().unwrap_err().help();
        assert!(help.is_some_and(|help| help.contains("lr=log:1e-4..1")));
    }

    #[test]
    fn a_logarithmic_range_has_its_geometric_mean_in_the_middle() {
        assert_eq!(dimension("lr=log:1e-4..1").value_at(0.5), Value::Real(0.01));
        assert_eq!(dimension("x=0..3").value_at(0.5), Value::Real(1.5));
        let ends = dimension("lr=log:0.123456789..0.987654321");
        assert_eq!(ends.value_at(0.0), Value::Real(0.123456789));
        assert_eq!(ends.value_at(1.0), Value::Real(0.987654321));
    }

    #[test]
    fn integers_and_options_own_equal_shares() {
        for text in ["n=int:-1..2", "n=a|b|c|d"] {
            let dimension = dimension(text);
            let mut counts = std::collections::HashMap::new();
            for i in 0..400 {
                let value = dimension.value_at((f64::from(i) + 0.5) / 400.0);
                *counts.entry(value.to_string()).or_insert(0) += 1;
            }
            assert_eq!(counts.len(), 4);
            assert!(counts.values().all(|&count| count == 100), "{counts:?}");
        }
    }

    #[test]
    fn real_numbers_have_few_digits() {
        let value = dimension("lr=log:1e-4..1").value_at(0.123_456_789);
        assert_eq!(value.to_string(), "0.00031176");
        let value = dimension("dropout=0..0.5").value_at(0.123_456_789);
        assert_eq!(value.to_string(), "0.06173");
        let value = dimension("rows=0..1e9").value_at(0.123_456_789);
        assert_eq!(value.to_string(), "1.235e8");
    }

    #[test]
    fn options_lie_at_distance_1() {
        let dimension = dimension("o=a|b|c");
        let (mut a, mut c) = (Vec::new(), Vec::new());
        dimension.encode(&Value::Category("a".to_owned()), &mut a);
        dimension.encode(&Value::Category("c".to_owned()), &mut c);
        let squared: f64 = a.iter().zip(&c).map(|(a, c)| (a - c).powi(2)).sum();
        assert!((squared - 1.0).abs() < 1e-15);
    }

    #[test]
    fn values_outside_are_refused() {
        let refused = |text, value| dimension(text).accept(value).unwrap_err().to_string();
        assert_eq!(
            refused("h=int:1..9", Value::Integer(10)),
            "h: expected int:1..9, found 10"
        );
        refused("h=int:1..9", Value::Real(2.0));
        refused("x=0..1", Value::Real(f64::NAN));
        refused("o=a|b", Value::Category("c".to_owned()));
        let accepted = dimension("x=0..1").accept(Value::Integer(1)).unwrap();
        assert_eq!(accepted, Value::Real(1.0));
    }
}
