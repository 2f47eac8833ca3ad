//! Arguments that several subcommands share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use nn_tensor::Threads;
use nn_train::run_dir::WORKERS;
use nn_train::{Error, Result, Run};
use nn_workers::{SharedWork, Worker, WorkerChoice};

/// The folder of the data sets.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataFolder {
    /// Folder of the data sets
    #[arg(
        long,
        value_name = "DIR",
        env = "NN_DATA_DIR",
        default_value = "datasets"
    )]
    pub(crate) data_dir: PathBuf,
}

/// The folder of the runs.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunsFolder {
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs_dir: PathBuf,
}

/// A trained run.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunChoice {
    /// Run directory, name of a run, or model file
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) runs: RunsFolder,
    #[command(flatten)]
    pub(crate) weights: WeightCheck,
}

impl RunChoice {
    /// Opens the run.
    pub(crate) fn open(&self) -> Result<Run> {
        Run::find(&self.run, &self.runs.runs_dir, self.weights.allow_nonfinite)
    }

    /// Opens the run, to use it with data sets of this folder.
    pub(crate) fn open_with(&self, folder: &DataFolder) -> Result<Run> {
        Ok(self.open()?.with_data_dir(&folder.data_dir))
    }
}

/// Whether a model may have NaN or infinite weights.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct WeightCheck {
    /// Accept models with NaN or infinite weights
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
}

/// Where a training run or a search writes its files, its threads, and its output.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorkArguments {
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs", help_heading = "Run")]
    pub(crate) runs_dir: PathBuf,
    /// Number of threads; the result does not depend on it [default: one per processor]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON object per line
    #[arg(long, help_heading = "Run")]
    pub(crate) json: bool,
    /// Print plain lines, without a progress bar
    #[arg(long, help_heading = "Run")]
    pub(crate) plain: bool,
}

/// One of several workers that share a list of work.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct WorkerArguments {
    /// Work as worker K (from 0) of N that share the trials or the runs through a folder: K/N, or auto for the number of the task of a Slurm array job or an Open MPI job, or auto/N for a Kubernetes indexed Job. The result does not depend on the number of workers
    #[arg(long, value_name = "K/N", help_heading = "Workers")]
    pub(crate) worker: Option<WorkerChoice>,
    /// Time without progress after which a worker is assumed to have died, and another worker takes over its work
    #[arg(long, value_name = "TIME", value_parser = claim_timeout, default_value = "10m", help_heading = "Workers")]
    pub(crate) claim_timeout: Duration,
}

impl WorkerArguments {
    /// The worker, if one was given.
    pub(crate) fn resolve(&self) -> Result<Option<Worker>> {
        let resolve = |choice: WorkerChoice| choice.resolve(|name| std::env::var(name).ok());
        let worker = self.worker.map(resolve).transpose();
        worker.map_err(|error| Error::from(error).at("--worker"))
    }

    /// Claims the number of the worker in the folder of the claims of `run`.
    pub(crate) fn join(&self, run: &Path, worker: Worker) -> Result<SharedWork> {
        SharedWork::join(&run.join(WORKERS), worker, self.claim_timeout)
            .map_err(|error| Error::from(error).at(format!("--worker: {}", run.display())))
    }
}

/// Parses the time after which a claim may be taken over.
fn claim_timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        timeout if timeout < Duration::from_secs(1) => {
            Err("expected at least 1s, because workers show their progress in intervals".to_owned())
        }
        timeout => Ok(timeout),
    }
}

/// Parses a time such as `90s`, `10m` or `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let invalid = || "expected a time such as 90s, 10m or 2h".to_owned();
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(invalid)?;
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(invalid()),
    };
    let number: f64 = number.parse().map_err(|_| invalid())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|_| invalid())
}

/// Threads for the value of `--threads`; by default one per processor.
pub(crate) fn threads(count: Option<u16>) -> Threads {
    count.map_or_else(Threads::all, |count| Threads::new(count.into()))
}
