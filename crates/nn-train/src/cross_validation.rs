//! K-fold cross-validation: K training runs, each tested on a different 1/K of the samples.
//!
//! The directory of a cross-validation contains the settings in `config.toml`, the runs
//! `fold-1` to `fold-K`, and, when all folds are finished, `summary.json`. All folds have
//! the same seed, so that a fold does not depend on the other folds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nn_metrics::student_t_quantile;
use nn_settings::{Error, ErrorKind, Result, Settings};
use nn_tensor::Threads;
use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::experiment::{Experiment, StoppedRun, run_prefix};
use crate::observer::Observer;
use crate::run_dir::{self, CONFIG, SUMMARY, fold_name, read_summary};
use crate::summary::Summary;

/// Probability of the interval of a mean.
const CONFIDENCE: f64 = 0.95;

/// A cross-validation that is stored in a directory.
#[derive(Clone, Debug)]
pub struct CrossValidation {
    path: PathBuf,
    settings: Settings,
    n_folds: usize,
    data_dir: PathBuf,
    threads: Threads,
    checkpoint_interval: Option<Duration>,
}

/// A finished fold.
#[derive(Clone, Debug)]
pub struct FinishedFold {
    /// Number of the fold, counted from 1.
    pub number: usize,
    /// Directory of the fold's run.
    pub path: PathBuf,
    /// Summary of the fold's run.
    pub summary: Summary,
    /// `false` if the fold was already finished when the cross-validation was resumed.
    pub is_new: bool,
}

/// The results of a cross-validation: the contents of its `summary.json`. Metrics, such as
/// `test_accuracy`, have the same names as in the summary of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossValidationSummary {
    /// Name of the data set.
    pub dataset: String,
    /// Number of folds.
    pub folds: usize,
    /// Mean over the folds.
    pub mean: BTreeMap<String, f64>,
    /// Sample standard deviation over the folds (the sum of squares is divided by K - 1).
    pub std: BTreeMap<String, f64>,
    /// 95 % confidence interval of the mean, by Student's t-distribution. The folds share
    /// training samples, so the true interval is somewhat wider.
    pub interval: BTreeMap<String, [f64; 2]>,
    /// Version of the program.
    pub version: String,
}

impl CrossValidation {
    /// Returns `true` if `path` is the directory of a cross-validation.
    pub fn is_at(path: &Path) -> bool {
        let settings = run_dir::read_config(path);
        settings.is_ok_and(|settings| settings.folds.is_some() && settings.fold.is_none())
    }

    /// Creates the directory `runs_dir/name`; the default name is derived from the data set.
    /// `first` is the experiment of any fold; all folds use its settings, except for `fold`.
    ///
    /// # Errors
    /// Returns an error if `first` is not a fold, if its table is standard input, or if the
    /// directory exists or cannot be written.
    pub fn create(
        first: &Experiment,
        data_dir: &Path,
        runs_dir: &Path,
        name: Option<&str>,
    ) -> Result<Self> {
        let settings = Settings {
            fold: None,
            ..first.plan().settings.clone()
        };
        if settings.data.as_deref() == Some(crate::table::STDIN) {
            let problem =
                "`folds`: standard input can be read only once, but each fold reads the data";
            return Err(Error::usage(problem).with_help("give the path of a file as `data`"));
        }
        let n_folds = n_folds(&settings)?;
        let prefix = run_prefix(&first.data().dataset.name);
        let path = run_dir::create_directory(runs_dir, name, &prefix)?;
        run_dir::replace(&path, CONFIG, settings.to_toml().as_bytes())?;
        Ok(Self {
            path,
            settings,
            n_folds,
            data_dir: data_dir.to_owned(),
            threads: first.threads().clone(),
            checkpoint_interval: None,
        })
    }

    /// Opens the directory of an interrupted cross-validation.
    ///
    /// # Errors
    /// Returns an error if `path` is not the directory of a cross-validation.
    pub fn open(path: &Path, data_dir: &Path, threads: Threads) -> Result<Self> {
        let settings = run_dir::read_config(path)?;
        Ok(Self {
            n_folds: n_folds(&settings).map_err(Error::of_data)?,
            path: path.to_owned(),
            settings,
            data_dir: data_dir.to_owned(),
            threads,
            checkpoint_interval: None,
        })
    }

    /// Sets the minimum time between two checkpoints, as
    /// [`Experiment::with_checkpoint_interval`].
    #[must_use]
    pub fn with_checkpoint_interval(self, interval: Duration) -> Self {
        Self {
            checkpoint_interval: Some(interval),
            ..self
        }
    }

    /// The directory of the cross-validation.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of folds.
    pub fn n_folds(&self) -> usize {
        self.n_folds
    }

    /// Trains the missing folds, resumes an interrupted fold, and writes the summary.
    /// `finished` is called once for each fold, including folds that were finished before.
    ///
    /// # Errors
    /// Returns the same errors as [`Experiment::train`], for example if the observer stops a
    /// fold.
    pub fn train(
        &self,
        observer: &mut dyn Observer,
        mut finished: impl FnMut(&FinishedFold),
    ) -> Result<CrossValidationSummary> {
        let mut summaries = Vec::with_capacity(self.n_folds);
        for number in 1..=self.n_folds {
            let fold = self
                .fold(number, observer)
                .map_err(|error| self.explain(error))?;
            finished(&fold);
            summaries.push(fold.summary);
        }
        let summary = CrossValidationSummary::new(&summaries);
        let text = format!("{:#}\n", serde_json::json!(summary));
        run_dir::replace(&self.path, SUMMARY, text.as_bytes())?;
        Ok(summary)
    }

    fn fold(&self, number: usize, observer: &mut dyn Observer) -> Result<FinishedFold> {
        let path = self.path.join(fold_name(number));
        let is_new = !run_dir::is_finished(&path);
        let summary = if !is_new {
            read_summary(&path.join(SUMMARY))?
        } else if path.join(CONFIG).exists() {
            self.resume(&path, observer)?
        } else {
            self.start(number, &path, observer)?
        };
        Ok(FinishedFold {
            number,
            path,
            summary,
            is_new,
        })
    }

    fn start(&self, number: usize, path: &Path, observer: &mut dyn Observer) -> Result<Summary> {
        // A run without settings was stopped before its first step.
        if path.exists() {
            fs::remove_dir_all(path).map_err(|error| Error::io(path, &error))?;
        }
        let settings = Settings {
            fold: Some(number),
            ..self.settings.clone()
        };
        let data = Data::of_run(&settings, &self.path, &self.data_dir, &self.threads)?;
        let mut experiment = Experiment::new(&settings, data)?.with_threads(self.threads.clone());
        if let Some(interval) = self.checkpoint_interval {
            experiment = experiment.with_checkpoint_interval(interval);
        }
        Ok(experiment.train(path, observer)?.summary)
    }

    fn resume(&self, path: &Path, observer: &mut dyn Observer) -> Result<Summary> {
        let warn = |warning: &str| observer.warn(warning);
        let mut stopped = StoppedRun::open(path, &self.data_dir, self.threads.clone(), warn)?;
        if let Some(interval) = self.checkpoint_interval {
            stopped = stopped.with_checkpoint_interval(interval);
        }
        Ok(stopped.train(observer)?.summary)
    }

    /// An interrupted fold is resumed with the cross-validation.
    fn explain(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::Interrupted => error.with_help(format!(
                "to continue, run `nn train --resume {}`",
                self.path.display()
            )),
            _ => error,
        }
    }
}

impl CrossValidationSummary {
    /// Summarizes the summaries of at least two folds.
    fn new(folds: &[Summary]) -> Self {
        let measured: Vec<BTreeMap<String, f64>> = folds.iter().map(test_measures).collect();
        let (mut mean, mut std, mut interval) = Default::default();
        let all = measured.iter().flatten().map(|(name, _)| name);
        for name in all {
            let values: Vec<f64> = measured
                .iter()
                .filter_map(|it| it.get(name))
                .copied()
                .collect();
            if values.len() == folds.len() {
                let (m, s, ends) = mean_std_interval(&values);
                BTreeMap::insert(&mut mean, name.clone(), m);
                BTreeMap::insert(&mut std, name.clone(), s);
                BTreeMap::insert(&mut interval, name.clone(), ends);
            }
        }
        Self {
            dataset: folds
                .first()
                .map_or_else(String::new, |it| it.dataset.clone()),
            folds: folds.len(),
            mean,
            std,
            interval,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The numbers of a summary that were measured on the test samples, and the baseline.
fn test_measures(summary: &Summary) -> BTreeMap<String, f64> {
    let summary = serde_json::json!(summary);
    let all = summary.as_object().into_iter().flatten();
    all.filter(|(name, _)| name.starts_with("test_") || *name == "baseline")
        .filter_map(|(name, value)| Some((name.clone(), value.as_f64()?)))
        .collect()
}

/// The mean of at least two values, their standard deviation (divided by `n - 1`), and the
/// 95 % confidence interval of the mean by Student's t-distribution.
///
/// # Panics
/// Panics if there are fewer than two values.
pub fn mean_std_interval(values: &[f64]) -> (f64, f64, [f64; 2]) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let std = (squares / (n - 1.0)).sqrt();
    let half = student_t_quantile(CONFIDENCE, values.len() - 1) * std / n.sqrt();
    (mean, std, [mean - half, mean + half])
}

fn n_folds(settings: &Settings) -> Result<usize> {
    let n_folds = settings.folds.filter(|&n_folds| n_folds >= 2);
    n_folds.ok_or_else(|| Error::usage("`folds`: expected a whole number from 2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values 1, 2, 3, 4, 5: mean 3, variance 10 / 4, t = 2.7764 for 4 degrees of freedom.
    #[test]
    fn means_have_an_interval() {
        let (mean, std, [low, high]) = mean_std_interval(&[5.0, 1.0, 2.0, 4.0, 3.0]);
        assert_eq!(mean, 3.0);
        assert!((std - 2.5_f64.sqrt()).abs() < 1e-12, "{std}");
        // 2.7764 · √2.5 / √5 = 1.9632
        assert!((low - 1.0368).abs() < 1e-4 && (high - 4.9632).abs() < 1e-4);
    }

    #[test]
    fn measures_that_every_fold_has_are_summarized() {
        let fold = |test_loss, test_accuracy| Summary {
            dataset: "iris".to_owned(),
            train_loss: Some(9.0),
            test_loss: Some(test_loss),
            test_accuracy,
            ..Summary::default()
        };
        let summary = CrossValidationSummary::new(&[fold(0.25, Some(1.0)), fold(0.75, None)]);
        assert_eq!((&*summary.dataset, summary.folds), ("iris", 2));
        let expected = BTreeMap::from([("test_loss".to_owned(), 0.5)]);
        assert_eq!(summary.mean, expected);
    }
}
