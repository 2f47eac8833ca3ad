//! The command `nn papers`: reproduces the experiments of five teaching papers.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand};
use nn_files::create_dir_all;
use nn_papers::{Options, Paper, Store, claims, run_shared, text};
use nn_train::data::{GLYPHS, default_name};
use nn_train::run_dir::WORKERS;
use nn_train::{Error, Result};

use crate::args::{DataFolder, RunsFolder, WorkerArguments, threads};
use crate::exit::as_typed;
use crate::interrupt::Interrupt;
use crate::terminal;

#[derive(Args, Debug)]
pub(crate) struct PapersArguments {
    #[command(subcommand)]
    command: PapersCommand,
}

#[derive(Debug, Subcommand)]
enum PapersCommand {
    /// List the papers, their claims and the verdicts so far
    List(RunsFolder),
    /// Run the papers' experiments; claims with up-to-date results are skipped
    #[command(after_help = "Examples:\n  \
        nn papers run all --quick\n  \
        nn papers run bordeaux\n  \
        nn papers run --claim B1 --claim H1\n  \
        nn papers run all --worker 0/4\n\n\
        After each claim, results.json and report.html are written to papers/ in the folder of the runs.")]
    Run(RunArguments),
}

#[derive(Args, Debug)]
struct RunArguments {
    /// Names of papers from `nn papers list`, or all; optional with --claim
    #[arg(value_name = "NAME", required_unless_present = "claim")]
    names: Vec<String>,
    /// Run only the experiments for these claims, such as B1
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    claim: Vec<String>,
    /// Use fewer epochs, seeds and learning rates (a few minutes for all claims)
    #[arg(long)]
    quick: bool,
    /// Rerun claims even if their results are up to date
    #[arg(long, conflicts_with = "worker")]
    again: bool,
    /// Data set: mnist or glyphs; with glyphs, claims about MNIST are not judged [default: mnist if it is in the data folder, otherwise glyphs]
    #[arg(long, value_name = "NAME")]
    data: Option<String>,
    #[command(flatten)]
    data_folder: DataFolder,
    /// Number of threads; the results do not depend on it [default: one per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    #[command(flatten)]
    workers: WorkerArguments,
    #[command(flatten)]
    runs_folder: RunsFolder,
}

pub(crate) fn run(arguments: &PapersArguments) -> Result<()> {
    match &arguments.command {
        PapersCommand::List(folder) => list(&store(folder)?),
        PapersCommand::Run(arguments) => run_claims(arguments)?,
    }
    Ok(())
}

/// The results, in the folder `papers` of the runs.
fn store(runs: &RunsFolder) -> Result<Store> {
    Store::open(folder(runs))
}

fn folder(runs: &RunsFolder) -> PathBuf {
    runs.runs_dir.join("papers")
}

fn list(store: &Store) {
    for line in text::overview(store) {
        terminal::line(as_typed(&line));
    }
}

fn run_claims(arguments: &RunArguments) -> Result<()> {
    let papers = papers(&arguments.names)?;
    let claims = claims(&papers, &arguments.claim).map_err(|error| error.at("--claim"))?;
    let interrupt = Interrupt::listen()?;
    let start = Instant::now();
    let data_dir = &arguments.data_folder.data_dir;
    let data = arguments.data.as_deref();
    let options = Options {
        data_dir,
        data: data.unwrap_or_else(|| default_name(data_dir)),
        is_quick: arguments.quick,
        rerun: arguments.again,
        threads: threads(arguments.threads),
    };
    note_built_in_digits(&options, data.is_none());
    let progress = |line: &str| terminal::report(line);
    let should_stop = || interrupt.is_set();
    if let Some(worker) = arguments.workers.resolve()? {
        let folder = folder(&arguments.runs_folder);
        let workers = folder.join(WORKERS);
        create_dir_all(&workers).map_err(|error| Error::io(&workers, &error))?;
        let work = arguments.workers.join(&folder, worker)?;
        let mut store = Store::open_worker(&folder, worker.index())?;
        return run_shared(
            &claims,
            &options,
            &folder,
            &mut store,
            work,
            &progress,
            &should_stop,
        );
    }
    let mut store = store(&arguments.runs_folder)?;
    nn_papers::run(&claims, &options, &mut store, &progress, &should_stop)?;
    for line in text::results(&store, &claims) {
        terminal::report(line);
    }
    terminal::report("");
    terminal::report(format!(
        "{} in {:.0} s; figures, commands and errata: {}",
        terminal::counted(claims.len(), "claim"),
        start.elapsed().as_secs_f64(),
        store.report().display()
    ));
    Ok(())
}

fn papers(names: &[String]) -> Result<Vec<Paper>> {
    if names.is_empty() || names.iter().any(|name| name == "all") {
        return Ok(Paper::ALL.to_vec());
    }
    names.iter().map(|name| Paper::find(name)).collect()
}

fn note_built_in_digits(options: &Options<'_>, is_default: bool) {
    if options.data != GLYPHS {
        return;
    }
    terminal::report(
        "the data set is glyphs (the built-in digits), so claims about MNIST are run but not judged",
    );
    if is_default {
        terminal::report(as_typed("to download MNIST, run `nn data fetch`"));
    }
}
