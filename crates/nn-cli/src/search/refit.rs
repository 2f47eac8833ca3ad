//! A network, or an ensemble, that is trained with the best settings of a search on all samples but
//! the test samples.
//!
//! It is a run in the directory of the search. The validation samples of the trials are training
//! samples, unless the settings need them for early stopping or calibration, or a file of rows
//! sets the split.

use std::path::{Path, PathBuf};

use nn_core::training::BatchReport;
use nn_tensor::Threads;
use nn_train::{Data, ErrorKind, Experiment, Observer, Result, Settings, Summary, flags, grouped};
use serde_json::{Value, json};

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;

/// Name of the run in the directory of the search.
const BEST: &str = "best";

/// The training run with the best settings.
pub(super) struct Refit<'a> {
    /// Directory of the search.
    pub(super) search: &'a Path,
    pub(super) settings: Settings,
    pub(super) data_dir: &'a Path,
    pub(super) threads: &'a Threads,
}

/// The finished run with the best settings.
pub(super) struct Refitted {
    path: PathBuf,
    n_train: usize,
    n_validation: usize,
    summary: Summary,
}

impl Refit<'_> {
    /// Trains the run, resumes an interrupted run, or does nothing if the run is finished.
    pub(super) fn train(self, progress: &mut Progress) -> Result<Refitted> {
        let experiment = self.experiment()?.with_threads(self.threads.clone());
        let splits = experiment.data().splits()?;
        let (n_train, n_validation) = (splits.train.len(), splits.validation.len());
        let path = self.search.join(BEST);
        let mut observer = Display {
            n_epochs: experiment.plan().training.epochs,
            progress,
            interrupt: Interrupt::listen()?,
        };
        observer.progress.say(&format!(
            "training the best settings on {} samples",
            grouped(n_train)
        ));
        let trained = experiment.clone().train_or_resume(&path, &mut observer);
        observer.progress.finish();
        let summary = trained.map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error.with_help(format!(
                "to finish the search, run `{} search --resume {}`",
                terminal::program(),
                flags::quoted(&self.search.to_string_lossy())
            )),
            _ => error,
        })?;
        Ok(Refitted {
            path,
            n_train,
            n_validation,
            summary,
        })
    }

    fn experiment(&self) -> Result<Experiment> {
        let experiment = self.with_settings(&self.settings)?;
        let has_fixed_split = experiment.data().rows_file().is_some();
        if has_fixed_split || experiment.plan().needs_validation() {
            return Ok(experiment);
        }
        self.with_settings(&Settings {
            validation: Some(0.0),
            ..self.settings.clone()
        })
    }

    fn with_settings(&self, settings: &Settings) -> Result<Experiment> {
        let data = Data::of_run(settings, self.search, self.data_dir, self.threads)?;
        Experiment::new(settings, data)
    }
}

impl Refitted {
    /// Such as `network with these settings, trained on 900 samples: test accuracy 96.00 %, loss
    /// 0.1234`.
    pub(super) fn describe(&self) -> String {
        let what = match self.summary.ensemble {
            None => "network".to_owned(),
            Some(n) => format!("ensemble of {n} networks"),
        };
        let results = self.results();
        let results = match results.is_empty() {
            true => String::new(),
            false => format!(": test {}", results.join(", ")),
        };
        format!(
            "{what} with these settings, trained on {} samples{results}",
            grouped(self.n_train)
        )
    }

    /// The test metrics, as `nn train` prints them.
    fn results(&self) -> Vec<String> {
        let summary = &self.summary;
        let accuracy = summary.test_accuracy;
        let accuracy = accuracy.map(|it| format!("accuracy {}", terminal::percent(Some(it))));
        let loss = summary.test_loss.map(|loss| format!("loss {loss:.4}"));
        let error = summary.test_mae;
        let error = error.map(|error| format!("mean absolute error {error:.4}"));
        let r_squared = summary.test_r2.map(|r| format!("R² {r:.4}"));
        [accuracy, loss, error, r_squared]
            .into_iter()
            .flatten()
            .collect()
    }

    /// The command that evaluates the run.
    pub(super) fn evaluate_command(&self) -> String {
        let path = flags::quoted(&self.path.to_string_lossy());
        format!("{} evaluate {path}", terminal::program())
    }

    pub(super) fn to_json(&self) -> Value {
        let summary = &self.summary;
        json!({
            "folder": BEST,
            "ensemble": summary.ensemble,
            "train_samples": self.n_train,
            "validation_samples": self.n_validation,
            "test_samples": summary.test_samples,
            "test_loss": summary.test_loss,
            "test_accuracy": summary.test_accuracy,
            "test_rmse": summary.test_rmse,
            "test_mae": summary.test_mae,
            "test_r2": summary.test_r2,
            "weights_sha256": summary.weights_sha256,
        })
    }
}

/// Shows a bar, and stops the training run after a signal.
struct Display<'a> {
    progress: &'a mut Progress,
    n_epochs: usize,
    interrupt: Interrupt,
}

impl Observer for Display<'_> {
    fn batch(&mut self, report: &BatchReport, seconds: f64) {
        self.progress.batch(report, self.n_epochs, seconds);
    }

    fn warn(&mut self, warning: &str) {
        self.progress.warn(warning);
    }

    fn should_stop(&mut self) -> bool {
        self.interrupt.is_set()
    }
}
