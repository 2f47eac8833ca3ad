//! A training run of a claim: its command, its epochs, and its measurements.

use nn_core::training::EpochReport;
use serde::{Deserialize, Serialize};

use crate::outcome::Command;

/// The epochs after which to measure the network; epoch 0 is the untrained network.
///
/// Cached training runs are found by these names, as `Debug` writes them.
#[derive(Clone, Debug)]
pub(crate) enum MeasuredEpochs {
    /// Every multiple of this number, and the last epoch.
    Every(usize),
    /// The listed epochs only.
    At(Vec<usize>),
    /// The last epoch.
    End,
}

impl MeasuredEpochs {
    pub(crate) fn contains(&self, epoch: usize, last: usize) -> bool {
        match self {
            Self::Every(step) => epoch > 0 && (epoch.is_multiple_of(*step) || epoch == last),
            Self::At(epochs) => epochs.contains(&epoch),
            Self::End => epoch == last,
        }
    }
}

/// A finished training run, with measurements of type `T`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Training<T> {
    pub(crate) command: Command,
    /// One point per epoch.
    pub(crate) curve: Vec<CurvePoint>,
    /// Epochs, and the measurement after each of them.
    pub(crate) measured: Vec<(usize, T)>,
    /// The error message, if the loss diverged.
    pub(crate) diverged: Option<String>,
}

/// The metrics of an epoch. The training metrics are measured before the step of
/// each batch: with full batches, before the epoch's only step.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct CurvePoint {
    pub(crate) epoch: usize,
    /// Number of steps since the start of training.
    pub(crate) step: u64,
    pub(crate) loss: f64,
    pub(crate) accuracy: Option<f64>,
    pub(crate) validation_loss: Option<f64>,
    pub(crate) validation_accuracy: Option<f64>,
}

impl CurvePoint {
    pub(crate) fn new(report: &EpochReport) -> Self {
        let validation = report.validation.as_ref();
        Self {
            epoch: report.epoch,
            step: report.step,
            loss: report.train_loss,
            accuracy: report.train_accuracy,
            validation_loss: validation.map(|validation| validation.loss),
            validation_accuracy: validation.and_then(|validation| validation.accuracy),
        }
    }
}

impl<T> Training<T> {
    /// The measurement after `epoch`.
    pub(crate) fn after(&self, epoch: usize) -> Option<&T> {
        let found = self.measured.iter().find(|(at, _)| *at == epoch);
        found.map(|(_, value)| value)
    }

    /// The last measurement.
    pub(crate) fn last(&self) -> Option<&T> {
        self.measured.last().map(|(_, value)| value)
    }

    /// The training loss of each epoch.
    pub(crate) fn losses(&self) -> Vec<(usize, f64)> {
        let points = self.curve.iter();
        points.map(|point| (point.epoch, point.loss)).collect()
    }

    /// The training accuracy of each epoch, in percent.
    pub(crate) fn train_accuracies(&self) -> Vec<(usize, f64)> {
        let points = self.curve.iter();
        points
            .map(|point| (point.epoch, percent(point.accuracy)))
            .collect()
    }

    /// The validation accuracy of the last epoch, in percent.
    pub(crate) fn validation_accuracy(&self) -> Option<f64> {
        let accuracy = self.curve.last()?.validation_accuracy?;
        Some(100.0 * accuracy)
    }
}

impl Training<f64> {
    /// The last measurement, or NaN.
    pub(crate) fn last_value(&self) -> f64 {
        self.last().copied().unwrap_or(f64::NAN)
    }
}

/// A fraction in percent, or NaN.
pub(crate) fn percent(fraction: Option<f64>) -> f64 {
    100.0 * fraction.unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_epochs() {
        let epochs = |measured: MeasuredEpochs| -> Vec<usize> {
            (0..=5)
                .filter(|&epoch| measured.contains(epoch, 5))
                .collect()
        };
        assert_eq!(epochs(MeasuredEpochs::Every(2)), [2, 4, 5]);
        assert_eq!(epochs(MeasuredEpochs::At(vec![0, 3, 9])), [0, 3]);
        assert_eq!(epochs(MeasuredEpochs::End), [5]);
    }

    /// Files of earlier versions contain these names.
    #[test]
    fn keys_of_cached_training_runs_are_stable() {
        assert_eq!(format!("{:?}", MeasuredEpochs::Every(5)), "Every(5)");
        assert_eq!(
            format!("{:?}", MeasuredEpochs::At(vec![1, 2])),
            "At([1, 2])"
        );
        assert_eq!(format!("{:?}", MeasuredEpochs::End), "End");
    }
}
