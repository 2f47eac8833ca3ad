//! `nn train`

mod summary;
mod conclusion;
#[cfg(test)]
mod faults;

use std::path::Path;

use nn_core::batches::Samples;
use nn_core::metrics::evaluate;
use nn_core::model_file::Model;
use nn_core::training::BatchSize;
use nn_core::{Checkpoint, Network, Trainer};
use nn_tensor::Threads;
use serde_json::json;

use crate::args::{TrainArguments, threads};
use crate::checkpoints::{Checkpoints, Pace};
use crate::course::{Course, Outcome};
use crate::datasets::{self, Data, Parts};
use crate::deformation;
use crate::difference::{check_checkpoint, check_flags};
use crate::doubt;
use crate::failure::{Code, Failure, Result};
use crate::instructions;
use crate::metrics_file::Row;
use crate::plan::{self, Plan};
use crate::progress::{Place, Progress};
use crate::report;
use crate::run_dir::{self, RunDir};
use crate::run_files::locate_run;
use crate::settings::Settings;
use crate::terminal;
use crate::training_memory;

pub(crate) use summary::summary;

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
    let data = load(&settings, arguments, None, &progress, &threads)?;
    let plan = Plan::new(&settings, &data)?;
    let parts = data.parts()?;
    training_memory::check(&plan, &parts)?;
    weigh_doubts(arguments, &settings, &plan, &data, &progress)?;
    let prefix = run_prefix(&data.dataset.name);
    let run_dir = RunDir::create(&arguments.work.runs_dir, arguments.name.as_deref(), &prefix)?;
    run_dir.write_config(&plan.settings)?;
    let session = Session {
        data: &data,
        plan: &plan,
        threads,
        progress,
        run_dir,
        pace: Pace::new(arguments.checkpoint_interval),
        has_report: !arguments.no_report,
    };
    session.run(parts, None, Vec::new())
}

fn resume(
    arguments: &TrainArguments,
    run: &Path,
    progress: Progress,
    threads: Threads,
) -> Result<()> {
    let settings = run_dir::read_config(run)?;
    let checkpoints = Checkpoints::open(run)?;
    let checkpoint = checkpoints.newest(|warning| progress.warn(warning))?;
    let data = load(&settings, arguments, Some(run), &progress, &threads)?;
    let plan = Plan::new(&settings, &data).map_err(Failure::of_data)?;
    check_flags(&arguments.settings, &settings, &plan, &data, run)?;
    let parts = data.parts()?;
    training_memory::check(&plan, &parts)?;
    if arguments.strict {
        let other_origin = checkpoint.as_ref().map(other_origin).unwrap_or_default();
        doubt::refuse(&settings, &plan, &data, other_origin)?;
        data.say_notes(|text| progress.say(text));
    }
    let n_epochs = checkpoint.as_ref().map_or(0, Checkpoint::epoch);
    let (run_dir, rows) = RunDir::resume(run.to_owned(), checkpoints, n_epochs)?;
    let session = Session {
        data: &data,
        plan: &plan,
        threads,
        progress,
        run_dir,
        pace: Pace::new(arguments.checkpoint_interval),
        has_report: !arguments.no_report,
    };
    session.run(parts, checkpoint, rows)
}

/// Refuses flags that a finished run was not begun with: they would have no
/// effect.
fn check_finished(arguments: &TrainArguments, run: &Path, threads: &Threads) -> Result<()> {
    let flags = &arguments.settings;
    if *flags == Settings::default() {
        return Ok(());
    }
    let settings = run_dir::read_config(run)?;
    let data_dir = &arguments.folder.data_dir;
    let data = datasets::to_learn(&settings, data_dir, Some(run), threads, |_| {})?;
    let plan = Plan::new(&settings, &data).map_err(Failure::of_data)?;
    check_flags(flags, &settings, &plan, &data, run)
        .map_err(|failure| failure.at(format_args!("{} is finished", run.display())))
}

fn load(
    settings: &Settings,
    arguments: &TrainArguments,
    run: Option<&Path>,
    progress: &Progress,
    threads: &Threads,
) -> Result<Data> {
    let data_dir = &arguments.folder.data_dir;
    // What is refused is not said before.
    let say = |text: &str| {
        if !arguments.strict {
            progress.say(text);
        }
    };
    datasets::to_learn(settings, data_dir, run, threads, say)
}

/// Warns of what is doubtful before the first step, or refuses it.
fn weigh_doubts(
    arguments: &TrainArguments,
    settings: &Settings,
    plan: &Plan,
    data: &Data,
    progress: &Progress,
) -> Result<()> {
    if arguments.strict {
        doubt::refuse(settings, plan, data, Vec::new())?;
        data.say_notes(|text| progress.say(text));
    } else if let Some(warning) = doubt::large_batches(plan, data) {
        progress.warn(&warning);
    }
    Ok(())
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

/// A training from its first to its last line of output.
struct Session<'a> {
    data: &'a Data,
    plan: &'a Plan,
    threads: Threads,
    progress: Progress,
    run_dir: RunDir,
    pace: Pace,
    has_report: bool,
}

impl Session<'_> {
    /// Trains from the beginning or from a checkpoint, whose finished epochs
    /// are those of `rows`.
    fn run(
        mut self,
        parts: Parts<'_>,
        checkpoint: Option<Checkpoint>,
        rows: Vec<Row>,
    ) -> Result<()> {
        let Parts {
            train,
            validation,
            test,
        } = parts;
        let network: Network = Network::new(&self.plan.network, self.plan.training.seed)?;
        self.introduce(&network, &train, &validation, test.as_ref());
        let mut trainer = Trainer::new(
            network,
            train,
            Some(validation),
            self.plan.training.clone(),
            self.threads.clone(),
        )?;
        if let Some(deformation) = deformation::of_plan(self.plan, self.data) {
            trainer.augment(deformation)?;
        }
        // Its memory is free again before the next one is saved.
        let seconds = match checkpoint {
            Some(checkpoint) => self.restore(&mut trainer, &checkpoint)?,
            None => 0.0,
        };
        let trained = self.train(&mut trainer, rows, seconds);
        self.progress.finish();
        let outcome = trained.map_err(|failure| self.keep_best(&mut trainer, failure))?;
        let network = trainer.network();
        let model = model_of(self.plan, self.data, network);
        self.run_dir.write_model(&model)?;
        if let Some(code) = outcome.interrupted {
            return Err(self.interrupted(code, &outcome));
        }
        let test = match &test {
            Some(samples) => Some(evaluate(
                &model.network,
                samples,
                self.plan.training.loss,
                &self.threads,
            )?),
            None => None,
        };
        let n_threads = self.threads.count();
        let summary = summary(
            self.plan,
            self.data,
            n_threads,
            &model.network,
            &outcome,
            test.as_ref(),
        );
        self.run_dir.write_summary(&summary)?;
        let has_report = self.write_report(&model);
        self.conclude(&outcome, test.as_ref(), &summary, has_report);
        Ok(())
    }

    fn introduce(
        &self,
        network: &Network,
        train: &Samples<'_>,
        validation: &Samples<'_>,
        test: Option<&Samples<'_>>,
    ) {
        let training = &self.plan.training;
        let widths: Vec<String> = network.widths().iter().map(usize::to_string).collect();
        let mut activations: Vec<String> = network
            .layers()
            .iter()
            .map(|layer| layer.activation.to_string())
            .collect();
        activations.dedup();
        let batches = match training.batch_size {
            BatchSize::Full => "all samples at once".to_owned(),
            BatchSize::Rows(rows) => format!("batches of {rows}"),
        };
        self.progress.say(&format!(
            "data      {}: {} training, {} validation, {} test samples of {} values",
            self.data.dataset.name,
            terminal::grouped(train.len()),
            terminal::grouped(validation.len()),
            terminal::grouped(test.map_or(0, Samples::len)),
            network.n_inputs(),
        ));
        self.progress.say(&format!(
            "network   {}, {}: {} parameters",
            widths.join("-"),
            activations.join(", "),
            terminal::grouped(network.parameters().len()),
        ));
        self.progress.say(&format!(
            "training  {}, {}, rate {} ({}), {batches}, seed {}, {} threads",
            training.loss,
            training.optimizer,
            training.learning_rate,
            training.schedule,
            training.seed,
            self.threads.count(),
        ));
    }

    /// Puts a trainer where the checkpoint says; returns the seconds already
    /// spent on the epoch in progress.
    fn restore(&self, trainer: &mut Trainer<'_>, checkpoint: &Checkpoint) -> Result<f64> {
        let note = checkpoint.note();
        let settings = self.plan.settings.to_json();
        check_checkpoint(&note["settings"], &settings)?;
        trainer.restore(checkpoint).map_err(|error| {
            let failure = Failure::from(error).at(self.run_dir.path().display());
            let help = match failure.code() {
                Code::Usage => "give it back the data it was trained on, or train anew",
                _ => {
                    "take the newest file out of its folder checkpoint; the one before is used then"
                }
            };
            failure.help(help)
        })?;
        let place = Place {
            epoch: trainer.epoch(),
            n_epochs: self.plan.training.epochs,
            step: trainer.n_steps(),
        };
        self.progress.resumed(self.run_dir.path(), &place);
        for warning in other_origin(checkpoint) {
            self.progress.warn(&warning);
        }
        Ok(note["seconds"].as_f64().unwrap_or(0.0))
    }

    fn train(
        &mut self,
        trainer: &mut Trainer<'_>,
        rows: Vec<Row>,
        seconds: f64,
    ) -> Result<Outcome> {
        let mut course = Course {
            plan: self.plan,
            progress: &mut self.progress,
            run_dir: &mut self.run_dir,
            pace: self.pace,
        };
        course.run(trainer, rows, seconds)
    }

    /// Writes the best weights of a training that has diverged, if an epoch of
    /// it was good, and says so.
    fn keep_best(&mut self, trainer: &mut Trainer<'_>, failure: Failure) -> Failure {
        if failure.code() != Code::Diverged {
            return failure.help(self.continuation());
        }
        // What went wrong is told either way.
        let _ = self.run_dir.write_failure(failure.message());
        if let Err(unsaved) = self.run_dir.save_best() {
            return failure.and(unsaved.message());
        }
        let Some(best) = self.run_dir.checkpoints().best() else {
            return failure;
        };
        let kept = match trainer.restore(&best) {
            Ok(()) => self
                .run_dir
                .write_model(&model_of(self.plan, self.data, trainer.network())),
            Err(error) => Err(error.into()),
        };
        match kept {
            Ok(()) => failure.and(format!(
                "the best weights, of epoch {}, are in {}",
                best.epoch(),
                self.run_dir.path().display()
            )),
            Err(_) => failure,
        }
    }

    /// How to go on with a training that our own disk has ended.
    fn continuation(&self) -> String {
        let (program, run) = (terminal::program(), self.run_dir.path().display());
        if !self.run_dir.path().is_dir() {
            return format!("{run} was removed or moved meanwhile; train again, or move it back");
        }
        let from = match self.run_dir.checkpoints().newest_name() {
            Some(name) => format!("from checkpoint/{name}"),
            None => "from its beginning".to_owned(),
        };
        format!("mend that, then `{program} train --resume {run}` continues {from}")
    }

    /// Whether there is a report now. A training that went well does not fail
    /// for want of a picture of it.
    fn write_report(&self, model: &Model) -> bool {
        if !self.has_report {
            return false;
        }
        let sources = report::Sources {
            model: Some(model),
            data: Some(self.data),
            split: None,
            missing: Vec::new(),
        };
        let written = report::write(self.run_dir.path(), sources, &self.threads);
        if let Err(failure) = &written {
            let message = failure.message();
            self.progress
                .say(&format!("note      no report: {message}"));
        }
        written.is_ok()
    }

    fn interrupted(&self, code: Code, outcome: &Outcome) -> Failure {
        let run = self.run_dir.path().display();
        Failure::new(
            code,
            format!(
                "stopped by a signal after {} of {} epochs; the model so far{} is in {run}",
                outcome.rows.len(),
                self.plan.training.epochs,
                outcome
                    .kept_in_words()
                    .map_or_else(String::new, |kept| format!(" ({kept})")),
            ),
        )
        .help(format!(
            "`{} train --resume {run}` continues",
            terminal::program()
        ))
    }
}

/// Why a training that goes on from `checkpoint` may end with other weights than
/// one that was never stopped.
fn other_origin(checkpoint: &Checkpoint) -> Vec<String> {
    let instruction_set = instructions::difference(&checkpoint.note()["instruction_set"]);
    another_version(checkpoint)
        .into_iter()
        .chain(instruction_set)
        .collect()
}

/// Whether a checkpoint was made by another version.
fn another_version(checkpoint: &Checkpoint) -> Option<String> {
    let (theirs, ours) = (&checkpoint.note()["version"], env!("CARGO_PKG_VERSION"));
    (theirs != ours).then(|| {
        format!(
            "the checkpoint was made by version {theirs}, this is {ours}; \
             the weights may differ from those of an unbroken run"
        )
    })
}

/// A network with everything that using it needs.
pub(crate) fn model_of(plan: &Plan, data: &Data, network: Network) -> Model {
    Model {
        network,
        loss: plan.training.loss,
        description: plan::description(&plan.settings, data),
    }
}

/// The data set's name, fit to name a folder.
pub(crate) fn run_prefix(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let trimmed = plain.trim_matches('-');
    if trimmed.is_empty() {
        "run".to_owned()
    } else {
        trimmed.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_can_name_folders() {
        assert_eq!(run_prefix("fashion-mnist"), "fashion-mnist");
        assert_eq!(run_prefix("../my data"), "my-data");
        assert_eq!(run_prefix("/"), "run");
    }
}
