//! Charts of an evaluation: ROC, precision-recall and calibration curves, residuals.

use nn_core::Rows;
use nn_plot::chart::{LineChart, ScatterChart, Series};
use nn_plot::{Axis, Svg};
use nn_train::nn_metrics::{Calibration, ThresholdCounts};
use nn_train::sample_outputs::{ClassOutputs, LabelOutputs, ValueOutputs};
use nn_train::{Data, SampleOutputs};

/// Maximum number of classes or labels with a curve: those with the lowest AUC.
const MAX_CURVES: usize = 8;

/// Maximum number of targets with a chart.
const MAX_TARGETS: usize = 4;

/// Maximum number of points of a scatter chart.
const MAX_POINTS: usize = 5000;

/// A chart of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct EvaluationChart {
    /// File name without extension.
    pub name: String,
    /// The chart to show in the report.
    pub chart: Chart,
    /// The caption below the chart.
    pub caption: &'static str,
}

/// A chart of lines or points.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// A chart of lines.
    Line(LineChart),
    /// A chart of points.
    Scatter(ScatterChart),
}

impl EvaluationChart {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        match &self.chart {
            Chart::Line(chart) => chart.svg(),
            Chart::Scatter(chart) => chart.svg(),
        }
    }
}

/// The charts of the outputs of a network.
pub(crate) fn charts(outputs: &SampleOutputs, data: &Data) -> Vec<EvaluationChart> {
    match outputs {
        SampleOutputs::Classes(outputs) => of_classes(outputs, &data.class_names),
        SampleOutputs::Labels(outputs) => of_labels(outputs, &data.class_names),
        SampleOutputs::Values(outputs) => of_values(outputs, data),
    }
}

/// The counts of a class or a label, with its name.
struct Named<'a> {
    name: &'a str,
    counts: ThresholdCounts,
}

fn of_classes(outputs: &ClassOutputs, names: &[String]) -> Vec<EvaluationChart> {
    let first = usize::from(names.len() == 2);
    let of_class = |(class, name)| {
        let scores: Vec<f64> = outputs.scores.column(class).copied().collect();
        let is_class = outputs.classes.iter().map(|&it| it as usize == class);
        Named {
            name,
            counts: ThresholdCounts::new(&scores, &is_class.collect::<Vec<_>>(), None),
        }
    };
    let names = names.iter().map(String::as_str);
    let mut charts = ranking_charts(names.enumerate().skip(first).map(of_class).collect());
    if outputs.are_probabilities {
        let calibration = Calibration::of_classes(&outputs.scores, &outputs.classes, None);
        let caption = if first == 1 {
            "Frequency of the second class against its predicted probability, in 15 bins of \
             equal width."
        } else {
            "Accuracy against the probability of the predicted class, in 15 bins of equal width. \
             Points below the diagonal are overconfident."
        };
        charts.push(calibration_chart(
            vec![("predictions", calibration)],
            caption,
        ));
    }
    charts
}

fn of_labels(outputs: &LabelOutputs, names: &[String]) -> Vec<EvaluationChart> {
    let of_label = |(label, name)| {
        let (scores, is_true) = outputs.label(label);
        Named {
            name,
            counts: ThresholdCounts::new(&scores, &is_true, None),
        }
    };
    let names = || names.iter().map(String::as_str).enumerate();
    let mut charts = ranking_charts(names().map(of_label).collect());
    if outputs.are_probabilities {
        let calibration = |(label, name)| {
            let (scores, is_true) = outputs.label(label);
            (name, Calibration::new(&scores, &is_true, None))
        };
        let curves = names().take(MAX_CURVES).map(calibration).collect();
        let caption = "Frequency of a label against its predicted probability, in 15 bins of \
                       equal width.";
        charts.push(calibration_chart(curves, caption));
    }
    charts
}

/// ROC and precision-recall curves of the classes with the lowest AUC.
fn ranking_charts(mut all: Vec<Named<'_>>) -> Vec<EvaluationChart> {
    all.retain(|it| it.counts.roc_auc().is_some());
    if all.is_empty() {
        return Vec::new();
    }
    let auc = |it: &Named<'_>| it.counts.roc_auc().unwrap_or(1.0);
    all.sort_by(|a, b| auc(a).total_cmp(&auc(b)));
    let caption = match all.len() {
        1 => "The AUC is the area below the curve.",
        2..=MAX_CURVES => "Each class against the rest. The AUC is the area below the curve.",
        _ => {
            "The classes with the lowest AUC, each against the rest. The AUC is the area below \
             the curve."
        }
    };
    all.truncate(MAX_CURVES);
    let fraction = |label: &str| Axis::new(label).range(0.0, 1.0);
    let curves = |points: fn(&ThresholdCounts) -> Vec<(f64, f64)>| -> Vec<Series> {
        let series = |it: &Named<'_>| Series::new(it.name, points(&it.counts));
        all.iter().map(series).collect()
    };
    let mut roc = curves(ThresholdCounts::roc_curve);
    roc.push(diagonal("random predictions"));
    vec![
        EvaluationChart {
            name: "roc".to_owned(),
            chart: Chart::Line(LineChart::new(
                "ROC curve",
                fraction("false positive rate"),
                fraction("true positive rate"),
                roc,
            )),
            caption,
        },
        EvaluationChart {
            name: "precision-recall".to_owned(),
            chart: Chart::Line(LineChart::new(
                "Precision-recall curve",
                fraction("recall"),
                fraction("precision"),
                curves(ThresholdCounts::precision_recall_curve),
            )),
            caption: "Each point corresponds to a threshold.",
        },
    ]
}

fn calibration_chart(curves: Vec<(&str, Calibration)>, caption: &'static str) -> EvaluationChart {
    let points = |(name, calibration): (&str, Calibration)| {
        let bins = calibration.bins().iter();
        let points: Vec<_> = bins.map(|bin| (bin.probability, bin.frequency)).collect();
        Series::new(name, points)
    };
    let mut series: Vec<Series> = curves.into_iter().map(points).collect();
    series.push(diagonal("perfect calibration"));
    EvaluationChart {
        name: "calibration".to_owned(),
        chart: Chart::Line(LineChart::new(
            "Calibration curve",
            Axis::new("predicted probability").range(0.0, 1.0),
            Axis::new("observed frequency").range(0.0, 1.0),
            series,
        )),
        caption,
    }
}

fn diagonal(name: &str) -> Series {
    Series::new(name, [(0.0, 0.0), (1.0, 1.0)])
}

/// Predicted against actual values, and residuals against predicted values.
fn of_values(outputs: &ValueOutputs, data: &Data) -> Vec<EvaluationChart> {
    let names: Vec<&str> = data.target_names().collect();
    let targets = (0..outputs.predicted.n_columns()).take(MAX_TARGETS);
    targets
        .flat_map(|target| {
            let name = names.get(target).copied().unwrap_or("target");
            let of_target = |values: &Rows<'_, f64>| -> Vec<f64> {
                let every = values.n_rows().div_ceil(MAX_POINTS).max(1);
                values.column(target).step_by(every).copied().collect()
            };
            let predicted = of_target(&outputs.predicted);
            let actual = of_target(&outputs.actual);
            target_charts(target, name, &predicted, &actual)
        })
        .collect()
}

fn target_charts(
    target: usize,
    name: &str,
    predicted: &[f64],
    actual: &[f64],
) -> [EvaluationChart; 2] {
    let pairs = || predicted.iter().zip(actual);
    let compared = pairs().map(|(&predicted, &actual)| (actual, predicted));
    let residuals = pairs().map(|(&predicted, &actual)| (predicted, predicted - actual));
    let number = target + 1;
    [
        EvaluationChart {
            name: format!("predicted-{number}"),
            chart: Chart::Scatter(ScatterChart {
                has_diagonal: true,
                ..ScatterChart::new(
                    format!("{name}: predicted and actual"),
                    Axis::new("actual"),
                    Axis::new("predicted"),
                    vec![Series::new(name, compared)],
                )
            }),
            caption: "Points on the dashed line are exact predictions.",
        },
        EvaluationChart {
            name: format!("residuals-{number}"),
            chart: Chart::Scatter(ScatterChart::new(
                format!("{name}: residuals"),
                Axis::new("predicted"),
                Axis::new("predicted - actual"),
                vec![Series::new(name, residuals)],
            )),
            caption: "Residuals of a good model have no pattern and a mean of 0.",
        },
    ]
}
