//! `nn report RUN...`, and the report at the end of a training.

mod answers;
mod weights;

use std::fs;
use std::path::{Path, PathBuf};

use nn_core::Model;
use nn_report::{Report, RunReport};
use nn_tensor::Threads;
use serde_json::json;

use crate::args::{ReportArguments, Split};
use crate::evaluate::{Origin, data_of};
use crate::run_files::{locate_run, read_run};
use crate::terminal;
use nn_train::Task;
use nn_train::data::Data;
use nn_train::run_dir::{read_config, read_model};
use nn_train::{Error, Result};

/// Name of the page in a run directory.
const PAGE: &str = "report.html";

/// Folder of the charts in a run directory.
const PLOTS: &str = "plots";

pub(crate) fn run(arguments: &ReportArguments) -> Result<()> {
    let threads = Threads::all();
    arguments.runs.iter().try_for_each(|run| {
        let directory = locate_run(run, &arguments.runs_dir)?;
        let written = report_on(&directory, arguments, &threads)?;
        if arguments.json {
            terminal::line(written.to_json(&directory));
        } else {
            written.show();
        }
        Ok(())
    })
}

/// What a report is made from, beside the files of its run.
pub(crate) struct Sources<'a> {
    pub(crate) model: Option<&'a Model>,
    pub(crate) data: Option<&'a Data>,
    /// Which samples; by default test, else validation, else training samples.
    pub(crate) split: Option<Split>,
    /// What is not at hand, and why.
    pub(crate) missing: Vec<String>,
}

/// A report on the disk.
pub(crate) struct WriteMode {
    page: PathBuf,
    plots: Vec<PathBuf>,
    missing: Vec<String>,
}

/// Writes the report of a run with as much as is at hand.
fn report_on(
    directory: &Path,
    arguments: &ReportArguments,
    threads: &Threads,
) -> Result<WriteMode> {
    let mut missing = Vec::new();
    let model = read_model(directory, &arguments.runs_dir, arguments.weights)
        .map_err(|failure| missing.push(format!("The network: {}", failure.to_string())))
        .ok();
    let data_dir = &arguments.folder.data_dir;
    let data = model.as_ref().and_then(|model| {
        data_of(model, Origin::Run(directory), data_dir, threads)
            .map_err(|failure| {
                missing.push(format!("Results and mistakes: {}", failure.to_string()))
            })
            .ok()
    });
    let sources = Sources {
        model: model.as_ref(),
        data: data.as_ref(),
        split: arguments.split,
        missing,
    };
    write(directory, sources, threads)
}

/// Writes `report.html` and `plots/*.svg` into a run directory.
pub(crate) fn write(
    directory: &Path,
    sources: Sources<'_>,
    threads: &Threads,
) -> Result<WriteMode> {
    let mut content = RunReport {
        run: read_run(directory)?,
        program: terminal::program().to_owned(),
        path: directory.display().to_string(),
        loss_note: loss_note(directory, sources.data),
        missing: sources.missing,
        ..RunReport::default()
    };
    if !directory.join("summary.json").exists() {
        content.missing.push(
            "A summary: the run was interrupted, or is still going on. The numbers are those of the epoch whose weights it has."
                .to_owned(),
        );
    }
    if let Some(model) = sources.model {
        weights::fill(&mut content, model);
        if let Some(data) = sources.data {
            answers::fill(&mut content, model, data, sources.split, threads)?;
        }
    }
    let plots = write_files(directory, &content.build())?;
    Ok(WriteMode {
        page: directory.join(PAGE),
        plots,
        missing: content.missing,
    })
}

/// What the training loss includes that the validation loss does not.
/// Only classes are smoothed and weighted.
fn loss_note(directory: &Path, data: Option<&Data>) -> String {
    let is_of_classes = data.is_none_or(|data| matches!(data.task, Task::Classification(_)));
    let Some(settings) = read_config(directory).ok().filter(|_| is_of_classes) else {
        return String::new();
    };
    let mut notes = Vec::new();
    if let Some(smoothing) = settings
        .label_smoothing
        .filter(|&smoothing| smoothing > 0.0)
    {
        notes.push(format!(
            "The training loss includes label smoothing ({smoothing}) and the validation loss does \
             not, so the training loss can be the higher one and does not reach 0."
        ));
    }
    let weights = settings.class_weight.as_deref().unwrap_or("none");
    if weights != "none" {
        notes.push(format!(
            "The training loss includes the class weights ({weights}) and the validation loss does not."
        ));
    }
    notes.join(" ")
}

fn write_files(directory: &Path, report: &Report) -> Result<Vec<PathBuf>> {
    let folder = directory.join(PLOTS);
    fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, &error))?;
    let write_plot = |(name, svg): &(String, nn_plot::Svg)| {
        let path = folder.join(format!("{name}.svg"));
        replace(&path, &svg.standalone()).map(|()| path)
    };
    let plots = report.plots.iter().map(write_plot).collect::<Result<_>>()?;
    replace(&directory.join(PAGE), &report.page.html())?;
    Ok(plots)
}

/// Puts `text` under `path`: all of it, or none. It can be made again, so it
/// need not survive a power cut.
pub(crate) fn replace(path: &Path, text: &str) -> Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| {
            // The temporary file is worthless, and removing it can only fail with it.
            let _ = fs::remove_file(&temporary);
            Error::io(path, &error)
        })
}

impl WriteMode {
    fn show(&self) {
        for missing in &self.missing {
            terminal::line(format!("not shown: {missing}"));
        }
        terminal::line(format!(
            "report in {}, {} charts in its folder {PLOTS}",
            self.page.display(),
            self.plots.len()
        ));
    }

    fn to_json(&self, directory: &Path) -> serde_json::Value {
        let text = |path: &PathBuf| path.to_string_lossy().into_owned();
        json!({
            "run": directory.to_string_lossy(),
            "report": text(&self.page),
            "plots": self.plots.iter().map(text).collect::<Vec<_>>(),
            "missing": self.missing,
        })
    }
}
