//! How good answers are: loss, accuracy, confusion matrix, errors of numbers.

use ndarray::{Array2, ArrayView2, Axis};
use nn_tensor::{Scalar, Threads};

use crate::Result;
use crate::batches::{Samples, Targets};
use crate::loss::Loss;
use crate::memory::{Memory, probe};
use crate::network::{Network, Trace};

/// Rows that are evaluated together.
pub(crate) const BLOCK_ROWS: usize = 512;

/// What came out for a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Number of samples.
    pub n_samples: usize,
    /// Weighted mean of the loss per sample, without penalty.
    pub loss: f64,
    /// Share of right answers: of classes, or of 0/1 flags in several columns.
    /// `None` for regression.
    pub accuracy: Option<f64>,
    /// Which class was taken for which. `None` unless classes were learned.
    pub confusion: Option<ConfusionMatrix>,
    /// Errors of numbers. `None` where classes or flags were learned.
    pub regression: Option<RegressionErrors>,
}

/// Errors of predicted numbers, over all outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegressionErrors {
    /// Mean of |a − y|.
    pub mean_absolute: f64,
    /// Root of the mean of (a − y)².
    pub root_mean_square: f64,
    /// 1 − Σ(a − y)²/Σ(y − ȳ)², the share of the variance that is explained;
    /// `None` if the targets do not vary.
    pub r_squared: Option<f64>,
}

/// Rows: the right class; columns: the class that the network named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    counts: Array2<u64>,
}

/// Precision, recall and F1 of one class; `None` where a divisor is 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScores {
    /// Of those named so, the share that are.
    pub precision: Option<f64>,
    /// Of those that are, the share that were named so.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
    /// Number of samples of the class.
    pub support: u64,
}

impl ConfusionMatrix {
    /// Nothing counted yet.
    pub fn new(n_classes: usize) -> Self {
        Self {
            counts: Array2::zeros((n_classes, n_classes)),
        }
    }

    /// Counts one answer.
    ///
    /// # Panics
    /// If a class does not exist.
    pub fn add(&mut self, right: usize, named: usize) {
        self.counts[(right, named)] += 1;
    }

    /// `[right class, named class]`
    pub fn counts(&self) -> ArrayView2<'_, u64> {
        self.counts.view()
    }

    /// Share of right answers; 0 if there are none.
    pub fn accuracy(&self) -> f64 {
        ratio(self.counts.diag().sum(), self.counts.sum()).unwrap_or(0.0)
    }

    /// Scores of one class.
    ///
    /// # Panics
    /// If the class does not exist.
    pub fn scores(&self, class: usize) -> ClassScores {
        let right = self.counts[(class, class)];
        let support = self.counts.row(class).sum();
        let named = self.counts.column(class).sum();
        ClassScores {
            precision: ratio(right, named),
            recall: ratio(right, support),
            f1: ratio(2 * right, named + support),
            support,
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Runs a network over samples and compares its answers with the right ones.
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty) or
/// [`Error::Shape`](crate::Error::Shape) if the samples do not fit,
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the buffers do not.
pub fn evaluate<S: Scalar>(
    network: &Network<S>,
    samples: &Samples<'_, S>,
    loss: Loss,
    threads: &Threads,
) -> Result<Evaluation> {
    samples.check_fit(network.n_inputs(), network.n_outputs())?;
    probe(Memory::of_evaluation::<S>(network.layers(), samples.len()).total())?;
    Ok(Evaluator::new(network, samples.len()).evaluate(network, samples, loss, threads))
}

/// The buffers of an evaluation, to be used again.
#[derive(Clone, Debug)]
pub(crate) struct Evaluator<S> {
    trace: Trace<S>,
    inputs: Array2<S>,
    target: Vec<S>,
    error: Vec<S>,
}

impl<S: Scalar> Evaluator<S> {
    pub(crate) fn new(network: &Network<S>, n_samples: usize) -> Self {
        let n_rows = n_samples.clamp(1, BLOCK_ROWS);
        Self {
            trace: Trace::new(network, n_rows),
            inputs: Array2::zeros((n_rows, network.n_inputs())),
            target: vec![S::zero(); network.n_outputs()],
            error: vec![S::zero(); network.n_outputs()],
        }
    }

    /// As [`evaluate`], for samples known to fit.
    pub(crate) fn evaluate(
        &mut self,
        network: &Network<S>,
        samples: &Samples<'_, S>,
        loss: Loss,
        threads: &Threads,
    ) -> Evaluation {
        let mut tally = Tally::new(samples);
        let block_rows = self.inputs.nrows();
        for start in (0..samples.len()).step_by(block_rows) {
            let end = samples.len().min(start + block_rows);
            let mut inputs = self.inputs.slice_axis_mut(Axis(0), (..end - start).into());
            for (position, mut row) in (start..end).zip(inputs.rows_mut()) {
                let row = row.as_slice_mut().expect("a row is contiguous");
                samples.copy_inputs(position, row);
            }
            network.forward(inputs.view(), &mut self.trace, threads);
            self.add_block(network, samples, loss, start, &mut tally);
        }
        tally.finish(samples.len())
    }

    fn add_block(
        &mut self,
        network: &Network<S>,
        samples: &Samples<'_, S>,
        loss: Loss,
        start: usize,
        tally: &mut Tally,
    ) {
        let width = network.n_outputs();
        let output = network.output_layer().activation;
        let trace = self.trace.layer(network.layers().len() - 1);
        let rows = trace
            .pre_activations()
            .chunks_exact(width)
            .zip(trace.activations().chunks_exact(width));
        for (row, (z, a)) in rows.enumerate() {
            let position = start + row;
            samples.copy_target(position, S::zero(), &mut self.target);
            let value = loss.of_row(output, z, a, &self.target, &mut self.error);
            tally.add_loss(value.into_f64(), samples.weight(position).into_f64());
            match samples.label(position) {
                Some(label) => tally.add_class(label as usize, loss.predicted_class(a)),
                None => tally.add_numbers(a, &self.target),
            }
        }
    }
}

/// Running sums of an evaluation.
struct Tally {
    loss: f64,
    weight: f64,
    confusion: Option<ConfusionMatrix>,
    /// Whether every target is 0 or 1 (several labels a row).
    are_flags: bool,
    right_flags: u64,
    n_numbers: u64,
    absolute: f64,
    squared: f64,
    target_sum: f64,
    target_squared: f64,
}

impl Tally {
    fn new<S: Scalar>(samples: &Samples<'_, S>) -> Self {
        let confusion = match samples.targets() {
            Targets::Classes { n_classes, .. } => Some(ConfusionMatrix::new(n_classes.max(2))),
            Targets::Values(_) => None,
        };
        Self {
            loss: 0.0,
            weight: 0.0,
            confusion,
            are_flags: true,
            right_flags: 0,
            n_numbers: 0,
            absolute: 0.0,
            squared: 0.0,
            target_sum: 0.0,
            target_squared: 0.0,
        }
    }

    fn add_loss(&mut self, loss: f64, weight: f64) {
        self.loss += weight * loss;
        self.weight += weight;
    }

    fn add_class(&mut self, right: usize, named: usize) {
        if let Some(confusion) = &mut self.confusion {
            confusion.add(right, named);
        }
    }

    fn add_numbers<S: Scalar>(&mut self, answers: &[S], targets: &[S]) {
        for (a, y) in answers.iter().zip(targets) {
            let (a, y) = (a.into_f64(), y.into_f64());
            self.are_flags &= y == 0.0 || y == 1.0;
            self.right_flags += u64::from((a > 0.5) == (y > 0.5));
            self.n_numbers += 1;
            self.absolute += (a - y).abs();
            self.squared += (a - y) * (a - y);
            self.target_sum += y;
            self.target_squared += y * y;
        }
    }

    fn finish(self, n_samples: usize) -> Evaluation {
        let n = self.n_numbers as f64;
        let is_regression = self.confusion.is_none() && !self.are_flags;
        let flags =
            (self.confusion.is_none() && self.are_flags).then(|| self.right_flags as f64 / n);
        let variation = self.target_squared - self.target_sum * self.target_sum / n;
        Evaluation {
            n_samples,
            loss: if self.weight > 0.0 {
                self.loss / self.weight
            } else {
                0.0
            },
            accuracy: self
                .confusion
                .as_ref()
                .map(ConfusionMatrix::accuracy)
                .or(flags),
            regression: is_regression.then(|| RegressionErrors {
                mean_absolute: self.absolute / n,
                root_mean_square: (self.squared / n).sqrt(),
                r_squared: (variation > 1e-12 * self.target_squared)
                    .then(|| 1.0 - self.squared / variation),
            }),
            confusion: self.confusion,
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::batches::Inputs;
    use crate::{Activation, LayerConfig, NetworkConfig};

    #[test]
    fn scores_by_hand() {
        let mut confusion = ConfusionMatrix::new(3);
        for (right, named) in [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0)] {
            confusion.add(right, named);
        }
        assert_eq!(confusion.accuracy(), 0.6);
        let scores = confusion.scores(0);
        assert_eq!(
            (scores.precision, scores.recall),
            (Some(2.0 / 3.0), Some(2.0 / 3.0))
        );
        assert_eq!(confusion.scores(1).f1, Some(0.5));
        let absent = confusion.scores(2);
        assert_eq!(
            (absent.precision, absent.recall, absent.f1, absent.support),
            (None, None, None, 0)
        );
    }

    fn identity_network() -> Network<f64> {
        let layers = vec![LayerConfig::new(1, Activation::Identity)];
        let mut network = Network::zeros(&NetworkConfig {
            n_inputs: 1,
            layers,
        })
        .unwrap();
        network.parameters_mut()[0] = 1.0;
        network
    }

    #[test]
    fn errors_of_numbers_by_hand() {
        let (inputs, targets) = (array![[1.0], [2.0], [4.0]], array![[1.0], [3.0], [5.0]]);
        let samples = Samples::new(
            Inputs::Values(inputs.view()),
            Targets::Values(targets.view()),
        )
        .unwrap();
        let found = evaluate(&identity_network(), &samples, Loss::Mse, &Threads::single()).unwrap();
        assert_eq!(found.accuracy, None);
        assert!((found.loss - 2.0 / 3.0).abs() < 1e-15);
        let errors = found.regression.unwrap();
        assert!((errors.mean_absolute - 2.0 / 3.0).abs() < 1e-15);
        assert!((errors.r_squared.unwrap() - 0.75).abs() < 1e-15);
    }

    #[test]
    fn blocks_do_not_change_the_result() {
        let n = 2 * BLOCK_ROWS + 3;
        let inputs = Array2::from_shape_fn((n, 1), |(row, _)| (row % 7) as f64);
        let labels: Vec<u32> = (0..n).map(|row| u32::from(row % 3 == 0)).collect();
        let targets = Targets::Classes {
            labels: &labels,
            n_classes: 2,
        };
        let samples = Samples::new(Inputs::Values(inputs.view()), targets).unwrap();
        let found = evaluate(&identity_network(), &samples, Loss::Mse, &Threads::single()).unwrap();
        let right = (0..n).filter(|row| (row % 7 > 0) == (row % 3 == 0)).count();
        assert_eq!(found.accuracy, Some(right as f64 / n as f64));
        assert_eq!(found.confusion.unwrap().counts().sum(), n as u64);
    }

    #[test]
    fn samples_that_do_not_fit_are_refused() {
        let (inputs, targets) = (array![[1.0, 2.0]], array![[1.0]]);
        let samples = Samples::new(
            Inputs::Values(inputs.view()),
            Targets::Values(targets.view()),
        )
        .unwrap();
        let error =
            evaluate(&identity_network(), &samples, Loss::Mse, &Threads::single()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "values in a sample (the model decides): expected 1, found 2"
        );
    }
}
