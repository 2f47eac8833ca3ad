//! The command `nn compare`: compares runs side by side.

use std::path::{Path, PathBuf};

use clap::Args;
use nn_report::{ComparedValue, Comparison, RunRecord, replace};
use nn_train::command_line::quoted;
use nn_train::run_dir::{CONFIG, locate_run};
use nn_train::{Error, Result};
use serde_json::{Map, Value, json};

use crate::args::RunsFolder;
use crate::terminal;

/// The default name of the page.
const PAGE: &str = "comparison.html";

/// The space between two columns.
const SPACE: &str = "  ";

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// Two or more run directories or names of runs; other files are skipped
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    runs_folder: RunsFolder,
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
    let runs = directories.iter().map(|path| RunRecord::read(path));
    let comparison = Comparison {
        runs: runs.collect::<Result<_>>()?,
        command: command(&directories),
    };
    let page = match &arguments.output {
        Some(path) => path.clone(),
        None => directories[0].with_file_name(PAGE),
    };
    replace(&page, &comparison.build().page.html())?;
    if arguments.json {
        let mut object = to_json(&comparison);
        object["report"] = page.to_string_lossy().into();
        object["skipped"] = skipped.into();
        terminal::line(object);
    } else {
        show(&comparison);
        terminal::line("");
        if !skipped.is_empty() {
            terminal::line(format!("skipped, not a run: {}", skipped.join(", ")));
        }
        terminal::line(format!("curves in {}", page.display()));
    }
    Ok(())
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

fn to_json(comparison: &Comparison) -> Value {
    let settings = comparison.settings();
    let different = settings.iter().filter(|setting| setting.differs);
    json!({
        "runs": comparison.runs.iter().map(run_to_json).collect::<Vec<_>>(),
        "differing_settings": different.map(|setting| &setting.name).collect::<Vec<_>>(),
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
        "epochs": run.epochs.len(),
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
        "train_seconds": summary.train_seconds,
        "seconds_per_epoch": summary.seconds_per_epoch,
        "weights_sha256": summary.weights_sha256,
        "settings": settings,
    })
}
