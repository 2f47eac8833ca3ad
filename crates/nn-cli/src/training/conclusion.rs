//! The last lines of a training run's output.

use std::path::Path;

use nn_core::metrics::Evaluation;
use nn_train::{Data, TrainedRun, grouped};

use crate::progress::Progress;
use crate::terminal;

/// Prints the result and what to do next.
pub(super) fn conclude(progress: &Progress, data: &Data, trained: &TrainedRun, has_report: bool) {
    let run = &trained.path;
    if let Progress::Json = progress {
        let summary = serde_json::to_value(&trained.summary);
        let mut object = summary.expect("a summary is plain JSON");
        object["event"] = "summary".into();
        object["run"] = run.to_string_lossy().into();
        terminal::report(object);
        return;
    }
    let outcome = &trained.outcome;
    if let Some(text) = outcome.early_stop() {
        terminal::report(text);
    }
    let seconds = terminal::seconds(outcome.train_seconds().iter().sum());
    progress.say("");
    progress.say(&match &trained.test {
        Some(test) => format!(
            "{} on {} test samples, after {seconds} of training",
            result_line(test, data),
            grouped(test.n_samples),
        ),
        None => format!("trained in {seconds}; this data set has no test samples"),
    });
    if let Some(kept) = outcome.kept_weights() {
        progress.say(&format!("kept the {kept}"));
    }
    terminal::report(format!("saved in {}", run.display()));
    for next in next_steps(run, data, has_report) {
        terminal::report(next);
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
