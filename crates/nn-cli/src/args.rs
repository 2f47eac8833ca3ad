//! Arguments that several subcommands share.

use std::path::PathBuf;

use clap::Args;
use nn_tensor::Threads;
use nn_train::{Result, Run};

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

/// Threads for the value of `--threads`; by default one per processor.
pub(crate) fn threads(count: Option<u16>) -> Threads {
    count.map_or_else(Threads::all, |count| Threads::new(count.into()))
}
