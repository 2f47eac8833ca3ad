//! One training of a session: `nn train` with someone watching.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nn_core::batches::Samples;
use nn_core::metrics::evaluate;
use nn_core::model_file::weights_sha256;
use nn_core::training::{BatchReport, EpochReport, Event};
use nn_core::{Model, Network, Trainer};
use nn_tensor::Threads;
use serde_json::{Value, json};

use crate::deformation;
use crate::report;
use crate::train::{model_of, run_prefix, summary};
use nn_train::EpochMetrics;
use nn_train::Outcome;
use nn_train::checkpoints;
use nn_train::data::Splits;
use nn_train::rollback::RollbackPoint;
use nn_train::run_dir::RunDir;
use nn_train::{Error, Result};

use super::board::{Phase, Pictures, Progress};
use super::experiment::Experiment;
use super::history::History;
use super::watch::{Probe, confusion_of, weight_pictures};

/// Validation samples that are looked at between the ends of epochs.
const QUICK_LOOK: usize = 500;

/// Epochs whose validation is drawn.
const MOST_EPOCHS: usize = 400;

/// A state to go back to, with what was seen of the training until then.
struct Restart {
    point: RollbackPoint,
    history: History,
    train_seconds: f64,
    epoch_sums: [f64; 2],
}

/// A training.
pub(super) struct Lane<'a> {
    experiment: &'a Experiment,
    threads: Threads,
    trainer: Trainer<'a>,
    parts: Splits<'a>,
    probe: Probe,
    history: History,
    rows: Vec<Row>,
    phase: Phase,
    message: Option<String>,
    /// Seconds of the epoch in progress.
    train_seconds: f64,
    /// Seconds of all that was done.
    seconds: f64,
    n_trained: usize,
    /// Samples and right answers of the epoch so far.
    epoch_sums: [f64; 2],
    rate_changes: Vec<(u64, f64)>,
    /// The learning rate that was chosen, before any halving.
    chosen_rate: f64,
    go_back_to: Option<Restart>,
    /// Each return, in words.
    restarts: Vec<String>,
    gradients: Vec<f64>,
    pictures: Pictures,
    summary: Option<Value>,
    initial_sha256: String,
    saved: Option<String>,
}

impl<'a> Lane<'a> {
    /// Ready for the first step.
    pub(super) fn new(experiment: &'a Experiment, threads: &Threads) -> Result<Self> {
        let plan = &experiment.plan;
        let data = &experiment.data;
        let parts = data.splits()?;
        let network: Network = Network::new(&plan.network, plan.training.seed)?;
        let initial_sha256 = weights_sha256(&network);
        let probe = Probe::new(&network, &parts.train);
        let mut trainer = Trainer::new(
            network,
            parts.train.clone(),
            Some(parts.validation.clone()),
            plan.training.clone(),
            threads.clone(),
        )?;
        if let Some(deformation) = deformation::of_plan(plan, data) {
            trainer.augment(deformation)?;
        }
        let mut lane = Self {
            experiment,
            threads: threads.clone(),
            trainer,
            parts,
            probe,
            history: History::default(),
            rows: Vec::new(),
            phase: Phase::Running,
            message: None,
            train_seconds: 0.0,
            seconds: 0.0,
            n_trained: 0,
            epoch_sums: [0.0; 2],
            rate_changes: Vec::new(),
            chosen_rate: plan.training.learning_rate,
            go_back_to: None,
            restarts: Vec::new(),
            gradients: Vec::new(),
            pictures: Pictures::default(),
            summary: None,
            initial_sha256,
            saved: None,
        };
        lane.set_restart_point()?;
        Ok(lane)
    }

    /// Whether there is something left to do.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Running | Phase::Paused)
    }

    /// Epochs done, as a fraction.
    pub(super) fn epochs_done(&self) -> f64 {
        self.trainer.n_steps() as f64 / self.trainer.n_batches() as f64
    }

    pub(super) fn set_paused(&mut self, is_paused: bool) {
        if self.is_open() {
            self.phase = if is_paused {
                Phase::Paused
            } else {
                Phase::Running
            };
        }
    }

    pub(super) fn stop(&mut self) {
        if self.is_open() {
            self.phase = Phase::Stopped;
        }
    }

    /// Changes the learning rate from the next step on.
    pub(super) fn set_rate(&mut self, rate: f64) -> Result<()> {
        if self.is_open() && rate != self.trainer.learning_rate() {
            self.trainer.set_learning_rate(rate)?;
            self.chosen_rate = rate;
            self.note_rate(rate);
            // Going back must not undo what was chosen.
            self.set_restart_point()?;
        }
        Ok(())
    }

    fn note_rate(&mut self, rate: f64) {
        let step = self.trainer.n_steps();
        self.rate_changes.retain(|(changed, _)| *changed < step);
        self.rate_changes.push((step, rate));
    }

    /// A training that diverges comes back here, if that was asked for.
    fn set_restart_point(&mut self) -> Result<()> {
        let plan = &self.experiment.plan;
        let point = RollbackPoint::here(plan, &self.trainer, self.train_seconds)?;
        self.go_back_to = point.map(|point| Restart {
            point,
            history: self.history.clone(),
            train_seconds: self.train_seconds,
            epoch_sums: self.epoch_sums,
        });
        Ok(())
    }

    /// Goes back with half the learning rate, if that was asked for.
    fn go_back(&mut self, error: nn_core::Error) -> Result<()> {
        let Some(start) = &self.go_back_to else {
            return Err(error.into());
        };
        let what_happened = start
            .point
            .go_back(&mut self.trainer, self.chosen_rate, error)?;
        self.history.clone_from(&start.history);
        self.train_seconds = start.train_seconds;
        self.epoch_sums = start.epoch_sums;
        self.restarts.push(what_happened);
        // Until a rate is changed by hand, the command halves it as well.
        if !self.rate_changes.is_empty() {
            self.note_rate(self.trainer.learning_rate());
        }
        Ok(())
    }

    /// Trains for about so long, a batch at least; where an epoch's batches are
    /// done, evaluates instead.
    pub(super) fn advance(&mut self, slice: Duration) {
        let is_evaluation = self.trainer.is_epoch_trained();
        let start = Instant::now();
        let outcome = loop {
            match self.trainer.advance() {
                Ok(Some(Event::Batch(report))) => {
                    self.note_batch(&report);
                    let is_last = report.batch == report.n_batches;
                    if is_last || start.elapsed() >= slice {
                        break Ok(None);
                    }
                }
                Ok(Some(Event::Epoch(report))) => break Ok(Some(report)),
                Ok(None) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        let seconds = start.elapsed().as_secs_f64();
        self.seconds += seconds;
        if !is_evaluation {
            self.train_seconds += seconds;
        }
        let noted = match outcome {
            Ok(None) => Ok(()),
            Ok(Some(report)) => self.note_epoch(&report, seconds),
            Err(error) => self.go_back(error),
        };
        if let Err(failure) = noted {
            self.fail(&failure);
        }
    }

    fn note_batch(&mut self, report: &BatchReport) {
        let n = report.n_samples as f64;
        let all = self.epoch_sums[0] + n;
        let right = report
            .epoch_accuracy
            .map_or(0.0, |accuracy| (accuracy * all).round());
        let epochs = report.epoch as f64 - 1.0 + report.batch as f64 / report.n_batches as f64;
        self.history
            .add(epochs, report.loss, right - self.epoch_sums[1], n);
        self.epoch_sums = [all, right];
        self.n_trained += report.n_samples;
    }

    fn note_epoch(&mut self, report: &EpochReport, seconds: f64) -> Result<()> {
        self.rows
            .push(Row::new(report, [self.train_seconds, seconds]));
        self.train_seconds = 0.0;
        self.epoch_sums = [0.0; 2];
        let confusion = report
            .validation
            .as_ref()
            .and_then(|v| v.confusion.as_ref());
        if let Some(confusion) = confusion {
            let of = format!(
                "all {} validation samples, after epoch {}",
                self.parts.validation.len(),
                report.epoch
            );
            self.pictures.confusion = Some(confusion_of(
                &self.experiment.data.class_names,
                confusion,
                of,
            ));
        }
        if report.is_stopping || report.epoch == self.experiment.plan.training.epochs {
            return self.finish();
        }
        self.set_restart_point()
    }

    /// As `nn train` ends: the test samples are looked at once.
    fn finish(&mut self) -> Result<()> {
        let network = self.trainer.network();
        let Experiment { plan, data, .. } = self.experiment;
        let test = self.parts.test.as_ref();
        let test = test.map(|test| evaluate(&network, test, plan.training.loss, &self.threads));
        let test = test.transpose()?;
        let outcome = Outcome::of(&self.trainer, self.rows.clone());
        let mut summary = summary(
            plan,
            data,
            self.threads.count(),
            &network,
            &outcome,
            test.as_ref(),
        );
        if !self.rate_changes.is_empty() {
            summary["learning_rate_changes"] = json!(self.rate_changes);
        }
        let kept = outcome.kept_in_words();
        let kept = kept.map(|kept| format!("kept the {kept}"));
        let texts = outcome.early_stop_in_words().into_iter().chain(kept);
        let texts: Vec<String> = texts.collect();
        self.message = (!texts.is_empty()).then(|| texts.join("; "));
        self.summary = Some(summary);
        self.phase = Phase::Done;
        Ok(())
    }

    fn fail(&mut self, failure: &Error) {
        self.phase = Phase::Failed;
        self.message = Some(format!("{}; {}", failure.to_string(), failure.advice()));
    }

    /// Writes an ordinary run directory; one that is not done can be resumed.
    pub(super) fn save(&mut self, name: Option<&str>, runs_dir: &Path) -> Result<String> {
        let Experiment { plan, data, .. } = self.experiment;
        if self.phase == Phase::Failed {
            return Err(Error::usage("a training that has failed is not saved"));
        }
        let mut folder = RunDir::create(runs_dir, name, &run_prefix(&data.dataset.name))?;
        folder.write_config(&plan.settings)?;
        for row in &self.rows {
            folder.add_metrics(row)?;
        }
        let model = model_of(plan, data, self.trainer.network());
        folder.write_model(&model)?;
        match &self.summary {
            Some(summary) => {
                folder.write_summary(summary)?;
                let sources = report::Sources {
                    model: Some(&model),
                    data: Some(data),
                    split: None,
                    missing: Vec::new(),
                };
                // A run is a run without a picture of it, too.
                let _ = report::write(folder.path(), sources, &self.threads);
            }
            None => {
                self.save_checkpoint(&mut folder)?;
            }
        }
        let path = folder.path().display().to_string();
        self.saved = Some(path.clone());
        Ok(path)
    }

    fn save_checkpoint(&self, folder: &mut RunDir) -> Result<()> {
        if let Some(start) = &self.go_back_to {
            return folder.save_checkpoint(start.point.checkpoint(), false);
        }
        let note = checkpoints::note(&self.experiment.plan, self.train_seconds);
        let checkpoint = self.trainer.checkpoint(note)?;
        folder.save_checkpoint(&checkpoint, false)
    }

    /// Measures the gradients.
    pub(super) fn look_at_gradients(&mut self) {
        let loss = self.experiment.plan.training.loss;
        let (network, ..) = self.trainer.state();
        self.gradients = self.probe.gradients(network, loss, &self.threads);
    }

    /// Takes the pictures; `anew` if the confusion matrix of the last epoch is
    /// too old.
    pub(super) fn look_at_pictures(&mut self, anew: bool) {
        let Experiment { plan, data, .. } = self.experiment;
        let (network, ..) = self.trainer.state();
        self.pictures.weights = weight_pictures(network, data.dataset.image_size);
        let n = self.parts.validation.len().min(QUICK_LOOK);
        if !anew || n == 0 || self.parts.validation.label(0).is_none() {
            return;
        }
        let positions: Vec<u32> = (0..n as u32).collect();
        let samples: Samples<'_> = self.parts.validation.select(&positions);
        let evaluation = evaluate(
            &self.trainer.latest_network(),
            &samples,
            plan.training.loss,
            &self.threads,
        );
        if let Some(confusion) = evaluation.ok().and_then(|evaluation| evaluation.confusion) {
            let of = format!(
                "{n} validation samples, after step {}",
                self.trainer.n_steps()
            );
            self.pictures.confusion = Some(confusion_of(&data.class_names, &confusion, of));
        }
    }

    /// Number of evaluations of all validation samples.
    pub(super) fn n_evaluations(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn pictures(&self) -> Pictures {
        self.pictures.clone()
    }

    /// The network as it is now, and once training is done the one that it gives.
    pub(super) fn model(&self) -> Arc<Model> {
        let Experiment { plan, data, .. } = self.experiment;
        let network = match self.phase {
            Phase::Done => self.trainer.network(),
            _ => self.trainer.latest_network(),
        };
        Arc::new(model_of(plan, data, network))
    }

    /// Where it stands, `watching` being the seconds spent on looking at it.
    pub(super) fn progress(&self, watching: Duration) -> Progress {
        let data = &self.experiment.data;
        let has_classes = !data.class_names.is_empty() && self.parts.train.label(0).is_some();
        let stride = self.rows.len().div_ceil(MOST_EPOCHS).max(1);
        let of_row = |row: &Row| {
            [
                Some(row.epoch as f64),
                row.validation_loss,
                row.validation_accuracy,
            ]
        };
        Progress {
            phase: self.phase,
            message: self.message.clone(),
            command: self.experiment.command.clone(),
            network: self.experiment.network(),
            parameters: self.trainer.state().0.parameters().len(),
            dataset: data.dataset.name.clone(),
            n_samples: self.trainer.n_samples(),
            has_classes,
            epochs_done: self.epochs_done(),
            n_epochs: self.experiment.plan.training.epochs,
            n_batches: self.trainer.n_batches(),
            step: self.trainer.n_steps(),
            learning_rate: self.trainer.learning_rate(),
            rate_changes: self.rate_changes.clone(),
            restarts: self.restarts.clone(),
            seconds: self.seconds,
            watching_seconds: watching.as_secs_f64(),
            samples_per_second: self.n_trained as f64 / self.seconds.max(1e-9),
            curve: self.history.curve(has_classes),
            validation: self
                .rows
                .iter()
                .rev()
                .step_by(stride)
                .filter(|row| row.validation_loss.is_some())
                .map(of_row)
                .rev()
                .collect(),
            gradients: self.gradients.clone(),
            last_epoch: self.rows.last().map(Into::into),
            summary: self.summary.clone(),
            initial_sha256: self.initial_sha256.clone(),
            saved: self.saved.clone(),
        }
    }
}
