//! Events of a training run.

use crate::metrics::Evaluation;

/// The event that a call of [`Trainer::advance`](super::Trainer::advance) returns.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A training step on one batch.
    Batch(BatchReport),
    /// The end of an epoch, including its validation.
    Epoch(EpochReport),
}

/// The report of one training step.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[non_exhaustive]
pub struct BatchReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Batch within the epoch, counted from 1.
    pub batch: usize,
    /// Number of batches per epoch.
    pub n_batches: usize,
    /// Number of rows in the batch.
    pub n_samples: usize,
    /// Weighted mean loss of the batch before the step; 0 if all weights are 0.
    pub loss: f64,
    /// Weighted mean loss of all rows processed so far in the epoch.
    pub epoch_loss: f64,
    /// Accuracy on all rows processed so far in the epoch; `None` for regression.
    pub epoch_accuracy: Option<f64>,
    /// Learning rate of the step.
    pub learning_rate: f64,
}

/// The report of one epoch.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub struct EpochReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Number of steps since the start of training.
    pub step: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Weighted mean training loss, with each row evaluated before the step of its batch.
    pub train_loss: f64,
    /// Training accuracy, with each row evaluated before the step of its batch; `None`
    /// for regression.
    pub train_accuracy: Option<f64>,
    /// Evaluation of the validation rows after the epoch, if there are any.
    pub validation: Option<Evaluation>,
    /// Whether the epoch is the best so far: see
    /// [`TrainingConfig::monitor`](super::TrainingConfig::monitor).
    pub is_best: bool,
    /// Whether early stopping ends the training run.
    pub is_stopping: bool,
}
