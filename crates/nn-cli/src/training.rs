//! Training with output on the terminal, from the introduction to the next steps.

mod display;
mod conclusion;

use nn_train::{Experiment, Observer, Result, TrainedRun};

use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::terminal;
use conclusion::conclude;
use display::Display;

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
        progress.say(&format!("note      no report: {error}"));
    }
    written.is_ok()
}
