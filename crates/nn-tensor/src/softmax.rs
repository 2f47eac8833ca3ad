//! Row-wise softmax and log-sum-exp, without overflow.
//!
//! ```text
//! softmax(z)ᵢ = exp(zᵢ − m) / Σₖ exp(zₖ − m),   m = maxₖ zₖ
//! log Σₖ exp zₖ = m + log Σₖ exp(zₖ − m)
//! ```
//!
//! Subtracting the largest element does not change the result and keeps the
//! exponentials in range (Goodfellow, Bengio & Courville 2016, section 4.1).
//! Results below the smallest normal number are 0.

use crate::{Scalar, function};

/// Replaces every row of `width` logits with its softmax.
///
/// # Panics
/// Panics if `width` is 0 or does not divide the number of values.
///
/// ```
/// use nn_tensor::softmax::softmax_rows;
///
/// let mut rows = [0.0_f64, 0.0, 1000.0, 1000.0];
/// softmax_rows(&mut rows, 2);
/// assert_eq!(rows, [0.5, 0.5, 0.5, 0.5]);
/// ```
pub fn softmax_rows<S: Scalar>(values: &mut [S], width: usize) {
    shift_rows(values, width);
    function::exp(values);
    for row in values.chunks_exact_mut(width) {
        let sum = row.iter().fold(S::zero(), |sum, &value| sum + value);
        let inverse = S::one() / sum;
        for value in row {
            *value = function::flushed(*value * inverse);
        }
    }
}

/// Computes `log Σₖ exp zₖ` of one row of logits.
///
/// # Panics
/// Panics if the row is empty.
pub fn log_sum_exp<S: Scalar>(row: &[S]) -> S {
    let largest = max(row);
    if largest.is_infinite() {
        // NaN where another logit is NaN.
        return row.iter().fold(
            largest,
            |sum, &value| {
                if value.is_nan() { value } else { sum }
            },
        );
    }
    let sum = row
        .iter()
        .fold(S::zero(), |sum, &value| sum + (value - largest).exp_value());
    largest + sum.ln()
}

/// Subtracts the largest element of each row from the row.
fn shift_rows<S: Scalar>(values: &mut [S], width: usize) {
    assert!(
        width > 0 && values.len().is_multiple_of(width),
        "{} values cannot be divided into rows of {width}",
        values.len()
    );
    for row in values.chunks_exact_mut(width) {
        let largest = max(row);
        for value in row {
            *value -= largest;
        }
    }
}

fn max<S: Scalar>(row: &[S]) -> S {
    row.iter()
        .copied()
        .reduce(|a, b| if b > a { b } else { a })
        .expect("a row has at least one element")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_sum_to_one_and_a_shift_changes_nothing(
            rows in prop::collection::vec(prop::collection::vec(-50.0..50.0_f64, 7), 1..5),
            shift in -1000.0..1000.0_f64,
        ) {
            let mut values: Vec<f64> = rows.concat();
            let mut shifted: Vec<f64> = values.iter().map(|value| value + shift).collect();
            softmax_rows(&mut values, 7);
            softmax_rows(&mut shifted, 7);
            for row in values.chunks(7) {
                prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-14);
            }
            for (value, shifted) in values.iter().zip(&shifted) {
                prop_assert!((value - shifted).abs() < 1e-12);
            }
        }

        #[test]
        fn softmax_is_its_definition(row in prop::collection::vec(-30.0..30.0_f64, 1..12)) {
            let sum: f64 = row.iter().map(|value| value.exp()).sum();
            let mut values = row.clone();
            softmax_rows(&mut values, row.len());
            for (logit, value) in row.iter().zip(values) {
                prop_assert!((value - logit.exp() / sum).abs() < 1e-14);
            }
            prop_assert!((log_sum_exp(&row) - sum.ln()).abs() < 1e-13);
        }
    }

    #[test]
    fn small_results_are_normal_or_0() {
        for logit in 0..400 {
            let mut row = [0.0_f32, 0.0, -85.0 - 0.01 * logit as f32];
            softmax_rows(&mut row, 3);
            assert!(!row[2].is_subnormal(), "{row:?}");
        }
    }

    #[test]
    fn a_nan_anywhere_makes_the_row_nan() {
        for place in 0..3 {
            let mut row = [1.0_f32, 2.0, 3.0];
            row[place] = f32::NAN;
            assert!(log_sum_exp(&row).is_nan());
            softmax_rows(&mut row, 3);
            assert!(row.iter().all(|value| value.is_nan()), "{row:?}");
        }
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let mut row = [1000.0_f32, -1000.0, 999.0];
        softmax_rows(&mut row, 3);
        assert!((row[0] - 0.731_058_6).abs() < 1e-6 && row[1] == 0.0);
        assert_eq!(log_sum_exp(&[-1000.0_f32, -1000.0]), -1000.0 + 2.0_f32.ln());
    }
}
