//! Learning curves for several learning rates.

use crate::figure::{Figure, Series};
use crate::training::Training;

/// One curve per training run, named by its learning rate.
pub(super) fn rate_curves<T>(
    title: &str,
    y: &str,
    trainings: &[(f64, Training<T>)],
    points: impl Fn(&Training<T>) -> Vec<(usize, f64)>,
) -> Figure {
    let series = trainings.iter();
    let series =
        series.map(|(rate, training)| Series::new(format!("rate {rate}"), points(training)));
    Figure::over_epochs(title, y, series.collect())
}
