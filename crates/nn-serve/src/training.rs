//! A training run of a session: trains as `nn train` does, one batch at a time, so that the page
//! can show every step.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nn_core::metrics::evaluate;
use nn_core::model_file::weights_sha256;
use nn_core::training::{BatchReport, EpochReport, Event};
use nn_core::{Model, Trainer};
use nn_report::{Diagnosis, ExaminedRun, RunEnd, RunRecord, Sources};
use nn_train::checkpoints;
use nn_train::data::{Data, Splits};
use nn_train::rollback::RollbackPoint;
use nn_train::run_dir::RunDir;
use nn_train::{EpochMetrics, Error, Evaluator, Outcome, Plan, Result, Summary};

use crate::curve::Curve;
use crate::page_error::PageError;
use crate::probe::{GradientProbe, confusion_of, weight_pictures};
use crate::snapshot::{Phase, Pictures, Progress};
use crate::training_request::TrainingRequest;

/// Largest number of validation samples that are evaluated within an epoch.
const MAX_SAMPLES: usize = 500;

/// Largest number of epochs whose validation is shown.
const MAX_EPOCHS: usize = 400;

/// A state of a training run to roll back to, with what was shown of it.
struct Rollback {
    point: RollbackPoint,
    curve: Curve,
    train_seconds: f64,
    epoch_sums: [f64; 2],
}

/// A training run.
pub(crate) struct Training<'a> {
    request: &'a TrainingRequest,
    trainer: Trainer<'a>,
    splits: Splits<'a>,
    gradient_probe: GradientProbe,
    curve: Curve,
    epochs: Vec<EpochMetrics>,
    phase: Phase,
    message: Option<String>,
    /// Seconds of training in the current epoch.
    train_seconds: f64,
    /// Seconds of training and evaluation in all epochs.
    seconds: f64,
    /// Number of samples in the current epoch so far, and of correct predictions.
    epoch_sums: [f64; 2],
    learning_rate_changes: Vec<(u64, f64)>,
    /// The learning rate that the user has chosen, before any rollback halved it.
    chosen_rate: f64,
    rollback: Option<Rollback>,
    /// Descriptions of all rollbacks.
    rollbacks: Vec<String>,
    gradients: Vec<f64>,
    pictures: Pictures,
    summary: Option<Summary>,
    initial_sha256: String,
    saved: Option<String>,
}

impl<'a> Training<'a> {
    /// A training run before its first step.
    ///
    /// # Errors
    /// Returns an error if the network does not fit into memory.
    pub(crate) fn new(request: &'a TrainingRequest) -> Result<Self> {
        let experiment = &request.experiment;
        let splits = experiment.data().splits()?;
        let trainer = experiment.trainer(&splits)?;
        let (network, ..) = trainer.state();
        let mut training = Self {
            request,
            initial_sha256: weights_sha256(network),
            gradient_probe: GradientProbe::new(network, &splits.train),
            trainer,
            splits,
            curve: Curve::default(),
            epochs: Vec::new(),
            phase: Phase::Running,
            message: None,
            train_seconds: 0.0,
            seconds: 0.0,
            epoch_sums: [0.0; 2],
            learning_rate_changes: Vec::new(),
            chosen_rate: experiment.plan().training.learning_rate,
            rollback: None,
            rollbacks: Vec::new(),
            gradients: Vec::new(),
            pictures: Pictures::default(),
            summary: None,
            saved: None,
        };
        training.set_rollback_point()?;
        Ok(training)
    }

    fn plan(&self) -> &'a Plan {
        self.request.experiment.plan()
    }

    fn data(&self) -> &'a Data {
        self.request.experiment.data()
    }

    /// Whether the run is neither finished, stopped nor failed.
    pub(crate) fn is_active(&self) -> bool {
        self.phase.is_active()
    }

    /// Number of epochs done, as a fraction.
    pub(crate) fn epochs_done(&self) -> f64 {
        self.trainer.n_steps() as f64 / self.trainer.n_batches() as f64
    }

    /// Pauses or resumes an active run.
    pub(crate) fn set_paused(&mut self, is_paused: bool) {
        if self.is_active() {
            self.phase = if is_paused {
                Phase::Paused
            } else {
                Phase::Running
            };
        }
    }

    /// Stops an active run.
    pub(crate) fn stop(&mut self) {
        if self.is_active() {
            self.phase = Phase::Stopped;
        }
    }

    /// Changes the learning rate from the next step on.
    ///
    /// # Errors
    /// Returns an error if the learning rate is not a positive number.
    pub(crate) fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        if self.is_active() && rate != self.trainer.learning_rate() {
            self.trainer.set_learning_rate(rate)?;
            self.chosen_rate = rate;
            self.record_learning_rate(rate);
            // A rollback must not undo the user's choice.
            self.set_rollback_point()?;
        }
        Ok(())
    }

    fn record_learning_rate(&mut self, rate: f64) {
        let step = self.trainer.n_steps();
        self.learning_rate_changes
            .retain(|(changed, _)| *changed < step);
        self.learning_rate_changes.push((step, rate));
    }

    /// Sets the state that a diverged run is rolled back to, if the settings ask for
    /// rollbacks.
    fn set_rollback_point(&mut self) -> Result<()> {
        let point = RollbackPoint::here(self.plan(), &self.trainer, self.train_seconds)?;
        self.rollback = point.map(|point| Rollback {
            point,
            curve: self.curve.clone(),
            train_seconds: self.train_seconds,
            epoch_sums: self.epoch_sums,
        });
        Ok(())
    }

    /// Rolls a diverged run back with half the learning rate, if the settings ask for
    /// rollbacks.
    fn roll_back(&mut self, error: nn_core::Error) -> Result<()> {
        let Some(rollback) = &self.rollback else {
            return Err(error.into());
        };
        let point = &rollback.point;
        let description = point.go_back(&mut self.trainer, self.chosen_rate, error)?;
        self.curve.clone_from(&rollback.curve);
        self.train_seconds = rollback.train_seconds;
        self.epoch_sums = rollback.epoch_sums;
        self.rollbacks.push(description);
        // Without a change by hand, the command halves the learning rate as well.
        if !self.learning_rate_changes.is_empty() {
            self.record_learning_rate(self.trainer.learning_rate());
        }
        Ok(())
    }

    /// Trains for about this time, at least one batch. If all batches of the epoch are
    /// done, evaluates instead.
    pub(crate) fn advance(&mut self, slice: Duration) {
        let is_evaluation = self.trainer.is_epoch_trained();
        let start = Instant::now();
        let finished_epoch = self.train(start, slice);
        let seconds = start.elapsed().as_secs_f64();
        self.seconds += seconds;
        if !is_evaluation {
            self.train_seconds += seconds;
        }
        let result = match finished_epoch {
            Ok(None) => Ok(()),
            Ok(Some(report)) => self.finish_epoch(&report, seconds),
            Err(error) => self.roll_back(error),
        };
        if let Err(error) = result {
            self.phase = Phase::Failed;
            self.message = Some(PageError::from(&error).to_string());
        }
    }

    /// Trains until the slice is over or the epoch ends.
    fn train(&mut self, start: Instant, slice: Duration) -> nn_core::Result<Option<EpochReport>> {
        loop {
            match self.trainer.advance()? {
                Some(Event::Batch(report)) => {
                    self.record_batch(&report);
                    let is_last = report.batch == report.n_batches;
                    if is_last || start.elapsed() >= slice {
                        return Ok(None);
                    }
                }
                Some(Event::Epoch(report)) => return Ok(Some(report)),
                None => return Ok(None),
            }
        }
    }

    fn record_batch(&mut self, report: &BatchReport) {
        let n = report.n_samples as f64;
        let n_samples = self.epoch_sums[0] + n;
        let n_correct = report
            .epoch_accuracy
            .map_or(0.0, |accuracy| (accuracy * n_samples).round());
        let epochs = report.epoch as f64 - 1.0 + report.batch as f64 / report.n_batches as f64;
        self.curve
            .add(epochs, report.loss, n_correct - self.epoch_sums[1], n);
        self.epoch_sums = [n_samples, n_correct];
    }

    fn finish_epoch(&mut self, report: &EpochReport, seconds: f64) -> Result<()> {
        let metrics = EpochMetrics::new(report, [self.train_seconds, seconds]);
        self.epochs.push(metrics);
        self.train_seconds = 0.0;
        self.epoch_sums = [0.0; 2];
        let validation = report.validation.as_ref();
        if let Some(confusion) = validation.and_then(|it| it.confusion.as_ref()) {
            let n = self.splits.validation.len();
            let of = format!("all {n} validation samples, after epoch {}", report.epoch);
            let names = &self.data().class_names;
            self.pictures.confusion = Some(confusion_of(names, confusion, of));
        }
        if report.is_stopping || report.epoch == self.plan().training.epochs {
            return self.finish();
        }
        self.set_rollback_point()
    }

    /// Evaluates the network on the test samples and summarizes the run, as `nn train`
    /// does.
    fn finish(&mut self) -> Result<()> {
        let (plan, data) = (self.plan(), self.data());
        let threads = self.request.experiment.threads();
        let network = self.trainer.network();
        let test = self.splits.test.as_ref();
        let evaluator = Evaluator {
            network: &network,
            loss: plan.training.loss,
            data,
            threads,
        };
        let test = test.map(|test| evaluator.metrics(test, None)).transpose()?;
        let outcome = Outcome::new(&self.trainer, self.epochs.clone());
        let summary = Summary::new(
            plan,
            data,
            threads.count(),
            &network,
            &outcome,
            test.as_ref(),
        );
        self.summary = Some(Summary {
            learning_rate_changes: self.learning_rate_changes.clone(),
            ..summary
        });
        let kept = outcome.kept_weights();
        let kept = kept.map(|kept| format!("kept the {kept}"));
        let texts: Vec<String> = outcome.early_stop().into_iter().chain(kept).collect();
        self.message = (!texts.is_empty()).then(|| texts.join("; "));
        self.phase = Phase::Done;
        Ok(())
    }

    /// Saves a run directory; an unfinished run can be resumed from it. Returns its path.
    ///
    /// # Errors
    /// Returns an error if the run has failed, or the directory exists or cannot be written.
    pub(crate) fn save(&mut self, name: Option<&str>, runs_dir: &Path) -> Result<String> {
        if self.phase == Phase::Failed {
            return Err(Error::usage("a failed training run cannot be saved"));
        }
        let mut run_dir = self.request.experiment.create_run_dir(runs_dir, name)?;
        run_dir.write_config(&self.plan().settings)?;
        for metrics in &self.epochs {
            run_dir.add_metrics(metrics)?;
        }
        let model = self.plan().model(self.data(), self.trainer.network());
        run_dir.write_model(&model)?;
        match &self.summary {
            Some(summary) => {
                run_dir.write_summary(summary)?;
                self.write_report(&run_dir, &model);
            }
            None => self.save_checkpoint(&mut run_dir)?,
        }
        let path = run_dir.path().display().to_string();
        self.saved = Some(path.clone());
        Ok(path)
    }

    fn write_report(&self, run_dir: &RunDir, model: &Model) {
        let sources = Sources {
            model: Some(model),
            data: Some(self.data()),
            split: None,
            missing: Vec::new(),
        };
        let (program, threads) = (&self.request.program, self.request.experiment.threads());
        // A run without a report is still a run.
        let _ = nn_report::write(run_dir.path(), sources, program, threads);
    }

    fn save_checkpoint(&self, run_dir: &mut RunDir) -> Result<()> {
        if let Some(rollback) = &self.rollback {
            return run_dir.save_checkpoint(rollback.point.checkpoint(), false);
        }
        let note = checkpoints::note(self.plan(), self.train_seconds);
        run_dir.save_checkpoint(&self.trainer.checkpoint(note)?, false)
    }

    /// Looks for problems, as `nn doctor` does with a saved run.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let record = RunRecord {
            name: String::new(),
            settings: self.plan().settings.clone(),
            epochs: self.epochs.clone(),
            summary: self.summary.clone().unwrap_or_default(),
        };
        let model = self.plan().model(self.data(), self.trainer.network());
        let (end, model) = match self.phase {
            Phase::Done => (RunEnd::Finished, Ok(&model)),
            Phase::Failed => {
                let why = self.message.clone().unwrap_or_default();
                (
                    RunEnd::Diverged(why),
                    Err("the run has no model".to_owned()),
                )
            }
            _ => (RunEnd::Unfinished, Ok(&model)),
        };
        Diagnosis::of(ExaminedRun {
            directory: None,
            record: &record,
            end,
            model,
            data: Ok(self.data()),
        })
    }

    /// Measures the gradient of each layer.
    pub(crate) fn measure_gradients(&mut self) {
        let loss = self.plan().training.loss;
        let threads = self.request.experiment.threads();
        let (network, ..) = self.trainer.state();
        self.gradients = self.gradient_probe.gradients(network, loss, threads);
    }

    /// Updates the pictures; evaluates some validation samples for the confusion matrix
    /// if `evaluates`.
    pub(crate) fn take_pictures(&mut self, evaluates: bool) {
        let (network, ..) = self.trainer.state();
        self.pictures.weights = weight_pictures(network, self.data().dataset.image_size);
        let validation = &self.splits.validation;
        let n = validation.len().min(MAX_SAMPLES);
        if !evaluates || n == 0 || validation.label(0).is_none() {
            return;
        }
        let positions: Vec<u32> = (0..n as u32).collect();
        let samples = validation.select(&positions);
        let network = self.trainer.latest_network();
        let threads = self.request.experiment.threads();
        let evaluation = evaluate(&network, &samples, self.plan().training.loss, threads);
        if let Some(confusion) = evaluation.ok().and_then(|evaluation| evaluation.confusion) {
            let step = self.trainer.n_steps();
            let of = format!("{n} validation samples, after step {step}");
            let names = &self.data().class_names;
            self.pictures.confusion = Some(confusion_of(names, &confusion, of));
        }
    }

    /// Number of evaluations on all validation samples.
    pub(crate) fn n_evaluations(&self) -> usize {
        self.epochs.len()
    }

    /// The latest pictures.
    pub(crate) fn pictures(&self) -> Pictures {
        self.pictures.clone()
    }

    /// The model with the latest weights; with those of the result once the run is done.
    pub(crate) fn model(&self) -> Arc<Model> {
        let network = match self.phase {
            Phase::Done => self.trainer.network(),
            _ => self.trainer.latest_network(),
        };
        Arc::new(self.plan().model(self.data(), network))
    }

    /// The progress; `probe_time` was spent on probes.
    pub(crate) fn progress(&self, probe_time: Duration) -> Progress {
        let data = self.data();
        let has_classes = !data.class_names.is_empty() && self.splits.train.label(0).is_some();
        Progress {
            phase: self.phase,
            message: self.message.clone(),
            command: self.request.command.clone(),
            network: self.request.network(),
            parameters: self.trainer.state().0.parameters().len(),
            dataset: data.dataset.name.clone(),
            n_samples: self.trainer.n_samples(),
            has_classes,
            epochs_done: self.epochs_done(),
            n_epochs: self.plan().training.epochs,
            n_batches: self.trainer.n_batches(),
            step: self.trainer.n_steps(),
            learning_rate: self.trainer.learning_rate(),
            learning_rate_changes: self.learning_rate_changes.clone(),
            rollbacks: self.rollbacks.clone(),
            seconds: self.seconds,
            train_seconds: self.all_train_seconds(),
            probe_seconds: probe_time.as_secs_f64(),
            samples_per_second: self.samples_per_second(),
            curve: self.curve.points(has_classes),
            validation: self.validation_curve(),
            gradients: self.gradients.clone(),
            last_epoch: self.epochs.last().copied(),
            summary: self.summary.clone(),
            initial_sha256: self.initial_sha256.clone(),
            saved: self.saved.clone(),
        }
    }

    fn all_train_seconds(&self) -> f64 {
        let epochs = self.epochs.iter().map(|epoch| epoch.train_seconds);
        epochs.sum::<f64>() + self.train_seconds
    }

    /// Samples per second of training, without evaluation.
    fn samples_per_second(&self) -> f64 {
        let n_samples = self.epochs_done() * self.trainer.n_samples() as f64;
        n_samples / self.all_train_seconds().max(1e-9)
    }

    /// Epoch, validation loss and validation accuracy; the last epoch is always included.
    fn validation_curve(&self) -> Vec<[Option<f64>; 3]> {
        let stride = self.epochs.len().div_ceil(MAX_EPOCHS).max(1);
        let epochs = self.epochs.iter().rev().step_by(stride).rev();
        let validated = epochs.filter(|metrics| metrics.validation_loss.is_some());
        validated
            .map(|metrics| {
                [
                    Some(metrics.epoch as f64),
                    metrics.validation_loss,
                    metrics.validation_accuracy,
                ]
            })
            .collect()
    }
}
