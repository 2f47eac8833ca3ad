//! The results of an evaluation as JSON.

use nn_core::metrics::{ClassScores, ConfusionMatrix};
use nn_report::ColumnImportance;
use nn_train::nn_metrics::LabelMetrics;
use serde_json::{Value, json};

use super::results::Results;

/// One object; a metric that is undefined or does not apply is null.
pub(super) fn of(results: &Results<'_>) -> Value {
    let Results {
        model,
        data,
        split,
        metrics,
        uncalibrated,
        thresholds,
        importance,
    } = results;
    let without = uncalibrated.as_ref().map(|metrics| {
        let classification = metrics.classification.unwrap_or_default();
        json!({
            "loss": metrics.evaluation.loss,
            "log_loss": classification.log_loss,
            "brier": classification.brier,
            "calibration_error": classification.calibration_error,
        })
    });
    let temperature = model.network.temperature();
    let evaluation = &metrics.evaluation;
    let classification = metrics.classification.unwrap_or_default();
    let errors = metrics.regression.as_ref();
    let confusion = evaluation.confusion.as_ref();
    let importance = importance.as_ref();
    json!({
        "dataset": data.dataset.name,
        "split": split.to_string(),
        "samples": evaluation.n_samples,
        "task": data.task.name(),
        "loss_function": model.loss.to_string(),
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "accuracy_interval": metrics.accuracy_interval,
        "baseline": metrics.baseline,
        "threshold": thresholds,
        "auc": classification.auc,
        "average_precision": classification.average_precision,
        "balanced_accuracy": classification.balanced_accuracy,
        "macro_f1": classification.macro_f1,
        "log_loss": classification.log_loss,
        "brier": classification.brier,
        "calibration_error": classification.calibration_error,
        "temperature": uncalibrated.as_ref().map(|_| temperature),
        "uncalibrated": without,
        "r2": errors.and_then(|errors| errors.r_squared),
        "rmse": errors.map(|errors| errors.root_mean_square),
        "rmse_interval": metrics.root_mean_square_interval,
        "mae_interval": metrics.mean_absolute_interval,
        "mae": errors.map(|errors| errors.mean_absolute),
        // The names of version 0.2.
        "mean_absolute_error": errors.map(|errors| errors.mean_absolute),
        "root_mean_square_error": errors.map(|errors| errors.root_mean_square),
        "r_squared": errors.and_then(|errors| errors.r_squared),
        "targets": errors.map(|_| targets(results)),
        "labels": (!metrics.labels.is_empty()).then(|| labels(results)),
        "confusion": confusion.map(counts),
        "classes": confusion.map_or_else(Vec::new, |confusion| classes(confusion, &data.class_names)),
        "importance": importance.map(|columns| columns.iter().map(column).collect::<Vec<_>>()),
    })
}

fn counts(confusion: &ConfusionMatrix) -> Vec<Vec<u64>> {
    let counts = confusion.counts();
    counts.rows().map(<[u64]>::to_vec).collect()
}

fn classes(confusion: &ConfusionMatrix, names: &[String]) -> Vec<Value> {
    let class = |(index, name): (usize, &String)| {
        let ClassScores {
            precision,
            recall,
            f1,
            support,
            ..
        } = confusion.scores(index);
        json!({ "name": name, "precision": precision, "recall": recall, "f1": f1, "support": support })
    };
    names.iter().enumerate().map(class).collect()
}

/// The metrics of each label.
fn labels(results: &Results<'_>) -> Vec<Value> {
    let Results { data, metrics, .. } = results;
    let labels = data.class_names.iter().zip(&metrics.labels);
    let label = |((name, label), baseline): ((&String, &LabelMetrics), &f64)| {
        json!({
            "name": name,
            "accuracy": label.accuracy,
            "baseline": baseline,
            "auc": label.auc,
            "average_precision": label.average_precision,
            "balanced_accuracy": label.balanced_accuracy,
            "f1": label.f1,
            "log_loss": label.log_loss,
            "brier": label.brier,
            "calibration_error": label.calibration_error,
        })
    };
    labels.zip(&metrics.baselines).map(label).collect()
}

/// The errors of each target.
fn targets(results: &Results<'_>) -> Vec<Value> {
    let Results { data, metrics, .. } = results;
    let errors = metrics.regression.iter().flat_map(|it| &it.outputs);
    let named = data.target_names().zip(errors).zip(&metrics.baselines);
    named
        .map(|((name, output), baseline)| {
            json!({
                "name": name,
                "baseline": baseline,
                "r2": output.r_squared,
                "rmse": output.root_mean_square,
                "mae": output.mean_absolute,
                "mean_absolute_error": output.mean_absolute,
                "root_mean_square_error": output.root_mean_square,
                "r_squared": output.r_squared,
            })
        })
        .collect()
}

fn column(importance: &ColumnImportance) -> Value {
    let ColumnImportance { column, mean, std } = importance;
    json!({ "column": column, "mean": mean, "std": std })
}
