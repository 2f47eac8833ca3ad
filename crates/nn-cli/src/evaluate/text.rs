//! The results of an evaluation as text. Long lists of classes are truncated; `--json` and
//! the report show all classes.

use nn_core::metrics::{ConfusionMatrix, RegressionErrors};
use nn_report::{ColumnImportance, N_SHUFFLES};
use nn_train::nn_metrics::{ClassMetrics, LabelMetrics};
use nn_train::{Data, Metrics, grouped};

use super::results::Results;
use crate::terminal;

/// Maximum number of classes of a confusion matrix, and of lines of a list.
const MAX_LINES: usize = 20;

pub(super) fn show(results: &Results<'_>) {
    let Results {
        model,
        data,
        split,
        metrics,
        uncalibrated,
        thresholds,
        importance,
    } = results;
    let evaluation = &metrics.evaluation;
    terminal::line(format!(
        "{}: {} {} samples",
        data.dataset.name,
        grouped(evaluation.n_samples),
        split
    ));
    terminal::line(format!("loss      {:.4} ({})", evaluation.loss, model.loss));
    if let Some(accuracy) = evaluation.accuracy {
        let accuracy = terminal::percent(Some(accuracy));
        terminal::line(format!("accuracy  {accuracy}{}", beside_accuracy(metrics)));
    }
    if let Some(thresholds) = thresholds {
        terminal::line(format!("threshold {}", listed(thresholds)));
    }
    if let Some(errors) = &metrics.regression {
        show_errors(errors, metrics, data);
    }
    if let Some(classification) = &metrics.classification {
        show_classification(classification, !metrics.labels.is_empty());
    }
    if let Some(uncalibrated) = uncalibrated {
        show_calibration(model.network.temperature(), uncalibrated);
    }
    if !metrics.labels.is_empty() {
        show_labels(metrics, &data.class_names);
    }
    if let Some(confusion) = &evaluation.confusion {
        terminal::line("");
        if data.class_names.len() <= MAX_LINES {
            show_confusion(confusion, &data.class_names);
        } else {
            show_confusions(confusion, &data.class_names);
        }
    }
    if let Some(importance) = importance {
        show_importance(importance);
    }
}

/// The confidence interval of the accuracy, and the baseline.
fn beside_accuracy(metrics: &Metrics) -> String {
    let percent = |fraction| terminal::percent(Some(fraction));
    let interval = metrics
        .accuracy_interval
        .map(|(low, high)| format!("95 % interval {} to {}", percent(low), percent(high)));
    let is_of_training = metrics.constant_prediction.is_some();
    let constant = match (metrics.labels.is_empty(), is_of_training) {
        (true, true) => "most frequent class",
        (true, false) => "most frequent class of these samples",
        (false, true) => "most frequent value of each label",
        (false, false) => "most frequent value of each label in these samples",
    };
    let baseline = metrics.baseline;
    let baseline = baseline.map(|it| format!("baseline ({constant}): {}", percent(it)));
    in_parentheses([interval, baseline])
}

/// The parts that are there, as ` (one; two)`.
fn in_parentheses<const N: usize>(parts: [Option<String>; N]) -> String {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return String::new();
    }
    format!(" ({})", parts.join("; "))
}

/// The thresholds, cut if there are many.
fn listed(thresholds: &[f64]) -> String {
    let shown = thresholds.iter().take(MAX_LINES);
    let mut texts: Vec<String> = shown.map(|it| format!("{it:.4}")).collect();
    if thresholds.len() > MAX_LINES {
        texts.push("...".to_owned());
    }
    texts.join(", ")
}

/// Prints the metrics of a classification, or their means over the labels.
fn show_classification(metrics: &ClassMetrics, are_means: bool) {
    let decimal = |value: Option<f64>| value.map(|value| format!("{value:.4}"));
    let percent = |value: Option<f64>| value.map(|value| terminal::percent(Some(value)));
    let lines = [
        ("AUC", decimal(metrics.auc)),
        ("average precision", decimal(metrics.average_precision)),
        ("balanced accuracy", percent(metrics.balanced_accuracy)),
        ("macro F1", percent(metrics.macro_f1)),
        ("log loss", decimal(metrics.log_loss)),
        ("Brier score", decimal(metrics.brier)),
        ("calibration error", percent(metrics.calibration_error)),
    ];
    terminal::line("");
    for (name, value) in lines {
        if let Some(value) = value {
            terminal::line(format!("{name:17}  {value:>8}"));
        }
    }
    if are_means {
        terminal::line("(means over the labels)");
    }
}

/// Prints the temperature, and the metrics of the probabilities without it.
fn show_calibration(temperature: f64, uncalibrated: &Metrics) {
    let metrics = uncalibrated.classification.unwrap_or_default();
    let log_loss = metrics.log_loss.unwrap_or(uncalibrated.evaluation.loss);
    let error = terminal::percent(metrics.calibration_error);
    terminal::line(format!(
        "temperature        {temperature:>8.4} (without: log loss {log_loss:.4}, calibration error {error})"
    ));
}

/// Prints the metrics of each label.
fn show_labels(metrics: &Metrics, names: &[String]) {
    let width = name_width(names.iter().map(String::as_str)).max("label".len());
    terminal::line("");
    terminal::line(format!(
        "{:width$}  accuracy  baseline      AUC  balanced accuracy        F1",
        "label"
    ));
    let labels = names.iter().zip(&metrics.labels).zip(&metrics.baselines);
    for ((name, label), &baseline) in labels.take(MAX_LINES) {
        let LabelMetrics {
            accuracy,
            auc,
            balanced_accuracy,
            f1,
            ..
        } = *label;
        terminal::line(format!(
            "{:width$}  {:>8}  {:>8}  {:>7}  {:>17}  {:>8}",
            short(name, width),
            terminal::percent(accuracy),
            terminal::percent(Some(baseline)),
            auc.map_or_else(|| "-".to_owned(), |auc| format!("{auc:.4}")),
            terminal::percent(balanced_accuracy),
            terminal::percent(f1),
        ));
    }
    note_cut(names.len(), "labels");
}

/// Prints the errors, and the errors of each target if there are several.
fn show_errors(errors: &RegressionErrors, metrics: &Metrics, data: &Data) {
    let interval = |interval: Option<(f64, f64)>| {
        interval.map(|(low, high)| format!("95 % interval {low:.6} to {high:.6}"))
    };
    let baseline = metrics.baseline;
    let mean = match metrics.constant_prediction {
        Some(_) => "training mean",
        None => "mean of these samples",
    };
    let baseline = baseline.map(|it| format!("baseline, {mean}: {it:.6}"));
    terminal::line(format!(
        "mean absolute error     {:.6}{}",
        errors.mean_absolute,
        in_parentheses([interval(metrics.mean_absolute_interval)])
    ));
    terminal::line(format!(
        "root mean square error  {:.6}{}",
        errors.root_mean_square,
        in_parentheses([interval(metrics.root_mean_square_interval), baseline])
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
    let width = name_width(named.iter().map(|(name, _)| *name)).max("target".len());
    terminal::line(format!(
        "{:width$}  {:>19}  {:>22}  {:>13}  {:>9}",
        "target", "mean absolute error", "root mean square error", "baseline RMSE", "R²"
    ));
    let n_targets = named.len();
    for ((name, output), baseline) in named.into_iter().zip(&metrics.baselines).take(MAX_LINES) {
        terminal::line(format!(
            "{:width$}  {:>19.6}  {:>22.6}  {baseline:>13.6}  {:>9}",
            short(name, width),
            output.mean_absolute,
            output.root_mean_square,
            r_squared_text(output.r_squared)
        ));
    }
    note_cut(n_targets, "targets");
}

fn r_squared_text(r_squared: Option<f64>) -> String {
    r_squared.map_or_else(|| "- (needs 2 rows)".to_owned(), |r| format!("{r:.6}"))
}

/// Prints the most frequent confusions of many classes.
fn show_confusions(confusion: &ConfusionMatrix, names: &[String]) {
    let counts = confusion.counts();
    let cells = counts.rows().enumerate().flat_map(|(class, row)| {
        let row = row.iter().enumerate();
        row.map(move |(predicted, &count)| (count, class, predicted))
    });
    let mut wrong: Vec<_> = cells
        .filter(|&(count, class, predicted)| 0 < count && class != predicted)
        .collect();
    wrong.sort_by_key(|&(count, class, predicted)| (u64::MAX - count, class, predicted));
    terminal::line(format!(
        "the most frequent confusions of {} classes ({} of {} shown)",
        grouped(names.len()),
        wrong.len().min(MAX_LINES),
        grouped(wrong.len())
    ));
    wrong.truncate(MAX_LINES);
    let shown = wrong.iter().map(|&(_, class, _)| names[class].as_str());
    let width = name_width(shown).max("true class".len());
    terminal::line(format!(
        "{:>7}  {:width$}  predicted class",
        "samples", "true class"
    ));
    for (count, class, predicted) in wrong {
        terminal::line(format!(
            "{count:>7}  {:width$}  {}",
            short(&names[class], width),
            short(&names[predicted], MAX_NAME)
        ));
    }
    terminal::line("(--json and `nn report` show the whole matrix and the scores of each class)");
}

/// Prints the importance of the columns.
fn show_importance(importance: &[ColumnImportance]) {
    terminal::line("");
    if importance.is_empty() {
        terminal::line("column importance: available only for tables, not for images");
        return;
    }
    terminal::line(format!(
        "increase in the loss when a column is shuffled (mean and standard deviation of {N_SHUFFLES} shuffles)"
    ));
    let width = name_width(importance.iter().map(|it| it.column.as_str()));
    for ColumnImportance { column, mean, std } in importance.iter().take(MAX_LINES) {
        let column = short(column, width);
        terminal::line(format!("{column:width$}  {mean:>9.4} ± {std:.4}"));
    }
    note_cut(importance.len(), "columns");
}

/// Maximum width of a name in a list.
const MAX_NAME: usize = 32;

fn name_width<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(1)
        .min(MAX_NAME)
}

fn short(name: &str, width: usize) -> String {
    name.chars().take(width).collect()
}

/// Says that a list was cut.
fn note_cut(n: usize, what: &str) {
    if n > MAX_LINES {
        terminal::line(format!("({MAX_LINES} of {n} {what}; --json shows all)"));
    }
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
