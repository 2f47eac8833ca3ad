//! Files whose columns have types, in contrast to text: the columns, and their values as
//! cells.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::cells::Builder;
use crate::column::ColumnType;
use crate::date_format::{self, DateFormat};

/// Whole numbers from this magnitude on are not exact as `f64`.
const FIRST_INEXACT: u64 = 1 << 53;

/// A table may have this number of cells, and this number more for each byte of the file:
/// one byte can stand for many equal cells, but not for any number of them.
const MIN_CELLS: usize = 1 << 20;
const MAX_CELLS_PER_BYTE: usize = 1000;

/// A file whose columns have types.
pub(crate) trait TypedFile {
    /// The columns in the order of the file.
    fn columns(&self) -> &[TypedColumn];

    /// Number of rows, as far as the file states it.
    fn n_rows(&self) -> usize;

    /// Passes each value of a column to `push`.
    ///
    /// # Errors
    /// Returns what is wrong with a damaged file.
    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String>;
}

/// A column of a file with types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedColumn {
    /// Name of the column; `None` if the file has no names.
    pub(crate) name: Option<String>,
    pub(crate) kind: Kind,
}

/// The type of a column as far as it matters for a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(any(feature = "parquet", feature = "arrow")),
    expect(dead_code, reason = "arrays of NumPy do not have all types")
)]
pub(crate) enum Kind {
    Number,
    /// Dates with or without a time.
    Date,
    TimeOfDay,
    /// Words whose type is inferred as in a text file.
    Text,
    /// Words that are declared as categories.
    Category,
    Boolean,
    /// Numbers of the rows, which are not part of the table.
    RowNumbers,
    /// Any other type; its description, with an article.
    Unsupported(String),
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Missing,
    Boolean(bool),
    /// A whole number below 2^53.
    Integer(i64),
    Float(f64),
    /// Seconds since 1970-01-01 00:00 UTC, or since midnight.
    Seconds(f64),
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// A whole number, as text if it is not exact as `f64`.
    pub(crate) fn integer(number: impl Into<i128>) -> Self {
        let number = number.into();
        match i64::try_from(number) {
            Ok(exact) if exact.unsigned_abs() < FIRST_INEXACT => Self::Integer(exact),
            _ => Self::Text(number.to_string().into()),
        }
    }

    /// A single-precision number: the one that its shortest decimal form names, as in a text
    /// file.
    pub(crate) fn single(number: f32) -> Self {
        if !number.is_finite() || number.fract() == 0.0 {
            return Self::Float(number.into());
        }
        let exact = format!("{number:e}").parse();
        Self::Float(exact.unwrap_or_else(|_| number.into()))
    }

    /// A half-precision number, by its bits.
    pub(crate) fn half(bits: u16) -> Self {
        let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
        let magnitude = match exponent {
            0 => fraction * 2_f32.powi(-24),
            0x1f if fraction == 0.0 => f32::INFINITY,
            0x1f => f32::NAN,
            _ => (1024.0 + fraction) * 2_f32.powi(exponent - 25),
        };
        Self::single(if bits >> 15 == 1 {
            -magnitude
        } else {
            magnitude
        })
    }

    /// A number of units of time, of which a second has `per_second`.
    pub(crate) fn seconds(number: impl Into<i128>, per_second: i128) -> Self {
        let number = number.into();
        // The whole seconds and the rest keep more digits than one division.
        let (whole, rest) = (number.div_euclid(per_second), number.rem_euclid(per_second));
        Self::Seconds(whole as f64 + rest as f64 / per_second as f64)
    }

    /// A decimal number: `digits` divided by a power of ten.
    #[cfg(any(feature = "parquet", feature = "arrow"))]
    pub(crate) fn decimal(digits: i128, scale: i32) -> Self {
        // Up to here, both numbers are exact, so that their quotient is rounded once.
        const MAX_EXACT_POWER: i32 = 22;
        if scale == 0 {
            return Self::integer(digits);
        }
        if digits.unsigned_abs() < u128::from(FIRST_INEXACT)
            && (0..=MAX_EXACT_POWER).contains(&scale)
        {
            return Self::Float(digits as f64 / 10_f64.powi(scale));
        }
        let number = format!("{digits}e{}", -i64::from(scale)).parse();
        Self::Float(number.unwrap_or(f64::NAN))
    }

    /// The same value without a reference to the file.
    #[cfg(feature = "arrow")]
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Boolean(is_true) => Value::Boolean(is_true),
            Self::Integer(number) => Value::Integer(number),
            Self::Float(number) => Value::Float(number),
            Self::Seconds(seconds) => Value::Seconds(seconds),
            Self::Text(text) => Value::Text(text.into_owned().into()),
        }
    }

    /// The number, NaN for a missing value; `None` for text.
    fn number(&self) -> Option<f64> {
        match *self {
            Self::Missing => Some(f64::NAN),
            Self::Boolean(is_true) => Some(f64::from(u8::from(is_true))),
            Self::Integer(number) => Some(number as f64),
            Self::Float(number) | Self::Seconds(number) => Some(number),
            Self::Text(_) => None,
        }
    }

    /// The value as Python's pandas writes it to a CSV file.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Missing => "".into(),
            Self::Boolean(true) => "True".into(),
            Self::Boolean(false) => "False".into(),
            Self::Integer(number) => number.to_string().into(),
            Self::Float(number) if number.is_nan() => "".into(),
            Self::Float(number) => format!("{number:?}").into(),
            Self::Seconds(seconds) => date_format::shown(*seconds).into(),
            Self::Text(text) => text.trim().into(),
        }
    }
}

impl Kind {
    /// The column to read the values into; `expected` is the type that is asked for.
    fn builder(&self, expected: Option<ColumnType>) -> Builder {
        match (self, expected) {
            (_, Some(ColumnType::Ignored))
            | (Self::Unsupported(_), _)
            | (Self::RowNumbers, None) => Builder::of_type(ColumnType::Ignored),
            // A number is the same number in each format of numbers, and a date likewise.
            (Self::Number | Self::RowNumbers, expected @ (None | Some(ColumnType::Number(_))))
            | (Self::Boolean, expected @ Some(ColumnType::Number(_)))
            | (Self::Date | Self::TimeOfDay, expected @ Some(ColumnType::Date(_))) => {
                Builder::of_numbers(expected)
            }
            (Self::Date, None) => Builder::of_numbers(Some(date("iso"))),
            (Self::TimeOfDay, None) => Builder::of_numbers(Some(date("%H:%M:%S"))),
            (Self::Category | Self::Boolean, None) => Builder::of_type(ColumnType::Category),
            (Self::Text, None) => Builder::inferred(std::iter::empty(), &[]),
            (_, Some(expected)) => Builder::of_type(expected),
        }
    }
}

fn date(format: &str) -> ColumnType {
    ColumnType::Date(DateFormat::new(format))
}

/// Whether a table of this size is plausible for a file of this length.
pub(crate) fn is_plausible(n_rows: usize, n_columns: usize, n_bytes: usize) -> bool {
    let limit = MIN_CELLS.saturating_add(n_bytes.saturating_mul(MAX_CELLS_PER_BYTE));
    n_rows.saturating_mul(n_columns.max(1)) <= limit
}

/// Reads one column, and adds its values to the hash of each row, unless `hashes` is empty.
pub(crate) fn read_column(
    file: &dyn TypedFile,
    column: usize,
    expected: Option<ColumnType>,
    marks: &[String],
    hashes: &mut [u64],
) -> Result<Builder, String> {
    let mut builder = file.columns()[column].kind.builder(expected);
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
    if n_rows != file.n_rows() {
        return Err(format!(
            "column {} has {n_rows} values, the file has {} rows",
            column + 1,
            file.n_rows()
        ));
    }
    if builder.needs_words() {
        builder.start_words();
        file.read(column, &mut |value| marks.push(&mut builder, &value))?;
    }
    Ok(builder)
}

fn hash_of(before: u64, value: &Value<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    before.hash(&mut hasher);
    match value.number() {
        Some(number) => (number + 0.0).to_bits().hash(&mut hasher),
        None => value.text().hash(&mut hasher),
    }
    hasher.finish()
}

/// The additional marks of missing values.
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
        let number = value.number();
        let is_marked = number.is_some_and(|number| self.numbers.contains(&number));
        let number = if is_marked { Some(f64::NAN) } else { number };
        if number.is_some_and(|number| builder.push_number(number)) {
            return;
        }
        let text = if is_marked { "".into() } else { value.text() };
        builder.push(&text, self.texts);
    }
}
