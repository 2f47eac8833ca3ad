//! Observers of a training run.

use std::ops::ControlFlow;

use nn_error::Result;
use nn_tensor::Scalar;

use super::{BatchReport, EpochReport, Event, Trainer};

/// An observer of a training run, called after each batch and each epoch. An observer
/// can stop the run.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use nn_core::training::{EpochReport, Observer};
/// use nn_core::{Scalar, Trainer};
///
/// /// Stops when the training loss is low enough.
/// struct StopAt(f64);
///
/// impl<S: Scalar> Observer<S> for StopAt {
///     fn epoch(&mut self, _: &Trainer<'_, S>, report: &EpochReport) -> ControlFlow<()> {
///         if report.train_loss < self.0 {
///             return ControlFlow::Break(());
///         }
///         ControlFlow::Continue(())
///     }
/// }
/// ```
pub trait Observer<S: Scalar> {
    /// Called after each batch.
    fn batch(&mut self, trainer: &Trainer<'_, S>, report: &BatchReport) -> ControlFlow<()> {
        let _ = (trainer, report);
        ControlFlow::Continue(())
    }

    /// Called after each epoch, including its validation.
    fn epoch(&mut self, trainer: &Trainer<'_, S>, report: &EpochReport) -> ControlFlow<()> {
        let _ = (trainer, report);
        ControlFlow::Continue(())
    }
}

impl<S: Scalar> Trainer<'_, S> {
    /// Trains like [`run`](Self::run) and calls an observer, which can read the
    /// trainer.
    ///
    /// # Errors
    /// Returns [`Error::Diverged`](crate::Error::Diverged) if the loss or the gradient
    /// is NaN or infinite.
    pub fn run_observed(&mut self, observer: &mut impl Observer<S>) -> Result<Option<EpochReport>> {
        self.drive(|trainer, event| match event {
            Event::Batch(report) => observer.batch(trainer, report),
            Event::Epoch(report) => observer.epoch(trainer, report),
        })
    }
}
