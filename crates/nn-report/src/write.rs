//! Writes the report of a run into the run directory.

use std::fs;
use std::path::{Path, PathBuf};

use nn_core::Model;
use nn_core::training::ClassWeights;
use nn_files::atomic_file;
use nn_plot::Svg;
use nn_tensor::Threads;
use nn_train::run_dir::{SUMMARY, locate_model, read_model};
use nn_train::trained_model::{Origin, data_of};
use nn_train::{Data, Error, Result, Settings, Split, Task};

use crate::record::RunRecord;
use crate::repeated_runs::RepeatedRuns;
use crate::results;
use crate::run_report::{Report, RunReport};
use crate::weights;

/// Name of the page in a run directory.
const PAGE: &str = "report.html";

/// Folder of the charts in a run directory.
pub const PLOTS: &str = "plots";

/// The sources of a report, besides the files of its run.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    /// The trained model, for the pictures of its weights and the results.
    pub model: Option<&'a Model>,
    /// The data set, split as in training.
    pub data: Option<&'a Data>,
    /// The split to evaluate; by default the test samples if there are any, otherwise the
    /// validation samples, otherwise the training samples.
    pub split: Option<Split>,
    /// Missing sources, each with the reason.
    pub missing: Vec<String>,
}

/// The files of a saved report.
#[derive(Clone, Debug)]
pub struct WrittenReport {
    /// Path of the HTML page.
    pub page: PathBuf,
    /// Paths of the charts.
    pub plots: Vec<PathBuf>,
    /// Parts that are missing from the report, each with the reason.
    pub missing: Vec<String>,
}

/// Writes the report of a run directory, with its model and its data set if they are
/// available. `program` is the command of the program, such as `nn`.
///
/// # Errors
/// Returns an error if a file of the run is missing or damaged, or the report cannot be written.
pub fn write_report_of(
    directory: &Path,
    data_dir: &Path,
    split: Option<Split>,
    allow_nonfinite: bool,
    program: &str,
    threads: &Threads,
) -> Result<WrittenReport> {
    let mut missing = Vec::new();
    let model = locate_model(directory, Path::new(""))
        .and_then(|path| read_model(&path, allow_nonfinite))
        .map_err(|error| missing.push(format!("The network: {error}")))
        .ok();
    let data = model.as_ref().and_then(|model| {
        data_of(model, Origin::Run(directory), data_dir, threads)
            .map_err(|error| missing.push(format!("Results and mistakes: {error}")))
            .ok()
    });
    let sources = Sources {
        model: model.as_ref(),
        data: data.as_ref(),
        split,
        missing,
    };
    write(directory, sources, program, threads)
}

/// Writes `report.html` and its charts into the directory of a finished repeated training.
///
/// # Errors
/// Returns an error if the report cannot be written.
pub fn write_repeated(directory: &Path, runs: &RepeatedRuns) -> Result<WrittenReport> {
    Ok(WrittenReport {
        page: directory.join(PAGE),
        plots: write_files(directory, &runs.build())?,
        missing: Vec::new(),
    })
}

/// Writes `report.html` and `plots/*.svg` into a run directory. `program` is the
/// command of the program, such as `nn`.
///
/// # Errors
/// Returns an error if a file of the run is missing or damaged, if the data do not match the
/// model, or if the report cannot be written.
pub fn write(
    directory: &Path,
    sources: Sources<'_>,
    program: &str,
    threads: &Threads,
) -> Result<WrittenReport> {
    let run = RunRecord::read(directory)?;
    let mut content = RunReport {
        program: program.to_owned(),
        path: directory.display().to_string(),
        loss_note: loss_note(&run.settings, sources.data),
        run,
        missing: sources.missing,
        ..RunReport::default()
    };
    if !directory.join(SUMMARY).exists() {
        content.missing.push(
            "A summary: the run was interrupted or is still training. The numbers are the metrics \
             of the epoch whose weights are the model."
                .to_owned(),
        );
    }
    if let Some(model) = sources.model {
        weights::fill(&mut content, model);
        if let Some(data) = sources.data {
            results::fill(&mut content, model, data, sources.split, threads)?;
        }
    }
    let plots = write_files(directory, &content.build())?;
    Ok(WrittenReport {
        page: directory.join(PAGE),
        plots,
        missing: content.missing,
    })
}

/// A note about label smoothing and class weights, which the training loss includes
/// and the validation loss does not.
fn loss_note(settings: &Settings, data: Option<&Data>) -> String {
    if data.is_some_and(|data| !matches!(data.task, Task::Classification(_))) {
        return String::new();
    }
    let mut notes = Vec::new();
    let smoothing = settings.label_smoothing;
    if let Some(smoothing) = smoothing.filter(|&smoothing| smoothing > 0.0) {
        notes.push(format!(
            "The training loss includes label smoothing ({smoothing}) and the validation loss does \
             not, so the training loss can be the higher one and does not reach 0."
        ));
    }
    let weights = settings.class_weight.as_ref();
    if let Some(weights) = weights.filter(|weights| *weights.value() != ClassWeights::None) {
        notes.push(format!(
            "The training loss includes the class weights ({weights}) and the validation loss \
             does not."
        ));
    }
    notes.join(" ")
}

fn write_files(directory: &Path, report: &Report) -> Result<Vec<PathBuf>> {
    let folder = directory.join(PLOTS);
    fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, &error))?;
    let write_plot = |(name, svg): &(String, Svg)| {
        let path = folder.join(format!("{name}.svg"));
        replace(&path, &svg.standalone()).map(|()| path)
    };
    let plots = report.plots.iter().map(write_plot).collect::<Result<_>>()?;
    replace(&directory.join(PAGE), &report.page.html())?;
    Ok(plots)
}

/// Writes `text` to `path` atomically, replacing an existing file.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn replace(path: &Path, text: &str) -> Result<()> {
    atomic_file::replace(path, text.as_bytes()).map_err(|error| Error::io(path, &error))
}
