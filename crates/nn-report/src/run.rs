//! Training runs, as stored in a run directory, and their curves.

use nn_plot::chart::{LineChart, Mark, Series};
use nn_plot::{Axis, Format, Svg};

/// The content of a run directory, without the model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Run {
    /// Name of the run directory.
    pub name: String,
    /// Settings: name and value.
    pub settings: Vec<(String, String)>,
    /// Finished epochs.
    pub epochs: Vec<Epoch>,
    /// Results of the run.
    pub summary: Summary,
}

/// Results of a run; `None` if the run was interrupted or did not measure them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Name of the data set.
    pub dataset: String,
    /// Layer widths, inputs first.
    pub layers: Vec<u64>,
    /// Number of parameters.
    pub parameters: Option<u64>,
    /// The epoch of the model's weights, if it was selected by its loss (early
    /// stopping); `None` for the last epoch.
    pub best_epoch: Option<u64>,
    /// Mean training loss per sample, during the epoch of the model's weights.
    pub train_loss: Option<f64>,
    /// Training accuracy, from 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Mean validation loss per sample.
    pub validation_loss: Option<f64>,
    /// Validation accuracy, from 0 to 1.
    pub validation_accuracy: Option<f64>,
    /// Mean test loss per sample.
    pub test_loss: Option<f64>,
    /// Test accuracy, from 0 to 1.
    pub test_accuracy: Option<f64>,
    /// Training time of all epochs in seconds, without evaluation.
    pub train_seconds: Option<f64>,
    /// Median training time per epoch in seconds, without evaluation.
    pub seconds_per_epoch: Option<f64>,
    /// SHA-256 of the weights, in hexadecimal.
    pub weights_sha256: String,
    /// Version of the program.
    pub version: String,
}

/// Metrics of an epoch, a row of `metrics.csv`; NaN if not measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Number of the epoch, counted from 1.
    pub epoch: u64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Mean loss per sample during training.
    pub train_loss: f64,
    /// Training accuracy, from 0 to 1.
    pub train_accuracy: f64,
    /// Mean validation loss per sample after the epoch.
    pub validation_loss: f64,
    /// Validation accuracy, from 0 to 1.
    pub validation_accuracy: f64,
    /// Training time in seconds.
    pub train_seconds: f64,
    /// Evaluation time in seconds.
    pub evaluate_seconds: f64,
}

impl Epoch {
    /// The loss for early stopping: the validation loss, or else the training loss.
    pub fn watched_loss(&self) -> f64 {
        if self.validation_loss.is_finite() {
            self.validation_loss
        } else {
            self.train_loss
        }
    }
}

impl Run {
    /// The epoch with the lowest validation loss.
    pub fn best_epoch(&self) -> Option<&Epoch> {
        self.epochs
            .iter()
            .filter(|epoch| epoch.validation_loss.is_finite())
            .min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss))
    }

    /// The command that repeats the run, with all settings.
    pub fn command(&self, program: &str) -> String {
        let flags: String = self
            .settings
            .iter()
            .map(|(name, value)| format!(" --{name} {}", quoted(value)))
            .collect();
        format!("{program} train{flags}")
    }

    /// Creates a series over the epochs.
    pub(crate) fn series(&self, name: &str, value: impl Fn(&Epoch) -> f64) -> Series {
        let point = |epoch: &Epoch| (epoch.epoch as f64, value(epoch));
        Series::new(name, self.epochs.iter().map(point))
    }
}

/// Quotes a value for a POSIX shell, if necessary.
fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// Chart of the training and validation loss, with the best epoch marked.
pub(crate) fn loss_chart(run: &Run) -> Option<Svg> {
    let best = run.best_epoch();
    let mark = best.map(|best| (best.validation_loss, best.epoch));
    curves(
        run,
        "Loss",
        Axis::new("loss per sample"),
        [
            run.series("training", |epoch| epoch.train_loss),
            run.series("validation", |epoch| epoch.validation_loss),
        ],
        mark,
    )
}

/// Chart of the training and validation accuracy, with the epoch of the lowest
/// validation loss marked.
pub(crate) fn accuracy_chart(run: &Run) -> Option<Svg> {
    let best = run.best_epoch();
    let mark = best.map(|best| (best.validation_accuracy, best.epoch));
    curves(
        run,
        "Accuracy",
        Axis::new("accuracy").percent(),
        [
            run.series("training", |epoch| epoch.train_accuracy),
            run.series("validation", |epoch| epoch.validation_accuracy),
        ],
        mark,
    )
}

/// Chart of the learning rate at the end of each epoch.
pub(crate) fn rate_chart(run: &Run) -> Option<Svg> {
    let rates = run.series("learning rate", |epoch| epoch.learning_rate);
    curves(
        run,
        "Learning rate",
        Axis::new("learning rate"),
        [rates],
        None,
    )
}

/// Chart of the training and evaluation time per epoch.
pub(crate) fn time_chart(run: &Run) -> Option<Svg> {
    let axis = Axis::new("time [s]");
    let longest = run.epochs.iter().map(|epoch| epoch.train_seconds);
    let longest = longest
        .filter(|seconds| seconds.is_finite())
        .fold(0.0, f64::max);
    let axis = if longest > 0.0 {
        axis.range(0.0, 1.1 * longest)
    } else {
        axis
    };
    curves(
        run,
        "Time per epoch",
        axis,
        [
            run.series("training", |epoch| epoch.train_seconds),
            run.series("evaluation", |epoch| epoch.evaluate_seconds),
        ],
        None,
    )
}

/// Chart of series over epochs; `None` if no series has a finite number.
pub(crate) fn curves(
    run: &Run,
    title: &str,
    y: Axis,
    series: impl IntoIterator<Item = Series>,
    best: Option<(f64, u64)>,
) -> Option<Svg> {
    let has_number = |series: &Series| series.points.iter().any(|point| point.1.is_finite());
    let series: Vec<Series> = series.into_iter().filter(has_number).collect();
    if series.is_empty() {
        return None;
    }
    let mut chart = LineChart::new(title, Axis::new("epoch").whole(), y, series);
    if let Some((value, epoch)) = best.filter(|_| run.epochs.len() > 1) {
        let label = match chart.y.format {
            Format::Percent => format!("{} at the lowest loss", nn_plot::number::percent(value)),
            _ => format!(
                "minimum: {} in epoch {epoch}",
                nn_plot::number::number(value)
            ),
        };
        chart.marks.push(Mark::new((epoch as f64, value), label));
    }
    Some(chart.svg())
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn epoch(number: u64, validation_loss: f64) -> Epoch {
        Epoch {
            epoch: number,
            learning_rate: 0.1,
            train_loss: 1.0,
            train_accuracy: 0.5,
            validation_loss,
            validation_accuracy: f64::NAN,
            train_seconds: 0.1,
            evaluate_seconds: 0.01,
        }
    }

    #[test]
    fn the_best_epoch_has_the_lowest_validation_loss() {
        let mut run = Run::default();
        assert_eq!(run.best_epoch(), None);
        run.epochs = vec![
            epoch(1, 0.5),
            epoch(2, f64::NAN),
            epoch(3, 0.4),
            epoch(4, 0.6),
        ];
        assert_eq!(run.best_epoch().map(|best| best.epoch), Some(3));
    }

    #[test]
    fn commands_can_be_pasted_into_a_shell() {
        let settings = [("data", "my file's.csv"), ("hidden", ""), ("lr", "0.1")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let run = Run {
            settings: settings.to_vec(),
            ..Run::default()
        };
        assert_eq!(
            run.command("nn"),
            "nn train --data 'my file'\\''s.csv' --hidden '' --lr 0.1"
        );
    }

    #[test]
    fn curves_without_numbers_are_left_out() {
        let run = Run {
            epochs: vec![epoch(1, f64::NAN)],
            ..Run::default()
        };
        let loss = loss_chart(&run)
            .expect("the training loss is there")
            .inline();
        assert!(!loss.contains("validation"));
        assert!(time_chart(&run).is_some());
        assert!(accuracy_chart(&Run::default()).is_none());
    }
}
