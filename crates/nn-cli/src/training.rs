//! Training with terminal output: introduction, progress, results and next steps.

mod display;
mod conclusion;

use nn_train::{Experiment, Observer, Result, TrainedRun, grouped};

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;
use conclusion::conclude;
use display::{Display, introduce_plan};

/// Trains, writes the report if asked to, and prints the result.
pub(crate) fn run(
    progress: Progress,
    experiment: &Experiment,
    has_report: bool,
    train: impl FnOnce(&mut dyn Observer) -> Result<TrainedRun>,
) -> Result<()> {
    let mut display = Display::new(progress, experiment, Interrupt::listen()?);
    let trained = train(&mut display);
    let progress = display.finish();
    let trained = trained?;
    let has_report = has_report && write_report(&progress, experiment, &trained);
    conclude(&progress, experiment.data(), &trained, has_report);
    Ok(())
}

/// Prints the numbers of samples and the network, before any training.
pub(crate) fn introduce(progress: &Progress, experiment: &Experiment) -> Result<()> {
    let data = experiment.data();
    let splits = data.splits()?;
    let layers = experiment.plan().network.layers.iter();
    let widths: Vec<String> = std::iter::once(data.n_inputs())
        .chain(layers.map(|layer| layer.n_outputs))
        .map(|width| width.to_string())
        .collect();
    progress.say(&format!(
        "data      {}: {} training, {} validation, {} test samples of {} values",
        data.dataset.name,
        grouped(splits.train.len()),
        grouped(splits.validation.len()),
        grouped(splits.test.map_or(0, |test| test.len())),
        data.n_inputs(),
    ));
    progress.say(&format!("network   {}", widths.join("-")));
    introduce_plan(progress, experiment.plan());
    Ok(())
}

/// Writes the report; returns whether it was written. A failure is a note, not an
/// error of the run.
fn write_report(progress: &Progress, experiment: &Experiment, trained: &TrainedRun) -> bool {
    let sources = nn_report::Sources {
        model: Some(trained.run.model()),
        data: Some(experiment.data()),
        ..nn_report::Sources::default()
    };
    let (program, threads) = (terminal::program(), experiment.threads());
    let written = nn_report::write(&trained.path, sources, program, threads);
    if let Err(error) = &written {
        progress.note(&format!("no report: {error}"));
    }
    written.is_ok()
}
