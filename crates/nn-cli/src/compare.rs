//! The command `nn compare`: compares runs side by side, and tests whether they differ.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use clap::Args;
use nn_report::{
    ComparedValue, Comparison, Difference, RepeatedRuns, RunRecord, differences, replace,
};
use nn_tensor::Threads;
use nn_train::command_line::quoted;
use nn_train::run_dir::{CONFIG, locate_run};
use nn_train::{Error, RepeatedTraining, Result};
use serde_json::{Map, Value, json};

use crate::args::{DataFolder, RunsFolder};
use crate::terminal;

/// The default name of the page.
const PAGE: &str = "comparison.html";

/// Maximum number of differences in the terminal; `--json` and the page show all.
const MAX_VERDICTS: usize = 15;

/// The space between two columns.
const SPACE: &str = "  ";

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// Two or more run directories or names of runs, also of cross-validations or of several seeds; other files are skipped
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    runs_folder: RunsFolder,
    #[command(flatten)]
    folder: DataFolder,
    /// HTML file to write [default: comparison.html beside the first run]
    #[arg(long, short, value_name = "FILE.html")]
    output: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A RUN of the command line.
enum Argument {
    /// A run directory.
    Run(PathBuf),
    /// Another file or folder, such as `comparison.html` in `nn compare *`.
    Other(PathBuf),
}

pub(crate) fn run(arguments: &CompareArguments) -> Result<()> {
    let runs_dir = &arguments.runs_folder.runs_dir;
    let found = arguments.runs.iter().map(|run| find(run, runs_dir));
    let (mut directories, mut skipped) = (Vec::new(), Vec::new());
    for argument in found.collect::<Result<Vec<_>>>()? {
        match argument {
            Argument::Run(path) => directories.push(path),
            Argument::Other(path) => skipped.push(path.display().to_string()),
        }
    }
    if directories.len() < 2 {
        return Err(too_few(&directories, &skipped));
    }
    let runs = directories.iter().map(|path| record(path));
    let mut runs: Vec<RunRecord> = runs.collect::<Result<_>>()?;
    tell_apart(&mut runs, &directories);
    let paths: Vec<&Path> = directories.iter().map(PathBuf::as_path).collect();
    let differences = differences(&paths, &arguments.folder.data_dir, &Threads::all());
    let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
    let comparison = Comparison {
        verdicts: differences.iter().map(|it| it.verdict(&names)).collect(),
        runs,
        command: command(&directories),
    };
    let page = match &arguments.output {
        Some(path) => path.clone(),
        None => directories[0].with_file_name(PAGE),
    };
    replace(&page, &comparison.build().page.html())?;
    if arguments.json {
        let mut object = to_json(&comparison, &differences);
        object["report"] = page.to_string_lossy().into();
        object["skipped"] = skipped.into();
        terminal::line(object);
    } else {
        show(&comparison);
        show_verdicts(&comparison.verdicts);
        terminal::line("");
        if !skipped.is_empty() {
            terminal::line(format!("skipped, not a run: {}", skipped.join(", ")));
        }
        terminal::line(format!("curves in {}", page.display()));
    }
    Ok(())
}

/// The record of a run, or of the means of a repeated training.
fn record(directory: &Path) -> Result<RunRecord> {
    if RepeatedTraining::is_at(directory) {
        return RepeatedRuns::read(directory, terminal::program())?.mean_record();
    }
    RunRecord::read(directory)
}

/// Runs of the same name in different folders are named by the end of their paths.
fn tell_apart(runs: &mut [RunRecord], directories: &[PathBuf]) {
    let mut n_parts = 2;
    let most = directories.iter().map(|path| path.components().count());
    let most = most.max().unwrap_or(0);
    while has_same_names(runs, directories) && n_parts <= most {
        for (run, path) in runs.iter_mut().zip(directories) {
            let n_left_out = path.components().count().saturating_sub(n_parts);
            let end: PathBuf = path.components().skip(n_left_out).collect();
            run.name = end.display().to_string();
        }
        n_parts += 1;
    }
}

/// Whether two different runs have the same name.
fn has_same_names(runs: &[RunRecord], directories: &[PathBuf]) -> bool {
    let mut directory_of: HashMap<&str, &Path> = HashMap::new();
    let mut pairs = runs.iter().zip(directories);
    pairs.any(|(run, directory)| *directory_of.entry(&run.name).or_insert(directory) != directory)
}

/// Finds a run, or another file or folder of this name.
fn find(run: &Path, runs_dir: &Path) -> Result<Argument> {
    if run.is_file() {
        return Ok(Argument::Other(run.to_owned()));
    }
    let directory = locate_run(run, runs_dir)?;
    let has_config = directory.join(CONFIG).exists();
    if has_config {
        Ok(Argument::Run(directory))
    } else {
        Ok(Argument::Other(directory))
    }
}

fn too_few(runs: &[PathBuf], skipped: &[String]) -> Error {
    let names: Vec<String> = runs.iter().map(|run| run.display().to_string()).collect();
    let found = if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    };
    let error = Error::usage(format!("expected two or more runs, found {found}"));
    if skipped.is_empty() {
        error
    } else {
        error.with_help(format!("not a run: {}", skipped.join(", ")))
    }
}

fn command(runs: &[PathBuf]) -> String {
    let runs = runs.iter().map(|run| quoted(&run.to_string_lossy()));
    let runs: Vec<String> = runs.collect();
    format!("{} compare {}", terminal::program(), runs.join(" "))
}

fn show(comparison: &Comparison) {
    let results = comparison.results();
    let settings = comparison.settings();
    let (different, same): (Vec<_>, Vec<_>) = settings.iter().partition(|setting| setting.differs);
    let flag = |setting: &&ComparedValue| (format!("--{}", setting.name), setting.values.clone());
    let results_rows: Vec<Row> = results.iter().map(starred).collect();
    let settings_rows: Vec<Row> = different.iter().map(flag).collect();
    let names = comparison.runs.iter().map(|run| run.name.clone());
    let head = (String::new(), names.collect::<Vec<_>>());
    let rows: Vec<&Row> = [&head]
        .into_iter()
        .chain(&results_rows)
        .chain(&settings_rows)
        .collect();
    let label = rows.iter().map(|row| width(&row.0)).max().unwrap_or(0);
    for (number, block) in blocks(&rows, label).into_iter().enumerate() {
        if number > 0 {
            terminal::line("");
        }
        let line = |row: &Row| terminal::line(line_of(row, label, &block));
        line(&head);
        results_rows.iter().for_each(line);
        if !settings_rows.is_empty() {
            terminal::line("");
            terminal::line("settings that differ");
            settings_rows.iter().for_each(line);
        }
    }
    terminal::line("");
    if results.iter().any(|line| !line.best.is_empty()) {
        terminal::line("* best value in the row");
    }
    terminal::line(match (different.len(), same.len()) {
        (0, _) => "all settings are the same".to_owned(),
        (_, n) => format!("equal settings: {n}"),
    });
}

fn show_verdicts(verdicts: &[String]) {
    terminal::line("");
    terminal::line("differences on the test samples");
    for verdict in verdicts.iter().take(MAX_VERDICTS) {
        terminal::line(format!("  {verdict}"));
    }
    if let Some(n) = verdicts.len().checked_sub(MAX_VERDICTS).filter(|&n| n > 0) {
        terminal::line(format!("  and {n} more, which --json and the page show"));
    }
}

/// A label, and a text per run.
type Row = (String, Vec<String>);

/// Index and width of a column.
type Column = (usize, usize);

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The columns of the runs, in blocks that fit into the terminal.
fn blocks(rows: &[&Row], label: usize) -> Vec<Vec<Column>> {
    let n_runs = rows.first().map_or(0, |row| row.1.len());
    let columns = (0..n_runs).map(|run| {
        let widths = rows.iter().map(|row| width(&row.1[run]));
        (run, widths.max().unwrap_or(0))
    });
    let room = if terminal::is_interactive() {
        terminal::width().saturating_sub(label)
    } else {
        usize::MAX
    };
    let mut blocks: Vec<Vec<Column>> = Vec::new();
    let mut used = usize::MAX;
    for column in columns {
        let wide = column.1 + SPACE.len();
        used = used.saturating_add(wide);
        if used > room || blocks.is_empty() {
            blocks.push(Vec::new());
            used = wide;
        }
        if let Some(block) = blocks.last_mut() {
            block.push(column);
        }
    }
    blocks
}

fn line_of((name, values): &Row, label: usize, columns: &[Column]) -> String {
    let cells = columns
        .iter()
        .map(|&(run, width)| format!("{SPACE}{:>width$}", values[run]));
    let line = format!("{name:label$}{}", cells.collect::<String>());
    line.trim_end().to_owned()
}

/// Marks the best values with a star and pads the others.
fn starred(line: &ComparedValue) -> Row {
    let values = line.values.iter().enumerate().map(|(run, value)| {
        let star = if line.best.contains(&run) { "*" } else { " " };
        format!("{value} {star}")
    });
    (line.name.clone(), values.collect())
}

fn to_json(comparison: &Comparison, differences: &[Difference]) -> Value {
    let settings = comparison.settings();
    let different = settings.iter().filter(|setting| setting.differs);
    json!({
        "runs": comparison.runs.iter().map(run_to_json).collect::<Vec<_>>(),
        "differing_settings": different.map(|setting| &setting.name).collect::<Vec<_>>(),
        "differences": differences
            .iter()
            .zip(&comparison.verdicts)
            .map(|(difference, verdict)| difference_to_json(difference, verdict, &comparison.runs))
            .collect::<Vec<_>>(),
    })
}

fn difference_to_json(difference: &Difference, verdict: &str, runs: &[RunRecord]) -> Value {
    let test = difference.test.as_ref().ok();
    json!({
        "runs": difference.runs.map(|run| runs[run].name.as_str()),
        "measure": test.map(|test| test.measure.name()),
        "difference": test.map(|test| test.difference),
        "interval": test.map(|test| [test.interval.0, test.interval.1]),
        "p_value": test.map(|test| test.p_value),
        "adjusted_p_value": test.map(|test| test.adjusted_p_value),
        "is_significant": test.map(|test| test.is_significant()),
        "test": test.map(|test| test.method.as_str()),
        "reason": difference.test.as_ref().err(),
        "verdict": verdict,
    })
}

/// Keys as in `summary.json`.
fn run_to_json(run: &RunRecord) -> Value {
    let settings: Map<String, Value> = run
        .settings()
        .into_iter()
        .map(|(name, value)| (name, value.into()))
        .collect();
    let summary = &run.summary;
    json!({
        "run": run.name,
        "dataset": summary.dataset,
        "layers": summary.layers,
        "parameters": summary.parameters,
        "epochs": run.epochs.len().max(summary.epochs),
        "best_epoch": summary.best_epoch,
        "train_loss": summary.train_loss,
        "train_accuracy": summary.train_accuracy,
        "validation_loss": summary.validation_loss,
        "validation_accuracy": summary.validation_accuracy,
        "test_loss": summary.test_loss,
        "test_accuracy": summary.test_accuracy,
        "baseline": summary.baseline,
        "test_auc": summary.test_auc,
        "test_balanced_accuracy": summary.test_balanced_accuracy,
        "test_r2": summary.test_r2,
        "test_rmse": summary.test_rmse,
        "test_accuracy_interval": summary.test_accuracy_interval,
        "test_samples": summary.test_samples,
        "train_seconds": summary.train_seconds,
        "seconds_per_epoch": summary.seconds_per_epoch,
        "weights_sha256": summary.weights_sha256,
        "settings": settings,
    })
}
