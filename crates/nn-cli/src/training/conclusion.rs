//! The last lines of a training run's output.

use std::path::Path;

use nn_train::{Data, Metrics, TrainedRun, grouped};

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
            result_line(test),
            grouped(test.evaluation.n_samples),
        ),
        None => format!("trained in {seconds}; this data set has no test samples"),
    });
    if let Some(line) = trained.test.as_ref().and_then(comparison_line) {
        progress.say(&line);
    }
    if let Some(kept) = outcome.kept_weights() {
        progress.say(&format!("kept the {kept}"));
    }
    terminal::report(format!("saved in {}", run.display()));
    for next in next_steps(run, data, has_report) {
        terminal::report(next);
    }
}

/// `test accuracy 97.95 %, loss 0.0713`, or the errors of a regression.
fn result_line(test: &Metrics) -> String {
    let (regression, test) = (&test.regression, &test.evaluation);
    match (test.accuracy, regression) {
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

/// The confidence interval and the baseline, such as `95 % interval 97.65 % to 98.21 %;
/// baseline (most frequent class): 11.35 %; AUC 0.9991`, or the baseline of regression.
fn comparison_line(test: &Metrics) -> Option<String> {
    let percent = |fraction| terminal::percent(Some(fraction));
    let baseline = test.baseline?;
    if let Some(errors) = &test.regression {
        let interval = test.root_mean_square_interval;
        let interval = interval.map_or_else(String::new, |(low, high)| {
            format!(", 95 % interval {low:.4} to {high:.4}")
        });
        return Some(format!(
            "root mean square error {:.4}{interval}; baseline (training mean): {baseline:.4}",
            errors.root_mean_square
        ));
    }
    let (low, high) = test.accuracy_interval?;
    let constant = if test.labels.is_empty() {
        "most frequent class"
    } else {
        "most frequent value of each label"
    };
    let auc = test.classification.and_then(|it| it.auc);
    let auc = auc.map_or_else(String::new, |auc| format!("; AUC {auc:.4}"));
    Some(format!(
        "95 % interval {} to {}; baseline ({constant}): {}{auc}",
        percent(low),
        percent(high),
        percent(baseline)
    ))
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
