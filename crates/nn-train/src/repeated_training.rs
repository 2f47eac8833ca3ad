//! Several training runs with the same settings: the folds of a cross-validation, several
//! seeds, or a learning curve over the number of training samples, and combinations of them.
//!
//! The directory of a repeated training contains the settings in `config.toml`, one run per
//! combination, such as `fold-1` or `size-100-seed-0`, and, when all runs are finished,
//! `summary.json`. Each run is an ordinary training run, which its own settings repeat. The folds
//! have the same seed and the seeds have the same split, so that a run does not depend on the
//! other runs.

mod repetition;
mod repetition_data;
mod estimate;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nn_settings::{Error, Result, Settings};
use nn_tensor::Threads;
use nn_workers::SharedWork;
use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::experiment::{Experiment, StoppedRun, resumed_as, run_prefix};
use crate::observer::Observer;
use crate::processes::Processes;
use crate::run_dir::{self, CONFIG, SUMMARY, read_summary};
use crate::shared_runs;
use crate::summary::Summary;

pub use estimate::{Estimate, Interval, estimate, means_by};
pub use repetition::Repetition;
use repetition_data::LastData;
pub use repetition_data::data_of_all;

/// Several training runs that are stored in one directory.
#[derive(Clone, Debug)]
pub struct RepeatedTraining {
    path: PathBuf,
    settings: Settings,
    repetitions: Vec<Repetition>,
    data_dir: PathBuf,
    threads: Threads,
    checkpoint_interval: Option<Duration>,
    processes: Option<Processes>,
}

/// A finished run of a repeated training.
#[derive(Clone, Debug)]
pub struct FinishedRepetition {
    /// The settings in which the run differs from the other runs.
    pub repetition: Repetition,
    /// Directory of the run.
    pub path: PathBuf,
    /// Summary of the run.
    pub summary: Summary,
    /// `false` if the run was already finished when the repeated training was resumed.
    pub is_new: bool,
}

/// The results of a repeated training: the contents of its `summary.json`. Metrics, such as
/// `test_accuracy`, have the same names as in the summary of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RepeatedSummary {
    /// Name of the data set.
    pub dataset: String,
    /// Number of runs.
    pub runs: usize,
    /// Number of folds of a cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<usize>,
    /// Number of seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<usize>,
    /// The metrics of all runs; empty for a learning curve.
    #[serde(flatten)]
    pub statistics: Statistics,
    /// The metrics for each number of training samples of a learning curve.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<SizeStatistics>,
    /// The meaning of the intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_meaning: Option<String>,
    /// Version of the program.
    pub version: String,
}

/// Metrics of several training runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Mean over the runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mean: BTreeMap<String, f64>,
    /// Sample standard deviation over the folds or seeds (the sum of squares is divided by
    /// n - 1).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub std: BTreeMap<String, f64>,
    /// 95 % confidence interval of the mean, as in [`Interval`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub interval: BTreeMap<String, [f64; 2]>,
}

/// Metrics for one number of training samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SizeStatistics {
    /// Number of samples for training and validation.
    pub size: usize,
    /// The metrics of the runs with this number of samples.
    #[serde(flatten)]
    pub statistics: Statistics,
}

impl RepeatedTraining {
    /// Returns `true` if `path` is the directory of a repeated training.
    pub fn is_at(path: &Path) -> bool {
        run_dir::read_config(path).is_ok_and(|settings| settings.is_repeated())
    }

    /// Creates the directory `runs_dir/name`; the default name is derived from the data set.
    /// `settings` have the number of folds or seeds, or the sizes; `first` is the experiment
    /// with [`Repetition::first`] of them, whose resolved settings all runs use.
    ///
    /// # Errors
    /// Returns an error if the settings are those of a single run, if the table is standard
    /// input, if there are fewer samples than a size, or if the directory exists or cannot be
    /// written.
    pub fn create(
        settings: &Settings,
        first: &Experiment,
        data_dir: &Path,
        runs_dir: &Path,
        name: Option<&str>,
    ) -> Result<Self> {
        let settings = Self::resolved(settings, first)?;
        let repetitions = Repetition::all(&settings)?;
        let prefix = run_prefix(&first.data().dataset.name);
        let path = run_dir::create_directory(runs_dir, name, &prefix)?;
        run_dir::replace(&path, CONFIG, settings.to_toml().as_bytes())?;
        let threads = first.threads().clone();
        Ok(Self::at(path, settings, repetitions, data_dir, threads))
    }

    /// The settings of all runs together.
    fn resolved(settings: &Settings, first: &Experiment) -> Result<Settings> {
        let settings = Settings {
            fold: settings.fold,
            seeds: settings.seeds,
            sizes: repetition::chosen_sizes(settings, first.data())?,
            ..first.plan().settings.clone()
        };
        if settings.data.as_deref() == Some(crate::table::STDIN) {
            let problem = "`data = \"-\"`: standard input can be read only once, but each of \
                           several training runs reads the data";
            return Err(Error::usage(problem).with_help("give the path of a file as `data`"));
        }
        Ok(settings)
    }

    /// Opens the directory `runs_dir/name` for one of several workers, and creates it if this is
    /// the first worker; see [`create`](Self::create).
    ///
    /// # Errors
    /// Returns the errors of [`create`](Self::create), and an error if the first worker has other
    /// settings, other data or another program.
    pub fn join(
        settings: &Settings,
        first: &Experiment,
        data_dir: &Path,
        runs_dir: &Path,
        name: &str,
    ) -> Result<Self> {
        let settings = Self::resolved(settings, first)?;
        let repetitions = Repetition::all(&settings)?;
        let path = shared_runs::join(&settings, first.data(), runs_dir, name)?;
        let threads = first.threads().clone();
        Ok(Self::at(path, settings, repetitions, data_dir, threads))
    }

    /// Opens the directory of an interrupted repeated training.
    ///
    /// # Errors
    /// Returns an error if `path` is not the directory of a repeated training.
    pub fn open(path: &Path, data_dir: &Path, threads: Threads) -> Result<Self> {
        let settings = run_dir::read_config(path)?;
        let repetitions = Repetition::all(&settings).map_err(Error::of_data)?;
        let path = path.to_owned();
        Ok(Self::at(path, settings, repetitions, data_dir, threads))
    }

    /// The repeated training in the directory `path`, in this process only.
    fn at(
        path: PathBuf,
        settings: Settings,
        repetitions: Vec<Repetition>,
        data_dir: &Path,
        threads: Threads,
    ) -> Self {
        Self {
            path,
            settings,
            repetitions,
            data_dir: data_dir.to_owned(),
            threads,
            checkpoint_interval: None,
            processes: None,
        }
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

    /// Shares the runs with other processes, as [`Experiment::with_processes`].
    #[must_use]
    pub fn with_processes(self, processes: Processes) -> Self {
        Self {
            processes: Some(processes),
            ..self
        }
    }

    /// The directory of the repeated training.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings, with `folds`, `seeds` or `sizes`.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The training runs, in the order in which they are trained.
    pub fn repetitions(&self) -> &[Repetition] {
        &self.repetitions
    }

    /// Trains the missing runs, resumes an interrupted run, and writes the summary. `finished`
    /// is called once for each run, including runs that were finished before.
    ///
    /// # Errors
    /// Returns the same errors as [`Experiment::train`], for example if the observer stops a
    /// run.
    pub fn train(
        &self,
        observer: &mut dyn Observer,
        mut finished: impl FnMut(&FinishedRepetition),
    ) -> Result<RepeatedSummary> {
        let mut data = LastData::default();
        let mut summaries = Vec::with_capacity(self.repetitions.len());
        for &repetition in &self.repetitions {
            let run = self
                .run(repetition, &mut data, observer)
                .map_err(|error| resumed_as(error, &self.path))?;
            finished(&run);
            summaries.push((repetition, run.summary));
        }
        let summary = RepeatedSummary::new(&self.settings, &summaries);
        let text = format!("{:#}\n", serde_json::json!(summary));
        run_dir::replace(&self.path, SUMMARY, text.as_bytes())?;
        Ok(summary)
    }

    /// Trains runs that no other worker trains, until all runs are finished. `finished` is called
    /// for each run that this worker has trained. The summary is written by
    /// [`train`](Self::train).
    ///
    /// # Errors
    /// Returns the same errors as [`Experiment::train`], and an error if another process has the
    /// number of this worker.
    pub fn train_shared(
        &self,
        work: &mut SharedWork,
        observer: &mut dyn Observer,
        mut finished: impl FnMut(&FinishedRepetition),
    ) -> Result<()> {
        let names: Vec<String> = self.repetitions.iter().map(Repetition::directory).collect();
        let mut data = LastData::default();
        shared_runs::train(&self.path, &names, work, observer, |index, observer| {
            finished(&self.run(self.repetitions[index], &mut data, observer)?);
            Ok(())
        })
    }

    fn run(
        &self,
        repetition: Repetition,
        data: &mut LastData,
        observer: &mut dyn Observer,
    ) -> Result<FinishedRepetition> {
        let path = self.path.join(repetition.directory());
        let is_new = !run_dir::is_finished(&path);
        let summary = if !is_new {
            read_summary(&path.join(SUMMARY))?
        } else if path.join(CONFIG).exists() {
            self.resume(&path, observer)?
        } else {
            self.start(repetition, &path, data, observer)?
        };
        Ok(FinishedRepetition {
            repetition,
            path,
            summary,
            is_new,
        })
    }

    fn start(
        &self,
        repetition: Repetition,
        path: &Path,
        data: &mut LastData,
        observer: &mut dyn Observer,
    ) -> Result<Summary> {
        run_dir::remove_unstarted(path)?;
        let settings = repetition.settings(&self.settings);
        let load = || Data::of_run(&settings, &self.path, &self.data_dir, &self.threads);
        let data = data.of(&settings, load)?;
        let mut experiment = Experiment::new(&settings, data)?.with_threads(self.threads.clone());
        if let Some(interval) = self.checkpoint_interval {
            experiment = experiment.with_checkpoint_interval(interval);
        }
        if let Some(processes) = &self.processes {
            experiment = experiment.with_processes(processes.clone());
        }
        Ok(experiment.train(path, observer)?.summary)
    }

    fn resume(&self, path: &Path, observer: &mut dyn Observer) -> Result<Summary> {
        let warn = |warning: &str| observer.warn(warning);
        let mut stopped = StoppedRun::open(path, &self.data_dir, self.threads.clone(), warn)?;
        if let Some(interval) = self.checkpoint_interval {
            stopped = stopped.with_checkpoint_interval(interval);
        }
        if let Some(processes) = &self.processes {
            stopped = stopped.with_processes(processes.clone());
        }
        Ok(stopped.train(observer)?.summary)
    }
}

impl RepeatedSummary {
    /// Computes the statistics over all runs from their summaries.
    fn new(settings: &Settings, runs: &[(Repetition, Summary)]) -> Self {
        let repetitions: Vec<Repetition> = runs.iter().map(|(run, _)| *run).collect();
        let mut sizes: Vec<usize> = repetitions.iter().filter_map(|run| run.size).collect();
        sizes.dedup();
        let of_size = |&size: &usize| SizeStatistics {
            size,
            statistics: Statistics::new(runs.iter().filter(|(run, _)| run.size == Some(size))),
        };
        let statistics = match sizes.is_empty() {
            true => Statistics::new(runs),
            false => Statistics::default(),
        };
        Self {
            dataset: runs
                .first()
                .map_or_else(String::new, |(_, summary)| summary.dataset.clone()),
            runs: runs.len(),
            folds: settings.folds.filter(|_| settings.fold.is_none()),
            seeds: settings.seeds,
            statistics,
            sizes: sizes.iter().map(of_size).collect(),
            interval_meaning: Interval::of(&repetitions).meaning().map(str::to_owned),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl Statistics {
    /// The statistics of the metrics that every run has.
    fn new<'a>(runs: impl IntoIterator<Item = &'a (Repetition, Summary)>) -> Self {
        let mut values: BTreeMap<String, Vec<(Repetition, f64)>> = BTreeMap::new();
        let mut n_runs = 0;
        for (repetition, summary) in runs {
            n_runs += 1;
            for (name, value) in test_measures(summary) {
                values.entry(name).or_default().push((*repetition, value));
            }
        }
        let mut statistics = Self::default();
        for (name, values) in values
            .into_iter()
            .filter(|(_, values)| values.len() == n_runs)
        {
            let Estimate { mean, spread } = estimate(&values);
            statistics.mean.insert(name.clone(), mean);
            if let Some(spread) = spread {
                let (low, high) = spread.interval;
                statistics.std.insert(name.clone(), spread.std);
                statistics.interval.insert(name, [low, high]);
            }
        }
        statistics
    }
}

/// The metrics of a summary on the test samples, and the baseline.
fn test_measures(summary: &Summary) -> BTreeMap<String, f64> {
    summary.metrics(|name| name.starts_with("test_") || name == "baseline")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(size: Option<usize>, fold: usize, test_loss: f64) -> (Repetition, Summary) {
        let repetition = Repetition {
            size,
            fold: Some(fold),
            seed: None,
        };
        let summary = Summary {
            dataset: "iris".to_owned(),
            train_loss: Some(9.0),
            test_loss: Some(test_loss),
            test_accuracy: Some(1.0).filter(|_| fold == 1),
            ..Summary::default()
        };
        (repetition, summary)
    }

    #[test]
    fn measures_that_every_run_has_are_summarized() {
        let settings = Settings {
            folds: Some(2),
            ..Settings::default()
        };
        let runs = [run(None, 1, 0.25), run(None, 2, 0.75)];
        let summary = RepeatedSummary::new(&settings, &runs);
        assert_eq!((&*summary.dataset, summary.folds), ("iris", Some(2)));
        let expected = BTreeMap::from([("test_loss".to_owned(), 0.5)]);
        assert_eq!(summary.statistics.mean, expected);
    }

    #[test]
    fn each_size_has_its_statistics() {
        let runs = [
            run(Some(20), 1, 0.5),
            run(Some(20), 2, 0.75),
            run(Some(40), 1, 0.25),
            run(Some(40), 2, 0.25),
        ];
        let summary = RepeatedSummary::new(&Settings::default(), &runs);
        assert_eq!(summary.statistics, Statistics::default());
        let means: Vec<f64> = summary
            .sizes
            .iter()
            .map(|it| it.statistics.mean["test_loss"])
            .collect();
        assert_eq!(means, [0.625, 0.25]);
        let text = serde_json::to_string(&summary).expect("plain JSON");
        assert_eq!(
            serde_json::from_str::<RepeatedSummary>(&text).ok(),
            Some(summary)
        );
    }
}
