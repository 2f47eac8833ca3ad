//! Checks for target leakage: a single input column predicts the target.

use std::ops::Range;

use nn_core::Samples;
use nn_plot::number::number;
use nn_train::Task;

use super::case::Case;
use super::finding::{Finding, Suggestion, percent};
use super::probe::spread;
use super::reference::{Outputs, Reference};
use super::targets::constant_targets;

/// Accuracy or R² of the predictions from one column that is suspicious. In measured
/// data, a single column hardly ever predicts the target that well; one that was
/// written down after the target, such as a price in another currency or an identifier
/// of a sorted table, does.
const SUSPICIOUS: f64 = 0.99;

/// Accuracy or R² of the other columns with which the target is just easy to predict.
const AS_GOOD: f64 = 0.95;

/// A column that predicts the target alone, while all others together do not.
pub(super) fn leak(case: &Case<'_>) -> Finding {
    let data = match case.data() {
        Ok(data) => data,
        Err(why) => return Finding::NotChecked(why),
    };
    let preprocessing = data.preprocessing.as_ref();
    let columns = preprocessing.map(|it| it.input_ranges().unzip());
    let (names, columns): (Vec<&str>, Vec<Range<usize>>) = columns.unwrap_or_default();
    match columns.len() {
        0 => return Finding::Ok("not applicable: the inputs are pixels".to_owned()),
        1 => return Finding::Ok("not applicable: there is only one input column".to_owned()),
        _ => {}
    }
    let train = match case.splits() {
        Ok(parts) => parts.train,
        Err(why) => return Finding::NotChecked(why),
    };
    let some = train.select(&spread(&train));
    if !constant_targets(&some).is_empty() {
        return Finding::Ok("not applicable: a target is always the same".to_owned());
    }
    let cells = match Cells::new(columns, &some) {
        Ok(cells) => cells,
        Err(why) => return Finding::NotChecked(why),
    };
    let scores = (0..names.len()).map(|column| cells.score_of_column(column, &some));
    let Some((column, score)) = scores.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)) else {
        return Finding::Ok("not applicable: there are no input columns".to_owned());
    };
    let name = names[column];
    let named = |score: f64| match data.task {
        Task::Regression(_) => format!("R² {}", number(score)),
        _ => format!("accuracy {}", percent(score)),
    };
    let text = format!(
        "column {name} alone predicts the target with {}",
        named(score)
    );
    if score < SUSPICIOUS || largest_class(&some) >= SUSPICIOUS {
        return Finding::Ok(text);
    }
    let others = match cells.score_of_others(column, &some) {
        Ok(others) => others,
        Err(why) => return Finding::NotChecked(why),
    };
    let text = format!(
        "{text}, and all other columns together predict it with {}",
        named(others)
    );
    if others >= AS_GOOD {
        return Finding::Ok(text);
    }
    Finding::Problem(
        format!(
            "{text}; the column may contain the target, or may have been measured after the target"
        ),
        vec![Suggestion::set(
            "ignore",
            case.ignoring(name),
            "ignores the column; keep the column if its value is known before the prediction",
        )],
    )
}

/// The input columns of some samples.
struct Cells {
    n_inputs: usize,
    /// `[n_samples, n_inputs]`
    inputs: Vec<f32>,
    /// The inputs of each column.
    columns: Vec<Range<usize>>,
}

impl Cells {
    fn new(columns: Vec<Range<usize>>, samples: &Samples<'_>) -> Result<Self, String> {
        let n_inputs = samples.n_inputs();
        let positions: Vec<u32> = (0..samples.len() as u32).collect();
        let mut inputs = vec![0.0; samples.len() * n_inputs];
        let read = samples.read_inputs(&positions, &mut inputs);
        read.map_err(|error| error.to_string())?;
        Ok(Self {
            n_inputs,
            columns,
            inputs,
        })
    }

    fn row(&self, sample: usize) -> &[f32] {
        &self.inputs[sample * self.n_inputs..][..self.n_inputs]
    }

    /// The score of predicting each sample by another one with the same cell in this
    /// column or, if there is none, with the nearest one. A copy of the row is skipped.
    fn score_of_column(&self, column: usize, samples: &Samples<'_>) -> f64 {
        let cell = |sample: usize| cell(&self.row(sample)[self.columns[column].clone()]);
        let cells: Vec<f32> = (0..samples.len()).map(cell).collect();
        let mut order: Vec<usize> = (0..cells.len()).collect();
        order.sort_by(|&a, &b| cells[a].total_cmp(&cells[b]));
        let predicted = order.iter().enumerate().map(|(place, &sample)| {
            let is_other = |other: &&usize| self.row(**other) != self.row(sample);
            let before = order[..place].iter().rev().find(is_other);
            let after = order[place + 1..].iter().find(is_other);
            let distance = |other: &usize| (cells[*other] - cells[sample]).abs();
            let nearest = before.into_iter().chain(after);
            (
                sample,
                nearest
                    .copied()
                    .min_by(|a, b| distance(a).total_cmp(&distance(b))),
            )
        });
        let mut predicted: Vec<_> = predicted.collect();
        predicted.sort_unstable();
        let predicted: Vec<_> = predicted.into_iter().map(|(_, other)| other).collect();
        let outputs = Outputs::new(samples);
        outputs.score(&outputs.of_samples(&predicted))
    }

    /// What can be learned from the other columns.
    fn score_of_others(&self, column: usize, samples: &Samples<'_>) -> Result<f64, String> {
        let Range { start, end } = self.columns[column];
        let rows = self.inputs.chunks_exact(self.n_inputs);
        let others = rows.flat_map(|row| row[..start].iter().chain(&row[end..]));
        let others: Vec<f32> = others.copied().collect();
        let reference = Reference::of_inputs(&others, self.n_inputs - (end - start), samples)?;
        Ok(reference.score)
    }
}

/// A number for each cell: the value itself, or the index of the category.
fn cell(inputs: &[f32]) -> f32 {
    match inputs {
        [value] => *value,
        categories => {
            let index = categories.iter().position(|&it| it == 1.0);
            index.unwrap_or(categories.len()) as f32
        }
    }
}

/// Fraction of the samples in the largest class; 0 for other targets.
fn largest_class(samples: &Samples<'_>) -> f64 {
    let counts = samples.class_counts().unwrap_or_default();
    counts.into_iter().max().unwrap_or(0) as f64 / samples.len().max(1) as f64
}
