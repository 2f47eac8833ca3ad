//! The score of a trained run on each test sample, to compare runs on the same samples.

use std::path::Path;

use nn_settings::Result;
use nn_tensor::Threads;

use crate::run::Run;
use crate::sample_outputs::{SampleOutputs, actual_values, targets_of};
use crate::split::Split;
use crate::task::Task;

/// The score of a run on each test sample.
#[derive(Clone, Debug, PartialEq)]
pub struct RowScores {
    /// Index of each test sample in the data set.
    rows: Vec<usize>,
    /// The true classes, labels or values of the test samples.
    targets: Vec<f64>,
    /// Names of the classes, labels or regression targets.
    names: Vec<String>,
    /// The scores.
    pub scores: Scores,
}

/// A score per test sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Scores {
    /// Classification: whether the predicted class is correct.
    Correct(Vec<bool>),
    /// Multi-label classification: fraction of correct labels.
    CorrectFraction(Vec<f64>),
    /// Regression: absolute error in the units of the table, averaged over the targets.
    AbsoluteError(Vec<f64>),
}

impl RowScores {
    /// Evaluates the model of a run directory on the test samples of its data set.
    ///
    /// # Errors
    /// Returns an error if the model or the data set cannot be loaded, or if there are no test
    /// samples.
    pub fn of_run(directory: &Path, data_dir: &Path, threads: &Threads) -> Result<Self> {
        let run = Run::open(directory)?
            .with_data_dir(data_dir)
            .with_threads(threads.clone());
        let data = run.data()?;
        let samples = data.splits()?.get(Split::Test)?;
        let scores = match run.evaluator(&data).outputs(&samples)? {
            SampleOutputs::Classes(outputs) => {
                let pairs = outputs.predicted.iter().zip(&outputs.classes);
                Scores::Correct(pairs.map(|(predicted, class)| predicted == class).collect())
            }
            SampleOutputs::Labels(outputs) => {
                let rows = outputs.scores.rows().zip(outputs.is_true.rows());
                // Outputs that are not probabilities have the threshold 0.
                let threshold = if outputs.are_probabilities { 0.5 } else { 0.0 };
                let fraction = |(scores, is_true): (&[f64], &[bool])| {
                    let pairs = scores.iter().zip(is_true);
                    let is_correct =
                        |&(score, is_true): &(&f64, &bool)| (*score > threshold) == *is_true;
                    pairs.filter(is_correct).count() as f64 / is_true.len() as f64
                };
                Scores::CorrectFraction(rows.map(fraction).collect())
            }
            SampleOutputs::Values(outputs) => Scores::AbsoluteError(outputs.absolute_errors()),
        };
        let targets = match data.task {
            Task::Regression(_) => actual_values(&samples, &data).into_vec(),
            _ => targets_of(&samples).iter().map(|&it| it.into()).collect(),
        };
        let position = 0..samples.len();
        let mut names = data.class_names.clone();
        names.extend(data.target_names().map(str::to_owned));
        Ok(Self {
            rows: position.map(|it| data.row_of(Split::Test, it)).collect(),
            targets,
            names,
            scores,
        })
    }

    /// Number of test samples.
    pub fn n_samples(&self) -> usize {
        self.rows.len()
    }

    /// Returns `true` if both runs predict the same classes, labels or numbers.
    pub fn has_task_of(&self, other: &Self) -> bool {
        self.names == other.names
    }

    /// Returns `true` if both runs have the same test samples: the same rows of the data set,
    /// with the same targets.
    pub fn has_samples_of(&self, other: &Self) -> bool {
        self.rows == other.rows && are_equal(&self.targets, &other.targets)
    }
}

/// Whether two runs have the same targets. The numbers of a regression are restored from single
/// precision, after each run has scaled them by its own training samples.
fn are_equal(targets: &[f64], others: &[f64]) -> bool {
    let low = targets.iter().copied().fold(f64::INFINITY, f64::min);
    let high = targets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let tolerance = 1e-5 * (high - low) + 1e-6 * high.abs().max(low.abs());
    let mut pairs = targets.iter().zip(others);
    targets.len() == others.len() && pairs.all(|(one, other)| (one - other).abs() <= tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_equal_up_to_rounding() {
        let targets = [1.0, 2.0, 1000.0];
        assert!(are_equal(&targets, &[1.000_01, 2.0, 1000.0]));
        assert!(!are_equal(&targets, &[1.1, 2.0, 1000.0]));
        assert!(!are_equal(&targets, &[1.0, 2.0]));
        assert!(are_equal(&[], &[]));
    }
}
