//! Files whose columns have types, in contrast to text: the columns and their values.

use std::borrow::Cow;

/// Whole numbers from this magnitude on are not exact as `f64`.
const FIRST_INEXACT: u64 = 1 << 53;

/// Maximum number of columns of a file, so that a small file cannot exhaust the memory.
pub const MAX_COLUMNS: usize = 100_000;

/// The reader of a format.
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
pub struct TypedColumn {
    /// Name of the column; `None` if the file has no names.
    pub name: Option<String>,
    /// The type of its values.
    pub kind: Kind,
}

/// The type of a column as far as it matters for a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole or real numbers.
    Number,
    /// Dates with or without a time.
    Date,
    /// Times without a date.
    TimeOfDay,
    /// Words whose type is inferred as in a text file.
    Text,
    /// Words that are declared as categories.
    Category,
    /// True or false.
    Boolean,
    /// Numbers of the rows, which are not part of the table.
    RowNumbers,
    /// Any other type, which cannot be read; its description, such as `nested values`.
    Unsupported(String),
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Missing,
    /// True or false.
    Boolean(bool),
    /// A whole number whose magnitude is below 2^53; larger ones are texts.
    Integer(i64),
    /// A real number, NaN if it is missing.
    Float(f64),
    /// Seconds since 1970-01-01 00:00 UTC, or since midnight.
    Seconds(f64),
    /// Text in UTF-8.
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
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Missing => Value::Missing,
            Self::Boolean(is_true) => Value::Boolean(is_true),
            Self::Integer(number) => Value::Integer(number),
            Self::Float(number) => Value::Float(number),
            Self::Seconds(seconds) => Value::Seconds(seconds),
            Self::Text(text) => Value::Text(text.into_owned().into()),
        }
    }
}
