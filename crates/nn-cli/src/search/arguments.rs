//! The arguments of `nn search`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::Resettable;
use clap::{Args, Command};
use nn_search::{Menu, Stopping, Strategy};
use nn_train::{Choice, Settings};

use crate::args::{DataFolder, WorkArguments, WorkerArguments, duration};
use crate::objective::Objective;

#[derive(Args, Debug)]
#[command(allow_negative_numbers = true)]
#[command(after_help = "Examples:\n  \
    nn search --limit-train 10000 --epochs 5\n  \
    nn search --space \"lr=log:1e-4..1,optimizer=sgd|adam,hidden=int-log:16..256\" --trials 40\n  \
    nn search --data houses.csv --budget 10m\n  \
    nn search --data houses.csv --folds 5 --ensemble 5\n  \
    nn search --resume search-1 --trials 80\n  \
    nn search lr --trials 200 --worker auto\n  \
    nn search lr --merge\n\n\
    Flags of `nn train` fix settings that are not searched. The best trial is the one with the\n\
    best validation result; the test samples are not used.")]
pub(crate) struct SearchArguments {
    /// Name of the search; the same as --name
    #[arg(value_name = "NAME", conflicts_with_all = ["name", "resume"])]
    search: Option<String>,
    #[command(flatten)]
    pub(super) settings: Settings,
    #[command(flatten)]
    pub(super) folder: DataFolder,
    /// Search space: flags of `nn train` with their ranges, such as
    /// "lr=log:1e-4..1,dropout=0..0.5,hidden=int:16..256,optimizer=sgd|adam"
    /// (quoted, because | is special to a shell) [default: lr, optimizer, hidden, batch-size, dropout;
    /// for tables lr, hidden, dropout, weight-decay, batch-size; with the preset tabular lr, hidden,
    /// dropout, activation, numeric-embedding, input-scaling, weight-decay, label-smoothing]
    #[arg(
        long,
        value_name = "FLAG=RANGE,...",
        help_heading = "Search",
        verbatim_doc_comment
    )]
    pub(super) space: Option<String>,
    #[arg(long, value_name = "NAME", help_heading = "Search", help = strategy_help())]
    pub(super) strategy: Option<Choice<Strategy>>,
    /// Total number of trials, including those already run when a search is resumed [default: 25]
    #[arg(long, value_name = "N", help_heading = "Search",
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=i64::MAX as u64))]
    pub(super) trials: Option<usize>,
    /// Number of trials per round; the Bayesian strategy and the stopping rule use the results of earlier rounds only, so the trials of a round can run in parallel [default: 8]
    #[arg(long, value_name = "N", help_heading = "Search",
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(super) round: Option<usize>,
    /// Start no further trial after this time, such as 90s, 10m or 2h; the running trial is finished. With a budget, the default of --trials is 1000
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Search")]
    pub(super) budget: Option<Duration>,
    #[arg(long, value_name = "NAME", help_heading = "Search", help = stopping_help())]
    pub(super) stopping: Option<Choice<Stopping>>,
    #[arg(long, value_name = "NAME", help_heading = "Search", help = objective_help())]
    pub(super) objective: Option<Choice<Objective>>,
    /// After the search, train a network with the best settings on the training and validation samples, in the folder best of the search; with --ensemble, an ensemble [default: true]
    #[arg(long, value_name = "true|false", help_heading = "Search", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) train_best: Option<bool>,
    #[command(flatten)]
    pub(super) workers: WorkerArguments,
    /// Show how many trials of a shared search are finished, and which workers run the others
    #[arg(long, conflicts_with_all = ["worker", "merge"], help_heading = "Workers")]
    pub(super) status: bool,
    /// Write the result of a shared search from the results of its workers
    #[arg(long, conflicts_with = "worker", help_heading = "Workers")]
    pub(super) merge: bool,
    /// Resume an interrupted search, or run more trials
    #[arg(long, value_name = "SEARCH", help_heading = "Run")]
    pub(super) resume: Option<PathBuf>,
    /// Read the fixed settings from a TOML file
    #[arg(long, value_name = "FILE", help_heading = "Run")]
    pub(super) config: Option<PathBuf>,
    /// Name of the search; an existing search is resumed [default: search- and the next free number]
    #[arg(long, help_heading = "Run")]
    name: Option<String>,
    #[command(flatten)]
    pub(super) work: WorkArguments,
}

impl SearchArguments {
    /// The name of the search, if one was given.
    pub(super) fn name(&self) -> Option<&str> {
        self.search.as_deref().or(self.name.as_deref())
    }

    /// Returns `true` if a setting is given that belongs to the configuration of a search.
    pub(super) fn has_settings(&self) -> bool {
        self.settings != Settings::default()
            || self.config.is_some()
            || self.space.is_some()
            || self.strategy.is_some()
            || self.stopping.is_some()
            || self.objective.is_some()
            || self.round.is_some()
    }
}

/// The command with the meaning of `--folds`, `--seeds` and `--ensemble` in a search. The test
/// samples are set aside before the folds are formed, so `--folds` and `--test-split` can be
/// combined.
pub(crate) fn with_help_of_trials(command: Command) -> Command {
    command
        .mut_arg("folds", |arg| {
            arg.help(
                "Train K networks in each trial, each with a different 1/K of the samples as \
                 validation samples; trials are compared by the mean",
            )
            .conflicts_with(Resettable::Reset)
        })
        .mut_arg("fold", |arg| {
            arg.help("Use fold N of --folds as test samples, and search with the other samples")
        })
        .mut_arg("seeds", |arg| {
            arg.help(
                "Train networks with N seeds in each trial, from --seed; trials are compared by \
                 the mean",
            )
        })
        .mut_arg("ensemble", |arg| {
            arg.help("After the search, train an ensemble of K networks with the best settings")
        })
}

fn strategy_help() -> String {
    format!(
        "Strategy to choose the next trial: {} [default: bayesian]",
        Strategy::names()
    )
}

fn stopping_help() -> String {
    format!(
        "Rule to stop a trial early: {} [default: median; with the schedule coslog4, from 7/15 of the epochs on]",
        Stopping::names()
    )
}

fn objective_help() -> String {
    format!(
        "Objective to minimize on the validation samples: {} [default: loss]",
        Objective::names()
    )
}
