//! The metric by which the networks of all programs are compared.

use super::statistics::{deviation, mean};
use super::table::percent;

/// A metric on the test samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// The fraction of correct classes.
    Accuracy,
    /// The mean squared error.
    Loss,
}

impl Metric {
    /// The name in tables, and in the output of the peers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Loss => "loss",
        }
    }

    /// The value, such as `97.12 %` or `0.0812`.
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Accuracy => percent(value),
            Self::Loss => format!("{value:.4}"),
        }
    }

    /// Mean and standard deviation, such as `97.12 ± 0.10 %` or `0.0812 ± 0.0005`.
    pub(super) fn spread(self, values: &[f64]) -> String {
        let mean = mean(values);
        match (self, deviation(values)) {
            (_, None) => self.text(mean),
            (Self::Accuracy, Some(deviation)) => {
                format!("{:.2} ± {:.2} %", 100.0 * mean, 100.0 * deviation)
            }
            (Self::Loss, Some(deviation)) => format!("{mean:.4} ± {deviation:.4}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_values_have_a_deviation() {
        assert_eq!(Metric::Accuracy.spread(&[0.96, 0.98]), "97.00 ± 1.41 %");
        assert_eq!(Metric::Accuracy.spread(&[0.96]), "96.00 %");
        assert_eq!(Metric::Loss.spread(&[0.1, 0.3]), "0.2000 ± 0.1414");
        assert_eq!(Metric::Loss.spread(&[0.08125]), "0.0813");
    }
}
