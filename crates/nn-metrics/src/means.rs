//! Means, with and without sample weights.

/// The mean of `values`; `None` without values.
///
/// ```
/// assert_eq!(nn_metrics::mean([1.0, 4.0]), Some(2.5));
/// assert_eq!(nn_metrics::mean([]), None);
/// ```
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    weighted_mean(values, None)
}

/// The weighted mean of one value per row; `None` if the weights sum to 0.
pub(crate) fn weighted_mean(
    values: impl IntoIterator<Item = f64>,
    weights: Option<&[f64]>,
) -> Option<f64> {
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, value) in values.into_iter().enumerate() {
        sum += weight(weights, row) * value;
        total += weight(weights, row);
    }
    (0.0 < total).then(|| sum / total)
}

/// The weight of a row; 1 without weights.
pub(crate) fn weight(weights: Option<&[f64]>, row: usize) -> f64 {
    weights.map_or(1.0, |weights| weights[row])
}
