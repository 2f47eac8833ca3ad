//! The course of a training: batch after batch, with what is shown and saved
//! on the way, until it is done, interrupted or diverged.

use std::time::Instant;

use nn_core::training::{EpochReport, Event};
use nn_core::{Checkpoint, Trainer};

use crate::checkpoints::{Pace, note};
use crate::failure::{Code, Failure, Result};
use crate::interrupt::Interrupt;
use crate::metrics_file::Row;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::restart::RestartPoint;
use crate::run_dir::RunDir;

/// What a training came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Every finished epoch.
    pub(crate) rows: Vec<Row>,
    /// The epoch with the lowest watched loss, where its weights are the model
    /// (`--patience`); otherwise the last epoch's are.
    pub(crate) best_epoch: Option<usize>,
    /// Whether patience ran out before the last epoch.
    pub(crate) is_stopped_early: bool,
    pub(crate) interrupted: Option<Code>,
}

impl Outcome {
    /// What a training with these epochs has come to.
    pub(crate) fn of(trainer: &Trainer<'_>, rows: Vec<Row>) -> Self {
        let config = trainer.config();
        Self {
            best_epoch: trainer.best_network().and_then(|_| trainer.best_epoch()),
            is_stopped_early: trainer.is_stopped_early() && rows.len() < config.epochs,
            interrupted: None,
            rows,
        }
    }

    /// The epoch whose weights are the model.
    pub(crate) fn kept(&self) -> Option<&Row> {
        match self.best_epoch {
            Some(best) => self.rows.iter().find(|row| row.epoch == best),
            None => self.rows.last(),
        }
    }

    /// Which weights the model has, where they are not simply the last ones:
    /// `weights of epoch 2 of 7, the lowest validation loss (0.4518)`.
    pub(crate) fn kept_in_words(&self) -> Option<String> {
        let (best, last) = (self.kept()?, self.rows.last()?);
        self.best_epoch?;
        Some(format!(
            "weights of epoch {} of {}, the lowest {} ({:.4})",
            best.epoch,
            last.epoch,
            best.watched_name(),
            best.watched_loss()
        ))
    }

    /// Why training ended before its last epoch, if it did.
    pub(crate) fn early_stop_in_words(&self) -> Option<String> {
        let last = self.rows.last().filter(|_| self.is_stopped_early)?;
        Some(format!(
            "stopped early after epoch {}: the {} no longer falls",
            last.epoch,
            last.watched_name()
        ))
    }

    /// Seconds of training of every epoch.
    pub(crate) fn train_seconds(&self) -> Vec<f64> {
        self.rows.iter().map(|row| row.train_seconds).collect()
    }
}

/// A training under way.
pub(crate) struct Course<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) progress: &'a mut Progress,
    pub(crate) run_dir: &'a mut RunDir,
    pub(crate) pace: Pace,
}

impl Course<'_> {
    /// Trains on, from where `trainer` stands: after the epochs of `rows`, and
    /// so many seconds into the next one.
    pub(crate) fn run(
        &mut self,
        trainer: &mut Trainer<'_>,
        mut rows: Vec<Row>,
        seconds: f64,
    ) -> Result<Outcome> {
        let interrupt = Interrupt::listen().map_err(|error| {
            Failure::new(Code::Io, format!("cannot listen for signals: {error}"))
        })?;
        self.progress.recall(&rows);
        let mut interrupted = None;
        let mut stopwatch = Stopwatch::start(seconds);
        if trainer.is_epoch_trained() {
            stopwatch.training_ends();
        }
        let mut epoch_start = RestartPoint::here(self.plan, trainer, 0.0)?;
        loop {
            match trainer.advance() {
                Ok(None) => break,
                Ok(Some(Event::Batch(report))) => {
                    if report.batch == report.n_batches {
                        stopwatch.training_ends();
                    }
                    let n_epochs = self.plan.training.epochs;
                    self.progress.batch(&report, n_epochs, stopwatch.seconds());
                    if epoch_start.is_none()
                        && self.run_dir.checkpoints().is_due_within_epoch(self.pace)
                    {
                        stopwatch.pause(|seconds| self.save(trainer, seconds))?;
                    }
                }
                Ok(Some(Event::Epoch(report))) => {
                    rows.push(self.end_epoch(&report, trainer.n_samples(), &stopwatch)?);
                    self.save_epoch_end(trainer, &report)?;
                    epoch_start = RestartPoint::here(self.plan, trainer, 0.0)?;
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
            interrupted = interrupt.code();
            if interrupted.is_some() {
                match &epoch_start {
                    None => self.save(trainer, stopwatch.seconds())?,
                    Some(start) => self.run_dir.save_checkpoint(start.checkpoint(), false)?,
                }
                break;
            }
        }
        Ok(Outcome {
            interrupted,
            ..Outcome::of(trainer, rows)
        })
    }

    fn end_epoch(
        &mut self,
        report: &EpochReport,
        n_samples: usize,
        stopwatch: &Stopwatch,
    ) -> Result<Row> {
        let seconds = stopwatch.epoch_ends();
        let n_epochs = self.plan.training.epochs;
        self.progress.epoch(report, n_epochs, n_samples, seconds);
        let row = Row::new(report, seconds);
        self.run_dir.add_metrics(&row)?;
        Ok(row)
    }

    /// Starts the epoch again with half the learning rate.
    fn go_back(
        &mut self,
        trainer: &mut Trainer<'_>,
        epoch_start: &RestartPoint,
        error: nn_core::Error,
    ) -> Result<()> {
        let chosen_rate = self.plan.training.learning_rate;
        let what_happened = epoch_start.go_back(trainer, chosen_rate, error)?;
        self.progress.warn(&what_happened);
        Ok(())
    }

    /// Saves the end of an epoch if it is the last or enough time has passed;
    /// holds it in memory if it is only the best so far.
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

    fn save(&mut self, trainer: &Trainer<'_>, seconds: f64) -> Result<()> {
        let checkpoint = self.checkpoint(trainer, seconds)?;
        self.run_dir.save_checkpoint(&checkpoint, false)
    }

    fn checkpoint(&self, trainer: &Trainer<'_>, seconds: f64) -> Result<Checkpoint> {
        Ok(trainer.checkpoint(note(self.plan, seconds))?)
    }
}

/// The time of an epoch, its evaluation apart.
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

    /// Does what does not count.
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
