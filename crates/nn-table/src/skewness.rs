//! Decides whether the logarithm of a target is less skewed than the target.

use crate::target_transform::Transform;
use crate::weighted_rows::WeightedRows;

/// A skewed target has at least this skewness.
const MIN_SKEWNESS: f64 = 1.0;

/// The logarithm of a skewed target has at most this fraction of its skewness.
const MAX_REMAINING: f64 = 0.5;

/// The logarithm for the values of a target; `None` if one is negative.
pub(crate) fn logarithm_of(
    value: impl Fn(usize) -> f64,
    rows: &WeightedRows<'_>,
) -> Option<Transform> {
    let values = rows.rows.iter().map(|&row| value(row));
    match values.fold(f64::INFINITY, f64::min) {
        least if least > 0.0 => Some(Transform::Log),
        0.0 => Some(Transform::Log1p),
        _ => None,
    }
}

/// Whether a target is skewed, and its logarithm much less.
pub(crate) fn is_removed_by(
    logarithm: Transform,
    value: impl Fn(usize) -> f64,
    rows: &WeightedRows<'_>,
) -> bool {
    let before = skewness(&value, rows);
    let after = skewness(|row| logarithm.apply(value(row)), rows);
    before >= MIN_SKEWNESS && after.abs() <= MAX_REMAINING * before
}

/// The skewness of a sample, `mean((y − ȳ)³) / mean((y − ȳ)²)^1.5`; 0 if it is constant.
fn skewness(value: impl Fn(usize) -> f64, rows: &WeightedRows<'_>) -> f64 {
    let mean = rows.mean(&value);
    let moment = |power: i32| rows.mean(|row| (value(row) - mean).powi(power));
    let variance = moment(2);
    if variance == 0.0 {
        return 0.0;
    }
    moment(3) / variance.powf(1.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.skew([1, 2, 3, 10]) = 1.0182337649086284
    #[test]
    fn skewness_is_that_of_scipy() {
        let values = [1.0, 2.0, 3.0, 10.0];
        let rows = WeightedRows::all(&[0, 1, 2, 3]);
        assert!((skewness(|row| values[row], &rows) - 1.018_233_764_908_628_4).abs() < 1e-12);
        assert_eq!(skewness(|_| 5.0, &rows), 0.0);
    }
}
