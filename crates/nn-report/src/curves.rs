//! Learning curves of a run: metrics over the epochs.

use nn_plot::chart::{LineChart, Mark, Series};
use nn_plot::{Axis, Format, Svg};
use nn_train::EpochMetrics;

use crate::record::RunRecord;

/// Creates a series over the epochs.
pub(crate) fn series(
    run: &RunRecord,
    name: &str,
    value: impl Fn(&EpochMetrics) -> Option<f64>,
) -> Series {
    let point = |epoch: &EpochMetrics| (epoch.epoch as f64, value(epoch).unwrap_or(f64::NAN));
    Series::new(name, run.epochs.iter().map(point))
}

/// Chart of the training and validation loss, with the best epoch marked.
pub(crate) fn loss_chart(run: &RunRecord) -> Option<Svg> {
    let best = run.best_epoch();
    let mark = best.and_then(|best| Some((best.validation_loss?, best.epoch)));
    curves(
        run,
        "Loss",
        Axis::new("loss per sample"),
        [
            series(run, "training", |epoch| Some(epoch.train_loss)),
            series(run, "validation", |epoch| epoch.validation_loss),
        ],
        mark,
    )
}

/// Chart of the training and validation accuracy, with the best epoch marked.
pub(crate) fn accuracy_chart(run: &RunRecord) -> Option<Svg> {
    let best = run.best_epoch();
    let mark = best.and_then(|best| Some((best.validation_accuracy?, best.epoch)));
    curves(
        run,
        "Accuracy",
        Axis::new("accuracy").percent(),
        [
            series(run, "training", |epoch| epoch.train_accuracy),
            series(run, "validation", |epoch| epoch.validation_accuracy),
        ],
        mark,
    )
}

/// Chart of the learning rate at the end of each epoch.
pub(crate) fn rate_chart(run: &RunRecord) -> Option<Svg> {
    let rates = series(run, "learning rate", |epoch| Some(epoch.learning_rate));
    curves(
        run,
        "Learning rate",
        Axis::new("learning rate"),
        [rates],
        None,
    )
}

/// Chart of the training and evaluation time per epoch.
pub(crate) fn time_chart(run: &RunRecord) -> Option<Svg> {
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
            series(run, "training", |epoch| Some(epoch.train_seconds)),
            series(run, "evaluation", |epoch| epoch.evaluate_seconds),
        ],
        None,
    )
}

/// Chart of series over epochs; `None` if no series has a finite number.
pub(crate) fn curves(
    run: &RunRecord,
    title: &str,
    y: Axis,
    series: impl IntoIterator<Item = Series>,
    best: Option<(f64, usize)>,
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

    fn epoch(number: usize) -> EpochMetrics {
        EpochMetrics {
            epoch: number,
            step: 10,
            learning_rate: 0.1,
            train_loss: 1.0,
            train_accuracy: Some(0.5),
            validation_loss: None,
            validation_accuracy: None,
            train_seconds: 0.1,
            evaluate_seconds: Some(0.01),
        }
    }

    #[test]
    fn curves_without_numbers_are_left_out() {
        let run = RunRecord {
            epochs: vec![epoch(1)],
            ..RunRecord::default()
        };
        let loss = loss_chart(&run)
            .expect("the training loss is there")
            .inline();
        assert!(!loss.contains("validation"));
        assert!(time_chart(&run).is_some());
        assert!(accuracy_chart(&RunRecord::default()).is_none());
    }
}
