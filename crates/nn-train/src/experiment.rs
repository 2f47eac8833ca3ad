//! The settings and data of a training run, which is saved in a run directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nn_core::metrics::evaluate;
use nn_core::{Checkpoint, Network, Trainer};
use nn_settings::{Calibrate, Choice, Error, ErrorKind, Result, Settings};
use nn_tensor::Threads;
use nn_workers::SharedWork;

use crate::calibration::calibrated;
use crate::checkpoints::{Checkpoints, Pace};
use crate::config_diff::{check_checkpoint, check_settings};
use crate::constant_prediction::ConstantPrediction;
use crate::data::{Data, Splits};
use crate::ensemble::FinishedMembers;
use crate::epoch_metrics::EpochMetrics;
use crate::instruction_set;
use crate::metrics::{Evaluator, Metrics};
use crate::observer::{Observer, Start};
use crate::outcome::Outcome;
use crate::plan::Plan;
use crate::processes::Processes;
use crate::run::Run;
use crate::run_dir::{self, CONFIG, MODEL, RunDir, SUMMARY, is_finished, member_name, read_config};
use crate::shared_runs;
use crate::summary::Summary;
use crate::trainer::{initial_network, trainer};
use crate::training_loop::TrainingLoop;
use crate::training_memory;

/// Settings and data, checked and ready for training.
///
/// ```
/// use nn_train::{Experiment, Settings};
///
/// let settings = Settings {
///     data: Some("glyphs".into()),
///     limit_train: Some(100),
///     hidden: Some("16".parse()?),
///     epochs: Some(2),
///     ..Settings::default()
/// };
/// let folder = std::env::temp_dir().join(format!("nn-train-{}", std::process::id()));
/// let trained = Experiment::load(&settings, "datasets")?.train(folder.join("digits"), &mut ())?;
/// assert_eq!(trained.outcome.epochs.len(), 2);
/// assert!(folder.join("digits/model.safetensors").exists());
/// # std::fs::remove_dir_all(folder).unwrap();
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Experiment {
    data: Arc<Data>,
    plan: Plan,
    threads: Threads,
    pace: Pace,
    processes: Option<Processes>,
}

/// A finished training run.
#[derive(Clone, Debug)]
pub struct TrainedRun {
    /// The run with its model.
    pub run: Run,
    /// Path of the run directory.
    pub path: PathBuf,
    /// The metrics of all epochs.
    pub outcome: Outcome,
    /// The evaluation on the test samples, if there are any.
    pub test: Option<Metrics>,
    /// The contents of `summary.json`.
    pub summary: Summary,
}

impl Experiment {
    /// Checks the settings against the data.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for settings that are invalid, contradict each other, do not
    /// match the data, or need more memory than is available.
    pub fn new(settings: &Settings, data: impl Into<Arc<Data>>) -> Result<Self> {
        let data = data.into();
        let plan = Plan::new(settings, &data)?;
        if plan.settings.from.is_some() && plan.start.is_none() {
            let problem = "`from`: the model was not loaded together with the data";
            return Err(Error::usage(problem).with_help("load the data with Data::for_training"));
        }
        Self::planned(plan, data)
    }

    /// Checks that the plan fits into memory.
    fn planned(plan: Plan, data: Arc<Data>) -> Result<Self> {
        training_memory::check(&plan, &data.splits()?)?;
        Ok(Self {
            data,
            plan,
            threads: Threads::all(),
            pace: Pace::new(None),
            processes: None,
        })
    }

    /// Loads the data set named in the settings and checks the settings against it.
    ///
    /// # Errors
    /// Returns the same errors as [`new`](Self::new), or an error if the data set cannot
    /// be loaded from `data_dir`.
    pub fn load(settings: &Settings, data_dir: impl AsRef<Path>) -> Result<Self> {
        let data = Data::for_training(settings, data_dir.as_ref(), &Threads::all())?;
        Self::new(settings, data)
    }

    /// Sets the threads; the default is one per processor. The weights do not depend on
    /// the number of threads.
    #[must_use]
    pub fn with_threads(self, threads: Threads) -> Self {
        Self { threads, ..self }
    }

    /// Sets the minimum time between two checkpoints; the default is one second at the
    /// ends of epochs and one minute within epochs.
    #[must_use]
    pub fn with_checkpoint_interval(self, interval: Duration) -> Self {
        Self {
            pace: Pace::new(Some(interval)),
            ..self
        }
    }

    /// Shares the training runs with other processes, which
    /// [follow](Processes::follow) this one. The weights do not depend on the number of
    /// processes.
    #[must_use]
    pub fn with_processes(self, processes: Processes) -> Self {
        Self {
            processes: Some(processes),
            ..self
        }
    }

    /// The data set with its task and its split.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The network and the training configuration.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The threads used for training and evaluation.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// Creates a trainer with the initial weights.
    ///
    /// # Errors
    /// Returns an error if the network does not fit into memory.
    pub fn trainer<'a>(&self, splits: &Splits<'a>) -> Result<Trainer<'a>> {
        let network = initial_network(&self.plan, &splits.train, &self.threads)?;
        trainer(&self.plan, &self.data, splits, network, &self.threads)
    }

    /// Trains into the new run directory `path`. `observer` is called after each batch
    /// and each epoch; `&mut ()` observes nothing.
    ///
    /// # Errors
    /// Returns an error if the directory exists or cannot be written, if the training run diverges,
    /// or if the observer stops it.
    pub fn train(&self, path: impl AsRef<Path>, observer: &mut dyn Observer) -> Result<TrainedRun> {
        let path = path.as_ref();
        let runs_dir = path.parent().unwrap_or(Path::new(""));
        let name = path.file_name().map(|name| name.to_string_lossy());
        self.train_in(RunDir::create(runs_dir, name.as_deref(), "")?, observer)
    }

    /// Trains into a new run directory in `runs_dir`. The directory is named `name` or,
    /// by default, after the data set with the next free number.
    ///
    /// # Errors
    /// Returns the same errors as [`train`](Self::train).
    pub fn train_named(
        &self,
        runs_dir: &Path,
        name: Option<&str>,
        observer: &mut dyn Observer,
    ) -> Result<TrainedRun> {
        self.train_in(self.create_run_dir(runs_dir, name)?, observer)
    }

    /// Creates a run directory in `runs_dir`. The directory is named `name` or, by
    /// default, after the data set with the next free number.
    ///
    /// # Errors
    /// Returns an error if the directory exists or cannot be written.
    pub fn create_run_dir(&self, runs_dir: &Path, name: Option<&str>) -> Result<RunDir> {
        RunDir::create(runs_dir, name, &run_prefix(&self.data.dataset.name))
    }

    /// Trains the networks of an ensemble that no other worker trains, in the directory
    /// `runs_dir/name`, until all are finished. `join` claims the number of the worker when the
    /// directory exists, and `finished` is called with the number and the path of each network that
    /// this worker has trained. Resuming the run without workers combines the networks.
    ///
    /// # Errors
    /// Returns an error if the settings are not those of an ensemble, if the first worker has other
    /// settings, other data or another program, and the errors of [`train`](Self::train).
    pub fn train_shared(
        &self,
        runs_dir: &Path,
        name: &str,
        join: impl FnOnce(&Path) -> Result<SharedWork>,
        observer: &mut dyn Observer,
        mut finished: impl FnMut(usize, &Path),
    ) -> Result<PathBuf> {
        let n_networks = self.plan.n_networks().ok_or_else(|| {
            Error::usage("`ensemble`: expected several networks to share, found one")
        })?;
        let run = shared_runs::join(&self.plan.settings, &self.data, runs_dir, name)?;
        let mut work = join(&run)?;
        let names: Vec<String> = (1..=n_networks).map(member_name).collect();
        shared_runs::train(&run, &names, &mut work, observer, |index, observer| {
            let path = run.join(&names[index]);
            self.member(index + 1)?.complete(&path, observer)?;
            finished(index + 1, &path);
            Ok(())
        })?;
        Ok(run)
    }

    fn train_in(&self, run_dir: RunDir, observer: &mut dyn Observer) -> Result<TrainedRun> {
        run_dir.write_config(&self.plan.settings)?;
        let session = self.session(run_dir, observer);
        match self.plan.n_networks() {
            None => session.run(None, Vec::new()),
            Some(n_networks) => session.run_ensemble(n_networks),
        }
    }

    /// The experiment of one network of an ensemble, counted from 1.
    fn member(&self, number: usize) -> Result<Self> {
        let settings = Settings {
            member: Some(number),
            calibrate: None,
            ..self.plan.settings.clone()
        };
        Ok(Self {
            plan: Plan::new(&settings, &self.data)?,
            ..self.clone()
        })
    }

    /// Trains into the run directory `path`, continues an interrupted run with these settings
    /// there, or does nothing if this run is finished. A run with other settings is removed.
    ///
    /// # Errors
    /// Returns the same errors as [`train`](Self::train).
    pub fn train_or_resume(self, path: &Path, observer: &mut dyn Observer) -> Result<Summary> {
        let is_of_these_settings =
            |path| read_config(path).is_ok_and(|it| it.to_toml() == self.plan.settings.to_toml());
        if path.exists() && !is_of_these_settings(path) {
            run_dir::remove(path)?;
        }
        self.complete(path, observer)?;
        run_dir::read_summary(&path.join(SUMMARY))
    }

    /// Trains into the run directory `path`, continues an interrupted run there, or does
    /// nothing if this run is finished.
    fn complete(self, path: &Path, observer: &mut dyn Observer) -> Result<()> {
        if is_finished(path) {
            return Ok(());
        }
        if path.join(CONFIG).exists() {
            let checkpoints = Checkpoints::open(path)?;
            let stopped = StoppedRun {
                path: path.to_owned(),
                settings: read_config(path)?,
                checkpoint: checkpoints.newest(|warning| observer.warn(warning))?,
                checkpoints,
                experiment: self,
            };
            return stopped.train(observer).map(drop);
        }
        run_dir::remove_unstarted(path)?;
        self.train(path, observer).map(drop)
    }

    fn session<'a>(&'a self, run_dir: RunDir, observer: &'a mut dyn Observer) -> Session<'a> {
        Session {
            experiment: self,
            run_dir,
            observer,
        }
    }
}

/// An unfinished run, opened to resume it and locked against other training processes.
#[derive(Debug)]
pub struct StoppedRun {
    path: PathBuf,
    /// The settings of the run's `config.toml`.
    settings: Settings,
    experiment: Experiment,
    checkpoints: Checkpoints,
    checkpoint: Option<Checkpoint>,
}

impl StoppedRun {
    /// Opens a run directory to resume the run with `threads`; `warn` is called for
    /// every damaged checkpoint.
    ///
    /// # Errors
    /// Returns an error if another process trains the run, if it has no usable configuration or
    /// checkpoint, or if its data set cannot be loaded from `data_dir`.
    pub fn open(
        path: impl Into<PathBuf>,
        data_dir: impl AsRef<Path>,
        threads: Threads,
        warn: impl FnMut(&str),
    ) -> Result<Self> {
        let path = path.into();
        let settings = read_config(&path)?;
        let checkpoints = Checkpoints::open(&path)?;
        let checkpoint = checkpoints.newest(warn)?;
        let data = Arc::new(Data::of_run(&settings, &path, data_dir.as_ref(), &threads)?);
        // Invalid settings are a fault of the file; too little memory is not.
        let plan = Plan::new(&settings, &data).map_err(Error::of_data)?;
        Ok(Self {
            path,
            settings,
            experiment: Experiment::planned(plan, data)?.with_threads(threads),
            checkpoints,
            checkpoint,
        })
    }

    /// Returns an error if `settings` differ from the settings of the run.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] with a list of the differences.
    pub fn check_settings(&self, settings: &Settings) -> Result<()> {
        let Experiment { plan, data, .. } = &self.experiment;
        check_settings(settings, &self.settings, plan, data)
    }

    /// Reasons why the resumed run may not reproduce the weights of an uninterrupted run.
    pub fn other_origin(&self) -> Vec<String> {
        self.checkpoint
            .as_ref()
            .map(other_origin)
            .unwrap_or_default()
    }

    /// The settings and data of the run.
    pub fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    /// Sets the minimum time between two checkpoints, as
    /// [`Experiment::with_checkpoint_interval`].
    #[must_use]
    pub fn with_checkpoint_interval(mut self, interval: Duration) -> Self {
        self.experiment.pace = Pace::new(Some(interval));
        self
    }

    /// Shares the run with other processes, as [`Experiment::with_processes`].
    #[must_use]
    pub fn with_processes(mut self, processes: Processes) -> Self {
        self.experiment = self.experiment.with_processes(processes);
        self
    }

    /// Resumes the run from the newest checkpoint. The final weights are the same as
    /// without the interruption.
    ///
    /// # Errors
    /// Returns the same errors as [`Experiment::train`].
    pub fn train(self, observer: &mut dyn Observer) -> Result<TrainedRun> {
        let n_epochs = self.checkpoint.as_ref().map_or(0, Checkpoint::epoch);
        let (run_dir, epochs) = RunDir::resume(self.path, self.checkpoints, n_epochs)?;
        let session = self.experiment.session(run_dir, observer);
        match self.experiment.plan.n_networks() {
            None => session.run(self.checkpoint, epochs),
            Some(n_networks) => session.run_ensemble(n_networks),
        }
    }
}

/// A training run from its first step to its summary.
struct Session<'a> {
    experiment: &'a Experiment,
    run_dir: RunDir,
    observer: &'a mut dyn Observer,
}

impl Session<'_> {
    /// Trains from the beginning or from a checkpoint after these `epochs`.
    fn run(
        mut self,
        checkpoint: Option<Checkpoint>,
        epochs: Vec<EpochMetrics>,
    ) -> Result<TrainedRun> {
        let experiment = self.experiment;
        let splits = experiment.data.splits()?;
        let mut trainer = experiment.trainer(&splits)?;
        // The checkpoint is dropped before the next one is saved.
        let seconds = match &checkpoint {
            Some(checkpoint) => self.restore(&mut trainer, checkpoint)?,
            None => 0.0,
        };
        if let Some(processes) = &experiment.processes {
            processes.share(&mut trainer, &experiment.plan, self.run_dir.path())?;
        }
        self.observer.start(&Start {
            run: self.run_dir.path(),
            trainer: &trainer,
            n_validation: splits.validation.len(),
            n_test: splits.test.as_ref().map_or(0, |test| test.len()),
            finished: &epochs,
            member: {
                let settings = &experiment.plan.settings;
                settings.member.zip(settings.ensemble)
            },
            is_resumed: checkpoint.is_some(),
        });
        for warning in checkpoint.iter().flat_map(other_origin) {
            self.observer.warn(&warning);
        }
        drop(checkpoint);
        let outcome = self
            .train(&mut trainer, epochs, seconds)
            .map_err(|error| self.keep_best(&mut trainer, error))?;
        self.finish(trainer.network(), &splits, outcome, BTreeMap::new())
    }

    /// Trains the networks of an ensemble that are not finished, then combines them.
    fn run_ensemble(mut self, n_networks: usize) -> Result<TrainedRun> {
        let experiment = self.experiment;
        let run = self.run_dir.path().to_owned();
        let paths: Vec<PathBuf> = (1..=n_networks)
            .map(|number| run.join(member_name(number)))
            .collect();
        for (number, path) in (1..).zip(&paths) {
            let member = experiment.member(number)?;
            member
                .complete(path, self.observer)
                .map_err(|error| resumed_as(error, &run))?;
        }
        let members = FinishedMembers::read(&paths)?;
        let outcome = members.outcome();
        for row in &outcome.epochs {
            self.run_dir.add_metrics(row)?;
        }
        let splits = experiment.data.splits()?;
        self.finish(members.network()?, &splits, outcome, members.mean())
    }

    fn train(
        &mut self,
        trainer: &mut Trainer<'_>,
        epochs: Vec<EpochMetrics>,
        seconds: f64,
    ) -> Result<Outcome> {
        let mut training = TrainingLoop {
            plan: &self.experiment.plan,
            observer: self.observer,
            run_dir: &mut self.run_dir,
            pace: self.experiment.pace,
        };
        training.run(trainer, epochs, seconds)
    }

    /// Calibrates the model and saves it, evaluates it on the test samples and saves the
    /// summary. `member_mean` has the mean metrics of the networks of an ensemble.
    fn finish(
        mut self,
        network: Network,
        splits: &Splits<'_>,
        outcome: Outcome,
        member_mean: BTreeMap<String, f64>,
    ) -> Result<TrainedRun> {
        let Experiment {
            data,
            plan,
            threads,
            ..
        } = self.experiment;
        let calibrates = plan.settings.calibrate.as_ref().map(Choice::value);
        let network = if calibrates == Some(&Calibrate::Temperature) && !outcome.is_interrupted {
            calibrated(network, &splits.validation, threads)?
        } else {
            network
        };
        let model = plan.model(data, network);
        self.run_dir.write_model(&model)?;
        if outcome.is_interrupted {
            return Err(self.interrupted(&outcome));
        }
        let evaluator = Evaluator {
            network: &model.network,
            loss: model.loss,
            data,
            threads,
        };
        let test = splits.test.as_ref();
        let test = test.map(|test| evaluator.metrics(test, None)).transpose()?;
        let (n_threads, network) = (threads.count(), &model.network);
        let mut summary = Summary {
            threshold: evaluator.best_thresholds(&splits.validation)?,
            ..Summary::new(plan, data, n_threads, network, &outcome, test.as_ref())
        };
        if summary.constant_prediction.is_none() {
            summary.constant_prediction = ConstantPrediction::of_training(data)?;
        }
        let is_as_trained = network.n_networks() == 1 && network.temperature() == 1.0;
        if !is_as_trained && !splits.validation.is_empty() {
            let validation = evaluate(network, &splits.validation, model.loss, threads)?;
            summary.validation_loss = Some(validation.loss);
            summary.validation_accuracy = validation.accuracy;
        }
        if !member_mean.is_empty() {
            summary.train_loss = member_mean.get("train_loss").copied();
            summary.train_accuracy = member_mean.get("train_accuracy").copied();
        }
        summary.member_mean = member_mean;
        self.run_dir.write_summary(&summary)?;
        let path = self.run_dir.path().to_owned();
        Ok(TrainedRun {
            run: Run::new(path.join(MODEL), model).with_threads(threads.clone()),
            path,
            outcome,
            test,
            summary,
        })
    }

    /// Restores the trainer's state from a checkpoint; returns the seconds already
    /// spent on the current epoch.
    fn restore(&self, trainer: &mut Trainer<'_>, checkpoint: &Checkpoint) -> Result<f64> {
        let note = checkpoint.note();
        let settings = self.experiment.plan.settings.to_json();
        check_checkpoint(&note["settings"], &settings)?;
        trainer.restore(checkpoint).map_err(|error| {
            let error = Error::from(error).at(self.run_dir.path().display());
            let help = match error.kind() {
                ErrorKind::Usage => "use the data that the run was trained on, or train a new run",
                _ => {
                    "to use the previous checkpoint, remove the newest file from the run's \
                     checkpoint folder"
                }
            };
            error.with_help(help)
        })?;
        Ok(note["seconds"].as_f64().unwrap_or(0.0))
    }

    /// Saves the weights of the best epoch of a diverged run, if there is one, and adds
    /// their location to the error.
    fn keep_best(&mut self, trainer: &mut Trainer<'_>, error: Error) -> Error {
        if error.kind() != ErrorKind::Diverged {
            return error.with_help(self.continuation());
        }
        // The error is reported whether or not this file can be written.
        let _ = self.run_dir.write_failure(&error.to_string());
        if let Err(unsaved) = self.run_dir.save_best() {
            return error.and(unsaved);
        }
        let Some(best) = self.run_dir.checkpoints().best() else {
            return error;
        };
        let Experiment { plan, data, .. } = self.experiment;
        let kept = match trainer.restore(&best) {
            Ok(()) => self
                .run_dir
                .write_model(&plan.model(data, trainer.network())),
            Err(error) => Err(error.into()),
        };
        match kept {
            Ok(()) => error.and(format!(
                "the best weights (epoch {}) are in {}",
                best.epoch(),
                self.run_dir.path().display()
            )),
            Err(_) => error,
        }
    }

    /// The hint for a training run that failed because of the disk.
    fn continuation(&self) -> String {
        let run = self.run_dir.path().display();
        if !self.run_dir.path().is_dir() {
            return format!(
                "{run} was removed or moved during training; move it back, or train again"
            );
        }
        let from = match self.run_dir.checkpoints().newest_name() {
            Some(name) => format!("from checkpoint/{name}"),
            None => "from the beginning".to_owned(),
        };
        format!("fix this problem, then run `nn train --resume {run}` to continue {from}")
    }

    fn interrupted(&self, outcome: &Outcome) -> Error {
        let run = self.run_dir.path().display();
        let kept = outcome.kept_weights();
        let problem = format!(
            "stopped after {} of {} epochs; the model so far{} is in {run}",
            outcome.epochs.len(),
            self.experiment.plan.training.epochs,
            kept.map_or_else(String::new, |kept| format!(" ({kept})")),
        );
        Error::new(ErrorKind::Interrupted, problem).with_help(how_to_resume(self.run_dir.path()))
    }
}

/// An interrupted run is resumed by training `whole`, the run or the folder of runs that it
/// belongs to.
pub(crate) fn resumed_as(error: Error, whole: &Path) -> Error {
    match error.kind() {
        ErrorKind::Interrupted => error.with_help(how_to_resume(whole)),
        _ => error,
    }
}

fn how_to_resume(run: &Path) -> String {
    format!("to continue, run `nn train --resume {}`", run.display())
}

/// Reasons why a run resumed from `checkpoint` may not reproduce the weights of an
/// uninterrupted run.
fn other_origin(checkpoint: &Checkpoint) -> Vec<String> {
    let instruction_set = instruction_set::difference(&checkpoint.note()["instruction_set"]);
    another_version(checkpoint)
        .into_iter()
        .chain(instruction_set)
        .collect()
}

/// A warning for a checkpoint of a different version.
fn another_version(checkpoint: &Checkpoint) -> Option<String> {
    let (theirs, ours) = (&checkpoint.note()["version"], env!("CARGO_PKG_VERSION"));
    (theirs != ours).then(|| {
        format!(
            "the checkpoint was written by version {theirs}, but this is version {ours}; \
             the weights may differ from the weights of an uninterrupted run"
        )
    })
}

/// The data set's name, fit for the name of a folder.
pub(crate) fn run_prefix(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_".contains(c);
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '-' })
        .collect();
    match plain.trim_matches('-') {
        "" => "run".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod faults;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_can_name_folders() {
        assert_eq!(run_prefix("fashion-mnist"), "fashion-mnist");
        assert_eq!(run_prefix("../my data"), "my-data");
        assert_eq!(run_prefix("/"), "run");
    }
}
