//! Observers of a training run.

use std::path::Path;

use nn_core::Trainer;
use nn_core::training::{BatchReport, EpochReport};

use crate::epoch_metrics::EpochMetrics;

/// The state of a training run when it starts or resumes.
#[derive(Debug)]
pub struct Start<'a, 't> {
    /// Path of the run directory.
    pub run: &'a Path,
    /// The trainer, before its next step.
    pub trainer: &'a Trainer<'t>,
    /// Number of validation samples.
    pub n_validation: usize,
    /// Number of test samples.
    pub n_test: usize,
    /// The epochs that a resumed run has already finished.
    pub finished: &'a [EpochMetrics],
    /// The network of an ensemble that starts, and the number of networks; `None` for a single
    /// network.
    pub member: Option<(usize, usize)>,
    /// Whether the run is resumed.
    pub is_resumed: bool,
}

/// An observer of a training run: shows its progress, and can stop it.
///
/// ```
/// use nn_core::training::EpochReport;
/// use nn_train::{EpochMetrics, Observer};
///
/// /// Stops when the training loss is low enough.
/// struct StopAt(f64, bool);
///
/// impl Observer for StopAt {
///     fn epoch(&mut self, _: &EpochReport, metrics: &EpochMetrics) {
///         self.1 = metrics.train_loss < self.0;
///     }
///
///     fn should_stop(&mut self) -> bool {
///         self.1
///     }
/// }
/// ```
pub trait Observer {
    /// Called before the first step.
    fn start(&mut self, start: &Start<'_, '_>) {
        let _ = start;
    }

    /// Called after each batch, with the training time of the epoch so far in seconds.
    fn batch(&mut self, report: &BatchReport, seconds: f64) {
        let _ = (report, seconds);
    }

    /// Called after each epoch, including its validation.
    fn epoch(&mut self, report: &EpochReport, metrics: &EpochMetrics) {
        let _ = (report, metrics);
    }

    /// Called with a warning; the run continues.
    fn warn(&mut self, warning: &str) {
        let _ = warning;
    }

    /// Returns `true` to save and stop the run; called after each step. A stopped run can be
    /// resumed.
    fn should_stop(&mut self) -> bool {
        false
    }
}

/// An observer that does nothing.
impl Observer for () {}
