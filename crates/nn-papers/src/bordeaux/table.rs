//! Table II as printed, and the difference between measured and printed accuracies.

/// Number of learning rates.
const N_RATES: usize = 11;

/// Learning rate, and accuracy in percent after each of [`EPOCHS`], as printed.
pub(super) const PRINTED: [(f64, [f64; 2]); N_RATES] = [
    (2.0, [9.871, 19.255]),
    (1.0, [59.733, 89.185]),
    (0.6, [83.968, 90.31]),
    (0.5, [83.501, 89.565]),
    (0.4, [80.71, 88.696]),
    (0.3, [74.578, 87.0]),
    (0.2, [57.988, 84.666]),
    (0.1, [18.726, 73.186]),
    (0.01, [9.871, 9.871]),
    (0.001, [9.871, 9.871]),
    (0.0001, [9.871, 9.871]),
];

/// The epochs of the columns.
pub(super) const EPOCHS: [usize; 2] = [100, 290];

/// Tolerance in percentage points.
pub(super) const TOLERANCE: f64 = 3.0;

/// The distance of measured accuracies from the printed ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Distance {
    /// Mean absolute difference in percentage points.
    pub(super) mean: f64,
    /// Number of accuracies within the tolerance.
    pub(super) n_within: usize,
    /// Number of compared accuracies.
    pub(super) n: usize,
}

impl Distance {
    /// Compares pairs of a printed and a measured accuracy. A value that is not a
    /// number, as after a divergence, is 100 points off.
    pub(super) fn of(pairs: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let differences: Vec<f64> = pairs
            .into_iter()
            .map(|(printed, ours)| (printed - ours).abs())
            .map(|difference| {
                if difference.is_nan() {
                    100.0
                } else {
                    difference
                }
            })
            .collect();
        let is_within = |difference: &&f64| **difference <= TOLERANCE;
        Self {
            mean: differences.iter().sum::<f64>() / differences.len() as f64,
            n_within: differences.iter().filter(is_within).count(),
            n: differences.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_absolute() {
        let distance = Distance::of([(10.0, 11.0), (10.0, 5.0), (20.0, 23.0)]);
        let (mean, n_within, n) = (3.0, 2, 3);
        assert_eq!(distance, Distance { mean, n_within, n });
        assert_eq!(Distance::of([(10.0, f64::NAN)]).mean, 100.0);
    }
}
