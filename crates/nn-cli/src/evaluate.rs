//! The command `nn evaluate`: evaluates a run.

use clap::Args;
use nn_core::Model;
use nn_core::metrics::{ClassScores, ConfusionMatrix, Evaluation, RegressionErrors};
use nn_train::{Data, Result, Split, escaped_path, flags, grouped};
use serde_json::json;

use crate::args::{DataFolder, RunChoice};
use crate::exit;
use crate::finiteness;
use crate::terminal;

#[derive(Args, Debug)]
pub(crate) struct EvaluateArguments {
    #[command(flatten)]
    choice: RunChoice,
    /// Evaluate on this data set instead of the run's
    #[arg(long, value_name = "NAME|DIR|FILE.csv", value_parser = flags::data_parser())]
    data: Option<String>,
    #[command(flatten)]
    folder: DataFolder,
    /// Samples to use
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &EvaluateArguments) -> Result<()> {
    let run = arguments.choice.open_with(&arguments.folder)?;
    let data = run.data_of(arguments.data.as_deref())?;
    data.notes.iter().for_each(exit::note);
    let (model, split) = (run.model(), arguments.split);
    let evaluation = run.evaluate_on(&data, split)?;
    let problem = nonfinite(&evaluation, &data, split);
    finiteness::check(problem, model, arguments.choice.weights.allow_nonfinite)?;
    if arguments.json {
        terminal::line(to_json(model, &data, split, &evaluation));
    } else {
        show(model, &data, split, &evaluation);
    }
    Ok(())
}

/// The problem, if the loss of a sample is not finite: the metrics are then invalid.
fn nonfinite(evaluation: &Evaluation, data: &Data, split: Split) -> Option<String> {
    let sample = evaluation.first_nonfinite?;
    Some(format!(
        "{}: {split} sample {sample}: the loss is not finite, so the metrics are invalid",
        escaped_path::shown(&data.origin),
    ))
}

fn show(model: &Model, data: &Data, split: Split, evaluation: &Evaluation) {
    terminal::line(format!(
        "{}: {} {} samples",
        data.dataset.name,
        grouped(evaluation.n_samples),
        split
    ));
    terminal::line(format!("loss      {:.4} ({})", evaluation.loss, model.loss));
    if let Some(accuracy) = evaluation.accuracy {
        terminal::line(format!("accuracy  {}", terminal::percent(Some(accuracy))));
    }
    if let Some(errors) = data.errors_of(evaluation) {
        show_errors(&errors, data);
    }
    if let Some(confusion) = &evaluation.confusion {
        terminal::line("");
        show_confusion(confusion, &data.class_names);
    }
}

/// Prints the errors, and the errors of each target if there are several.
fn show_errors(errors: &RegressionErrors, data: &Data) {
    terminal::line(format!(
        "mean absolute error     {:.6}",
        errors.mean_absolute
    ));
    terminal::line(format!(
        "root mean square error  {:.6}",
        errors.root_mean_square
    ));
    terminal::line(format!(
        "R²                      {}",
        r_squared_text(errors.r_squared)
    ));
    let named: Vec<_> = data.target_names().zip(&errors.outputs).collect();
    if named.len() < 2 {
        return;
    }
    terminal::line("(means over the targets)");
    terminal::line("");
    let widths = named.iter().map(|(name, _)| name.chars().count());
    let width = widths.max().unwrap_or(0).max("target".len());
    terminal::line(format!(
        "{:width$}  {:>19}  {:>22}  {:>9}",
        "target", "mean absolute error", "root mean square error", "R²"
    ));
    for (name, output) in named {
        terminal::line(format!(
            "{name:width$}  {:>19.6}  {:>22.6}  {:>9}",
            output.mean_absolute,
            output.root_mean_square,
            r_squared_text(output.r_squared)
        ));
    }
}

fn r_squared_text(r_squared: Option<f64>) -> String {
    r_squared.map_or_else(|| "- (needs 2 rows)".to_owned(), |r| format!("{r:.6}"))
}

/// Prints the confusion matrix: one row per true class, one column per predicted
/// class, and the scores of each class.
fn show_confusion(confusion: &ConfusionMatrix, names: &[String]) {
    let counts = confusion.counts();
    let largest = counts.iter().max().copied().unwrap_or(0);
    let cell = largest.to_string().len().max(
        names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(1)
            .min(8),
    ) + 1;
    let label = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(1)
        .min(16);
    let short = |name: &str, width: usize| name.chars().take(width).collect::<String>();
    let heads: String = names
        .iter()
        .map(|name| format!("{:>cell$}", short(name, cell - 1)))
        .collect();
    terminal::line("true class ↓   predicted class →");
    terminal::line(format!("{:label$} {heads}   precision  recall      F1", ""));
    for (class, name) in names.iter().enumerate() {
        let row: String = counts
            .row(class)
            .iter()
            .map(|&count| {
                if count == 0 {
                    format!("{:>cell$}", "·")
                } else {
                    format!("{count:>cell$}")
                }
            })
            .collect();
        let scores = confusion.scores(class);
        terminal::line(format!(
            "{:>label$} {row}   {:>9}  {:>6}  {:>6}",
            short(name, label),
            score(scores.precision),
            score(scores.recall),
            score(scores.f1)
        ));
    }
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", 100.0 * value))
}

/// The errors of each target.
fn targets_json(errors: &RegressionErrors, data: &Data) -> serde_json::Value {
    let named = data.target_names().zip(&errors.outputs);
    named
        .map(|(name, output)| {
            json!({
                "name": name,
                "mean_absolute_error": output.mean_absolute,
                "root_mean_square_error": output.root_mean_square,
                "r_squared": output.r_squared,
            })
        })
        .collect()
}

fn to_json(model: &Model, data: &Data, split: Split, evaluation: &Evaluation) -> serde_json::Value {
    let class = |(index, name): (usize, &String)| {
        let ClassScores {
            precision,
            recall,
            f1,
            support,
            ..
        } = evaluation
            .confusion
            .as_ref()
            .map(|confusion| confusion.scores(index))?;
        Some(
            json!({ "name": name, "precision": precision, "recall": recall, "f1": f1, "support": support }),
        )
    };
    let confusion = evaluation.confusion.as_ref().map(|confusion| {
        let rows = confusion.counts();
        rows.rows().map(|row| row.to_vec()).collect::<Vec<_>>()
    });
    let errors = data.errors_of(evaluation);
    json!({
        "dataset": data.dataset.name,
        "split": split.to_string(),
        "samples": evaluation.n_samples,
        "loss_function": model.loss.to_string(),
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "mean_absolute_error": errors.as_ref().map(|errors| errors.mean_absolute),
        "root_mean_square_error": errors.as_ref().map(|errors| errors.root_mean_square),
        "r_squared": errors.as_ref().and_then(|errors| errors.r_squared),
        "targets": errors.as_ref().map(|errors| targets_json(errors, data)),
        "confusion": confusion,
        "classes": data.class_names.iter().enumerate().filter_map(class).collect::<Vec<_>>(),
    })
}
