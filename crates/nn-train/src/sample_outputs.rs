//! The outputs of a network for samples, together with the targets.

use ndarray::ArrayViewMut2;
use nn_core::batches::Targets;
use nn_core::{Activation, Loss, Network, Rows, Samples};
use nn_settings::Result;
use nn_tensor::Threads;

use crate::data::Data;
use crate::forward::for_each_block;
use crate::task::Task;

/// The outputs of a network for samples, together with the targets.
#[derive(Clone, Debug)]
pub enum SampleOutputs {
    /// Classification.
    Classes(ClassOutputs),
    /// Multi-label classification.
    Labels(LabelOutputs),
    /// Regression.
    Values(ValueOutputs),
}

/// The outputs of a classifier.
#[derive(Clone, Debug)]
pub struct ClassOutputs {
    /// The probability of each class, or another score that is higher for more likely
    /// classes, `[n_samples, n_classes]`.
    pub scores: Rows<'static, f64>,
    /// Whether the scores are probabilities.
    pub are_probabilities: bool,
    /// The predicted classes, `[n_samples]`.
    pub predicted: Vec<u32>,
    /// The true classes, `[n_samples]`.
    pub classes: Vec<u32>,
}

/// The outputs of a multi-label classifier.
#[derive(Clone, Debug)]
pub struct LabelOutputs {
    /// The probability of each label, or another score, `[n_samples, n_labels]`.
    pub scores: Rows<'static, f64>,
    /// Whether the scores are probabilities.
    pub are_probabilities: bool,
    /// Whether each label is true, `[n_samples, n_labels]`.
    pub is_true: Rows<'static, bool>,
}

/// The outputs of a regression, in the units of the table.
#[derive(Clone, Debug)]
pub struct ValueOutputs {
    /// The predicted values, `[n_samples, n_targets]`.
    pub predicted: Rows<'static, f64>,
    /// The true values, `[n_samples, n_targets]`.
    pub actual: Rows<'static, f64>,
}

impl SampleOutputs {
    /// Runs the network over the samples.
    ///
    /// # Errors
    /// Returns an error if the samples do not fit the network or cannot be read.
    pub fn new(
        network: &Network,
        loss: Loss,
        data: &Data,
        samples: &Samples<'_>,
        threads: &Threads,
    ) -> Result<Self> {
        let mut outputs = Vec::with_capacity(samples.len() * network.n_outputs());
        for_each_block(network, samples, threads, |_, _, cache| {
            outputs.extend_from_slice(cache.outputs().as_slice());
        })?;
        let outputs = Rows::new(outputs, network.n_outputs());
        let activation = network.output_layer().activation;
        Ok(match (data.task, classes_of(samples)) {
            (_, Some(classes)) => {
                Self::Classes(ClassOutputs::new(&outputs, classes, activation, loss))
            }
            (Task::MultiLabel(_), None) => {
                let targets = targets_of(samples);
                let is_true = targets.iter().map(|&target| target > 0.5);
                Self::Labels(LabelOutputs {
                    are_probabilities: activation == Activation::Sigmoid,
                    is_true: Rows::new(is_true.collect::<Vec<_>>(), outputs.n_columns()),
                    scores: in_f64(&outputs),
                })
            }
            _ => Self::Values(ValueOutputs {
                predicted: restored(outputs, data),
                actual: actual_values(samples, data),
            }),
        })
    }
}

impl ClassOutputs {
    fn new(outputs: &Rows<'_, f32>, classes: Vec<u32>, activation: Activation, loss: Loss) -> Self {
        let predicted = outputs.rows().map(|row| loss.predicted_class(row) as u32);
        let predicted = predicted.collect();
        let are_probabilities = match outputs.n_columns() {
            1 => activation == Activation::Sigmoid,
            _ => activation == Activation::Softmax,
        };
        let scores = match outputs.n_columns() {
            1 if are_probabilities => two_columns(outputs, |row| (1.0 - row[0], row[0])),
            1 => two_columns(outputs, |row| (-row[0], row[0])),
            2 if !are_probabilities => {
                two_columns(outputs, |row| (row[0] - row[1], row[1] - row[0]))
            }
            _ => in_f64(outputs),
        };
        Self {
            scores,
            are_probabilities,
            predicted,
            classes,
        }
    }

    /// Predicts the second of two classes for every sample whose score for that class is at
    /// least `threshold`.
    #[must_use]
    pub fn with_threshold(self, threshold: f64) -> Self {
        let is_second = self.scores.column(1).map(|&score| threshold <= score);
        Self {
            predicted: is_second.map(u32::from).collect(),
            ..self
        }
    }
}

impl LabelOutputs {
    /// For each sample, the score of a label and whether the label is true.
    pub fn label(&self, label: usize) -> (Vec<f64>, Vec<bool>) {
        let scores = self.scores.column(label).copied().collect();
        (scores, self.is_true.column(label).copied().collect())
    }
}

impl ValueOutputs {
    /// The absolute error of each sample, averaged over the targets, `[n_samples]`.
    pub fn absolute_errors(&self) -> Vec<f64> {
        let rows = self.predicted.rows().zip(self.actual.rows());
        let error = |(predicted, actual): (&[f64], &[f64])| {
            let errors = predicted.iter().zip(actual).map(|(p, a)| (p - a).abs());
            errors.sum::<f64>() / actual.len() as f64
        };
        rows.map(error).collect()
    }
}

/// The values of the targets in the units of the table, `[n_samples, n_targets]`.
pub(crate) fn actual_values(samples: &Samples<'_>, data: &Data) -> Rows<'static, f64> {
    restored(targets_of(samples), data)
}

/// The true classes of the samples; `None` if the targets are not classes.
pub fn classes_of(samples: &Samples<'_>) -> Option<Vec<u32>> {
    samples.n_classes()?;
    (0..samples.len()).map(|row| samples.label(row)).collect()
}

/// The values of the targets as the network sees them, `[n_samples, n_outputs]`.
pub fn targets_of(samples: &Samples<'_>) -> Rows<'static, f32> {
    let n_outputs = match samples.targets() {
        Targets::Values(values) => values.n_columns(),
        _ => 1,
    };
    let mut targets = vec![0.0; samples.len() * n_outputs];
    for (row, target) in targets.chunks_exact_mut(n_outputs).enumerate() {
        samples.copy_target(row, 0.0, target);
    }
    Rows::new(targets, n_outputs)
}

/// Converts outputs of the network to the units of the table.
fn restored(outputs: Rows<'_, f32>, data: &Data) -> Rows<'static, f64> {
    let shape = outputs.shape();
    let mut values = outputs.into_vec();
    if let Some(preprocessing) = &data.preprocessing {
        let view = ArrayViewMut2::from_shape(shape, &mut values).expect("the shape of the rows");
        preprocessing.inverse_transform(view);
    }
    in_f64(&Rows::new(values, shape[1]))
}

pub(crate) fn in_f64(values: &Rows<'_, f32>) -> Rows<'static, f64> {
    let all: Vec<f64> = values.iter().map(|&value| value.into()).collect();
    Rows::new(all, values.n_columns())
}

fn two_columns(outputs: &Rows<'_, f32>, of_row: fn(&[f64]) -> (f64, f64)) -> Rows<'static, f64> {
    let outputs = in_f64(outputs);
    let pairs = outputs.rows().flat_map(|row| <[f64; 2]>::from(of_row(row)));
    Rows::new(pairs.collect::<Vec<_>>(), 2)
}
