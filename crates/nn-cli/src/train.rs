//! `nn train`

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use nn_core::batches::Samples;
use nn_core::metrics::{Evaluation, evaluate};
use nn_core::model_file::{Description, InputDescription, Model, weights_sha256};
use nn_core::training::{BatchSize, EpochReport, Event};
use nn_core::{Network, Trainer};
use nn_tensor::Threads;
use serde_json::json;

use crate::args::TrainArguments;
use crate::datasets::{self, Data, PIXEL_SCALE, Parts};
use crate::deformation;
use crate::failure::{Code, Failure, Result};
use crate::interrupt::Interrupt;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::report;
use crate::run_dir::RunDir;
use crate::settings::Settings;
use crate::terminal;

pub(crate) fn run(arguments: &TrainArguments) -> Result<()> {
    let progress = Progress::new(arguments.json, arguments.plain);
    let threads = match arguments.threads {
        Some(count) => Threads::new(count.into()),
        None => Threads::all(),
    };
    let settings = match &arguments.config {
        Some(path) => arguments.settings.clone().or(&Settings::read(path)?),
        None => arguments.settings.clone(),
    };
    let data_dir = &arguments.folder.data_dir;
    let data = datasets::to_learn(&settings, data_dir, &threads, |text| progress.say(text))?;
    let plan = Plan::new(&settings, &data)?;
    let parts = data.parts()?;
    let prefix = run_prefix(&data.dataset.name);
    let run_dir = RunDir::create(&arguments.runs_dir, arguments.name.as_deref(), &prefix)?;
    run_dir.write_config(&plan.settings)?;
    let session = Session {
        data: &data,
        plan: &plan,
        threads,
        progress,
        run_dir,
        has_report: !arguments.no_report,
    };
    session.run(parts)
}

/// A training from its first to its last line of output.
struct Session<'a> {
    data: &'a Data,
    plan: &'a Plan,
    threads: Threads,
    progress: Progress,
    run_dir: RunDir,
    has_report: bool,
}

/// What a training came to.
#[derive(Default)]
struct Outcome {
    last: Option<EpochReport>,
    /// Lowest validation loss so far.
    best: Option<EpochReport>,
    train_seconds: Vec<f64>,
    interrupted: Option<Code>,
}

impl Outcome {
    /// The epoch whose weights are kept.
    fn kept(&self) -> Option<&EpochReport> {
        match &self.last {
            Some(last) if last.is_stopping => self.best.as_ref(),
            last => last.as_ref(),
        }
    }
}

impl Session<'_> {
    fn run(mut self, parts: Parts<'_>) -> Result<()> {
        let Parts {
            train,
            validation,
            test,
        } = parts;
        let network: Network = Network::new(&self.plan.network, self.plan.training.seed)?;
        self.introduce(&network, &train, &validation, test.as_ref());
        let (network, outcome) = self.train(network, train, validation)?;
        self.progress.finish();
        let model = self.model(network);
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
        let summary = self.summary(&model.network, &outcome, test.as_ref());
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

    fn train<'d>(
        &mut self,
        network: Network,
        train: Samples<'d>,
        validation: Samples<'d>,
    ) -> Result<(Network, Outcome)> {
        let interrupt = Interrupt::listen().map_err(|error| {
            Failure::new(Code::Io, format!("cannot listen for signals: {error}"))
        })?;
        let n_epochs = self.plan.training.epochs;
        let n_samples = train.len();
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
        let mut stopwatch = Stopwatch::start();
        let mut outcome = Outcome::default();
        let mut write_error = None;
        let (progress, run_dir) = (&mut self.progress, &mut self.run_dir);
        trainer.run(|event| {
            match event {
                Event::Batch(report) => {
                    if report.batch == report.n_batches {
                        stopwatch.training_ends();
                    }
                    progress.batch(report, n_epochs, stopwatch.seconds());
                }
                Event::Epoch(report) => {
                    let seconds = stopwatch.epoch_ends();
                    outcome.train_seconds.push(seconds[0]);
                    progress.epoch(report, n_epochs, n_samples, seconds);
                    if report.is_best {
                        outcome.best = Some(report.clone());
                    }
                    outcome.last = Some(report.clone());
                    if let Err(failure) = run_dir.add_metrics(report, seconds) {
                        write_error = Some(failure);
                        return ControlFlow::Break(());
                    }
                    stopwatch = Stopwatch::start();
                }
            }
            outcome.interrupted = interrupt.code();
            if outcome.interrupted.is_some() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        match write_error {
            Some(failure) => Err(failure),
            None => Ok((trainer.network(), outcome)),
        }
    }

    fn model(&self, network: Network) -> Model {
        Model {
            network,
            loss: self.plan.training.loss,
            description: Description {
                class_names: self.data.class_names.clone(),
                input: InputDescription {
                    shape: self.data.input_shape(),
                    scale: match self.data.dataset.train.inputs {
                        nn_data::Inputs::Pixels(_) => PIXEL_SCALE,
                        nn_data::Inputs::Features(_) => 1.0,
                    },
                    preprocessing: self.data.preprocessing.as_ref().map(|preprocessing| {
                        serde_json::to_value(preprocessing).expect("preprocessing is plain JSON")
                    }),
                },
                training: self.plan.settings.to_json(),
                table_sha256: self.data.table_sha256.clone(),
            },
        }
    }

    fn summary(
        &self,
        network: &Network,
        outcome: &Outcome,
        test: Option<&Evaluation>,
    ) -> serde_json::Value {
        let kept = outcome.kept();
        let validation = kept.and_then(|kept| kept.validation.as_ref());
        json!({
            "dataset": self.data.dataset.name,
            "layers": network.widths(),
            "parameters": network.parameters().len(),
            "epochs": outcome.last.as_ref().map_or(0, |last| last.epoch),
            "seed": self.plan.training.seed,
            "threads": self.threads.count(),
            "train_loss": kept.map(|kept| kept.train_loss),
            "train_accuracy": kept.and_then(|kept| kept.train_accuracy),
            "validation_loss": validation.map(|validation| validation.loss),
            "validation_accuracy": validation.and_then(|validation| validation.accuracy),
            "test_loss": test.map(|test| test.loss),
            "test_accuracy": test.and_then(|test| test.accuracy),
            "train_seconds": outcome.train_seconds.iter().sum::<f64>(),
            "seconds_per_epoch": median(&outcome.train_seconds),
            "weights_sha256": weights_sha256(network),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    fn conclude(
        &self,
        outcome: &Outcome,
        test: Option<&Evaluation>,
        summary: &serde_json::Value,
        has_report: bool,
    ) {
        let run = self.run_dir.path();
        if let Progress::Json = self.progress {
            let mut object = summary.clone();
            object["event"] = "summary".into();
            object["run"] = run.to_string_lossy().into();
            terminal::report(object);
            return;
        }
        if outcome.last.as_ref().is_some_and(|last| last.is_stopping) {
            terminal::report(
                "stopped early: the validation loss no longer falls; the best weights are kept",
            );
        }
        let seconds: f64 = outcome.train_seconds.iter().sum();
        if let Some(test) = test {
            terminal::report(format!(
                "\n{} on {} test samples, after {} of training",
                result_line(test, self.data.target_scale()),
                terminal::grouped(test.n_samples),
                terminal::seconds(seconds)
            ));
        } else {
            terminal::report(format!(
                "\ntrained in {}; this data set has no test samples",
                terminal::seconds(seconds)
            ));
        }
        terminal::report(format!("saved in {}", run.display()));
        for next in next_steps(run, self.data, has_report) {
            terminal::report(next);
        }
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
        let epochs = outcome.last.as_ref().map_or(0, |last| last.epoch);
        Failure::new(
            code,
            format!(
                "stopped by a signal after {epochs} of {} epochs; the model so far is in {}",
                self.plan.training.epochs,
                self.run_dir.path().display()
            ),
        )
        .help(format!(
            "{} evaluate {} --split validation",
            terminal::program(),
            self.run_dir.path().display()
        ))
    }
}

/// The time of an epoch, its evaluation apart.
struct Stopwatch {
    start: Instant,
    trained: Option<f64>,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            start: Instant::now(),
            trained: None,
        }
    }

    fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }

    fn training_ends(&mut self) {
        self.trained = Some(self.seconds());
    }

    /// Seconds of training and of evaluation.
    fn epoch_ends(&self) -> [f64; 2] {
        let all = self.seconds();
        let trained = self.trained.unwrap_or(all);
        [trained, all - trained]
    }
}

/// `test accuracy 97.95 %, loss 0.0713`, or the errors of a regression.
fn result_line(test: &Evaluation, scale: f64) -> String {
    match (test.accuracy, test.regression) {
        (Some(accuracy), _) => format!(
            "test accuracy {}, loss {:.4}",
            terminal::percent(Some(accuracy)),
            test.loss
        ),
        (None, Some(errors)) => format!(
            "test loss {:.4}, mean absolute error {:.4}, R² {}",
            test.loss,
            scale * errors.mean_absolute,
            errors
                .r_squared
                .map_or_else(|| "-".to_owned(), |r| format!("{r:.4}"))
        ),
        (None, None) => format!("test loss {:.4}", test.loss),
    }
}

fn next_steps(run: &Path, data: &Data, has_report: bool) -> Vec<String> {
    let (program, run) = (terminal::program(), run.display());
    let mut steps = vec![
        String::new(),
        "next".to_owned(),
        if has_report {
            format!("  open {run}/report.html in a browser")
        } else {
            format!("  {program} report {run}")
        },
        format!("  {program} evaluate {run}"),
    ];
    if data.dataset.image_size.is_some() {
        steps.push(format!("  {program} predict {run} --index 0"));
    } else if data.preprocessing.is_some() {
        steps.push(format!("  {program} predict {run} NEW-ROWS.csv"));
    }
    steps.push(format!("  {program} inspect {run}"));
    steps
}

/// The data set's name, fit to name a folder.
fn run_prefix(name: &str) -> String {
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

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n.is_multiple_of(2) => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
        _ => Some(sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
    }

    #[test]
    fn prefixes_can_name_folders() {
        assert_eq!(run_prefix("fashion-mnist"), "fashion-mnist");
        assert_eq!(run_prefix("../my data"), "my-data");
        assert_eq!(run_prefix("/"), "run");
    }
}
