//! The flags `--folds`, `--seeds` and `--sizes` of `nn train`: trains several networks, and prints
//! one line per network and a table of the results.

use std::path::Path;

use nn_report::{RepeatedRuns, ResultTable, write_repeated};
use nn_tensor::Threads;
use nn_train::repeated_training::{FinishedRepetition, RepeatedSummary};
use nn_train::{Experiment, Observer, RepeatedTraining, Repetition, Result, Settings, flags};
use nn_workers::{SharedWork, Worker};
use serde_json::json;

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;

/// Stops a training run after a signal.
struct Quiet<'a> {
    progress: &'a Progress,
    interrupt: Interrupt,
}

impl Observer for Quiet<'_> {
    fn warn(&mut self, warning: &str) {
        self.progress.warn(warning);
    }

    fn should_stop(&mut self) -> bool {
        self.interrupt.is_set()
    }
}

/// Where the reports of the runs find their data.
pub(crate) struct ReportSources<'a> {
    pub(crate) data_dir: &'a Path,
    pub(crate) threads: &'a Threads,
}

/// Trains the missing networks and prints the results. Without `reports`, no reports are written.
pub(crate) fn run(
    progress: &Progress,
    training: &RepeatedTraining,
    reports: Option<&ReportSources<'_>>,
) -> Result<()> {
    let mut observer = Quiet {
        progress,
        interrupt: Interrupt::listen()?,
    };
    let summary = training.train(&mut observer, |run| {
        if let Some(sources) = reports.filter(|_| run.is_new) {
            write_report(progress, run, sources);
        }
        show_run(progress, run, training.settings());
    })?;
    conclude(progress, training.path(), &summary, reports.is_some())
}

/// Trains the networks that no other worker trains. The summary is written when the repeated
/// training is resumed without workers.
pub(crate) fn run_worker(
    progress: &Progress,
    training: &RepeatedTraining,
    work: &mut SharedWork,
    reports: Option<&ReportSources<'_>>,
) -> Result<()> {
    let mut observer = Quiet {
        progress,
        interrupt: Interrupt::listen()?,
    };
    let mut n_runs = 0;
    training.train_shared(work, &mut observer, |run| {
        n_runs += 1;
        if let Some(sources) = reports {
            write_report(progress, run, sources);
        }
        show_run(progress, run, training.settings());
    })?;
    let n_all = training.repetitions().len();
    conclude_worker(progress, training.path(), work.worker(), n_runs, n_all);
    Ok(())
}

/// Trains the networks of an ensemble that no other worker trains. The model is written when the
/// ensemble is resumed without workers.
pub(crate) fn run_ensemble_worker(
    progress: &Progress,
    experiment: &Experiment,
    runs_dir: &Path,
    name: &str,
    join: impl FnOnce(&Path) -> Result<SharedWork>,
    worker: Worker,
) -> Result<()> {
    let mut observer = Quiet {
        progress,
        interrupt: Interrupt::listen()?,
    };
    let n_all = experiment.plan().n_networks().unwrap_or(1);
    let mut n_runs = 0;
    let finished = |number: usize, path: &Path| {
        n_runs += 1;
        match progress {
            Progress::Json => terminal::report(json!({
                "event": "run",
                "member": number,
                "run": path.to_string_lossy(),
            })),
            _ => terminal::report(format!(
                "network {number} of {n_all}, in {}",
                path.display()
            )),
        }
    };
    let path = experiment.train_shared(runs_dir, name, join, &mut observer, finished)?;
    conclude_worker(progress, &path, worker, n_runs, n_all);
    Ok(())
}

/// Prints what a worker has done, and the command that writes the result of all workers.
fn conclude_worker(progress: &Progress, path: &Path, worker: Worker, n_runs: usize, n_all: usize) {
    if let Progress::Json = progress {
        return terminal::report(json!({
            "event": "worker",
            "worker": worker.index(),
            "workers": worker.count(),
            "runs_trained": n_runs,
            "runs": n_all,
            "run": path.to_string_lossy(),
        }));
    }
    let runs = terminal::counted(n_runs, "run");
    terminal::report(format!(
        "worker {worker} trained {runs}; all {n_all} runs of {} are finished",
        path.display()
    ));
    let quoted = flags::quoted(&path.to_string_lossy());
    let command = format!("  {} train --resume {quoted}", terminal::program());
    ["", "next", &command].iter().for_each(terminal::report);
}

/// A report that cannot be written is a note, not an error of the run.
fn write_report(progress: &Progress, run: &FinishedRepetition, sources: &ReportSources<'_>) {
    let ReportSources { data_dir, threads } = sources;
    let program = terminal::program();
    let written = nn_report::write_report_of(&run.path, data_dir, None, false, program, threads);
    if let Err(error) = written {
        progress.note(&format!("no report: {error}"));
    }
}

fn show_run(progress: &Progress, run: &FinishedRepetition, settings: &Settings) {
    let summary = &run.summary;
    let Repetition { size, fold, seed } = run.repetition;
    if let Progress::Json = progress {
        let mut object = json!(summary);
        object["event"] = "run".into();
        object["size"] = size.into();
        object["fold"] = fold.into();
        object["seed"] = seed.unwrap_or(summary.seed).into();
        object["run"] = run.path.to_string_lossy().into();
        terminal::report(object);
        return;
    }
    let measures = [
        ("test_accuracy", summary.test_accuracy),
        ("test_loss", summary.test_loss),
    ];
    let measures = measures.into_iter().filter_map(|(name, value)| {
        let value = value?;
        Some(format!("{} {}", words(name), shown(name, value)))
    });
    terminal::report(format!(
        "{}: {}, in {}",
        label(run.repetition, settings),
        measures.collect::<Vec<_>>().join(", "),
        run.path.display()
    ));
}

/// Such as `1,000 samples, fold 2 of 5, seed 3`.
fn label(Repetition { size, fold, seed }: Repetition, settings: &Settings) -> String {
    let n_folds = settings.folds.unwrap_or_default();
    let size = size.map(|size| format!("{} samples", nn_train::grouped(size)));
    let fold = fold.map(|fold| format!("fold {fold} of {n_folds}"));
    let seed = seed.map(|seed| format!("seed {seed}"));
    let parts: Vec<String> = [size, fold, seed].into_iter().flatten().collect();
    parts.join(", ")
}

fn conclude(
    progress: &Progress,
    path: &Path,
    summary: &RepeatedSummary,
    has_report: bool,
) -> Result<()> {
    if let Progress::Json = progress {
        let mut object = json!(summary);
        object["event"] = "summary".into();
        object["run"] = path.to_string_lossy().into();
        terminal::report(object);
        return Ok(());
    }
    let program = terminal::program();
    let runs = RepeatedRuns::read(path, program)?;
    show_table(&runs.table());
    terminal::report(runs.meaning());
    let run = path.display();
    terminal::report(format!("saved in {run}"));
    if has_report {
        let report = write_repeated(path, &runs)?;
        terminal::report(format!("report in {}", report.page.display()));
    } else {
        terminal::report(format!("  {program} report {run}"));
    }
    Ok(())
}

/// Prints the table; the first column is aligned left if it has no name.
fn show_table(table: &ResultTable) {
    let rows = || std::iter::once(&table.heads).chain(&table.rows);
    let width = |column: usize| rows().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..table.heads.len()).filter_map(width).collect();
    terminal::report("");
    for row in rows() {
        let cells = row.iter().zip(&widths).enumerate();
        let cells = cells.map(|(column, (cell, &width))| match column {
            0 if table.heads[0].is_empty() => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        terminal::report(cells.collect::<Vec<_>>().join("  "));
    }
    terminal::report("");
}

/// `test accuracy` of `test_accuracy`.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

fn shown(name: &str, value: f64) -> String {
    match name {
        "test_accuracy" => terminal::percent(Some(value)),
        _ => format!("{value:.4}"),
    }
}
