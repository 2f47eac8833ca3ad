//! Stores numbers exactly in as few bytes as possible.

use std::borrow::Cow;
use std::ops::Range;

/// The largest number of decimals of numbers that are stored as whole numbers.
const MAX_DECIMALS: u8 = 9;

/// A missing value among whole numbers.
const MISSING: i32 = i32::MIN;

/// Numbers; NaN is a missing value.
///
/// Numbers with few decimals, as most tables have them, take four bytes each, and so do
/// numbers in single precision.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    /// `mantissa / 10^n_decimals`
    Decimals {
        mantissas: Vec<i32>,
        n_decimals: u8,
    },
    Singles(Vec<f32>),
    Doubles(Vec<f64>),
}

impl Numbers {
    pub(crate) fn new() -> Self {
        Self::Decimals {
            mantissas: Vec::new(),
            n_decimals: 0,
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self::Decimals {
            mantissas: bytes.iter().map(|&byte| i32::from(byte)).collect(),
            n_decimals: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Decimals { mantissas, .. } => mantissas.len(),
            Self::Singles(values) => values.len(),
            Self::Doubles(values) => values.len(),
        }
    }

    pub(crate) fn get(&self, row: usize) -> f64 {
        match self {
            Self::Decimals {
                mantissas,
                n_decimals,
            } => value(mantissas[row], *n_decimals),
            Self::Singles(values) => f64::from(values[row]),
            Self::Doubles(values) => values[row],
        }
    }

    pub(crate) fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Decimals { mantissas, .. } => mantissas[row] == MISSING,
            Self::Singles(values) => values[row].is_nan(),
            Self::Doubles(values) => values[row].is_nan(),
        }
    }

    /// The numbers of some rows.
    pub(crate) fn range(&self, rows: Range<usize>) -> Cow<'_, [f64]> {
        match self {
            Self::Decimals {
                mantissas,
                n_decimals,
            } => {
                let values = mantissas[rows].iter();
                values.map(|&it| value(it, *n_decimals)).collect()
            }
            Self::Singles(values) => values[rows].iter().map(|&it| f64::from(it)).collect(),
            Self::Doubles(values) => values[rows].into(),
        }
    }

    pub(crate) fn push(&mut self, number: f64) {
        match self {
            Self::Decimals {
                mantissas,
                n_decimals,
            } => match mantissa(number, *n_decimals) {
                Some(mantissa) => mantissas.push(mantissa),
                None => self.push_wider(number),
            },
            Self::Singles(values) if is_single(number) => values.push(number as f32),
            Self::Singles(_) => self.push_wider(number),
            Self::Doubles(values) => values.push(number),
        }
    }

    /// Stores the numbers in another form that also holds `number`.
    fn push_wider(&mut self, number: f64) {
        if let Some((mut mantissas, n_decimals)) = self.with_more_decimals(number) {
            mantissas.extend(mantissa(number, n_decimals));
            *self = Self::Decimals {
                mantissas,
                n_decimals,
            };
            return;
        }
        let are_single = |mut rows: Range<usize>| rows.all(|row| is_single(self.get(row)));
        if is_single(number) && are_single(0..self.len()) {
            let values = (0..self.len()).map(|row| self.get(row) as f32);
            *self = Self::Singles(values.chain([number as f32]).collect());
            return;
        }
        let mut values = self.range(0..self.len()).into_owned();
        values.push(number);
        *self = Self::Doubles(values);
    }

    /// The mantissas with as many decimals as `number` needs.
    fn with_more_decimals(&self, number: f64) -> Option<(Vec<i32>, u8)> {
        let Self::Decimals {
            mantissas,
            n_decimals,
        } = self
        else {
            return None;
        };
        let needed = (n_decimals + 1..=MAX_DECIMALS).find(|&n| mantissa(number, n).is_some())?;
        Some((rescaled(mantissas, needed - n_decimals)?, needed))
    }

    pub(crate) fn append(&mut self, more: Self) {
        match (&mut *self, more) {
            (it, more) if it.len() == 0 => *it = more,
            (
                Self::Decimals {
                    mantissas,
                    n_decimals,
                },
                Self::Decimals {
                    mantissas: more,
                    n_decimals: of_more,
                },
            ) if *n_decimals == of_more => mantissas.extend(more),
            (Self::Singles(values), Self::Singles(more)) => values.extend(more),
            (Self::Doubles(values), more) => {
                values.extend_from_slice(&more.range(0..more.len()));
            }
            (it, more) => (0..more.len()).for_each(|row| it.push(more.get(row))),
        }
    }

    /// Keeps only these rows.
    pub(crate) fn keep(&mut self, rows: &[usize]) {
        match self {
            Self::Decimals { mantissas, .. } => keep(mantissas, rows),
            Self::Singles(values) => keep(values, rows),
            Self::Doubles(values) => keep(values, rows),
        }
    }

    /// Keeps only the first rows, and frees the memory of the others.
    pub(crate) fn truncate(&mut self, n_rows: usize) {
        match self {
            Self::Decimals { mantissas, .. } => truncate(mantissas, n_rows),
            Self::Singles(values) => truncate(values, n_rows),
            Self::Doubles(values) => truncate(values, n_rows),
        }
    }
}

impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        let rows = 0..self.len();
        self.len() == other.len()
            && rows
                .map(|row| (self.get(row), other.get(row)))
                .all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
    }
}

/// Keeps only these elements.
pub(crate) fn keep<T: Copy>(values: &mut Vec<T>, rows: &[usize]) {
    *values = rows.iter().map(|&row| values[row]).collect();
}

/// Keeps only the first elements, and frees the memory of the others.
pub(crate) fn truncate<T>(values: &mut Vec<T>, n: usize) {
    values.truncate(n);
    values.shrink_to_fit();
}

fn value(mantissa: i32, n_decimals: u8) -> f64 {
    match mantissa {
        MISSING => f64::NAN,
        mantissa => f64::from(mantissa) / power_of_10(n_decimals),
    }
}

/// The whole number that stands for `number`, if that is exact. A quotient of two exact
/// numbers is rounded like the decimal number in the text.
fn mantissa(number: f64, n_decimals: u8) -> Option<i32> {
    if number.is_nan() {
        return Some(MISSING);
    }
    // Rounds to a whole number, if it is below 2^51; `f64::round` calls a function.
    const SHIFT: f64 = 6_755_399_441_055_744.0; // 1.5·2^52
    let mantissa = (number * power_of_10(n_decimals) + SHIFT - SHIFT) as i32;
    (mantissa != MISSING && value(mantissa, n_decimals) == number).then_some(mantissa)
}

fn rescaled(mantissas: &[i32], n_more: u8) -> Option<Vec<i32>> {
    let factor = 10_i32.checked_pow(u32::from(n_more))?;
    let rescale = |&mantissa: &i32| match mantissa {
        MISSING => Some(MISSING),
        mantissa => mantissa.checked_mul(factor).filter(|&it| it != MISSING),
    };
    mantissas.iter().map(rescale).collect()
}

fn power_of_10(n: u8) -> f64 {
    const POWERS: [f64; MAX_DECIMALS as usize + 1] =
        [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    POWERS[usize::from(n)]
}

fn is_single(number: f64) -> bool {
    number.is_nan() || f64::from(number as f32) == number
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: &[f64]) -> Numbers {
        let mut numbers = Numbers::new();
        values.iter().for_each(|&value| numbers.push(value));
        numbers
    }

    fn bits(values: &[f64]) -> Vec<u64> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    /// Pushes values one by one, and in two parts, and returns the form.
    fn check(values: &[f64]) -> Numbers {
        let whole = numbers(values);
        assert_eq!(bits(&whole.range(0..values.len())), bits(values));
        for at in 0..=values.len() {
            let (a, b) = values.split_at(at);
            let mut joined = numbers(a);
            joined.append(numbers(b));
            assert_eq!(
                bits(&joined.range(0..values.len())),
                bits(values),
                "split at {at}"
            );
        }
        whole
    }

    #[test]
    fn every_form_is_exact() {
        let short = [0.1, 12.25, -3.0, f64::NAN, 0.000_001, 2147.0];
        assert!(matches!(
            check(&short),
            Numbers::Decimals { n_decimals: 6, .. }
        ));
        let single = [
            0.869_293_212_890_625,
            f64::NAN,
            f64::from(f32::MAX),
            f64::from(-1e-30_f32),
        ];
        assert!(matches!(check(&single), Numbers::Singles(_)));
        let double = [
            1.0,
            0.1,
            2_147.483_648,
            0.123_456_789_012,
            f64::NAN,
            1e300,
            -1e-300,
        ];
        assert!(matches!(check(&double), Numbers::Doubles(_)));
        check(&[-2_147_483_648.0, 2_147_483_647.0, 2_147_483_648.0, 0.5]);
        check(&[214_748_364.7, 0.01]);
        check(&[0.25, 1e20, 0.1]);
    }

    #[test]
    fn rows_are_kept_and_truncated() {
        for values in [
            [0.5, 1.5, 2.5],
            [1e-20, 1e20, 0.1],
            [0.25, 1e30, 2.0_f64.powi(-40)],
        ] {
            let mut some = numbers(&values);
            some.keep(&[2, 0]);
            assert_eq!(some.range(0..2)[..], [values[2], values[0]]);
            some.truncate(1);
            assert_eq!(some, numbers(&values[2..]));
            assert_ne!(some, numbers(&values[1..2]));
        }
    }
}
