//! The command `nn report`: writes a report with charts.

use std::path::{Path, PathBuf};

use clap::Args;
use nn_report::{PLOTS, RepeatedRuns, WrittenReport, write_repeated, write_report_of};
use nn_tensor::Threads;
use nn_train::run_dir::locate_run;
use nn_train::{RepeatedTraining, Result, Split};
use serde_json::json;

use crate::args::{DataFolder, RunsFolder, WeightCheck};
use crate::terminal;

#[derive(Args, Debug)]
pub(crate) struct ReportArguments {
    /// Run directories or names of runs
    #[arg(value_name = "RUN", required = true)]
    runs: Vec<PathBuf>,
    #[command(flatten)]
    runs_folder: RunsFolder,
    #[command(flatten)]
    weights: WeightCheck,
    #[command(flatten)]
    folder: DataFolder,
    /// Samples to evaluate [default: test, otherwise validation, otherwise train]
    #[arg(long, value_enum)]
    split: Option<Split>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &ReportArguments) -> Result<()> {
    let threads = Threads::all();
    arguments.runs.iter().try_for_each(|run| {
        let directory = locate_run(run, &arguments.runs_folder.runs_dir)?;
        let written = if RepeatedTraining::is_at(&directory) {
            let runs = RepeatedRuns::read(&directory, terminal::program())?;
            write_repeated(&directory, &runs)?
        } else {
            write_report_of(
                &directory,
                &arguments.folder.data_dir,
                arguments.split,
                arguments.weights.allow_nonfinite,
                terminal::program(),
                &threads,
            )?
        };
        if arguments.json {
            terminal::line(to_json(&written, &directory));
        } else {
            show(&written);
        }
        Ok(())
    })
}

fn show(report: &WrittenReport) {
    for missing in &report.missing {
        terminal::line(format!("not shown: {missing}"));
    }
    terminal::line(format!(
        "report in {}; {} in {PLOTS}/",
        report.page.display(),
        terminal::counted(report.plots.len(), "chart")
    ));
}

fn to_json(report: &WrittenReport, directory: &Path) -> serde_json::Value {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    json!({
        "run": directory.to_string_lossy(),
        "report": text(&report.page),
        "plots": report.plots.iter().map(text).collect::<Vec<_>>(),
        "missing": report.missing,
    })
}
