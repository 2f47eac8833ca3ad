//! The metrics of an epoch.

use nn_core::training::{EpochReport, Monitor};
use serde::Serialize;

/// The metrics of a finished epoch: a row of `metrics.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EpochMetrics {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Number of steps since the start of the run.
    pub step: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean training loss per sample, measured during the epoch.
    pub train_loss: f64,
    /// Training accuracy from 0 to 1, measured during the epoch.
    pub train_accuracy: Option<f64>,
    /// Mean validation loss per sample after the epoch.
    pub validation_loss: Option<f64>,
    /// Validation accuracy from 0 to 1 after the epoch.
    pub validation_accuracy: Option<f64>,
    /// Training time in seconds.
    pub train_seconds: f64,
    /// Validation time in seconds.
    pub evaluate_seconds: Option<f64>,
}

impl EpochMetrics {
    /// The metrics of `report`, with the training time and the validation time in
    /// seconds.
    pub fn new(report: &EpochReport, [train_seconds, evaluate_seconds]: [f64; 2]) -> Self {
        let validation = report.validation.as_ref();
        Self {
            epoch: report.epoch,
            step: report.step,
            learning_rate: report.learning_rate,
            train_loss: report.train_loss,
            train_accuracy: report.train_accuracy,
            validation_loss: validation.map(|validation| validation.loss),
            validation_accuracy: validation.and_then(|validation| validation.accuracy),
            train_seconds,
            evaluate_seconds: validation.map(|_| evaluate_seconds),
        }
    }

    /// Name of the loss or error that early stopping monitors.
    pub fn watched_name(&self, monitor: Monitor) -> String {
        match self.validation_loss {
            Some(_) => format!("validation {monitor}"),
            None => format!("training {monitor}"),
        }
    }

    /// The loss or error that early stopping monitors; `None` for the error of a regression.
    pub fn watched_value(&self, monitor: Monitor) -> Option<f64> {
        let accuracy = match self.validation_loss {
            Some(_) => self.validation_accuracy,
            None => self.train_accuracy,
        };
        match monitor {
            Monitor::Loss => Some(self.watched_loss()),
            Monitor::Error => accuracy.map(|accuracy| 1.0 - accuracy),
        }
    }

    /// The validation loss, or the training loss if there are no validation samples.
    pub fn watched_loss(&self) -> f64 {
        self.validation_loss.unwrap_or(self.train_loss)
    }
}
