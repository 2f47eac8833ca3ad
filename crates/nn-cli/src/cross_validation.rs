//! The command `nn train --folds K`: trains K runs, and prints one line per fold and the mean of
//! the results.

use std::path::Path;

use nn_report::{FoldResult, Folds, write_folds};
use nn_tensor::Threads;
use nn_train::cross_validation::{CrossValidation, CrossValidationSummary, FinishedFold};
use nn_train::{Observer, Result};
use serde_json::json;

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;

/// Stops the training of a fold after a signal.
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

/// Where the reports of the folds find their data.
pub(crate) struct ReportSources<'a> {
    pub(crate) data_dir: &'a Path,
    pub(crate) threads: &'a Threads,
}

/// Trains the missing folds and prints the results; `reports` is `None` if no reports are
/// wanted.
pub(crate) fn run(
    progress: &Progress,
    validation: &CrossValidation,
    reports: Option<&ReportSources<'_>>,
) -> Result<()> {
    let mut observer = Quiet {
        progress,
        interrupt: Interrupt::listen()?,
    };
    let n_folds = validation.n_folds();
    let summary = validation.train(&mut observer, |fold| {
        if let Some(sources) = reports.filter(|_| fold.is_new) {
            write_report(progress, fold, sources);
        }
        show_fold(progress, fold, n_folds);
    })?;
    conclude(progress, validation.path(), &summary, reports.is_some())
}

/// A report that cannot be written is a note, not an error of the run.
fn write_report(progress: &Progress, fold: &FinishedFold, sources: &ReportSources<'_>) {
    let ReportSources { data_dir, threads } = sources;
    let program = terminal::program();
    let written = nn_report::write_report_of(&fold.path, data_dir, None, false, program, threads);
    if let Err(error) = written {
        progress.note(&format!("no report: {error}"));
    }
}

fn show_fold(progress: &Progress, fold: &FinishedFold, n_folds: usize) {
    if let Progress::Json = progress {
        let mut object = json!(fold.summary);
        object["event"] = "fold".into();
        object["fold"] = fold.number.into();
        object["run"] = fold.path.to_string_lossy().into();
        terminal::report(object);
        return;
    }
    let summary = &fold.summary;
    let measures = [
        ("test_accuracy", summary.test_accuracy),
        ("test_loss", summary.test_loss),
    ];
    let measures = measures.into_iter().filter_map(|(name, value)| {
        let value = value?;
        Some(format!("{} {}", words(name), shown(name, value)))
    });
    terminal::report(format!(
        "fold {} of {n_folds}: {}, in {}",
        fold.number,
        measures.collect::<Vec<_>>().join(", "),
        fold.path.display()
    ));
}

fn conclude(
    progress: &Progress,
    path: &Path,
    summary: &CrossValidationSummary,
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
    let folds = Folds::read(path, program)?;
    show_results(&folds.results());
    let run = path.display();
    terminal::report(format!("saved in {run}"));
    if has_report {
        let report = write_folds(path, &folds)?;
        terminal::report(format!("report in {}", report.page.display()));
    } else {
        terminal::report(format!("  {program} report {run}"));
    }
    Ok(())
}

/// Prints one line per result.
fn show_results(results: &[FoldResult]) {
    let cells = |result: &FoldResult| {
        let [low, high] = &result.interval;
        let interval = format!("{low} to {high}");
        [result.mean.clone(), result.std.clone(), interval]
    };
    let heads = ["mean", "standard deviation", "95 % interval"].map(str::to_owned);
    let rows: Vec<(&str, [String; 3])> = std::iter::once(("", heads))
        .chain(results.iter().map(|result| (result.name, cells(result))))
        .collect();
    let width = |text: &str| text.chars().count();
    let name_width = rows.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    let widths: [usize; 3] = std::array::from_fn(|at| {
        rows.iter()
            .map(|(_, cells)| width(&cells[at]))
            .max()
            .unwrap_or(0)
    });
    terminal::report("");
    for (name, [mean, std, interval]) in rows {
        let [mean_width, std_width, interval_width] = widths;
        terminal::report(format!(
            "{name:name_width$}  {mean:>mean_width$}  {std:>std_width$}  {interval:>interval_width$}"
        ));
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
