//! How a training ends: its summary, and the last lines of its output.

use std::path::Path;

use nn_core::metrics::Evaluation;
use serde_json::Value;

use super::Session;
use crate::course::Outcome;
use crate::datasets::Data;
use crate::progress::Progress;
use crate::terminal;

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
