//! The score of an exported model on samples, to compare 32-bit floats with integers of 8 bits.

use std::fmt;

use nn_core::{Rows, Samples};
use nn_export::{ExportedModel, Outcome};
use nn_table::TargetEncoding;
use nn_train::Data;
use nn_train::sample_outputs::{classes_of, targets_of};

use crate::terminal;

/// The score of a model on samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Score {
    /// The fraction of correct classes or labels.
    Accuracy(f64),
    /// The root mean square error of predicted numbers, in the units of the table.
    Error(f64),
}

impl Score {
    /// Predicts the rows of `values` and compares the outputs with the targets of `samples`.
    pub(super) fn new(
        model: &ExportedModel<'_>,
        values: &Rows<'_, f32>,
        samples: &Samples<'_>,
        data: &Data,
    ) -> Self {
        let outputs: Vec<Vec<f32>> = values.rows().map(|row| model.predict(row)).collect();
        if let Some(classes) = classes_of(samples) {
            let predicted = outputs.iter().map(|output| model.outcome().class(output));
            let pairs = predicted.zip(&classes);
            return Self::Accuracy(mean(pairs.map(|(predicted, &class)| {
                f64::from(u8::from(predicted == Some(class as usize)))
            })));
        }
        let targets = targets_of(samples);
        let pairs = || outputs.iter().flatten().zip(targets.iter());
        if let Outcome::Labels { thresholds, .. } = model.outcome() {
            let pairs = pairs().zip(thresholds.iter().cycle());
            return Self::Accuracy(mean(pairs.map(|((&output, &target), &threshold)| {
                f64::from(u8::from((output >= threshold) == (target > 0.5)))
            })));
        }
        let columns = match data.preprocessing.as_ref().map(|it| &it.target) {
            Some(TargetEncoding::Regression(columns)) => &columns[..],
            _ => &[],
        };
        let restored = |(at, (&output, &target)): (usize, (&f32, &f32))| {
            let column = columns.get(at % model.n_outputs());
            let target = column.map_or(target, |column| column.inverse(target));
            (f64::from(output) - f64::from(target)).powi(2)
        };
        Self::Error(mean(pairs().enumerate().map(restored)).sqrt())
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accuracy(accuracy) => {
                write!(f, "accuracy {}", terminal::percent(Some(*accuracy)))
            }
            Self::Error(error) => write!(f, "root mean square error {error:.4}"),
        }
    }
}

fn mean(terms: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = terms.fold((0_u64, 0.0), |(n, sum), term| (n + 1, sum + term));
    sum / n.max(1) as f64
}
