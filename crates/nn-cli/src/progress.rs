//! Showing how a training goes: a bar on a terminal, lines in a pipe, JSON for
//! programs.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nn_core::training::{BatchReport, EpochReport};
use serde_json::json;

use crate::terminal;

/// The least time between two changes of the bar.
const REDRAW: Duration = Duration::from_millis(50);

/// How a training is shown.
#[derive(Debug)]
pub(crate) enum Progress {
    /// A bar for the epoch in progress, a line for each finished one.
    Bar { bar: ProgressBar, drawn: Instant },
    /// A line for each finished epoch.
    Lines,
    /// A JSON object for each finished epoch.
    Json,
}

/// How far a training has come.
#[derive(Debug)]
pub(crate) struct Place {
    /// Epochs that are finished.
    pub(crate) epoch: usize,
    /// Epochs that are wanted.
    pub(crate) n_epochs: usize,
    /// Steps that are done.
    pub(crate) step: u64,
}

impl Progress {
    pub(crate) fn new(json: bool, plain: bool) -> Self {
        if json {
            Self::Json
        } else if plain || !terminal::is_interactive() {
            Self::Lines
        } else {
            let bar = ProgressBar::new(1);
            bar.set_style(
                ProgressStyle::with_template("epoch {prefix} {bar:24} {msg}")
                    .expect("the template is right")
                    .progress_chars("━╸─"),
            );
            Self::Bar {
                bar,
                drawn: Instant::now(),
            }
        }
    }

    /// A line for people; programs do not see it.
    pub(crate) fn say(&self, text: &str) {
        match self {
            Self::Bar { bar, .. } => bar.suspend(|| terminal::report(text)),
            Self::Lines => terminal::report(text),
            Self::Json => {}
        }
    }

    /// What is not as it should be, though the training goes on.
    pub(crate) fn warn(&self, text: &str) {
        match self {
            Self::Json => terminal::report(json!({ "event": "warning", "text": text })),
            _ => self.say(&format!("warning   {text}")),
        }
    }

    /// A training goes on where it was left.
    pub(crate) fn resumed(&self, run: &Path, place: &Place) {
        let Place {
            epoch,
            n_epochs,
            step,
        } = place;
        match self {
            Self::Json => terminal::report(json!({
                "event": "resumed",
                "run": run.to_string_lossy(),
                "epoch": epoch,
                "step": step,
            })),
            _ => self.say(&format!(
                "resumed   {} after {epoch} of {n_epochs} epochs, step {step}",
                run.display()
            )),
        }
    }

    /// After a batch. `seconds` is the time of the epoch so far.
    pub(crate) fn batch(&mut self, report: &BatchReport, n_epochs: usize, seconds: f64) {
        let Self::Bar { bar, drawn } = self else {
            return;
        };
        if drawn.elapsed() < REDRAW {
            return;
        }
        *drawn = Instant::now();
        let done = report.batch as f64 / report.n_batches as f64;
        let epochs_left = (n_epochs - report.epoch) as f64 + 1.0 - done;
        let left = seconds / done.max(1e-9) * epochs_left;
        let accuracy = report
            .epoch_accuracy
            .map(|accuracy| format!("  accuracy {}", terminal::percent(Some(accuracy))))
            .unwrap_or_default();
        let rate = (report.batch * report.n_samples) as f64 / seconds.max(1e-9);
        bar.set_length(report.n_batches as u64);
        bar.set_position(report.batch as u64);
        let width = n_epochs.to_string().len();
        bar.set_prefix(format!("{:>width$}/{n_epochs}", report.epoch));
        bar.set_message(format!(
            "loss {:.4}{accuracy}  {} samples/s  {} left",
            report.epoch_loss,
            terminal::grouped(rate as usize),
            duration(left)
        ));
    }

    /// After an epoch. `seconds` are those of training and of evaluation.
    pub(crate) fn epoch(
        &mut self,
        report: &EpochReport,
        n_epochs: usize,
        n_samples: usize,
        seconds: [f64; 2],
    ) {
        match self {
            Self::Json => terminal::report(epoch_json(report, seconds)),
            _ => self.say(&epoch_line(report, n_epochs, n_samples, seconds[0])),
        }
    }

    /// The bar, if any, has done its work.
    pub(crate) fn finish(&self) {
        if let Self::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

fn epoch_line(report: &EpochReport, n_epochs: usize, n_samples: usize, seconds: f64) -> String {
    let width = n_epochs.to_string().len();
    let accuracy = |accuracy: Option<f64>| match accuracy {
        Some(_) => format!("  accuracy {}", terminal::percent(accuracy)),
        None => String::new(),
    };
    let validation = match &report.validation {
        Some(validation) => {
            let numbers = validation.regression.map(|errors| {
                errors
                    .r_squared
                    .map_or_else(String::new, |r| format!("  R² {r:.4}"))
            });
            format!(
                "   validation loss {:.4}{}{}",
                validation.loss,
                accuracy(validation.accuracy),
                numbers.unwrap_or_default()
            )
        }
        None => String::new(),
    };
    format!(
        "epoch {:>width$}/{n_epochs}  loss {:.4}{}{validation}   {}  {} samples/s",
        report.epoch,
        report.train_loss,
        accuracy(report.train_accuracy),
        terminal::seconds(seconds),
        terminal::grouped((n_samples as f64 / seconds.max(1e-9)) as usize),
    )
}

fn epoch_json(
    report: &EpochReport,
    [train_seconds, evaluate_seconds]: [f64; 2],
) -> serde_json::Value {
    let validation = report.validation.as_ref();
    json!({
        "event": "epoch",
        "epoch": report.epoch,
        "step": report.step,
        "learning_rate": report.learning_rate,
        "train_loss": report.train_loss,
        "train_accuracy": report.train_accuracy,
        "validation_loss": validation.map(|validation| validation.loss),
        "validation_accuracy": validation.and_then(|validation| validation.accuracy),
        "train_seconds": train_seconds,
        "evaluate_seconds": validation.map(|_| evaluate_seconds),
    })
}

/// `7 s`, `3 min`, `2.5 h`
fn duration(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{seconds:.0} s")
    } else if seconds < 6000.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}
