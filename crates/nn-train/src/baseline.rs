//! The baseline: what guessing gets without looking at the inputs.

use nn_core::{Rows, Samples};
use nn_metrics::mean;
use nn_settings::Result;

use crate::data::Data;
use crate::sample_outputs::{SampleOutputs, actual_values, classes_of, in_f64, targets_of};
use crate::task::Task;

/// A constant prediction, fitted to the training samples.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstantPrediction {
    /// The most frequent class.
    Class(u32),
    /// The more frequent value of each label.
    Labels(Vec<bool>),
    /// The mean of each target, in the units of the table.
    Means(Vec<f64>),
}

impl ConstantPrediction {
    /// Fits the prediction to the training samples of `data`, each of which counts once.
    /// New data without training samples are fitted themselves.
    ///
    /// # Errors
    /// If the data set contradicts itself.
    pub fn fit(data: &Data, samples: &Samples<'_>) -> Result<Self> {
        let train = data.splits()?.train;
        let samples = if train.is_empty() { samples } else { &train };
        Ok(match (data.task, classes_of(samples)) {
            (_, Some(classes)) => Self::Class(most_frequent(&classes)),
            (Task::MultiLabel(_), None) => Self::Labels(
                column_means(&in_f64(&targets_of(samples)))
                    .map(|fraction| fraction > 0.5)
                    .collect(),
            ),
            _ => Self::Means(column_means(&actual_values(samples, data)).collect()),
        })
    }

    /// The baseline of each output: the accuracy of the constant class or label, or the
    /// root mean square error of the constant mean.
    pub fn scores(&self, outputs: &SampleOutputs) -> Vec<f64> {
        match (self, outputs) {
            (Self::Class(guess), SampleOutputs::Classes(outputs)) => {
                let is_correct = outputs.classes.iter().map(|class| class == guess);
                mean(is_correct.map(|it| u8::from(it).into()))
                    .into_iter()
                    .collect()
            }
            (Self::Labels(guesses), SampleOutputs::Labels(outputs)) => {
                let accuracy = |(label, guess): (usize, &bool)| {
                    let is_correct = outputs.is_true.column(label).map(|it| it == guess);
                    mean(is_correct.map(|it| u8::from(it).into()))
                };
                guesses.iter().enumerate().filter_map(accuracy).collect()
            }
            (Self::Means(means), SampleOutputs::Values(outputs)) => {
                let error = |(target, guess): (usize, &f64)| {
                    let actual = outputs.actual.column(target);
                    mean(actual.map(|y| (guess - y) * (guess - y))).map(f64::sqrt)
                };
                means.iter().enumerate().filter_map(error).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The most frequent class, the first of equally frequent ones.
fn most_frequent(classes: &[u32]) -> u32 {
    let largest = classes.iter().max().copied().unwrap_or(0);
    let mut counts = vec![0_usize; largest as usize + 1];
    classes
        .iter()
        .for_each(|&class| counts[class as usize] += 1);
    (0..=largest)
        .rev()
        .max_by_key(|&class| counts[class as usize])
        .unwrap_or(0)
}

fn column_means(values: &Rows<'_, f64>) -> impl Iterator<Item = f64> {
    let columns = 0..values.n_columns();
    columns.map(|column| mean(values.column(column).copied()).unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equally_frequent_classes_is_guessed() {
        assert_eq!(most_frequent(&[2, 1, 2, 1, 0]), 1);
        assert_eq!(most_frequent(&[3]), 3);
        assert_eq!(most_frequent(&[]), 0);
    }
}
