//! The training loop of a run: batches and epochs, with reports and checkpoints
//! between them, until the run is finished, stopped or diverged.

use std::time::Instant;

use nn_core::training::{EpochReport, Event};
use nn_core::{Checkpoint, Trainer};
use nn_settings::Result;

use crate::checkpoints::{Pace, note};
use crate::epoch_metrics::EpochMetrics;
use crate::observer::Observer;
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::rollback::RollbackPoint;
use crate::run_dir::RunDir;

/// A run in training.
pub(crate) struct TrainingLoop<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) run_dir: &'a mut RunDir,
    pub(crate) pace: Pace,
}

impl TrainingLoop<'_> {
    /// Trains from the state of `trainer`, after the finished `epochs` and this number of
    /// seconds into the next epoch.
    pub(crate) fn run(
        &mut self,
        trainer: &mut Trainer<'_>,
        mut epochs: Vec<EpochMetrics>,
        seconds: f64,
    ) -> Result<Outcome> {
        let mut is_interrupted = false;
        let mut stopwatch = Stopwatch::start(seconds);
        if trainer.is_epoch_trained() {
            stopwatch.training_ends();
        }
        let mut epoch_start = RollbackPoint::here(self.plan, trainer, 0.0)?;
        loop {
            match trainer.advance() {
                Ok(None) => break,
                Ok(Some(Event::Batch(report))) => {
                    if report.batch == report.n_batches {
                        stopwatch.training_ends();
                    }
                    self.observer.batch(&report, stopwatch.seconds());
                    if epoch_start.is_none()
                        && self.run_dir.checkpoints().is_due_within_epoch(self.pace)
                    {
                        stopwatch.pause(|seconds| self.save(trainer, seconds))?;
                    }
                }
                Ok(Some(Event::Epoch(report))) => {
                    epochs.push(self.end_epoch(&report, &stopwatch)?);
                    self.save_epoch_end(trainer, &report)?;
                    epoch_start = RollbackPoint::here(self.plan, trainer, 0.0)?;
                    stopwatch = Stopwatch::start(0.0);
                }
                Err(error) => match &epoch_start {
                    Some(epoch_start) => {
                        self.go_back(trainer, epoch_start, error)?;
                        stopwatch = Stopwatch::start(0.0);
                    }
                    None => return Err(error.into()),
                },
            }
            is_interrupted = self.observer.should_stop();
            if is_interrupted {
                match &epoch_start {
                    None => self.save(trainer, stopwatch.seconds())?,
                    Some(start) => self.run_dir.save_checkpoint(start.checkpoint(), false)?,
                }
                break;
            }
        }
        Ok(Outcome {
            is_interrupted,
            ..Outcome::new(trainer, epochs)
        })
    }

    fn end_epoch(&mut self, report: &EpochReport, stopwatch: &Stopwatch) -> Result<EpochMetrics> {
        let metrics = EpochMetrics::new(report, stopwatch.epoch_ends());
        self.observer.epoch(report, &metrics);
        self.run_dir.add_metrics(&metrics)?;
        Ok(metrics)
    }

    /// Restarts the epoch with half the learning rate.
    fn go_back(
        &mut self,
        trainer: &mut Trainer<'_>,
        epoch_start: &RollbackPoint,
        error: nn_core::Error,
    ) -> Result<()> {
        let chosen_rate = self.plan.training.learning_rate;
        let warning = epoch_start.go_back(trainer, chosen_rate, error)?;
        self.observer.warn(&warning);
        Ok(())
    }

    /// Saves a checkpoint at the end of an epoch if it is the last one or enough time has
    /// passed; otherwise keeps the checkpoint in memory if the epoch is the best so far.
    fn save_epoch_end(&mut self, trainer: &Trainer<'_>, report: &EpochReport) -> Result<()> {
        let is_last = report.is_stopping || report.epoch == self.plan.training.epochs;
        if is_last || self.run_dir.checkpoints().is_due_at_epoch_end(self.pace) {
            let checkpoint = self.checkpoint(trainer, 0.0)?;
            self.run_dir.save_checkpoint(&checkpoint, report.is_best)?;
        } else if report.is_best {
            self.run_dir.hold_best(self.checkpoint(trainer, 0.0)?);
        }
        Ok(())
    }

    fn save(&mut self, trainer: &mut Trainer<'_>, seconds: f64) -> Result<()> {
        trainer.complete_state()?;
        let checkpoint = self.checkpoint(trainer, seconds)?;
        self.run_dir.save_checkpoint(&checkpoint, false)
    }

    fn checkpoint(&self, trainer: &Trainer<'_>, seconds: f64) -> Result<Checkpoint> {
        Ok(trainer.checkpoint(note(self.plan, seconds))?)
    }
}

/// The time of an epoch, without its evaluation.
struct Stopwatch {
    start: Instant,
    /// Seconds before the start.
    before: f64,
    trained: Option<f64>,
}

impl Stopwatch {
    fn start(before: f64) -> Self {
        Self {
            start: Instant::now(),
            before,
            trained: None,
        }
    }

    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    fn training_ends(&mut self) {
        self.trained = Some(self.seconds());
    }

    /// Does work that does not count.
    fn pause<T>(&mut self, work: impl FnOnce(f64) -> T) -> T {
        let pause = Instant::now();
        let done = work(self.seconds());
        self.start += pause.elapsed();
        done
    }

    /// Seconds of training and of evaluation.
    fn epoch_ends(&self) -> [f64; 2] {
        let all = self.seconds();
        let trained = self.trained.unwrap_or(all);
        [trained, all - trained]
    }
}
