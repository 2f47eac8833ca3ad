//! What a network says about samples, against what is right.

use ndarray::{Array2, Axis};
use nn_core::metrics::{ConfusionMatrix, Evaluation, evaluate};
use nn_core::network::ForwardCache;
use nn_core::{Model, Samples};
use nn_plot::chart::{ConfusionChart, ImageGrid, Picture, Pixels, ScatterChart, Series, Tile};
use nn_plot::{Axis as ChartAxis, number};
use nn_report::{ClassResult, Results, RunReport};
use nn_table::preprocessing::TargetEncoding;
use nn_tensor::Threads;

use crate::args::SplitChoice;
use crate::datasets::Data;
use crate::evaluate::{choose, errors_of, split_name};
use crate::failure::Result;
use crate::predict::class_probabilities;
use crate::terminal;

/// Rows that go through the network together.
const BLOCK_ROWS: usize = 512;

/// Mistakes that are shown.
const N_MISTAKES: usize = 24;

/// Charts of predicted against actual numbers.
const MOST_SCATTERS: usize = 4;

/// Points of such a chart.
const MOST_POINTS: usize = 5000;

/// Adds facts about the data and what the network says about one split.
pub(super) fn fill(
    content: &mut RunReport,
    model: &Model,
    data: &Data,
    split: Option<SplitChoice>,
    threads: &Threads,
) -> Result<()> {
    content.data = facts(data)?;
    let split = match split {
        Some(split) => split,
        None => default_split(data)?,
    };
    let samples = choose(data.parts()?, split)?;
    let evaluation = evaluate(&model.network, &samples, model.loss, threads)?;
    let worst = worst_mistakes(model, data, &samples, threads);
    let is_numbered = split == SplitChoice::Test && !data.dataset.test.is_empty();
    let mistake_command = match worst.kept.first().filter(|_| is_numbered) {
        Some(first) => format!(
            "{} predict {} --index {}",
            content.program, content.path, first.position
        ),
        None => String::new(),
    };
    content.results = Some(Results {
        split: split_name(split).to_owned(),
        n_samples: evaluation.n_samples as u64,
        loss_name: model.loss.to_string(),
        loss: evaluation.loss,
        accuracy: evaluation.accuracy,
        errors: errors_of(&evaluation, data),
        confusion: evaluation
            .confusion
            .as_ref()
            .map(|confusion| confusion_chart(confusion, &data.class_names)),
        classes: classes(&evaluation, &data.class_names),
        mistakes: worst.grid(data, split, &samples),
        mistake_command,
        scatter: scatters(model, data, &samples, threads),
    });
    Ok(())
}

/// The test set has been looked at at the end of the run; without one, what
/// comes nearest.
fn default_split(data: &Data) -> Result<SplitChoice> {
    let parts = data.parts()?;
    Ok(if parts.test.is_some() {
        SplitChoice::Test
    } else if !parts.validation.is_empty() {
        SplitChoice::Validation
    } else {
        SplitChoice::Train
    })
}

fn facts(data: &Data) -> Result<Vec<(String, String)>> {
    let parts = data.parts()?;
    let count = |n: usize| number::count(n as u64);
    let shape: Vec<String> = data.input_shape().iter().map(usize::to_string).collect();
    let mut facts = vec![
        ("data set", data.dataset.name.clone()),
        ("training samples", count(parts.train.len())),
        ("validation samples", count(parts.validation.len())),
        (
            "test samples",
            count(parts.test.map_or(0, |test| test.len())),
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
    Ok(facts.into_iter().map(owned).collect())
}

fn confusion_chart(confusion: &ConfusionMatrix, names: &[String]) -> ConfusionChart {
    ConfusionChart {
        title: "Which class is taken for which".to_owned(),
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

/// A sample with the wrong answer.
struct Mistake {
    position: usize,
    loss: f64,
    right: usize,
    named: usize,
    probability: f32,
}

/// The mistakes with the highest loss.
#[derive(Default)]
struct WorstMistakes {
    kept: Vec<Mistake>,
    /// How many there are in all.
    n_all: usize,
}

/// Finds the worst mistakes, where samples are images.
fn worst_mistakes(
    model: &Model,
    data: &Data,
    samples: &Samples<'_>,
    threads: &Threads,
) -> WorstMistakes {
    if data.dataset.image_size.is_none() {
        return WorstMistakes::default();
    }
    let mut mistakes = Vec::new();
    each_answer(model, samples, threads, |answer| {
        let right = samples.label(answer.position).map(|label| label as usize);
        let named = model.loss.predicted_class(answer.outputs);
        if let Some(right) = right.filter(|&right| right != named) {
            mistakes.push(Mistake {
                position: answer.position,
                loss: answer.loss,
                right,
                named,
                probability: class_probabilities(model.loss, answer.outputs)[named],
            });
        }
    });
    let n_all = mistakes.len();
    mistakes.sort_by(|a, b| b.loss.total_cmp(&a.loss));
    mistakes.truncate(N_MISTAKES);
    WorstMistakes {
        kept: mistakes,
        n_all,
    }
}

impl WorstMistakes {
    fn grid(&self, data: &Data, split: SplitChoice, samples: &Samples<'_>) -> Option<ImageGrid> {
        let size = data.dataset.image_size.filter(|_| self.n_all > 0)?;
        let name = |class: usize| data.class_names.get(class).map_or("?", String::as_str);
        let tile = |mistake: &Mistake| {
            let mut pixels = vec![0.0; samples.n_inputs()];
            let read = samples.copy_inputs(mistake.position, &mut pixels);
            read.expect("the samples are in memory");
            Tile {
                picture: Picture {
                    width: size.1,
                    height: size.0,
                    pixels: Pixels::Gray(pixels),
                },
                caption: format!(
                    "{} → {}\n{}\nno. {}",
                    name(mistake.right),
                    name(mistake.named),
                    terminal::percent(Some(f64::from(mistake.probability))),
                    data.row_of(split, mistake.position)
                ),
                is_mistake: true,
            }
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

/// Predicted against actual numbers in the table's own units.
fn scatters(
    model: &Model,
    data: &Data,
    samples: &Samples<'_>,
    threads: &Threads,
) -> Vec<ScatterChart> {
    let target = data
        .preprocessing
        .as_ref()
        .map(|preprocessing| &preprocessing.target);
    let Some(TargetEncoding::Regression(columns)) = target else {
        return Vec::new();
    };
    let every = samples.len().div_ceil(MOST_POINTS).max(1);
    let mut points = vec![Vec::new(); columns.len()];
    let mut actual = vec![0.0; model.network.n_outputs()];
    each_answer(model, samples, threads, |answer| {
        if answer.position.is_multiple_of(every) {
            samples.copy_target(answer.position, 0.0, &mut actual);
            let pairs = actual.iter().zip(answer.outputs).zip(columns);
            for (points, ((&actual, &predicted), column)) in points.iter_mut().zip(pairs) {
                let restored = |value: f32| {
                    column.standardization.mean + column.standardization.std * f64::from(value)
                };
                points.push((restored(actual), restored(predicted)));
            }
        }
    });
    columns
        .iter()
        .zip(points)
        .take(MOST_SCATTERS)
        .map(|(column, points)| ScatterChart {
            has_diagonal: true,
            ..ScatterChart::new(
                format!("{}: predicted and actual", column.name),
                ChartAxis::new("actual"),
                ChartAxis::new("predicted"),
                vec![Series::new(column.name.as_str(), points)],
            )
        })
        .collect()
}

/// What the network says about one sample.
struct Answer<'a> {
    position: usize,
    outputs: &'a [f32],
    loss: f64,
}

/// Runs the network over all samples, which must fit it.
fn each_answer(
    model: &Model,
    samples: &Samples<'_>,
    threads: &Threads,
    mut visit: impl FnMut(Answer<'_>),
) {
    let network = &model.network;
    let (n_inputs, n_outputs) = (network.n_inputs(), network.n_outputs());
    let n_rows = samples.len().clamp(1, BLOCK_ROWS);
    let mut cache = ForwardCache::new(network, n_rows);
    let mut inputs = Array2::zeros((n_rows, n_inputs));
    let (mut target, mut error) = (vec![0.0; n_outputs], vec![0.0; n_outputs]);
    let output = network.output_layer().activation;
    for start in (0..samples.len()).step_by(n_rows) {
        let end = samples.len().min(start + n_rows);
        let mut inputs = inputs.slice_axis_mut(Axis(0), (..end - start).into());
        for (position, mut row) in (start..end).zip(inputs.rows_mut()) {
            let row = row.as_slice_mut().expect("a row is contiguous");
            let read = samples.copy_inputs(position, row);
            read.expect("the samples are in memory");
        }
        network.forward(inputs.view(), &mut cache, threads);
        let last = cache.layer(network.layers().len() - 1);
        let sums = last.pre_activations().chunks_exact(n_outputs);
        let rows = sums.zip(last.activations().chunks_exact(n_outputs));
        for (position, (z, a)) in (start..end).zip(rows) {
            samples.copy_target(position, 0.0, &mut target);
            let loss = model.loss.of_row(output, z, a, &target, &mut error);
            visit(Answer {
                position,
                outputs: a,
                loss: f64::from(loss),
            });
        }
    }
}
