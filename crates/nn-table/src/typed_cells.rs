//! Converts the values of a file with typed columns to cells.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use nn_columnar::{ColumnFile, Kind, Value};

use crate::cells::Builder;
use crate::column::ColumnType;
use crate::date_format::{self, DateFormat};

/// The number, NaN for a missing value; `None` for text.
fn number(value: &Value<'_>) -> Option<f64> {
    match *value {
        Value::Missing => Some(f64::NAN),
        Value::Boolean(is_true) => Some(f64::from(u8::from(is_true))),
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) | Value::Seconds(number) => Some(number),
        Value::Text(_) => None,
    }
}

/// The value as Python's pandas writes it to a CSV file.
pub(crate) fn text<'a>(value: &'a Value<'_>) -> Cow<'a, str> {
    match value {
        Value::Missing => "".into(),
        Value::Boolean(true) => "True".into(),
        Value::Boolean(false) => "False".into(),
        Value::Integer(number) => number.to_string().into(),
        Value::Float(number) if number.is_nan() => "".into(),
        Value::Float(number) => format!("{number:?}").into(),
        Value::Seconds(seconds) => date_format::shown(*seconds).into(),
        Value::Text(text) => text.trim().into(),
    }
}

/// The column to read the values into; `expected` is the type that is asked for.
fn builder(kind: &Kind, expected: Option<ColumnType>) -> Builder {
    match (kind, expected) {
        (_, Some(ColumnType::Ignored)) | (Kind::Unsupported(_), _) | (Kind::RowNumbers, None) => {
            Builder::of_type(ColumnType::Ignored)
        }
        // A number is the same number in each format of numbers, and a date likewise.
        (Kind::Number | Kind::RowNumbers, expected @ (None | Some(ColumnType::Number(_))))
        | (Kind::Boolean, expected @ Some(ColumnType::Number(_)))
        | (Kind::Date | Kind::TimeOfDay, expected @ Some(ColumnType::Date(_))) => {
            Builder::of_numbers(expected)
        }
        (Kind::Date, None) => Builder::of_numbers(Some(date("iso"))),
        (Kind::TimeOfDay, None) => Builder::of_numbers(Some(date("%H:%M:%S"))),
        (Kind::Category | Kind::Boolean, None) => Builder::of_type(ColumnType::Category),
        (Kind::Text, None) => Builder::inferred(std::iter::empty(), &[]),
        (_, Some(expected)) => Builder::of_type(expected),
    }
}

fn date(format: &str) -> ColumnType {
    ColumnType::Date(DateFormat::new(format))
}

/// Reads one column, and adds its values to the hash of each row, unless `hashes` is empty.
pub(crate) fn read_column(
    file: &ColumnFile<'_>,
    column: usize,
    expected: Option<ColumnType>,
    marks: &[String],
    hashes: &mut [u64],
) -> nn_columnar::Result<Builder> {
    let mut builder = builder(&file.columns()[column].kind, expected);
    if builder.is_ignored() {
        return Ok(builder);
    }
    let marks = Marks::new(marks);
    let mut n_rows = 0;
    file.read(column, &mut |value| {
        if let Some(hash) = hashes.get_mut(n_rows) {
            *hash = hash_of(*hash, &value);
        }
        n_rows += 1;
        marks.push(&mut builder, &value);
    })?;
    if builder.needs_words() {
        builder.start_words();
        file.read(column, &mut |value| marks.push(&mut builder, &value))?;
    }
    Ok(builder)
}

fn hash_of(before: u64, value: &Value<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    before.hash(&mut hasher);
    match number(value) {
        Some(number) => (number + 0.0).to_bits().hash(&mut hasher),
        None => text(value).hash(&mut hasher),
    }
    hasher.finish()
}

/// The additional strings that represent missing values.
struct Marks<'a> {
    texts: &'a [String],
    numbers: Vec<f64>,
}

impl<'a> Marks<'a> {
    fn new(texts: &'a [String]) -> Self {
        Self {
            texts,
            numbers: texts.iter().filter_map(|mark| mark.parse().ok()).collect(),
        }
    }

    fn push(&self, builder: &mut Builder, value: &Value<'_>) {
        let number = number(value);
        let is_marked = number.is_some_and(|number| self.numbers.contains(&number));
        let number = if is_marked { Some(f64::NAN) } else { number };
        if number.is_some_and(|number| builder.push_number(number)) {
            return;
        }
        let text = if is_marked { "".into() } else { text(value) };
        builder.push(&text, self.texts);
    }
}
