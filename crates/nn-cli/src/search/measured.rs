//! The results of a trial: the mean over its training runs.

use nn_core::training::EpochReport;
use nn_train::Repetition;
use nn_train::repeated_training::estimate;

use crate::objective::Objective;

/// The results of a trial, measured with the weights that `nn train` would keep. For several
/// training runs, the means over the runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// Number of epochs; the largest number of several runs.
    pub(super) epochs: usize,
    pub(super) train_loss: Option<f64>,
    pub(super) validation_loss: Option<f64>,
    pub(super) validation_accuracy: Option<f64>,
    /// Standard deviations of several runs.
    pub(super) spread: Spread,
    pub(super) seconds: f64,
}

/// Sample standard deviations over the folds or, without folds, over the seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spread {
    pub(super) validation_loss: Option<f64>,
    pub(super) validation_accuracy: Option<f64>,
}

impl Measured {
    /// The results of one training run after an epoch.
    pub(super) fn of(epoch: &EpochReport) -> Self {
        let validation = epoch.validation.as_ref();
        Self {
            epochs: epoch.epoch,
            train_loss: Some(epoch.train_loss),
            validation_loss: validation.map(|validation| validation.loss),
            validation_accuracy: validation.and_then(|validation| validation.accuracy),
            ..Self::default()
        }
    }

    /// The mean over the runs of a trial, without the seconds.
    pub(super) fn mean(runs: &[(Repetition, Self)]) -> Self {
        let statistics = |value: fn(&Self) -> Option<f64>| {
            let values = runs.iter().map(|(run, it)| Some((*run, value(it)?)));
            let values: Option<Vec<_>> = values.collect();
            let found = values
                .filter(|values| !values.is_empty())
                .map(|it| estimate(&it));
            let std = found
                .and_then(|found| found.spread)
                .map(|spread| spread.std);
            (found.map(|found| found.mean), std)
        };
        let (validation_loss, loss_std) = statistics(|it| it.validation_loss);
        let (validation_accuracy, accuracy_std) = statistics(|it| it.validation_accuracy);
        Self {
            epochs: runs.iter().map(|(_, it)| it.epochs).max().unwrap_or(0),
            train_loss: statistics(|it| it.train_loss).0,
            validation_loss,
            validation_accuracy,
            spread: Spread {
                validation_loss: loss_std,
                validation_accuracy: accuracy_std,
            },
            seconds: 0.0,
        }
    }

    /// The objective of the trial, if it was measured.
    pub(super) fn objective(&self, objective: Objective) -> Option<f64> {
        objective.of(self.validation_loss, self.validation_accuracy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(fold: usize, epochs: usize, loss: f64, accuracy: Option<f64>) -> (Repetition, Measured) {
        let repetition = Repetition {
            fold: Some(fold),
            ..Repetition::default()
        };
        let measured = Measured {
            epochs,
            train_loss: Some(1.0),
            validation_loss: Some(loss),
            validation_accuracy: accuracy,
            ..Measured::default()
        };
        (repetition, measured)
    }

    #[test]
    fn several_runs_have_a_mean_and_a_standard_deviation() {
        let mean = Measured::mean(&[run(1, 3, 0.25, Some(0.5)), run(2, 5, 0.75, None)]);
        assert_eq!((mean.epochs, mean.validation_loss), (5, Some(0.5)));
        assert_eq!(mean.spread.validation_loss, Some(0.125_f64.sqrt()));
        assert_eq!(mean.validation_accuracy, None);
    }

    #[test]
    fn a_single_run_is_its_own_mean() {
        let (repetition, measured) = run(1, 3, 0.1 + 0.2, Some(0.7));
        assert_eq!(Measured::mean(&[(repetition, measured.clone())]), measured);
    }
}
