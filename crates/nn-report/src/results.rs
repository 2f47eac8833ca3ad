//! The results of a model on samples, and facts about the data.

use nn_core::metrics::{ConfusionMatrix, Evaluation};
use nn_core::{Model, Samples};
use nn_plot::chart::{ConfusionChart, ImageGrid, Picture, Pixels, Tile};
use nn_plot::number;
use nn_tensor::Threads;
use nn_train::forward::for_each_block;
use nn_train::prediction::class_probabilities;
use nn_train::{Data, Evaluator, Metrics, Result, Split, Splits};

use crate::evaluation_charts::charts;
use crate::importance::Importance;
use crate::run_report::{ClassResult, Results, RunReport};

/// Mistakes that are shown.
const N_MISTAKES: usize = 24;

/// Adds facts about the data and what the network says about one split.
pub(super) fn fill(
    content: &mut RunReport,
    model: &Model,
    data: &Data,
    split: Option<Split>,
    threads: &Threads,
) -> Result<()> {
    let splits = data.splits()?;
    content.data = facts(data, &splits);
    let split = split.unwrap_or_else(|| default_split(&splits));
    let evaluator = Evaluator {
        network: &model.network,
        loss: model.loss,
        data,
        threads,
    };
    content.importance = Importance::of_held_out(&evaluator, &splits)?;
    let samples = splits.get(split)?;
    let metrics = evaluator.metrics(&samples, None)?;
    let charts = match metrics.evaluation.first_nonfinite {
        Some(_) => Vec::new(),
        None => charts(&evaluator.outputs(&samples)?, data),
    };
    let evaluation = &metrics.evaluation;
    let worst = worst_mistakes(model, data, &samples, threads)?;
    let is_numbered = split == Split::Test && !data.dataset.test.is_empty();
    let mistake_command = match worst.kept.first().filter(|_| is_numbered) {
        Some(first) => format!(
            "{} predict {} --index {}",
            content.program, content.path, first.position
        ),
        None => String::new(),
    };
    content.results = Some(Results {
        split: split.to_string(),
        n_samples: evaluation.n_samples as u64,
        loss_name: model.loss.to_string(),
        loss: evaluation.loss,
        accuracy: evaluation.accuracy,
        metrics: metric_facts(&metrics),
        errors: errors_of(&metrics, data),
        confusion: evaluation
            .confusion
            .as_ref()
            .map(|confusion| confusion_chart(confusion, &data.class_names)),
        classes: classes(evaluation, &data.class_names),
        mistakes: worst.grid(data, split),
        mistake_command,
        charts,
    });
    Ok(())
}

/// The test samples, otherwise the validation samples, otherwise the training samples.
fn default_split(splits: &Splits<'_>) -> Split {
    if splits.test.is_some() {
        Split::Test
    } else if !splits.validation.is_empty() {
        Split::Validation
    } else {
        Split::Train
    }
}

fn facts(data: &Data, splits: &Splits<'_>) -> Vec<(String, String)> {
    let count = |n: usize| number::count(n as u64);
    let shape: Vec<String> = data.input_shape().iter().map(usize::to_string).collect();
    let mut facts = vec![
        ("data set", data.dataset.name.clone()),
        ("training samples", count(splits.train.len())),
        ("validation samples", count(splits.validation.len())),
        (
            "test samples",
            count(splits.test.as_ref().map_or(0, |test| test.len())),
        ),
        ("values of a sample", shape.join(" x ")),
    ];
    if !data.class_names.is_empty() {
        facts.push(("classes", data.class_names.join(", ")));
    }
    if let Some(sha256) = &data.table_sha256 {
        facts.push(("SHA-256 of the file", sha256.clone()));
    }
    let owned = |(name, value): (&str, String)| (name.to_owned(), value);
    facts.into_iter().map(owned).collect()
}

fn confusion_chart(confusion: &ConfusionMatrix, names: &[String]) -> ConfusionChart {
    ConfusionChart {
        title: "Confusion matrix".to_owned(),
        class_names: names.to_vec(),
        counts: confusion.counts().rows().map(|row| row.to_vec()).collect(),
    }
}

fn classes(evaluation: &Evaluation, names: &[String]) -> Vec<ClassResult> {
    let Some(confusion) = &evaluation.confusion else {
        return Vec::new();
    };
    let result = |(class, name): (usize, &String)| {
        let scores = confusion.scores(class);
        ClassResult {
            name: name.clone(),
            precision: scores.precision,
            recall: scores.recall,
            f1: scores.f1,
            support: scores.support,
        }
    };
    names.iter().enumerate().map(result).collect()
}

/// A misclassified sample.
struct Mistake {
    position: usize,
    loss: f64,
    true_class: usize,
    predicted: usize,
    pixels: Vec<f32>,
    probability: f32,
}

/// The mistakes with the highest loss.
#[derive(Default)]
struct WorstMistakes {
    kept: Vec<Mistake>,
    /// Total number of mistakes.
    n_all: usize,
}

/// Finds the worst mistakes, where samples are images.
fn worst_mistakes(
    model: &Model,
    data: &Data,
    samples: &Samples<'_>,
    threads: &Threads,
) -> Result<WorstMistakes> {
    if data.dataset.image_size.is_none() {
        return Ok(WorstMistakes::default());
    }
    let mut mistakes: Vec<Mistake> = Vec::new();
    let mut n_all = 0;
    each_output(model, samples, threads, |output| {
        let true_class = samples.label(output.position).map(|label| label as usize);
        let predicted = model.loss.predicted_class(output.outputs);
        let Some(true_class) = true_class.filter(|&class| class != predicted) else {
            return;
        };
        n_all += 1;
        mistakes.push(Mistake {
            position: output.position,
            loss: output.loss,
            true_class,
            predicted,
            probability: class_probabilities(model.loss, output.outputs)[predicted],
            pixels: output.inputs.to_vec(),
        });
        if mistakes.len() >= 2 * N_MISTAKES {
            keep_worst(&mut mistakes);
        }
    })?;
    keep_worst(&mut mistakes);
    Ok(WorstMistakes {
        kept: mistakes,
        n_all,
    })
}

/// Keeps the mistakes with the highest loss.
fn keep_worst(mistakes: &mut Vec<Mistake>) {
    mistakes.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    mistakes.truncate(N_MISTAKES);
}

impl WorstMistakes {
    fn grid(&self, data: &Data, split: Split) -> Option<ImageGrid> {
        let size = data.dataset.image_size.filter(|_| self.n_all > 0)?;
        let name = |class: usize| data.class_names.get(class).map_or("?", String::as_str);
        let tile = |mistake: &Mistake| Tile {
            picture: Picture {
                width: size.1,
                height: size.0,
                pixels: Pixels::Gray(mistake.pixels.clone()),
            },
            caption: format!(
                "{} → {}\n{}\nno. {}",
                name(mistake.true_class),
                name(mistake.predicted),
                number::percent(f64::from(mistake.probability)),
                data.row_of(split, mistake.position)
            ),
            is_mistake: true,
        };
        Some(ImageGrid {
            title: format!(
                "The {} worst of {} mistakes",
                self.kept.len(),
                number::count(self.n_all as u64)
            ),
            columns: 8,
            tiles: self.kept.iter().map(tile).collect(),
        })
    }
}

/// Names and values of the metrics besides accuracy, and of the baseline.
fn metric_facts(metrics: &Metrics) -> Vec<(String, String)> {
    let classification = metrics.classification.unwrap_or_default();
    let baseline = match (&metrics.classification, metrics.labels.is_empty()) {
        (None, _) => "Baseline root mean square error (training mean)",
        (Some(_), true) => "Baseline accuracy (most frequent class)",
        (Some(_), false) => "Baseline accuracy (most frequent value of each label)",
    };
    let baseline_text = match metrics.classification {
        None => number::number,
        Some(_) => number::percent,
    };
    let interval = metrics.accuracy_interval;
    let interval = interval
        .map(|(low, high)| format!("{} to {}", number::percent(low), number::percent(high)));
    let decimal = |value: Option<f64>| value.map(number::number);
    let error_interval = |interval: Option<(f64, f64)>| {
        interval.map(|(low, high)| format!("{} to {}", number::number(low), number::number(high)))
    };
    let percent = |value: Option<f64>| value.map(number::percent);
    [
        ("95 % interval of the accuracy", interval),
        (
            "95 % interval of the mean absolute error",
            error_interval(metrics.mean_absolute_interval),
        ),
        (
            "95 % interval of the root mean square error",
            error_interval(metrics.root_mean_square_interval),
        ),
        (baseline, metrics.baseline.map(baseline_text)),
        ("AUC", decimal(classification.auc)),
        (
            "Average precision",
            decimal(classification.average_precision),
        ),
        (
            "Balanced accuracy",
            percent(classification.balanced_accuracy),
        ),
        ("Macro F1", percent(classification.macro_f1)),
        ("Log loss", decimal(classification.log_loss)),
        ("Brier score", decimal(classification.brier)),
        (
            "Expected calibration error",
            percent(classification.calibration_error),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

/// Names and values of a regression's errors, in the table's own units; of
/// several targets their means, and the R² of each.
fn errors_of(metrics: &Metrics, data: &Data) -> Vec<(String, f64)> {
    let Some(errors) = &metrics.regression else {
        return Vec::new();
    };
    let named = data.target_names().zip(&errors.outputs);
    let of_targets = named
        .filter(|_| errors.outputs.len() > 1)
        .map(|(name, output)| (format!("R² of {name}"), output.r_squared));
    [
        ("Mean absolute error", Some(errors.mean_absolute)),
        ("Root mean square error", Some(errors.root_mean_square)),
        ("R²", errors.r_squared),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .chain(of_targets)
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// The outputs of the network for one sample.
struct Output<'a> {
    position: usize,
    inputs: &'a [f32],
    outputs: &'a [f32],
    loss: f64,
}

/// Calls `each` with the outputs and the loss of every sample.
fn each_output(
    model: &Model,
    samples: &Samples<'_>,
    threads: &Threads,
    mut each: impl FnMut(Output<'_>),
) -> Result<()> {
    let network = &model.network;
    let n_outputs = network.n_outputs();
    let (mut target, mut error) = (vec![0.0; n_outputs], vec![0.0; n_outputs]);
    let output = network.output_layer().activation;
    for_each_block(network, samples, threads, |start, inputs, cache| {
        let last = cache.layer(network.layers().len() - 1);
        let sums = last.pre_activations().chunks_exact(n_outputs);
        let rows = sums.zip(last.activations().chunks_exact(n_outputs));
        for ((position, inputs), (z, a)) in (start..).zip(inputs.rows()).zip(rows) {
            samples.copy_target(position, 0.0, &mut target);
            let loss = model.loss.of_row(output, z, a, &target, &mut error);
            each(Output {
                position,
                inputs,
                outputs: a,
                loss: f64::from(loss),
            });
        }
    })
}
