//! The command `nn compare`: compares runs side by side.

use std::path::PathBuf;

use clap::Args;
use nn_report::{ComparedValue, Comparison, RunRecord, replace};
use nn_train::Result;
use nn_train::run_dir::locate_run;
use serde_json::{Map, Value, json};

use crate::args::RunsFolder;
use crate::terminal;

/// The default name of the page.
const PAGE: &str = "comparison.html";

#[derive(Args, Debug)]
pub(crate) struct CompareArguments {
    /// Run directories or names of runs: two or more
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    runs_folder: RunsFolder,
    /// HTML file to write [default: comparison.html in the folder of the runs]
    #[arg(long, short, value_name = "FILE.html")]
    output: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &CompareArguments) -> Result<()> {
    let runs_dir = &arguments.runs_folder.runs_dir;
    let read = |run: &PathBuf| RunRecord::read(&locate_run(run, runs_dir)?);
    let comparison = Comparison {
        runs: arguments.runs.iter().map(read).collect::<Result<_>>()?,
        command: command(arguments),
    };
    let page = match &arguments.output {
        Some(path) => path.clone(),
        None => runs_dir.join(PAGE),
    };
    replace(&page, &comparison.build().page.html())?;
    if arguments.json {
        let mut object = to_json(&comparison);
        object["report"] = page.to_string_lossy().into();
        terminal::line(object);
    } else {
        show(&comparison);
        terminal::line("");
        terminal::line(format!("curves in {}", page.display()));
    }
    Ok(())
}

fn command(arguments: &CompareArguments) -> String {
    let runs: Vec<String> = arguments
        .runs
        .iter()
        .map(|run| run.display().to_string())
        .collect();
    format!("{} compare {}", terminal::program(), runs.join(" "))
}

fn show(comparison: &Comparison) {
    let names = comparison.runs.iter().map(|run| run.name.clone());
    let head = (String::new(), names.collect::<Vec<_>>());
    let results = comparison.results();
    let settings = comparison.settings();
    let (different, same): (Vec<_>, Vec<_>) = settings.iter().partition(|setting| setting.differs);
    let flag = |setting: &&ComparedValue| (format!("--{}", setting.name), setting.values.clone());
    let lines: Vec<(String, Vec<String>)> = [head]
        .into_iter()
        .chain(results.iter().map(starred))
        .chain(different.iter().map(flag))
        .collect();
    let width = |text: &String| text.chars().count();
    let label = lines.iter().map(|line| width(&line.0)).max().unwrap_or(0);
    let columns: Vec<usize> = (0..comparison.runs.len())
        .map(|run| {
            lines
                .iter()
                .map(|line| width(&line.1[run]))
                .max()
                .unwrap_or(0)
        })
        .collect();
    for (index, (name, values)) in lines.iter().enumerate() {
        if index == results.len() + 1 {
            terminal::line("");
            terminal::line("settings that differ");
        }
        let cells: String = values
            .iter()
            .zip(&columns)
            .map(|(value, &width)| format!("  {value:>width$}"))
            .collect();
        terminal::line(format!("{name:label$}{cells}").trim_end());
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

/// Marks the best values with a star and pads the others.
fn starred(line: &ComparedValue) -> (String, Vec<String>) {
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
        "train_seconds": summary.train_seconds,
        "seconds_per_epoch": summary.seconds_per_epoch,
        "weights_sha256": summary.weights_sha256,
        "settings": settings,
    })
}
