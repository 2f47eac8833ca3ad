//! The observer of a run that one of several workers trains.

use nn_core::training::{BatchReport, EpochReport};
use nn_workers::SharedWork;

use crate::epoch_metrics::EpochMetrics;
use crate::observer::{Observer, Start};

/// Passes all calls to another observer, and tells the other workers after each step that this
/// worker makes progress.
pub(super) struct WorkerObserver<'a> {
    pub(super) observer: &'a mut dyn Observer,
    pub(super) work: &'a mut SharedWork,
}

impl Observer for WorkerObserver<'_> {
    fn start(&mut self, start: &Start<'_, '_>) {
        self.observer.start(start);
    }

    fn batch(&mut self, report: &BatchReport, seconds: f64) {
        self.observer.batch(report, seconds);
    }

    fn epoch(&mut self, report: &EpochReport, metrics: &EpochMetrics) {
        self.observer.epoch(report, metrics);
    }

    fn warn(&mut self, warning: &str) {
        self.observer.warn(warning);
    }

    fn should_stop(&mut self) -> bool {
        self.work.progress();
        self.observer.should_stop()
    }
}
