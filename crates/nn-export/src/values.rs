//! The input values of an exported model, and their conversion to the inputs of the network.
//!
//! A row of values holds what the data set holds, as 32-bit floats:
//!
//! | data | values |
//! |---|---|
//! | pixel | the gray value, such as 0 to 255 |
//! | number | the number; NaN for a missing value |
//! | category | its index in the list of categories; NaN or any other number for a category that is not in the list. A missing value is the category `""`, if it is in the list |
//! | date | the days since 1970-01-01 and the seconds of the day, each NaN for a missing date; then the weekday (0 is Monday), the month (0 is January) and the hour, if they are inputs of the network |
//!
//! A date has two values because a single 32-bit float cannot hold its seconds.

use nn_core::Model;
use nn_core::preprocessing::{Standardization, Standardized};
use nn_table::preprocessing::{InputColumn, InputEncoding};
use nn_table::{ColumnEncoding, DateEncoding, NumberEncoding, NumberScaling, Preprocessing};
use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::graph::{Graph, Source};
use crate::op::{Op, Standardize};

const SECONDS_PER_DAY: f64 = 86_400.0;

/// The parts of a date that repeat, with the number of values of each.
const CYCLES: [(&str, usize); 3] = [("weekday", 7), ("month", 12), ("hour", 24)];

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// One input value of an exported model.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Name of the value: the column of the table, or `pixel0`, `pixel1` and so on.
    pub name: String,
    /// The meaning of the number.
    pub meaning: Meaning,
}

/// The meaning of an input value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Meaning {
    /// A number, or NaN for a missing value.
    Number,
    /// A gray value from 0 to `largest`.
    Pixel {
        /// The gray value of white.
        largest: u8,
    },
    /// The index of a category in this list.
    Category(Vec<String>),
    /// The days since 1970-01-01.
    Day,
    /// The seconds of the day, from 0 to 86 399.
    Second,
}

impl Value {
    fn new(name: impl Into<String>, meaning: Meaning) -> Self {
        let name = name.into();
        Self { name, meaning }
    }

    /// The description as JSON.
    fn to_json(&self) -> Json {
        match &self.meaning {
            Meaning::Number => json!({"name": self.name, "type": "number"}),
            Meaning::Pixel { largest } => {
                json!({"name": self.name, "type": "pixel", "largest": largest})
            }
            Meaning::Category(categories) => {
                json!({"name": self.name, "type": "category", "categories": categories})
            }
            Meaning::Day => json!({"name": self.name, "type": "days since 1970-01-01"}),
            Meaning::Second => json!({"name": self.name, "type": "seconds of the day"}),
        }
    }
}

/// The conversion of values to the inputs of a network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ValueEncoding {
    values: Vec<Value>,
    n_inputs: usize,
    encoding: Encoding,
}

#[derive(Clone, Debug, PartialEq)]
enum Encoding {
    /// All values are multiplied by a factor and then standardized.
    Rows {
        scale: f32,
        standardization: Option<Standardization>,
    },
    /// Pixels with a small maximum, scaled to bytes and then multiplied by a factor.
    Levels { largest: u8, scale: f32 },
    /// The columns of a table.
    Columns(Vec<Part>),
}

/// Some inputs of the network, with the values that they depend on.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Number {
        value: usize,
        input: usize,
        number: NumberEncoding,
    },
    /// The seconds since 1970, from the values `day` and `day + 1`.
    Seconds {
        day: usize,
        input: usize,
        number: NumberEncoding,
    },
    OneHot {
        value: usize,
        input: usize,
        n_categories: usize,
    },
    /// The index of a category; the number of categories for any other.
    Index {
        value: usize,
        input: usize,
        n_categories: usize,
    },
}

impl ValueEncoding {
    /// The conversion of rows that a model does without a table.
    pub(crate) fn of_rows(model: &Model) -> Result<Self> {
        let input = &model.description.input;
        let n_inputs = model.network.n_inputs();
        let standardized = Standardized::of(model)?.unwrap_or_default();
        let is_image = input.shape.len() > 1 || input.scale != 1.0;
        let value = |index: usize| match is_image {
            true => Value::new(format!("pixel{index}"), Meaning::Pixel { largest: u8::MAX }),
            false => Value::new(format!("value{index}"), Meaning::Number),
        };
        Ok(Self {
            values: (0..n_inputs).map(value).collect(),
            n_inputs,
            encoding: Encoding::Rows {
                scale: input.scale as f32,
                standardization: standardized.standardized_inputs,
            },
        })
    }

    /// The conversion of the columns of a table.
    pub(crate) fn of_table(preprocessing: &Preprocessing, scale: f64) -> Self {
        let n_inputs = preprocessing.n_inputs();
        let pixels = |largest: u8| -> Vec<Value> {
            let value = |index| Value::new(format!("pixel{index}"), Meaning::Pixel { largest });
            (0..n_inputs).map(value).collect()
        };
        let (values, encoding) = match &preprocessing.inputs {
            InputEncoding::Pixels => (
                pixels(u8::MAX),
                Encoding::Rows {
                    scale: scale as f32,
                    standardization: None,
                },
            ),
            &InputEncoding::Levels { largest } => (
                pixels(largest),
                Encoding::Levels {
                    largest,
                    scale: scale as f32,
                },
            ),
            InputEncoding::Columns(columns) => {
                let (values, parts) = parts_of(columns);
                (values, Encoding::Columns(parts))
            }
        };
        Self {
            values,
            n_inputs,
            encoding,
        }
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.values
    }

    /// The description of the values as JSON, for the metadata of an exported file: one object
    /// per value, or one for all pixels.
    pub(crate) fn to_json(&self) -> Json {
        match self.values[0].meaning {
            Meaning::Pixel { largest } => {
                json!({"type": "pixel", "n_values": self.values.len(), "largest": largest})
            }
            _ => self.values.iter().map(Value::to_json).collect(),
        }
    }

    /// Returns `true` if the inputs of the network are the values times a factor.
    pub(crate) fn is_factor(&self) -> bool {
        matches!(
            self.encoding,
            Encoding::Rows {
                standardization: None,
                ..
            }
        )
    }

    pub(crate) fn n_inputs(&self) -> usize {
        self.n_inputs
    }

    /// Converts a row of values to the inputs of the network, in double precision.
    pub(crate) fn encode(&self, values: &[f32]) -> Vec<f32> {
        match &self.encoding {
            Encoding::Rows {
                scale,
                standardization,
            } => {
                let mut inputs: Vec<f32> = values.iter().map(|value| value * scale).collect();
                if let Some(standardization) = standardization {
                    standardization.apply(&mut inputs);
                }
                inputs
            }
            Encoding::Levels { largest, scale } => {
                let largest = u32::from(*largest);
                let byte = |value: f32| ((value as u32 * 255 + largest / 2) / largest).min(255);
                values.iter().map(|&x| byte(x) as f32 * scale).collect()
            }
            Encoding::Columns(parts) => {
                let mut inputs = vec![0.0; self.n_inputs];
                parts
                    .iter()
                    .for_each(|part| part.encode(values, &mut inputs));
                inputs
            }
        }
    }

    /// Converts the inputs of the network back to values. The values of a table have the
    /// precision of the inputs, which are 32-bit floats.
    pub(crate) fn decode(&self, inputs: &[f32]) -> Vec<f32> {
        match &self.encoding {
            Encoding::Rows {
                scale,
                standardization,
            } => {
                let mut inputs = inputs.to_vec();
                if let Some(standardization) = standardization {
                    standardization.undo(&mut inputs);
                }
                // A pixel divided by its factor is a whole number but for rounding.
                let is_scaled = *scale != 1.0;
                let value = |input: &f32| match is_scaled {
                    true => (input / scale).round(),
                    false => *input,
                };
                inputs.iter().map(value).collect()
            }
            Encoding::Levels { largest, scale } => {
                let level = |input: &f32| (input / scale * f32::from(*largest) / 255.0).round();
                inputs.iter().map(level).collect()
            }
            Encoding::Columns(parts) => {
                let mut values = vec![0.0; self.values.len()];
                parts
                    .iter()
                    .for_each(|part| part.decode(inputs, &mut values));
                values
            }
        }
    }

    /// The numbers of a table that lose digits as 32-bit floats, each with the largest error of
    /// its standardized value near the mean.
    pub(crate) fn rounded(&self) -> impl Iterator<Item = (&Value, f64)> {
        let parts = match &self.encoding {
            Encoding::Columns(parts) => &parts[..],
            Encoding::Rows { .. } | Encoding::Levels { .. } => &[],
        };
        parts.iter().filter_map(|part| match part {
            Part::Number { value, number, .. } => {
                let half_step = f64::from(f32::EPSILON) / 2.0 * number.scaling.center().abs();
                Some((&self.values[*value], half_step / number.scaling.scale()))
            }
            Part::Seconds { .. } | Part::OneHot { .. } | Part::Index { .. } => None,
        })
    }

    /// Appends the conversion to a graph, and returns the inputs of the network.
    pub(crate) fn add_to(&self, graph: &mut Graph) -> Source {
        match &self.encoding {
            Encoding::Rows {
                scale,
                standardization,
            } => {
                let scaled = add_factor(graph, *scale, Source::Values);
                match standardization {
                    None => scaled,
                    Some(standardization) => {
                        let mut columns = Standardize::default();
                        let moments = standardization.mean().iter().zip(standardization.std());
                        moments.for_each(|(&mean, &std)| columns.push(mean, std));
                        graph.add(Op::Standardize(columns), &[scaled])
                    }
                }
            }
            Encoding::Levels { largest, scale } => {
                let largest = *largest;
                let bytes = graph.add(Op::Levels { largest }, &[Source::Values]);
                add_factor(graph, *scale, bytes)
            }
            Encoding::Columns(parts) => add_parts(graph, parts),
        }
    }

    /// A row of plausible values, for a check without the data set; `random` returns numbers
    /// from 0 to below 1.
    pub(crate) fn random_values(&self, random: &mut dyn FnMut() -> f64) -> Vec<f32> {
        match &self.encoding {
            Encoding::Levels { .. } | Encoding::Rows { .. } => {
                let numbers = self.values.iter().enumerate();
                let number = |(index, value): (usize, &Value)| match value.meaning {
                    Meaning::Pixel { largest } => {
                        (random() * (f64::from(largest) + 1.0)).floor() as f32
                    }
                    _ => self.around_the_mean(index, 4.0 * random() - 2.0),
                };
                numbers.map(number).collect()
            }
            Encoding::Columns(parts) => {
                let mut values = vec![0.0; self.values.len()];
                parts
                    .iter()
                    .for_each(|part| part.randomize(random, &mut values));
                values
            }
        }
    }

    /// A value that is `n_deviations` standard deviations from the mean of its column.
    fn around_the_mean(&self, column: usize, n_deviations: f64) -> f32 {
        let value = match &self.encoding {
            Encoding::Rows {
                standardization: Some(standardization),
                ..
            } => standardization.mean()[column] + standardization.std()[column] * n_deviations,
            _ => n_deviations,
        };
        value as f32
    }
}

/// Appends a multiplication; the factor 1 needs none.
fn add_factor(graph: &mut Graph, factor: f32, input: Source) -> Source {
    match factor {
        1.0 => input,
        factor => graph.add(Op::Multiply(factor), &[input]),
    }
}

/// The values of the columns of a table, and the parts that encode them.
fn parts_of(columns: &[InputColumn]) -> (Vec<Value>, Vec<Part>) {
    let (mut values, mut parts) = (Vec::new(), Vec::new());
    let mut input = 0;
    for column in columns {
        match &column.encoding {
            &ColumnEncoding::Standardize(number) => {
                parts.push(Part::Number {
                    value: values.len(),
                    input,
                    number,
                });
                values.push(Value::new(&column.name, Meaning::Number));
            }
            ColumnEncoding::OneHot(categories) => {
                parts.push(Part::OneHot {
                    value: values.len(),
                    input,
                    n_categories: categories.len(),
                });
                let meaning = Meaning::Category(categories.clone());
                values.push(Value::new(&column.name, meaning));
            }
            ColumnEncoding::Index(categories) => {
                parts.push(Part::Index {
                    value: values.len(),
                    input,
                    n_categories: categories.len(),
                });
                let meaning = Meaning::Category(categories.clone());
                values.push(Value::new(&column.name, meaning));
            }
            ColumnEncoding::Date(date) => {
                add_date(&column.name, date, input, &mut values, &mut parts);
            }
        }
        input += column.encoding.width();
    }
    (values, parts)
}

fn add_date(
    name: &str,
    date: &DateEncoding,
    input: usize,
    values: &mut Vec<Value>,
    parts: &mut Vec<Part>,
) {
    parts.push(Part::Seconds {
        day: values.len(),
        input,
        number: date.seconds,
    });
    values.push(Value::new(format!("{name}.day"), Meaning::Day));
    values.push(Value::new(format!("{name}.second"), Meaning::Second));
    let mut input = input + n_inputs_of(&date.seconds);
    let names: [Vec<String>; 3] = [
        WEEKDAYS.map(str::to_owned).to_vec(),
        MONTHS.map(str::to_owned).to_vec(),
        (0..24).map(|hour: u8| hour.to_string()).collect(),
    ];
    for ((is_input, (cycle, n_categories)), names) in date.cycles.iter().zip(CYCLES).zip(names) {
        if *is_input {
            parts.push(Part::OneHot {
                value: values.len(),
                input,
                n_categories,
            });
            values.push(Value::new(
                format!("{name}.{cycle}"),
                Meaning::Category(names),
            ));
            input += n_categories;
        }
    }
}

/// Number of inputs of a number: itself and an indicator of missing values.
fn n_inputs_of(number: &NumberEncoding) -> usize {
    1 + usize::from(number.has_indicator)
}

/// The number in place of a missing value.
fn substitute(number: &NumberEncoding) -> f64 {
    number.median.unwrap_or(number.scaling.center())
}

/// The input for a number, with the median in place of a missing value.
fn scaled(number: &NumberEncoding, x: f64) -> f32 {
    let x = if x.is_nan() { substitute(number) } else { x };
    number.scaling.apply(x)
}

/// The input for a missing value, before smooth clipping.
fn standardized_substitute(number: &NumberEncoding) -> f32 {
    let scaling = number.scaling;
    ((substitute(number) - scaling.center()) / scaling.scale()) as f32
}

/// The number of an input; NaN if the indicator says that it is missing.
fn restored(number: &NumberEncoding, input: usize, inputs: &[f32]) -> f64 {
    if number.has_indicator && inputs[input + 1] == 1.0 {
        return f64::NAN;
    }
    number.scaling.inverse(inputs[input])
}

/// Days and seconds of the day of a number of seconds.
fn day_and_second(seconds: f64) -> [f32; 2] {
    let seconds = seconds.round();
    let day = (seconds / SECONDS_PER_DAY).floor();
    [day as f32, (seconds - SECONDS_PER_DAY * day) as f32]
}

impl Part {
    fn encode(&self, values: &[f32], inputs: &mut [f32]) {
        match self {
            Self::Number {
                value,
                input,
                number,
            } => {
                let x = f64::from(values[*value]);
                inputs[*input] = scaled(number, x);
                if number.has_indicator {
                    inputs[input + 1] = f32::from(u8::from(x.is_nan()));
                }
            }
            Self::Seconds { day, input, number } => {
                let seconds =
                    f64::from(values[*day]) * SECONDS_PER_DAY + f64::from(values[day + 1]);
                inputs[*input] = scaled(number, seconds);
                if number.has_indicator {
                    inputs[input + 1] = f32::from(u8::from(seconds.is_nan()));
                }
            }
            Self::OneHot {
                value,
                input,
                n_categories,
            } => {
                for category in 0..*n_categories {
                    let is_equal = values[*value] == category as f32;
                    inputs[input + category] = f32::from(u8::from(is_equal));
                }
            }
            Self::Index {
                value,
                input,
                n_categories,
            } => {
                let mut categories = (0..*n_categories).map(|category| category as f32);
                let known = categories.find(|&category| category == values[*value]);
                inputs[*input] = known.unwrap_or(*n_categories as f32);
            }
        }
    }

    fn decode(&self, inputs: &[f32], values: &mut [f32]) {
        match self {
            Self::Number {
                value,
                input,
                number,
            } => values[*value] = restored(number, *input, inputs) as f32,
            Self::Seconds { day, input, number } => {
                let seconds = restored(number, *input, inputs);
                values[*day..day + 2].copy_from_slice(&day_and_second(seconds));
            }
            Self::OneHot {
                value,
                input,
                n_categories,
            } => {
                let inputs = &inputs[*input..input + n_categories];
                let category = inputs.iter().position(|&x| x == 1.0);
                values[*value] = category.map_or(f32::NAN, |category| category as f32);
            }
            Self::Index {
                value,
                input,
                n_categories,
            } => {
                let is_known = inputs[*input] < *n_categories as f32;
                values[*value] = if is_known { inputs[*input] } else { f32::NAN };
            }
        }
    }

    fn randomize(&self, random: &mut dyn FnMut() -> f64, values: &mut [f32]) {
        let mut number = |number: &NumberEncoding| {
            let is_missing = number.has_indicator && random() < 0.1;
            let deviations = 4.0 * random() - 2.0;
            let x = number.scaling.center() + number.scaling.scale() * deviations;
            if is_missing { f64::NAN } else { x }
        };
        match self {
            Self::Number {
                value,
                number: encoding,
                ..
            } => values[*value] = number(encoding) as f32,
            Self::Seconds {
                day,
                number: encoding,
                ..
            } => values[*day..day + 2].copy_from_slice(&day_and_second(number(encoding))),
            Self::OneHot {
                value,
                n_categories,
                ..
            }
            | Self::Index {
                value,
                n_categories,
                ..
            } => {
                // One more than there are: a category that is not in the list.
                let category = (random() * (*n_categories as f64 + 1.0)).floor();
                values[*value] = category as f32;
            }
        }
    }
}

/// Appends the encoding of table columns: numbers, dates, indicators and categories together,
/// and then all inputs in the order of the network.
fn add_parts(graph: &mut Graph, parts: &[Part]) -> Source {
    let mut columns = EncodedColumns::default();
    add_numbers(graph, parts, &mut columns);
    add_seconds(graph, parts, &mut columns);
    add_indicators(graph, parts, &mut columns);
    add_one_hot(graph, parts, &mut columns);
    add_indices(graph, parts, &mut columns);
    let all = graph.concat(&columns.sources);
    let mut order = vec![0; columns.inputs.len()];
    for (place, &input) in columns.inputs.iter().enumerate() {
        order[input] = place;
    }
    graph.select(order, all)
}

/// Encoded columns, and the input of the network that each one is.
#[derive(Default)]
struct EncodedColumns {
    sources: Vec<Source>,
    inputs: Vec<usize>,
}

/// Columns with standard and with robust scaling are computed separately.
fn add_numbers(graph: &mut Graph, parts: &[Part], columns: &mut EncodedColumns) {
    let numbers = parts.iter().filter_map(|part| match part {
        Part::Number {
            value,
            input,
            number,
        } => Some((*value, *input, *number)),
        _ => None,
    });
    let (robust, standard): (Vec<_>, Vec<_>) = numbers.partition(|(.., it)| is_robust(it));
    for numbers in [standard, robust] {
        if numbers.is_empty() {
            continue;
        }
        let mut standardize = Standardize::default();
        for (_, _, number) in &numbers {
            standardize.push(number.scaling.center(), number.scaling.scale());
        }
        let selected = numbers.iter().map(|(value, ..)| *value).collect();
        let selected = graph.select(selected, Source::Values);
        let x = graph.add(Op::Standardize(standardize), &[selected]);
        let encodings = numbers.iter().map(|(.., number)| number);
        columns.sources.push(add_substitutes(graph, encodings, x));
        let inputs = numbers.iter().map(|(_, input, _)| *input);
        columns.inputs.extend(inputs);
    }
}

fn is_robust(number: &NumberEncoding) -> bool {
    matches!(number.scaling, NumberScaling::Robust(_))
}

/// Replaces missing values in standardized columns, and clips columns with robust scaling. All
/// columns have the same scaling.
fn add_substitutes<'a>(
    graph: &mut Graph,
    mut numbers: impl Iterator<Item = &'a NumberEncoding> + Clone,
    x: Source,
) -> Source {
    let substitutes = numbers.clone().map(standardized_substitute).collect();
    let x = graph.add(Op::FillMissing(substitutes), &[x]);
    match numbers.any(is_robust) {
        true => graph.add(Op::SmoothClip, &[x]),
        false => x,
    }
}

/// The standardized seconds are a sum: `(day − D)/(std/86400) + (second − S)/std`, where
/// `86400·D + S` is the mean.
fn add_seconds(graph: &mut Graph, parts: &[Part], columns: &mut EncodedColumns) {
    let seconds = parts.iter().filter_map(|part| match part {
        Part::Seconds { day, input, number } => Some((*day, *input, *number)),
        _ => None,
    });
    let (robust, standard): (Vec<_>, Vec<_>) = seconds.partition(|(.., it)| is_robust(it));
    for seconds in [standard, robust] {
        if seconds.is_empty() {
            continue;
        }
        let [mut days, mut rest] = [(); 2].map(|()| Standardize::default());
        for (_, _, number) in &seconds {
            let (mean, std) = (number.scaling.center(), number.scaling.scale());
            let mean_day = (mean / SECONDS_PER_DAY).floor();
            days.push(mean_day, std / SECONDS_PER_DAY);
            rest.push(mean - SECONDS_PER_DAY * mean_day, std);
        }
        let of_days: Vec<usize> = seconds.iter().map(|(day, ..)| *day).collect();
        let of_seconds = of_days.iter().map(|day| day + 1).collect();
        let day = graph.select(of_days, Source::Values);
        let day = graph.add(Op::Standardize(days), &[day]);
        let second = graph.select(of_seconds, Source::Values);
        let second = graph.add(Op::Standardize(rest), &[second]);
        let sum = graph.add(Op::Add, &[day, second]);
        let encodings = seconds.iter().map(|(.., number)| number);
        columns.sources.push(add_substitutes(graph, encodings, sum));
        let inputs = seconds.iter().map(|(_, input, _)| *input);
        columns.inputs.extend(inputs);
    }
}

fn add_indicators(graph: &mut Graph, parts: &[Part], columns: &mut EncodedColumns) {
    let indicators = parts.iter().filter_map(|part| match part {
        Part::Number {
            value,
            input,
            number,
        }
        | Part::Seconds {
            day: value,
            input,
            number,
        } => number.has_indicator.then_some((*value, input + 1)),
        Part::OneHot { .. } | Part::Index { .. } => None,
    });
    let (values, inputs): (Vec<usize>, Vec<usize>) = indicators.unzip();
    if values.is_empty() {
        return;
    }
    let selected = graph.select(values, Source::Values);
    let indicators = graph.add(Op::IsMissing, &[selected]);
    columns.sources.push(indicators);
    columns.inputs.extend(inputs);
}

fn add_one_hot(graph: &mut Graph, parts: &[Part], columns: &mut EncodedColumns) {
    let (mut values, mut categories) = (Vec::new(), Vec::new());
    for part in parts {
        if let Part::OneHot {
            value,
            input,
            n_categories,
        } = part
        {
            for category in 0..*n_categories {
                values.push(*value);
                categories.push(category as f32);
                columns.inputs.push(input + category);
            }
        }
    }
    if values.is_empty() {
        return;
    }
    let selected = graph.select(values, Source::Values);
    let one_hot = graph.add(Op::Equals(categories), &[selected]);
    columns.sources.push(one_hot);
}

fn add_indices(graph: &mut Graph, parts: &[Part], columns: &mut EncodedColumns) {
    let indices = parts.iter().filter_map(|part| match part {
        &Part::Index {
            value,
            input,
            n_categories,
        } => Some(((value, n_categories as f32), input)),
        _ => None,
    });
    let (values, inputs): (Vec<(usize, f32)>, Vec<usize>) = indices.unzip();
    if values.is_empty() {
        return;
    }
    let (values, counts) = values.into_iter().unzip();
    let selected = graph.select(values, Source::Values);
    let known = graph.add(Op::KnownCategory(counts), &[selected]);
    columns.sources.push(known);
    columns.inputs.extend(inputs);
}
