//! How a training ends: its summary, and the last lines of its output.

use std::path::Path;

use nn_core::Network;
use nn_core::metrics::Evaluation;
use nn_core::model_file::weights_sha256;
use serde_json::{Value, json};

use super::Session;
use crate::course::Outcome;
use crate::datasets::Data;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::terminal;

/// What `summary.json` says.
pub(crate) fn summary(
    plan: &Plan,
    data: &Data,
    n_threads: usize,
    network: &Network,
    outcome: &Outcome,
    test: Option<&Evaluation>,
) -> Value {
    let kept = outcome.kept();
    let seconds = outcome.train_seconds();
    json!({
        "dataset": data.dataset.name,
        "layers": network.widths(),
        "parameters": network.parameters().len(),
        "epochs": outcome.rows.len(),
        "seed": plan.training.seed,
        "threads": n_threads,
        "best_epoch": outcome.best_epoch,
        "train_loss": kept.map(|kept| kept.train_loss),
        "train_accuracy": kept.and_then(|kept| kept.train_accuracy),
        "validation_loss": kept.and_then(|kept| kept.validation_loss),
        "validation_accuracy": kept.and_then(|kept| kept.validation_accuracy),
        "test_loss": test.map(|test| test.loss),
        "test_accuracy": test.and_then(|test| test.accuracy),
        "train_seconds": seconds.iter().sum::<f64>(),
        "seconds_per_epoch": median(&seconds),
        "weights_sha256": weights_sha256(network),
        "version": env!("CARGO_PKG_VERSION"),
    })
}

impl Session<'_> {
    /// Says how it went and what to do next.
    pub(super) fn conclude(
        &self,
        outcome: &Outcome,
        test: Option<&Evaluation>,
        summary: &Value,
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
        if let Some(text) = outcome.early_stop_in_words() {
            terminal::report(text);
        }
        let seconds: f64 = outcome.train_seconds().iter().sum();
        self.progress.say("");
        self.progress.say(&match test {
            Some(test) => format!(
                "{} on {} test samples, after {} of training",
                result_line(test, self.data),
                terminal::grouped(test.n_samples),
                terminal::seconds(seconds)
            ),
            None => format!(
                "trained in {}; this data set has no test samples",
                terminal::seconds(seconds)
            ),
        });
        if let Some(kept) = outcome.kept_in_words() {
            self.progress.say(&format!("kept the {kept}"));
        }
        terminal::report(format!("saved in {}", run.display()));
        for next in next_steps(run, self.data, has_report) {
            terminal::report(next);
        }
    }
}

/// `test accuracy 97.95 %, loss 0.0713`, or the errors of a regression.
fn result_line(test: &Evaluation, data: &Data) -> String {
    match (test.accuracy, data.errors_of(test)) {
        (Some(accuracy), _) => format!(
            "test accuracy {}, loss {:.4}",
            terminal::percent(Some(accuracy)),
            test.loss
        ),
        (None, Some(errors)) => format!(
            "test loss {:.4}, mean absolute error {:.4}, R² {}",
            test.loss,
            errors.mean_absolute,
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
}
