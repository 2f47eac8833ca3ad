//! The outcome of a training run.

use nn_core::Trainer;
use nn_core::training::Monitor;

use crate::epoch_metrics::EpochMetrics;

/// The outcome of a training run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The metrics of every finished epoch.
    pub epochs: Vec<EpochMetrics>,
    /// The epoch with the lowest monitored loss or error, if early stopping is enabled. The
    /// model has the weights of this epoch; with `None`, the weights of the last epoch.
    pub best_epoch: Option<usize>,
    /// The metric that chooses the best epoch.
    pub monitor: Monitor,
    /// Whether early stopping ended the run before the last epoch.
    pub is_stopped_early: bool,
    /// Whether the observer stopped the run.
    pub is_interrupted: bool,
}

impl Outcome {
    /// Creates the outcome so far from the finished `epochs`.
    pub fn new(trainer: &Trainer<'_>, epochs: Vec<EpochMetrics>) -> Self {
        let config = trainer.config();
        Self {
            best_epoch: trainer.best_network().and_then(|_| trainer.best_epoch()),
            monitor: config.monitor,
            is_stopped_early: trainer.is_stopped_early() && epochs.len() < config.epochs,
            is_interrupted: false,
            epochs,
        }
    }

    /// The metrics of the epoch whose weights the model has.
    pub fn kept(&self) -> Option<&EpochMetrics> {
        match self.best_epoch {
            Some(best) => self.epochs.iter().find(|metrics| metrics.epoch == best),
            None => self.epochs.last(),
        }
    }

    /// Describes the weights of the model if the model does not have the weights of the
    /// last epoch: `weights of epoch 2 of 7, the lowest validation loss (0.4518)`.
    pub fn kept_weights(&self) -> Option<String> {
        let (best, last) = (self.kept()?, self.epochs.last()?);
        self.best_epoch?;
        let value = best.watched_value(self.monitor);
        let value = value.map_or_else(String::new, |value| format!(" ({value:.4})"));
        Some(format!(
            "weights of epoch {} of {}, the lowest {}{value}",
            best.epoch,
            last.epoch,
            best.watched_name(self.monitor),
        ))
    }

    /// The reason why the run ended before its last epoch, if it did.
    pub fn early_stop(&self) -> Option<String> {
        let last = self.epochs.last().filter(|_| self.is_stopped_early)?;
        Some(format!(
            "stopped early after epoch {}: the {} no longer falls",
            last.epoch,
            last.watched_name(self.monitor)
        ))
    }

    /// Training time of each epoch in seconds.
    pub fn train_seconds(&self) -> Vec<f64> {
        let epochs = self.epochs.iter();
        epochs.map(|metrics| metrics.train_seconds).collect()
    }
}
