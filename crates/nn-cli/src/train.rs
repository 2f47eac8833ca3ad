//! The command `nn train`: trains a network and writes a run directory.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use nn_files::escaped_path;
use nn_tensor::Threads;
use nn_train::command_line::{of_settings, quoted};
use nn_train::run_dir::{self, locate_model, locate_run};
use nn_train::{
    Data, DataLoader, Error, Experiment, Plan, Processes, RepeatedTraining, Repetition, Result,
    Settings, StoppedRun, config_diff, warnings,
};
use nn_workers::Worker;
use serde_json::json;

use crate::args::{DataFolder, WorkArguments, WorkerArguments, threads};
use crate::progress::Progress;
use crate::repeated_training::{self, ReportSources};
use crate::terminal;
use crate::training;

#[derive(Args, Clone, Debug)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "Examples:\n  \
    nn train\n  \
    nn train --data mnist --hidden 128 --optimizer sgd --lr 0.1 --batch-size 32 --epochs 3\n  \
    nn train --data my-digits/ --activation tanh --dropout 0.2 --patience 5\n  \
    nn train --from mnist-1 --data my-digits/ --freeze 1 --lr 0.0005\n  \
    nn train --data houses.csv --folds 5 --seeds 3\n  \
    nn train --data houses.csv --sizes auto\n  \
    nn train --resume mnist-1\n\n\
    A --config file can contain every setting except folders and threads; flags override it.")]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    folder: DataFolder,
    /// Read settings from a TOML file, such as a run's config.toml
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    config: Option<PathBuf>,
    /// Name of the run [default: the data set's name and the next free number, such as mnist-1]
    #[arg(long, help_heading = "Run")]
    name: Option<String>,
    /// Resume an interrupted run; the final weights are the same as without the interruption
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = ["config", "name"],
        help_heading = "Run"
    )]
    resume: Option<PathBuf>,
    /// Minimum time between two checkpoints; 0 saves one after each batch [default: 1 at the ends of epochs, 60 within them]
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        help_heading = "Run"
    )]
    checkpoint_interval: Option<Duration>,
    #[command(flatten)]
    work: WorkArguments,
    #[command(flatten)]
    workers: WorkerArguments,
    /// Memory in MiB for the rows of a .nnrows file, but at least two windows of blocks; the result does not depend on it [default: 256]
    #[arg(long, value_name = "MIB", help_heading = "Run")]
    data_memory: Option<u32>,
    /// Turn the warnings before the first step into errors (exit code 2)
    #[arg(long, help_heading = "Run")]
    strict: bool,
    /// Show the network and how the data are read, without training
    #[arg(long, conflicts_with = "resume", help_heading = "Run")]
    dry_run: bool,
    /// Do not write report.html and plots; `nn report` can write them later
    #[arg(long, help_heading = "Run")]
    no_report: bool,
}

impl TrainArguments {
    /// The folder of the data sets and the number of threads, which every process of a shared
    /// training run uses.
    pub(crate) fn of_every_process(&self) -> (&Path, Option<u16>) {
        (&self.folder.data_dir, self.work.threads)
    }

    /// The arguments with the path of the model file in place of the run that `--from` names.
    fn with_located_model(&self) -> Result<Self> {
        let mut arguments = self.clone();
        if let Some(from) = &self.settings.from {
            let model = locate_model(&escaped_path::path(from), &self.work.runs_dir)?;
            let model = escaped_path::escaped(model.into_os_string()).map_err(Error::usage)?;
            arguments.settings.from = Some(model);
        }
        Ok(arguments)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let invalid = "expected a number of seconds, 0 or greater";
    let seconds: f64 = text.parse().map_err(|_| invalid.to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| invalid.to_owned())
}

/// Trains, together with other `processes` if there are any.
pub(crate) fn run(arguments: &TrainArguments, processes: Option<&Processes>) -> Result<()> {
    let arguments = &arguments.with_located_model()?;
    let progress = Progress::new(arguments.work.json, arguments.work.plain);
    let work = Work {
        threads: threads(arguments.work.threads),
        processes,
    };
    let is_worker = arguments.workers.worker.is_some();
    if is_worker && processes.is_some() {
        let problem = "--worker: the processes of MPI share one training run";
        return Err(Error::usage(problem).with_help("use `nn train` to share several runs"));
    }
    if is_worker && arguments.resume.is_some() {
        let problem = "--worker: expected the settings of the runs instead of --resume";
        return Err(Error::usage(problem).with_help(
            "start all workers with the same command; without --worker, --resume trains missing \
             runs and writes the summary",
        ));
    }
    match &arguments.resume {
        None => start(arguments, progress, work),
        Some(run) => {
            let run = locate_run(run, &arguments.work.runs_dir)?;
            if run_dir::is_finished(&run) {
                check_finished(arguments, &run, &work.threads)?;
                print_finished(&progress, &run);
                return Ok(());
            }
            if RepeatedTraining::is_at(&run) {
                return resume_repeated(arguments, &run, &progress, work);
            }
            resume(arguments, &run, progress, work)
        }
    }
}

/// Sets the memory for the rows of a file of rows.
fn set_memory(arguments: &TrainArguments, data: &Data) -> Result<()> {
    match (arguments.data_memory, data.rows_file()) {
        (None, _) => Ok(()),
        (Some(mebibytes), Some(file)) => {
            file.set_memory(u64::from(mebibytes) << 20);
            Ok(())
        }
        (Some(_), None) => Err(Error::usage(format!(
            "--data-memory: expected a file of rows as data, found {}",
            data.dataset.name
        ))
        .with_help("leave --data-memory out, or convert the data with `nn data convert`")),
    }
}

/// What does the work of a training run.
struct Work<'p> {
    threads: Threads,
    processes: Option<&'p Processes>,
}

fn start(arguments: &TrainArguments, progress: Progress, work: Work<'_>) -> Result<()> {
    let Work { threads, processes } = work;
    let settings = match &arguments.config {
        Some(path) => arguments.settings.clone().or(&Settings::read(path)?),
        None => arguments.settings.clone(),
    };
    let data_dir = &arguments.folder.data_dir;
    let (settings, data) = progress.while_reading(|shown| {
        let loader = DataLoader::new(data_dir, &threads).with_progress(shown);
        loader.load_with_default_preset(settings, first_of)
    })?;
    set_memory(arguments, &data)?;
    let asked = settings.is_repeated().then(|| settings.clone());
    let mut experiment = Experiment::new(&first_of(&settings)?, data)?.with_threads(threads);
    if let Some(interval) = arguments.checkpoint_interval {
        experiment = experiment.with_checkpoint_interval(interval);
    }
    if let Some(processes) = processes {
        experiment = experiment.with_processes(processes.clone());
    }
    let (plan, data) = (experiment.plan(), experiment.data());
    if arguments.strict {
        warnings::refuse(plan, data, Vec::new())?;
    }
    if arguments.dry_run {
        progress.notes(&data.notes);
        return training::introduce(&progress, &experiment);
    }
    let (runs_dir, name) = (&arguments.work.runs_dir, arguments.name.as_deref());
    if let Some(worker) = arguments.workers.resolve()? {
        return run_worker(arguments, worker, asked.as_ref(), &progress, &experiment);
    }
    if let Some(asked) = asked {
        let training = RepeatedTraining::create(&asked, &experiment, data_dir, runs_dir, name)?;
        progress.notes(&data.notes);
        let work = Work {
            threads: experiment.threads().clone(),
            processes,
        };
        return run_repeated(arguments, training, &progress, &work);
    }
    training::run(progress, &experiment, !arguments.no_report, |observer| {
        experiment.train_named(runs_dir, name, observer)
    })
}

/// The settings of one run, or those of the first of several runs.
fn first_of(settings: &Settings) -> Result<Settings> {
    match settings.is_repeated() {
        true => Ok(Repetition::first(settings)?),
        false => Ok(settings.clone()),
    }
}

/// Trains runs as one of several workers: those of a repeated training, if its settings were
/// `asked` for, or the networks of an ensemble.
fn run_worker(
    arguments: &TrainArguments,
    worker: Worker,
    asked: Option<&Settings>,
    progress: &Progress,
    experiment: &Experiment,
) -> Result<()> {
    let (runs_dir, name) = (&arguments.work.runs_dir, arguments.name.as_deref());
    let name = name.ok_or_else(not_shared)?;
    let join = |run: &Path| arguments.workers.join(run, worker);
    let Some(asked) = asked else {
        experiment.plan().n_networks().ok_or_else(not_shared)?;
        progress.notes(&experiment.data().notes);
        return repeated_training::run_ensemble_worker(
            progress, experiment, runs_dir, name, join, worker,
        );
    };
    let data_dir = &arguments.folder.data_dir;
    let training = RepeatedTraining::join(asked, experiment, data_dir, runs_dir, name)?;
    progress.notes(&experiment.data().notes);
    let mut work = join(training.path())?;
    let training = with_interval(arguments, training);
    let reports = reports(arguments, experiment.threads());
    repeated_training::run_worker(progress, &training, &mut work, reports.as_ref())
}

fn resume_repeated(
    arguments: &TrainArguments,
    run: &Path,
    progress: &Progress,
    work: Work<'_>,
) -> Result<()> {
    if arguments.settings != Settings::default() {
        return Err(several_runs(run, &arguments.settings));
    }
    let data_dir = &arguments.folder.data_dir;
    let training = RepeatedTraining::open(run, data_dir, work.threads.clone())?;
    run_repeated(arguments, training, progress, &work)
}

/// Trains the missing runs of a repeated training.
fn run_repeated(
    arguments: &TrainArguments,
    training: RepeatedTraining,
    progress: &Progress,
    work: &Work<'_>,
) -> Result<()> {
    let training = with_interval(arguments, training);
    let training = match work.processes {
        Some(processes) => training.with_processes(processes.clone()),
        None => training,
    };
    let reports = reports(arguments, &work.threads);
    repeated_training::run(progress, &training, reports.as_ref())
}

/// Where the reports find their data, unless no reports are wanted.
fn reports<'a>(arguments: &'a TrainArguments, threads: &'a Threads) -> Option<ReportSources<'a>> {
    let sources = ReportSources {
        data_dir: &arguments.folder.data_dir,
        threads,
    };
    (!arguments.no_report).then_some(sources)
}

fn with_interval(arguments: &TrainArguments, training: RepeatedTraining) -> RepeatedTraining {
    match arguments.checkpoint_interval {
        Some(interval) => training.with_checkpoint_interval(interval),
        None => training,
    }
}

/// The error for a worker without a list of runs.
fn not_shared() -> Error {
    Error::usage("--worker: expected --name, and --folds, --seeds, --sizes or --ensemble")
        .with_help("workers share several runs, for example `nn train --name NAME --seeds 8`")
}

fn resume(
    arguments: &TrainArguments,
    run: &Path,
    progress: Progress,
    work: Work<'_>,
) -> Result<()> {
    let data_dir = &arguments.folder.data_dir;
    let warn = |warning: &str| progress.warn(warning);
    let mut stopped = StoppedRun::open(run, data_dir, work.threads, warn)?;
    if let Some(interval) = arguments.checkpoint_interval {
        stopped = stopped.with_checkpoint_interval(interval);
    }
    if let Some(processes) = work.processes {
        stopped = stopped.with_processes(processes.clone());
    }
    let flags = &arguments.settings;
    stopped
        .check_settings(flags)
        .map_err(|error| error.with_help(train_again(run, flags)))?;
    let experiment = stopped.experiment().clone();
    set_memory(arguments, experiment.data())?;
    if arguments.strict {
        warnings::refuse(experiment.plan(), experiment.data(), stopped.other_origin())?;
    }
    training::run(progress, &experiment, !arguments.no_report, |observer| {
        stopped.train(observer)
    })
}

/// Returns an error if flags differ from the settings of a finished run, because they would
/// have no effect.
fn check_finished(arguments: &TrainArguments, run: &Path, threads: &Threads) -> Result<()> {
    let flags = &arguments.settings;
    if *flags == Settings::default() {
        return Ok(());
    }
    if RepeatedTraining::is_at(run) {
        return Err(several_runs(run, flags));
    }
    let settings = run_dir::read_config(run)?;
    let data = Data::of_run(&settings, run, &arguments.folder.data_dir, threads)?;
    let plan = Plan::new(&settings, &data).map_err(Error::of_data)?;
    config_diff::check_settings(flags, &settings, &plan, &data).map_err(|error| {
        let place = format_args!("{} is finished", run.display());
        error.at(place).with_help(train_further(run, flags))
    })
}

/// The error for flags with which several training runs are resumed.
fn several_runs(run: &Path, flags: &Settings) -> Error {
    let problem = format!(
        "{}: several training runs are resumed with their own settings",
        run.display()
    );
    Error::usage(problem).with_help(train_again(run, flags))
}

/// The hint for a finished run that was resumed with other settings, such as more epochs.
fn train_further(run: &Path, flags: &Settings) -> String {
    let config = run.join(run_dir::CONFIG);
    let [config, run] = [&config, run].map(|path| quoted(&path.to_string_lossy()));
    format!(
        "to train its weights further with these flags: `nn train --config {config} --from \
         {run}{flags}`; to start with new weights, leave out --from",
        flags = of_settings(flags)
    )
}

/// The hint for flags that differ from the settings of a run.
fn train_again(run: &Path, flags: &Settings) -> String {
    let config = run.join(run_dir::CONFIG);
    format!(
        "leave these flags out, or start a new run with them: `nn train --config {}{}`",
        quoted(&config.to_string_lossy()),
        of_settings(flags)
    )
}

fn print_finished(progress: &Progress, run: &Path) {
    if let Progress::Json = progress {
        terminal::report(json!({ "event": "finished", "run": run.to_string_lossy() }));
    } else {
        let commands: &[&str] = match RepeatedTraining::is_at(run) {
            true => &["report"],
            false => &["evaluate", "train --from"],
        };
        let (program, run) = (terminal::program(), run.display());
        terminal::report(format!("{run} is finished; there is nothing to resume"));
        for command in commands {
            terminal::report(format!("  {program} {command} {run}"));
        }
    }
}
