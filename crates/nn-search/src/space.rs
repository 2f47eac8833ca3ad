//! Search spaces and the points of a search space.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::{Dimension, Error, Result, Value};

/// A search space: at least one dimension, with unique names.
///
/// ```
/// use nn_search::Space;
///
/// let space: Space = "lr=log:1e-4..1 batch-size=16|32|64".parse()?;
/// assert_eq!(space.dimensions().len(), 2);
/// # Ok::<(), nn_search::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    dimensions: Vec<Dimension>,
}

impl FromStr for Space {
    type Err = Error;

    /// Parses dimensions separated by white space or commas. A comma that is not
    /// followed by `NAME=` is part of a value: `hidden=64|128,64`.
    fn from_str(text: &str) -> Result<Self> {
        let dimensions = text.split_whitespace().flat_map(dimensions_of);
        Self::new(dimensions.map(str::parse).collect::<Result<_>>()?)
    }
}

/// Splits at commas that are followed by a name and `=`.
fn dimensions_of(word: &str) -> Vec<&str> {
    let (mut dimensions, mut rest) = (Vec::new(), word);
    let cuts = |(place, _): &(usize, &str)| begins_dimension(&word[place + 1..]);
    for (place, _) in word.match_indices(',').filter(cuts) {
        let start = word.len() - rest.len();
        dimensions.push(&word[start..place]);
        rest = &word[place + 1..];
    }
    dimensions.push(rest);
    dimensions
}

fn begins_dimension(text: &str) -> bool {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let name = text
        .split(|letter| !is_name(letter))
        .next()
        .unwrap_or_default();
    !name.is_empty() && text[name.len()..].starts_with('=')
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, dimension) in self.dimensions.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{dimension}")?;
        }
        Ok(())
    }
}

impl Space {
    /// Creates a search space from its dimensions.
    ///
    /// # Errors
    /// Returns [`Error::EmptySpace`] if there are no dimensions, and [`Error::DuplicateDimension`]
    /// if two dimensions have the same name.
    pub fn new(dimensions: Vec<Dimension>) -> Result<Self> {
        if dimensions.is_empty() {
            return Err(Error::EmptySpace);
        }
        for (index, dimension) in dimensions.iter().enumerate() {
            let name = dimension.name();
            if dimensions[..index].iter().any(|other| other.name() == name) {
                let name = name.to_owned();
                return Err(Error::DuplicateDimension { name });
            }
        }
        Ok(Self { dimensions })
    }

    /// The dimensions, in the order in which they were given.
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// The point at `position`, which has one number in `0..=1` per dimension. Each
    /// integer or option has an equal part of the interval (see [`Dimension`]).
    ///
    /// # Panics
    /// Panics if `position` does not have one number per dimension.
    pub fn point_at(&self, position: &[f64]) -> Point {
        assert_eq!(
            position.len(),
            self.dimensions.len(),
            "expected one number per dimension"
        );
        let values = self.dimensions.iter().zip(position);
        self.point_of(values.map(|(dimension, &u)| dimension.value_at(u)))
    }

    /// Creates a point from values by name.
    ///
    /// # Errors
    /// Returns [`Error::OutsideSpace`] if a value is missing or out of range, and
    /// [`Error::UnknownDimension`] if a name is not a dimension.
    pub fn point(&self, mut values: BTreeMap<String, Value>) -> Result<Point> {
        let mut accepted = Vec::with_capacity(self.dimensions.len());
        for dimension in &self.dimensions {
            let value = values.remove(dimension.name());
            let value = value.ok_or_else(|| Error::OutsideSpace {
                name: dimension.name().to_owned(),
                expected: dimension.domain().to_string(),
                found: "no value".to_owned(),
            })?;
            accepted.push(dimension.accept(value)?);
        }
        match values.pop_first() {
            None => Ok(self.point_of(accepted)),
            Some((name, _)) => Err(Error::UnknownDimension { name }),
        }
    }

    pub(crate) fn point_of(&self, values: impl IntoIterator<Item = Value>) -> Point {
        let names = self.dimensions.iter().map(|dimension| dimension.name());
        let values = names.map(str::to_owned).zip(values).collect();
        Point { values }
    }

    /// Encodes `point` as coordinates in `0..=1` for a Gaussian process, with one
    /// coordinate per option of a categorical dimension.
    ///
    /// # Panics
    /// Panics if `point` belongs to a different space.
    pub fn encode(&self, point: &Point) -> Vec<f64> {
        assert_eq!(
            point.values.len(),
            self.dimensions.len(),
            "a different space"
        );
        let mut coordinates = Vec::with_capacity(self.width());
        for (dimension, (_, value)) in self.dimensions.iter().zip(&point.values) {
            dimension.encode(value, &mut coordinates);
        }
        coordinates
    }

    /// Decodes the point nearest to `coordinates`: numbers are rounded, and the option
    /// with the largest coordinate is chosen.
    ///
    /// # Panics
    /// Panics if the number of `coordinates` is not the number that [`Space::encode`] returns.
    pub fn decode(&self, coordinates: &[f64]) -> Point {
        assert_eq!(coordinates.len(), self.width(), "a different space");
        self.point_of(
            self.blocks()
                .map(|(dimension, block)| dimension.decode(&coordinates[block])),
        )
    }

    /// Rounds coordinates to the coordinates of a valid point.
    pub(crate) fn snap(&self, coordinates: &mut [f64]) {
        for (dimension, block) in self.blocks() {
            dimension.snap(&mut coordinates[block]);
        }
    }

    /// Number of coordinates of [`Space::encode`].
    pub(crate) fn width(&self) -> usize {
        self.dimensions.iter().map(Dimension::width).sum()
    }

    /// Each dimension with the range of its coordinates.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (&Dimension, Range<usize>)> {
        self.dimensions.iter().scan(0, |start, dimension| {
            let block = *start..*start + dimension.width();
            *start = block.end;
            Some((dimension, block))
        })
    }
}

/// A point of a search space: one value per dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    values: Vec<(String, Value)>,
}

impl Point {
    /// Names and values, in the order of the space.
    pub fn values(&self) -> &[(String, Value)] {
        &self.values
    }

    /// The value of the dimension `name`, if it exists.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let found = self.values.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value)
    }

    /// The value of the real dimension `name`.
    ///
    /// # Panics
    /// Panics if there is no real dimension with this name.
    pub fn real(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(Value::Real(value)) => *value,
            other => panic!("{name} is {other:?}, not a real number"),
        }
    }

    /// The value of the integer dimension `name`.
    ///
    /// # Panics
    /// Panics if there is no integer dimension with this name.
    pub fn integer(&self, name: &str) -> i64 {
        match self.get(name) {
            Some(Value::Integer(value)) => *value,
            other => panic!("{name} is {other:?}, not an integer"),
        }
    }

    /// The option of the categorical dimension `name`.
    ///
    /// # Panics
    /// Panics if there is no categorical dimension with this name.
    pub fn category(&self, name: &str) -> &str {
        match self.get(name) {
            Some(Value::Category(value)) => value,
            other => panic!("{name} is {other:?}, not an option"),
        }
    }

    /// The command-line arguments `--name=value`, one per dimension.
    pub fn arguments(&self) -> Vec<String> {
        let values = self.values.iter();
        values
            .map(|(name, value)| format!("--{name}={value}"))
            .collect()
    }
}

impl fmt::Display for Point {
    /// Formats the arguments `--name=value ...`, quoted for a shell if necessary.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, argument) in self.arguments().iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{}", Quoted(argument))?;
        }
        Ok(())
    }
}

/// Displays a word, in single quotes if it has characters special to a shell.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=.,:/+".contains(letter);
        if self.0.chars().all(is_plain) {
            return f.write_str(self.0);
        }
        write!(f, "'{}'", self.0.replace('\'', r"'\''"))
    }
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.values.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space() -> Space {
        "lr=log:1e-4..1 hidden=int:16..256 optimizer=sgd|adam:beta1=0.8 dropout=0..0.5"
            .parse()
            .unwrap()
    }

    #[test]
    fn a_point_is_printed_as_flags() {
        let point = space().point_at(&[0.25, 0.5, 0.99, 0.0]);
        assert_eq!(
            point.to_string(),
            "--lr=0.001 --hidden=136 --optimizer=adam:beta1=0.8 --dropout=0"
        );
        assert_eq!(point.arguments()[1], "--hidden=136");
        let quoted: Space = "who=it's|a;b".parse().unwrap();
        assert_eq!(quoted.point_at(&[0.0]).to_string(), r"'--who=it'\''s'");
    }

    #[test]
    fn a_space_is_printed_as_it_is_read() {
        let text = "lr=log:0.0001..1 hidden=int:16..256 a=b|c";
        assert_eq!(text.parse::<Space>().unwrap().to_string(), text);
    }

    #[test]
    fn commas_divide_dimensions_and_belong_to_values() {
        let text =
            "lr=log:1e-3..1,hidden=64|128,64 augment=none|affine:scale=0,elastic:alpha=8,l2=0..1";
        let space: Space = text.parse().unwrap();
        let dimensions: Vec<String> = space
            .dimensions()
            .iter()
            .map(Dimension::to_string)
            .collect();
        assert_eq!(
            dimensions,
            [
                "lr=log:0.001..1",
                "hidden=64|128,64",
                "augment=none|affine:scale=0,elastic:alpha=8",
                "l2=0..1"
            ]
        );
        for wrong in [",", "lr=0..1,", "lr=0..1,,l2=0..1", "lr=0..1,=2"] {
            assert!(wrong.parse::<Space>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_space_has_dimensions_of_different_names() {
        assert!(matches!("".parse::<Space>(), Err(Error::EmptySpace)));
        let error = "lr=0..1 --lr=0..2".parse::<Space>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "dimension \"lr\" occurs twice in the search space"
        );
    }

    #[test]
    fn an_option_has_a_coordinate_of_its_own() {
        let space = space();
        let coordinates = space.encode(&space.point_at(&[0.0, 0.5, 0.6, 1.0]));
        assert_eq!(coordinates.len(), 5);
        assert_eq!(coordinates[0], 0.0);
        assert_eq!(coordinates[2], 0.0);
        assert!(coordinates[3] > 0.7);
        assert_eq!(coordinates[4], 1.0);
    }

    #[test]
    fn a_point_must_have_exactly_the_dimensions() {
        let space: Space = "a=0..1 b=x|y".parse().unwrap();
        let values = |pairs: &[(&str, Value)]| {
            let pairs = pairs.iter().cloned();
            pairs
                .map(|(name, value)| (name.to_owned(), value))
                .collect()
        };
        let x = || Value::Category("x".to_owned());
        let point = space.point(values(&[("b", x()), ("a", Value::Real(0.5))]));
        assert_eq!(point.unwrap().to_string(), "--a=0.5 --b=x");
        for wrong in [
            values(&[("b", x())]),
            values(&[("a", Value::Real(2.0)), ("b", x())]),
        ] {
            assert!(matches!(
                space.point(wrong),
                Err(Error::OutsideSpace { .. })
            ));
        }
        let unknown = values(&[("a", Value::Real(0.5)), ("b", x()), ("c", x())]);
        assert_eq!(
            space.point(unknown).unwrap_err().to_string(),
            "c: not a dimension of the search space"
        );
    }
}
