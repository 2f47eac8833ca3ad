//! Permutation importance of the columns of a table (Breiman 2001): how much the loss
//! increases when the values of one column are shuffled among the samples.

use std::ops::Range;

use nn_core::batches::{Inputs, Targets};
use nn_core::metrics::evaluate;
use nn_core::{Rows, Samples};
use nn_tensor::random::{Purpose, Streams};
use nn_train::nn_metrics::mean;
use nn_train::sample_outputs::{classes_of, targets_of};
use nn_train::{Evaluator, Result};

/// Number of shuffles per column.
pub const N_SHUFFLES: u64 = 5;

/// Maximum number of samples; more are subsampled at random.
const MAX_SAMPLES: usize = 5000;

/// Maximum number of predictions for all columns and shuffles, which keeps the time for
/// wide tables short.
const MAX_PREDICTIONS: usize = 1_000_000;

/// Maximum number of input values that are copied (64 MiB).
const MAX_VALUES: usize = 16 << 20;

/// The shuffles do not depend on the seed of the run.
const SEED: u64 = 0;

/// The index of the stream that draws the samples.
const SAMPLES_STREAM: u64 = u32::MAX as u64;

/// The permutation importance of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnImportance {
    /// Name of the column.
    pub column: String,
    /// Mean increase in the loss over the shuffles.
    pub mean: f64,
    /// Population standard deviation of the increase in the loss over the shuffles.
    pub std: f64,
}

/// The permutation importance of each column of a table, measured on `samples`, most
/// important first; empty for images or if there are no samples.
///
/// The samples should be held out from training; sample weights are ignored. All inputs of a column
/// are shuffled together, five times with a fixed seed. A random subset is used for
/// more than 5000 samples; the limit is lower for wide tables.
///
/// # Errors
/// Returns an error if the samples do not fit the network or cannot be read.
pub fn permutation_importance(
    evaluator: &Evaluator<'_>,
    samples: &Samples<'_>,
) -> Result<Vec<ColumnImportance>> {
    let Evaluator {
        network,
        loss,
        data,
        threads,
    } = *evaluator;
    let preprocessing = data.preprocessing.iter();
    let columns: Vec<_> = preprocessing.flat_map(|it| it.input_ranges()).collect();
    if columns.is_empty() || samples.is_empty() {
        return Ok(Vec::new());
    }
    let mut shuffled = ShuffledSamples::new(samples, columns.len())?;
    let loss_of = |shuffled: &ShuffledSamples| -> Result<f64> {
        let samples = shuffled.samples()?;
        Ok(evaluate(network, &samples, loss, threads)?.loss)
    };
    let unshuffled = loss_of(&shuffled)?;
    let mut importances = Vec::with_capacity(columns.len());
    for (index, (column, inputs)) in (0..).zip(columns) {
        let block = shuffled.block(&inputs);
        let mut increases = Vec::new();
        for shuffle in 0..N_SHUFFLES {
            let stream = Streams::new(SEED);
            let mut stream = stream.stream(Purpose::Permutation, index * N_SHUFFLES + shuffle);
            let order = stream.permutation(shuffled.n_samples);
            shuffled.write(&inputs, &block, order);
            increases.push(loss_of(&shuffled)? - unshuffled);
        }
        shuffled.write(&inputs, &block, 0..);
        importances.push(ColumnImportance::new(column.to_owned(), &increases));
    }
    importances.sort_by(|a, b| b.mean.total_cmp(&a.mean));
    Ok(importances)
}

impl ColumnImportance {
    fn new(column: String, increases: &[f64]) -> Self {
        let average = mean(increases.iter().copied()).unwrap_or(0.0);
        let squares = increases
            .iter()
            .map(|increase| (increase - average).powi(2));
        Self {
            column,
            mean: average,
            std: mean(squares).unwrap_or(0.0).sqrt(),
        }
    }
}

/// A copy of samples whose inputs can be shuffled.
struct ShuffledSamples {
    /// `[n_samples, n_inputs]`
    inputs: Vec<f32>,
    n_inputs: usize,
    classes: Option<(Vec<u32>, usize)>,
    targets: Rows<'static, f32>,
    /// Whether the targets are numbers, not labels.
    are_numbers: bool,
    n_samples: usize,
}

impl ShuffledSamples {
    fn new(samples: &Samples<'_>, n_columns: usize) -> Result<Self> {
        let n_inputs = samples.n_inputs();
        let n_predictions = n_columns.saturating_mul(N_SHUFFLES as usize);
        let most = MAX_SAMPLES
            .min(MAX_PREDICTIONS / n_predictions.max(1))
            .min(MAX_VALUES / n_inputs.max(1));
        let subset = subset(samples.len(), most.max(1));
        let samples = samples.select(&subset);
        let positions: Vec<u32> = (0..samples.len() as u32).collect();
        let mut inputs = vec![0.0; samples.len() * n_inputs];
        samples.read_inputs(&positions, &mut inputs)?;
        Ok(Self {
            inputs,
            n_inputs,
            classes: classes_of(&samples).zip(samples.n_classes()),
            targets: targets_of(&samples),
            are_numbers: samples.has_numbers(),
            n_samples: samples.len(),
        })
    }

    fn samples(&self) -> Result<Samples<'_>> {
        let inputs = Inputs::values(Rows::new(&self.inputs[..], self.n_inputs));
        let targets = match &self.classes {
            Some((classes, n_classes)) => Targets::classes(&classes[..], *n_classes),
            None => Targets::values(self.targets.borrow()),
        };
        let samples = Samples::new(inputs, targets)?;
        Ok(if self.are_numbers {
            samples.of_numbers()
        } else {
            samples
        })
    }

    /// A copy of these inputs of all samples, `[n_samples, inputs.len()]`.
    fn block(&self, inputs: &Range<usize>) -> Vec<f32> {
        let rows = self.inputs.chunks_exact(self.n_inputs);
        rows.flat_map(|row| &row[inputs.clone()]).copied().collect()
    }

    /// Writes the rows of a block in this order.
    fn write(
        &mut self,
        inputs: &Range<usize>,
        block: &[f32],
        order: impl IntoIterator<Item = u32>,
    ) {
        let rows = self.inputs.chunks_exact_mut(self.n_inputs);
        for (row, from) in rows.zip(order) {
            let start = from as usize * inputs.len();
            row[inputs.clone()].copy_from_slice(&block[start..start + inputs.len()]);
        }
    }
}

/// At most `most` of `0..n`, drawn at random and in order.
fn subset(n: usize, most: usize) -> Vec<u32> {
    let mut stream = Streams::new(SEED).stream(Purpose::Permutation, SAMPLES_STREAM);
    let mut subset = if most < n {
        stream.permutation(n)
    } else {
        (0..n as u32).collect()
    };
    subset.truncate(most);
    subset.sort_unstable();
    subset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_inputs_of_a_column_move_together() {
        let inputs = [[0.0_f32, 1.0, 2.0], [10.0, 11.0, 12.0], [20.0, 21.0, 22.0]];
        let samples = Samples::classification(&inputs, &[0, 1, 0], 2).unwrap();
        let mut shuffled = ShuffledSamples::new(&samples, 2).unwrap();
        let block = shuffled.block(&(1..3));
        shuffled.write(&(1..3), &block, [2, 0, 1]);
        assert_eq!(
            shuffled.inputs,
            [0.0, 21.0, 22.0, 10.0, 1.0, 2.0, 20.0, 11.0, 12.0]
        );
        shuffled.write(&(1..3), &block, 0..);
        assert_eq!(shuffled.inputs, inputs.as_flattened());
    }

    #[test]
    fn subsets_are_ordered_and_of_the_wanted_size() {
        assert_eq!(subset(3, 5), [0, 1, 2]);
        let drawn = subset(100, 10);
        assert_eq!(drawn.len(), 10);
        assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
