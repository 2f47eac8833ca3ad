//! `nn train`

mod display;
mod conclusion;
#[cfg(test)]
mod faults;

use std::path::Path;

use nn_tensor::Threads;
use nn_train::run_dir::{self, locate_run};
use nn_train::{Data, Experiment, Note, Plan, Result, Settings, StoppedRun, TrainedRun, flags};
use nn_train::{config_diff, warnings};
use serde_json::json;

use crate::args::{TrainArguments, threads};
use crate::interrupt::Interrupt;
use crate::progress::Progress;
use crate::report;
use crate::terminal;
use conclusion::conclude;
use display::Display;

pub(crate) fn run(arguments: &TrainArguments) -> Result<()> {
    let progress = Progress::new(arguments.work.json, arguments.work.plain);
    let threads = threads(arguments.work.threads);
    match &arguments.resume {
        None => start(arguments, progress, threads),
        Some(run) => {
            let run = locate_run(run, &arguments.work.runs_dir)?;
            if run_dir::is_finished(&run) {
                check_finished(arguments, &run, &threads)?;
                say_finished(&progress, &run);
                return Ok(());
            }
            resume(arguments, &run, progress, threads)
        }
    }
}

fn start(arguments: &TrainArguments, progress: Progress, threads: Threads) -> Result<()> {
    let settings = match &arguments.config {
        Some(path) => arguments.settings.clone().or(&Settings::read(path)?),
        None => arguments.settings.clone(),
    };
    let data = Data::for_training(&settings, &arguments.folder.data_dir, &threads)?;
    let mut experiment = Experiment::new(&settings, data)?.with_threads(threads);
    if let Some(interval) = arguments.checkpoint_interval {
        experiment = experiment.with_checkpoint_interval(interval);
    }
    let (plan, data) = (experiment.plan(), experiment.data());
    if arguments.strict {
        warnings::refuse(plan, data, Vec::new())?;
    }
    progress.notes(&data.notes);
    if let Some(warning) = warnings::large_batches(plan, data) {
        progress.warn(&warning);
    }
    let mut display = Display::new(progress, &experiment, Interrupt::listen()?);
    let (runs_dir, name) = (&arguments.work.runs_dir, arguments.name.as_deref());
    let trained = experiment.train_named(runs_dir, name, &mut display);
    display.finish();
    end(arguments, &display, &experiment, &trained?);
    Ok(())
}

fn resume(
    arguments: &TrainArguments,
    run: &Path,
    progress: Progress,
    threads: Threads,
) -> Result<()> {
    let data_dir = &arguments.folder.data_dir;
    let stopped = StoppedRun::open(run, data_dir, |warning| progress.warn(warning))?;
    let mut stopped = stopped.with_threads(threads);
    if let Some(interval) = arguments.checkpoint_interval {
        stopped = stopped.with_checkpoint_interval(interval);
    }
    let experiment = stopped.experiment().clone();
    let flags = &arguments.settings;
    stopped
        .check_settings(flags)
        .map_err(|error| error.with_help(train_again(run, flags)))?;
    let (plan, data) = (experiment.plan(), experiment.data());
    if arguments.strict {
        warnings::refuse(plan, data, stopped.other_origin())?;
    }
    progress.notes(&data.notes);
    let mut display = Display::new(progress, &experiment, Interrupt::listen()?);
    let trained = stopped.train(&mut display);
    display.finish();
    end(arguments, &display, &experiment, &trained?);
    Ok(())
}

/// Refuses flags that a finished run was not started with: they would have no
/// effect.
fn check_finished(arguments: &TrainArguments, run: &Path, threads: &Threads) -> Result<()> {
    let flags = &arguments.settings;
    if *flags == Settings::default() {
        return Ok(());
    }
    let settings = run_dir::read_config(run)?;
    let data = Data::of_run(&settings, run, &arguments.folder.data_dir, threads)?;
    let plan = Plan::new(&settings, &data).map_err(nn_train::Error::of_data)?;
    config_diff::check_settings(flags, &settings, &plan, &data).map_err(|error| {
        let place = format_args!("{} is finished", run.display());
        error.at(place).with_help(train_again(run, flags))
    })
}

/// The hint for flags that differ from the settings of a run.
fn train_again(run: &Path, flags: &Settings) -> String {
    let config = run.join(run_dir::CONFIG);
    format!(
        "leave these flags out, or start a new run with them: `nn train --config {}{}`",
        flags::quoted(&config.to_string_lossy()),
        flags::of_settings(flags)
    )
}

fn say_finished(progress: &Progress, run: &Path) {
    if let Progress::Json = progress {
        terminal::report(json!({ "event": "finished", "run": run.to_string_lossy() }));
    } else {
        let (program, run) = (terminal::program(), run.display());
        terminal::report(format!("{run} is finished; there is nothing to resume"));
        terminal::report(format!("  {program} evaluate {run}"));
    }
}

/// Writes the report and prints the result.
fn end(
    arguments: &TrainArguments,
    display: &Display<'_>,
    experiment: &Experiment,
    trained: &TrainedRun,
) {
    let has_report = !arguments.no_report && has_report(display, experiment, trained);
    conclude(&display.progress, experiment.data(), trained, has_report);
}

/// Writes the report. A run that went well does not fail for want of it.
fn has_report(display: &Display<'_>, experiment: &Experiment, trained: &TrainedRun) -> bool {
    let sources = report::Sources {
        model: Some(trained.run.model()),
        data: Some(experiment.data()),
        split: None,
        missing: Vec::new(),
    };
    let written = report::write(&trained.path, sources, experiment.threads());
    if let Err(error) = &written {
        display
            .progress
            .say(&format!("note      no report: {error}"));
    }
    written.is_ok()
}
