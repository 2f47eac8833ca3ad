//! The baseline: the scores of constant predictions, which do not depend on the inputs.

use nn_core::batches::RowIndices;
use nn_core::{Rows, Samples};
use nn_metrics::mean;
use nn_settings::Result;

use crate::constant_prediction::ConstantPrediction;
use crate::data::Data;
use crate::sample_outputs::{SampleOutputs, actual_values, in_f64, targets_of};
use crate::task::Task;

/// Number of samples whose targets are in memory twice.
const SAMPLES_AT_A_TIME: usize = 1 << 16;

impl ConstantPrediction {
    /// The prediction of the run whose model is evaluated on `data`, or else the prediction
    /// fitted to the training samples of `data`; `None` if there are none.
    ///
    /// # Errors
    /// Returns an error if the data set is inconsistent.
    pub fn of_training(data: &Data) -> Result<Option<Self>> {
        if let Some(prediction) = &data.constant_prediction {
            return Ok(Some(prediction.clone()));
        }
        let train = data.splits()?.train;
        Ok((!train.is_empty()).then(|| Self::fit(data, &train)))
    }

    /// Fits the prediction to samples of `data`, without sample weights.
    pub fn fit(data: &Data, samples: &Samples<'_>) -> Self {
        match (data.task, samples.class_counts()) {
            (_, Some(counts)) => Self::Class(most_frequent(&counts)),
            (Task::MultiLabel(_), None) => {
                let fractions = column_means(samples, |samples| in_f64(&targets_of(samples)));
                Self::Labels(fractions.map(|fraction| fraction > 0.5).collect())
            }
            _ => Self::Means(column_means(samples, |it| actual_values(it, data)).collect()),
        }
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
fn most_frequent(counts: &[usize]) -> u32 {
    let classes = (0..counts.len()).rev();
    let class = classes.max_by_key(|&class| counts[class]);
    class.unwrap_or(0) as u32
}

/// The mean of each column of values, which are computed for some samples at a time.
fn column_means(
    samples: &Samples<'_>,
    values_of: impl Fn(&Samples<'_>) -> Rows<'static, f64>,
) -> impl Iterator<Item = f64> {
    let n_columns = values_of(&samples.select(&[])).n_columns();
    let n_samples = samples.len();
    (0..n_columns).map(move |column| {
        let starts = (0..n_samples).step_by(SAMPLES_AT_A_TIME);
        let values = starts.flat_map(|start| {
            let end = n_samples.min(start + SAMPLES_AT_A_TIME);
            let part = samples.select_all(&RowIndices::from(start as u32..end as u32));
            let values = values_of(&part);
            values.column(column).copied().collect::<Vec<f64>>()
        });
        mean(values).unwrap_or(0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equally_frequent_classes_is_guessed() {
        assert_eq!(most_frequent(&[1, 2, 2]), 1);
        assert_eq!(most_frequent(&[0, 0, 0, 1]), 3);
        assert_eq!(most_frequent(&[]), 0);
    }
}
