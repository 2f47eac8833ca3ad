//! A trial: its training runs and its results.
//!
//! A trial has one training run, or one per fold and seed. The runs advance together, epoch by
//! epoch, so that the stopping rule sees the mean over all runs after each epoch.

use std::time::Instant;

use nn_core::training::{EpochReport, Event};
use nn_core::{ErrorKind, Trainer};
use nn_search::{Outcome as StudyOutcome, Point};
use nn_tensor::Threads;
use nn_train::trainer::{initial_network, trainer};
use nn_train::{Data, Error, Plan, Repetition, Result};

use crate::objective::Objective;
use crate::progress::Progress;

use super::measured::Measured;
use super::space::Flags;
use super::trial_data::{Runs, TrialData};

/// What all trials have in common.
pub(super) struct Training<'a> {
    pub(super) flags: &'a Flags,
    pub(super) data: &'a TrialData<'a>,
    pub(super) threads: &'a Threads,
    pub(super) objective: Objective,
}

/// How a trial ended, and its results.
pub(super) struct Outcome {
    pub(super) how: Ended,
    pub(super) measured: Measured,
}

/// How a trial ended.
pub(super) enum Ended {
    /// Trained to the last epoch.
    Through,
    /// Stopped early, because other trials were better.
    Stopped,
    /// Failed for this reason: a run diverged, or the settings are invalid.
    Failed(String),
    /// Interrupted by a signal.
    Interrupted,
}

impl Outcome {
    /// The outcome for the study, and the reason of a failure; `None` if the trial was interrupted.
    pub(super) fn of_study(&self, objective: Objective) -> Option<(StudyOutcome, Option<&str>)> {
        match &self.how {
            Ended::Interrupted => None,
            Ended::Through => {
                let objective = self.measured.objective(objective);
                Some((StudyOutcome::Finished(objective.unwrap_or(f64::NAN)), None))
            }
            Ended::Stopped => Some((StudyOutcome::Stopped, None)),
            Ended::Failed(why) => Some((StudyOutcome::Failed, Some(why))),
        }
    }

    /// The outcome of a trial that could not start.
    fn refused(failure: &Error) -> Self {
        Self {
            how: Ended::Failed(failure.to_string()),
            measured: Measured::default(),
        }
    }
}

impl Training<'_> {
    /// Trains the networks of the trial at `point`. `report` is called with every epoch and its
    /// objective, and returns whether to continue; `should_stop` is called after every batch.
    pub(super) fn run(
        &self,
        point: &Point,
        progress: &mut Progress,
        mut should_stop: impl FnMut() -> bool,
        mut report: impl FnMut(usize, f64) -> Result<bool>,
    ) -> Result<Outcome> {
        let settings = self.flags.settings(point)?;
        let data = self.data.of(&settings)?;
        let plans = match data.plans(&settings) {
            Ok(plans) => plans,
            Err(failure) => return Ok(Outcome::refused(&failure)),
        };
        let start = Instant::now();
        let mut runs = match self.start(&plans, &data) {
            Ok(runs) => runs,
            Err(failure) => return Ok(Outcome::refused(&failure)),
        };
        let mut measured = Measured::default();
        let how = loop {
            match train_epoch(&mut runs, progress, &mut should_stop) {
                Ok(false) => {}
                Ok(true) => break Ended::Interrupted,
                Err(error) if error.kind() == ErrorKind::Diverged => {
                    break Ended::Failed("diverged".to_owned());
                }
                Err(error) => return Err(error.into()),
            }
            measured = mean(&runs);
            // A single run reports each epoch, and the stopping rule finds the best one. The best
            // epochs of several runs differ.
            let reported = match &runs[..] {
                [run] => &run.latest,
                _ => &measured,
            };
            let objective = reported.objective(self.objective).unwrap_or(f64::NAN);
            let may_continue = report(reported.epochs, objective)?;
            if runs.iter().all(TrialRun::is_done) {
                break Ended::Through;
            }
            if !may_continue {
                break Ended::Stopped;
            }
        };
        measured.seconds = start.elapsed().as_secs_f64();
        Ok(Outcome { how, measured })
    }

    fn start<'p>(&'p self, plans: &'p [Plan], runs: &'p Runs) -> Result<Vec<TrialRun<'p>>> {
        let runs = runs.iter().zip(plans);
        runs.map(|((repetition, data), plan)| {
            let trainer = self.trainer(plan, data)?;
            Ok(TrialRun::new(repetition, plan, trainer))
        })
        .collect()
    }

    fn trainer<'p>(&'p self, plan: &'p Plan, data: &'p Data) -> Result<Trainer<'p>> {
        let splits = data.splits()?;
        let network = initial_network(plan, &splits.train, self.threads)?;
        trainer(plan, data, &splits, network, self.threads)
    }
}

/// A training run of a trial.
struct TrialRun<'a> {
    repetition: Repetition,
    trainer: Trainer<'a>,
    n_epochs: usize,
    /// Whether the weights of the best epoch are the result, because of early stopping.
    keeps_best: bool,
    /// The results of the last epoch.
    latest: Measured,
    /// The results of the best epoch.
    best: Measured,
}

impl<'a> TrialRun<'a> {
    fn new(repetition: Repetition, plan: &Plan, trainer: Trainer<'a>) -> Self {
        Self {
            repetition,
            trainer,
            n_epochs: plan.training.epochs,
            keeps_best: plan.training.patience > 0,
            latest: Measured::default(),
            best: Measured::default(),
        }
    }

    fn is_done(&self) -> bool {
        self.trainer.is_done()
    }

    /// The results of the weights that `nn train` would keep.
    fn kept(&self) -> &Measured {
        match self.keeps_best {
            true => &self.best,
            false => &self.latest,
        }
    }

    /// Trains for an epoch; returns `true` if `should_stop` does.
    fn train_epoch(
        &mut self,
        progress: &mut Progress,
        should_stop: &mut impl FnMut() -> bool,
    ) -> nn_core::Result<bool> {
        let start = Instant::now();
        while let Some(event) = self.trainer.advance()? {
            match event {
                Event::Batch(report) => {
                    progress.batch(&report, self.n_epochs, start.elapsed().as_secs_f64());
                }
                Event::Epoch(epoch) => {
                    self.end_epoch(&epoch);
                    return Ok(should_stop());
                }
            }
            if should_stop() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn end_epoch(&mut self, epoch: &EpochReport) {
        self.latest = Measured::of(epoch);
        if epoch.is_best {
            self.best = self.latest.clone();
        }
        self.best.epochs = epoch.epoch;
    }
}

/// Trains all runs that are not done for an epoch; returns `true` if `should_stop` does.
fn train_epoch(
    runs: &mut [TrialRun<'_>],
    progress: &mut Progress,
    should_stop: &mut impl FnMut() -> bool,
) -> nn_core::Result<bool> {
    for run in runs.iter_mut().filter(|run| !run.is_done()) {
        if run.train_epoch(progress, should_stop)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The mean of the results over the runs.
fn mean(runs: &[TrialRun<'_>]) -> Measured {
    let runs = runs.iter().map(|run| (run.repetition, run.kept().clone()));
    Measured::mean(&runs.collect::<Vec<_>>())
}
