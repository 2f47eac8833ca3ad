//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, CommandFactory, Parser, Subcommand};

use nn_search::{Menu, Stopping, Strategy};
use nn_tensor::Threads;

use crate::objective::Objective;
use crate::papers::PapersArguments;
use nn_train::flags;
use nn_train::{Choice, Result, Run, Settings, Split};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Trains, evaluates and uses multilayer perceptrons.
#[derive(Debug, Parser)]
#[command(name = "nn", version, styles = STYLES, max_term_width = 100)]
#[command(after_help = "Start with `nn train`: it needs no data and no flags.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command line, with the defaults of the settings in the help.
pub(crate) fn command() -> clap::Command {
    let command = Arguments::command();
    ["train", "search", "gradcheck"]
        .into_iter()
        .fold(command, |command, name| {
            command.mut_subcommand(name, flags::with_defaults)
        })
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a network and write a run directory
    Train(Box<TrainArguments>),
    /// Loss, accuracy and confusion matrix of a run
    Evaluate(EvaluateArguments),
    /// What a run says about PNG files, rows of a CSV file, or test samples
    Predict(PredictArguments),
    /// Search for good settings: random, grid or Bayesian
    Search(Box<SearchArguments>),
    /// Write a page with charts into run directories
    Report(ReportArguments),
    /// Runs side by side: settings, results, curves
    Compare(CompareArguments),
    /// Layers, parameters and origin of a model
    Inspect(InspectArguments),
    /// Check the gradient of a configuration against finite differences
    Gradcheck(Box<GradcheckArguments>),
    /// Every number of one sample's training step
    Trace(TraceArguments),
    /// What is wrong with a run, and a flag to try
    Doctor(DoctorArguments),
    /// Data sets: list, info, fetch
    Data(DataArguments),
    /// Reproduce the experiments of five teaching papers: printed number, ours, verdict
    Papers(PapersArguments),
    /// A live page: draw a digit, watch a training, compare two
    Serve(ServeArguments),
}

/// Where data sets lie.
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

/// Where runs lie, and which one is meant.
#[derive(Args, Clone, Debug)]
pub(crate) struct RunChoice {
    /// A run directory, the name of a run, or a model file
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs_dir: PathBuf,
    #[command(flatten)]
    pub(crate) weights: WeightCheck,
}

impl RunChoice {
    /// Opens the run that was named.
    pub(crate) fn open(&self, folder: &DataFolder) -> Result<Run> {
        let run = Run::find(&self.run, &self.runs_dir, self.weights.allow_nonfinite)?;
        Ok(run.with_data_dir(&folder.data_dir))
    }
}

/// Whether a model is used whose weights are no numbers.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct WeightCheck {
    /// Use a model with NaN or infinite weights, too
    #[arg(long)]
    pub(crate) allow_nonfinite: bool,
}

#[derive(Args, Debug)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "Examples:\n  \
    nn train\n  \
    nn train --data mnist --hidden 128 --optimizer sgd --lr 0.1 --batch-size 32 --epochs 3\n  \
    nn train --data my-digits/ --activation tanh --dropout 0.2 --patience 5\n  \
    nn train --resume mnist-1\n\n\
    Every setting but folders and threads can stand in a --config file; a flag wins.")]
pub(crate) struct TrainArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// Read settings from a TOML file, such as a run's config.toml
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub(crate) config: Option<PathBuf>,
    /// Name of the run; the default counts: mnist-1, mnist-2, ...
    #[arg(long, help_heading = "Run")]
    pub(crate) name: Option<String>,
    /// Continue a run that was stopped, to the same result
    #[arg(
        long,
        value_name = "RUN",
        conflicts_with_all = ["config", "name"],
        help_heading = "Run"
    )]
    pub(crate) resume: Option<PathBuf>,
    /// Least time between two checkpoints; 0: one after each batch [default: 1 at the ends of epochs, 60 within them]
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = seconds,
        help_heading = "Run"
    )]
    pub(crate) checkpoint_interval: Option<Duration>,
    #[command(flatten)]
    pub(crate) work: WorkArguments,
    /// Refuse what is otherwise only warned of before the first step (exit code 2)
    #[arg(long, help_heading = "Run")]
    pub(crate) strict: bool,
    /// Write no report.html and no plots; `nn report` can do it later
    #[arg(long, help_heading = "Run")]
    pub(crate) no_report: bool,
}

/// Where a training or a search puts its files, with how many threads, and what
/// it shows meanwhile.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorkArguments {
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs", help_heading = "Run")]
    pub(crate) runs_dir: PathBuf,
    /// Threads; the result does not depend on them [default: all processors]
    #[arg(long, value_name = "N", help_heading = "Run", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// One JSON object a line on standard output
    #[arg(long, help_heading = "Run")]
    pub(crate) json: bool,
    /// Plain lines, no progress bar
    #[arg(long, help_heading = "Run")]
    pub(crate) plain: bool,
}

/// As many threads as were asked for, or one a processor.
pub(crate) fn threads(asked: Option<u16>) -> Threads {
    asked.map_or_else(Threads::all, |count| Threads::new(count.into()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = "expected a number of seconds from 0";
    let seconds: f64 = text.parse().map_err(|_| wrong.to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong.to_owned())
}

#[derive(Args, Debug)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "Examples:\n  \
    nn search --limit-train 10000 --epochs 5\n  \
    nn search --space \"lr=log:1e-4..1,optimizer=sgd|adam,hidden=int-log:16..256\" --trials 40\n  \
    nn search --resume search-1 --trials 80\n\n\
    The flags of `nn train` say what does not vary. The winner is the trial with the best\n\
    validation result; the test samples are not looked at.")]
pub(crate) struct SearchArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// What may vary: flags of `nn train` with their ranges, such as
    /// "lr=log:1e-4..1,dropout=0..0.5,hidden=int:16..256,optimizer=sgd|adam"
    /// (in quotes: | means something to a shell) [default: lr, optimizer, hidden, batch-size, dropout]
    #[arg(
        long,
        value_name = "FLAG=RANGE,...",
        help_heading = "Search",
        verbatim_doc_comment
    )]
    pub(crate) space: Option<String>,
    #[arg(long, value_name = "NAME", help_heading = "Search", help = strategy_help())]
    pub(crate) strategy: Option<Choice<Strategy>>,
    /// Trainings, those included that a continued search has done [default: 25]
    #[arg(long, value_name = "N", help_heading = "Search",
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=i64::MAX as u64))]
    pub(crate) trials: Option<usize>,
    #[arg(long, value_name = "NAME", help_heading = "Search", help = stopping_help())]
    pub(crate) stopping: Option<Choice<Stopping>>,
    #[arg(long, value_name = "NAME", help_heading = "Search", help = objective_help())]
    pub(crate) objective: Option<Choice<Objective>>,
    /// Train the winner again at the end, as a run of its own
    #[arg(long, help_heading = "Search")]
    pub(crate) train_best: bool,
    /// Go on with a search that was cut short, or do more trials
    #[arg(long, value_name = "SEARCH", help_heading = "Run")]
    pub(crate) resume: Option<PathBuf>,
    /// Read the settings that do not vary from a TOML file
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub(crate) config: Option<PathBuf>,
    /// Name of the search, to be continued if it exists; the default counts: search-1, search-2, ...
    #[arg(long, help_heading = "Run")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) work: WorkArguments,
}

fn strategy_help() -> String {
    format!(
        "How the next trial is chosen: {} [default: bayesian]",
        Strategy::names()
    )
}

fn stopping_help() -> String {
    format!(
        "When a trial is given up early: {} [default: median]",
        Stopping::names()
    )
}

fn objective_help() -> String {
    format!(
        "What is made small on the validation samples: {} [default: loss]",
        Objective::names()
    )
}

#[derive(Args, Debug)]
pub(crate) struct EvaluateArguments {
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// Another data set than the run's own
    #[arg(long, value_name = "NAME|DIR", value_parser = flags::data_parser())]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// Which samples
    #[arg(long, value_enum, default_value_t = Split::Test)]
    pub(crate) split: Split,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct PredictArguments {
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// PNG files to classify, or a CSV file with rows to predict
    #[arg(value_name = "FILE.png|FILE.csv", required_unless_present = "index")]
    pub(crate) files: Vec<PathBuf>,
    /// Where to write the predictions of a CSV file [default: standard output]
    #[arg(long, short, value_name = "FILE", conflicts_with = "json")]
    pub(crate) output: Option<PathBuf>,
    /// Samples of the test set instead: 7 or 0..36
    #[arg(long, value_name = "K|A..B", conflicts_with = "files")]
    pub(crate) index: Option<String>,
    /// Another data set than the run's own
    #[arg(long, value_name = "NAME|DIR", requires = "index", value_parser = flags::data_parser())]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// Run directories, or names of runs
    #[arg(value_name = "RUN", required = true)]
    pub(crate) runs: Vec<PathBuf>,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs_dir: PathBuf,
    #[command(flatten)]
    pub(crate) weights: WeightCheck,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// Which samples [default: test, or what comes nearest]
    #[arg(long, value_enum)]
    pub(crate) split: Option<Split>,
    /// One JSON object a line on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// Run directories, or names of runs: two or more
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub(crate) runs: Vec<PathBuf>,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs_dir: PathBuf,
    /// Where to write the page [default: comparison.html in the folder of the runs]
    #[arg(long, short, value_name = "FILE.html")]
    pub(crate) output: Option<PathBuf>,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "Examples:\n  \
    nn gradcheck\n  \
    nn gradcheck --hidden 30,20 --activation gelu --batch-norm --loss mse --l2 0.1")]
pub(crate) struct GradcheckArguments {
    #[command(flatten)]
    pub(crate) settings: Settings,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// Training samples to take
    #[arg(long, value_name = "N", default_value_t = 16, help_heading = "Check",
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) samples: u16,
    /// Parameters to check in each layer, chosen at random
    #[arg(long, value_name = "N", default_value_t = 100, help_heading = "Check",
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub(crate) parameters: usize,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nn trace mnist-1 --index 7\n  \
    nn trace mnist-1 --index 0 --split train --untrained --neurons 20\n\n\
    The step is a training's first with this sample alone: its optimizer remembers nothing.\n\
    The formulas are explained in crates/nn-core/src/learn.rs.")]
pub(crate) struct TraceArguments {
    #[command(flatten)]
    pub(crate) choice: RunChoice,
    /// Which sample of the split, from 0
    #[arg(long, value_name = "K")]
    pub(crate) index: usize,
    /// Another data set than the run's own
    #[arg(long, value_name = "NAME|DIR", value_parser = flags::data_parser())]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// Which samples
    #[arg(long, value_enum, default_value_t = Split::Test)]
    pub(crate) split: Split,
    /// The weights before the training, not after it
    #[arg(long)]
    pub(crate) untrained: bool,
    /// Neurons of each layer to show, those with the largest error, and as many weights
    #[arg(long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) neurons: u16,
    /// Every number, as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Findings are no error: the exit code is 0 unless a file of the run is missing or damaged.\n\
    What needs the model or the data is left out, with a word, where they are not at hand."
)]
pub(crate) struct DoctorArguments {
    /// A run directory, or the name of a run
    #[arg(value_name = "RUN")]
    pub(crate) run: PathBuf,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs_dir: PathBuf,
    #[command(flatten)]
    pub(crate) weights: WeightCheck,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
    /// One JSON object on standard output
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// The data sets there are, and which lie in the data folder
    List {
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Size, classes, origin and files of a data set
    Info {
        /// A name from `nn data list`, or a folder of IDX files
        #[arg(value_name = "NAME|DIR", value_parser = flags::data_parser())]
        name: String,
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Bring data sets into the data folder
    Fetch {
        /// Names from `nn data list`
        #[arg(value_name = "NAME", default_value = "mnist")]
        names: Vec<String>,
        /// A local folder or another mirror
        #[arg(long, value_name = "DIR|URL")]
        from: Option<OsString>,
        /// Open no connection: only check what is there, or copy from a folder
        #[arg(long)]
        offline: bool,
        #[command(flatten)]
        folder: DataFolder,
    },
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nn serve\n  \
    nn serve mnist-1 --open\n\n\
    The page needs no network and is seen on this machine alone. Ctrl-C ends it.")]
pub(crate) struct ServeArguments {
    /// A run directory, the name of a run, or a model file, to draw digits for [default: a small network trained when the page opens]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
    /// Port on the loopback address; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 8784)]
    pub(crate) port: u16,
    /// Open the page in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(crate) runs_dir: PathBuf,
    #[command(flatten)]
    pub(crate) folder: DataFolder,
}
