//! What a training says while it goes on.

use crate::metrics::Evaluation;

/// What [`Trainer::advance`](super::Trainer::advance) has just done.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// One step.
    Batch(BatchReport),
    /// An epoch, its validation included.
    Epoch(EpochReport),
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Batch of the epoch, counted from 1.
    pub batch: usize,
    /// Batches in an epoch.
    pub n_batches: usize,
    /// Rows in the batch.
    pub n_samples: usize,
    /// Mean loss of the rows before the step, weighted; 0 where all of them have
    /// weight 0.
    pub loss: f64,
    /// Mean loss of the epoch's rows so far, weighted.
    pub epoch_loss: f64,
    /// Share of right answers of the epoch's rows so far, if classes are learned.
    pub epoch_accuracy: Option<f64>,
    /// The rate of the step.
    pub learning_rate: f64,
}

/// One epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochReport {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Steps since the beginning.
    pub step: u64,
    /// Rate of the last step.
    pub learning_rate: f64,
    /// Mean loss per row, weighted, each row taken when its batch came up.
    pub train_loss: f64,
    /// Share of right answers, likewise; `None` for regression.
    pub train_accuracy: Option<f64>,
    /// The validation rows after the epoch, if there are any.
    pub validation: Option<Evaluation>,
    /// Whether no epoch before had a lower validation (or training) loss.
    pub is_best: bool,
    /// Whether patience has run out.
    pub is_stopping: bool,
}
