//! Typed columns and their values, and the trait that each file format implements.

use std::borrow::Cow;

/// Whole numbers from this magnitude on are not exact as `f64`.
const FIRST_INEXACT: u64 = 1 << 53;

/// Maximum number of columns of a file, so that a small file cannot exhaust the memory.
pub const MAX_COLUMNS: usize = 100_000;

/// A reader of a file format.
pub(crate) trait TypedFile {
    /// The columns in the order of the file.
    fn columns(&self) -> &[TypedColumn];

    /// Number of rows according to the metadata of the file.
    fn n_rows(&self) -> usize;

    /// Passes each value of a column to `push`.
    ///
    /// # Errors
    /// Returns a description of the damage if the file is damaged.
    fn read(&self, column: usize, push: &mut dyn FnMut(Value<'_>)) -> Result<(), String>;
}

/// A typed column of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedColumn {
    /// Name of the column; `None` if the file has no column names.
    pub name: Option<String>,
    /// Kind of the values in the column.
    pub kind: Kind,
}

/// The kind of values in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whole or real numbers.
    Number,
    /// Dates with or without a time.
    Date,
    /// Times without a date.
    TimeOfDay,
    /// Strings. The file does not declare whether they are numbers, dates or categories.
    Text,
    /// Values that the file declares as categories, such as a categorical column of pandas.
    Category,
    /// Booleans.
    Boolean,
    /// Row numbers that a program stored in addition to the table, such as the index of a pandas
    /// data frame.
    RowNumbers,
    /// Values of a type that cannot be read, with a description such as `nested values`.
    Unsupported(String),
}

/// A value in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A missing value.
    Missing,
    /// A boolean.
    Boolean(bool),
    /// A whole number with a magnitude below 2^53. Larger whole numbers become [`Value::Text`].
    Integer(i64),
    /// A real number. NaN represents a missing value.
    Float(f64),
    /// A date as seconds since 1970-01-01 00:00 UTC, or a time of day as seconds since midnight.
    Seconds(f64),
    /// A string.
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// Creates a whole number, or a string if an `f64` cannot represent the number exactly.
    pub(crate) fn integer(number: impl Into<i128>) -> Self {
        let number = number.into();
        match i64::try_from(number) {
            Ok(exact) if exact.unsigned_abs() < FIRST_INEXACT => Self::Integer(exact),
            _ => Self::Text(number.to_string().into()),
        }
    }

    /// Converts a single-precision number to the `f64` nearest to its shortest decimal form, as
    /// reading the number from a text file would.
    pub(crate) fn single(number: f32) -> Self {
        if !number.is_finite() || number.fract() == 0.0 {
            return Self::Float(number.into());
        }
        let exact = format!("{number:e}").parse();
        Self::Float(exact.unwrap_or_else(|_| number.into()))
    }

    /// Converts the bits of a half-precision number.
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

    /// Converts a number of time units to seconds. One second has `per_second` units.
    pub(crate) fn seconds(number: impl Into<i128>, per_second: i128) -> Self {
        let number = number.into();
        // The whole seconds and the rest keep more digits than one division.
        let (whole, rest) = (number.div_euclid(per_second), number.rem_euclid(per_second));
        Self::Seconds(whole as f64 + rest as f64 / per_second as f64)
    }

    /// Creates the decimal number `digits / 10^scale`.
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

    /// Converts the value to an owned value, which does not borrow from the file.
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
