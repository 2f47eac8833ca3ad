//! Training runs at several learning rates, side by side.

use crate::training::Training;
use crate::figure::{Figure, Series};

/// The curve of each training run, with its rate as the name.
pub(super) fn rate_curves<T>(
    title: &str,
    y: &str,
    trainings: &[(f64, Training<T>)],
    points: impl Fn(&Training<T>) -> Vec<(usize, f64)>,
) -> Figure {
    Figure::Lines {
        title: title.to_owned(),
        x: "epoch".to_owned(),
        y: y.to_owned(),
        series: trainings
            .iter()
            .map(|(rate, training)| Series::new(format!("rate {rate}"), points(training)))
            .collect(),
    }
}
