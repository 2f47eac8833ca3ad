//! Metrics of a network on samples: loss, accuracy, confusion matrix, regression errors.

use nn_error::Result;
use nn_functions::LossFunction;
use nn_functions::loss::LossRows;
use nn_metrics::ErrorSums;
pub use nn_metrics::{ClassScores, ConfusionMatrix, OutputErrors, RegressionErrors};
use nn_samples::{Rows, Samples, Targets};
use nn_tensor::{Scalar, Threads};

use crate::block_inputs::BlockInputs;
use crate::criterion::BlockLossFunction;
use crate::memory::{Memory, bytes_of, probe};
use crate::network::{ForwardCache, Network, Plan};
use crate::predictor::BLOCK_ROWS;

/// The metrics of a network on a set of samples.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Evaluation {
    /// Number of samples.
    pub n_samples: usize,
    /// Weighted mean of the loss per sample, without regularization.
    pub loss: f64,
    /// Accuracy: the fraction of correct predictions, counted per sample for classes and per
    /// target if all targets are 0 or 1 and were not declared to be numbers
    /// ([`Samples::of_numbers`]); `None` for regression.
    pub accuracy: Option<f64>,
    /// Confusion matrix; `None` unless the targets are classes.
    pub confusion: Option<ConfusionMatrix>,
    /// Regression errors; `None` if the targets are classes, or if there is an accuracy of
    /// labels.
    pub regression: Option<RegressionErrors>,
    /// Index of the first sample whose loss is NaN or infinite. If the loss of a sample is not
    /// finite, no metric is valid.
    pub first_nonfinite: Option<usize>,
}

impl Memory {
    /// Estimates the memory that [`evaluate`] allocates for `n_samples` samples.
    #[inline(never)]
    pub fn of_evaluation<S: Scalar>(network: &Network<S>, n_samples: usize) -> Self {
        Self::of_evaluation_by::<S>(network.plan(), n_samples)
    }

    pub(crate) fn of_evaluation_by<S: Scalar>(plan: &Plan, n_samples: usize) -> Self {
        let n_rows = n_samples.clamp(1, BLOCK_ROWS);
        let n_outputs = plan.layers.last().map_or(0, |layer| layer.n_outputs);
        Self {
            activations: bytes_of::<S>(n_rows, plan.cache_width().saturating_add(2 * n_outputs)),
            inputs: bytes_of::<S>(n_rows, plan.n_inputs()),
            ..Self::default()
        }
    }
}

/// Computes the metrics of a network on samples.
///
/// # Errors
/// Returns [`Error::Empty`](crate::Error::Empty) or [`Error::Shape`](crate::Error::Shape)
/// if the samples do not match the network, [`Error::Conflict`](crate::Error::Conflict)
/// if all sample weights are 0, [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the
/// buffers do not fit in memory, and the same errors as [`LossFunction::check_output`].
pub fn evaluate<S: Scalar>(
    network: &Network<S>,
    samples: &Samples<'_, S>,
    loss: impl LossFunction,
    threads: &Threads,
) -> Result<Evaluation> {
    loss.check_output(network.output_layer().activation)?;
    evaluate_block_loss(network, samples, &loss, threads)
}

/// As [`evaluate`], for a loss as a trait object.
#[inline(never)]
pub(crate) fn evaluate_block_loss<S: Scalar>(
    network: &Network<S>,
    samples: &Samples<'_, S>,
    loss: &dyn BlockLossFunction<S>,
    threads: &Threads,
) -> Result<Evaluation> {
    samples.check_fit(network.n_inputs(), network.n_outputs())?;
    samples.check_weights()?;
    probe(Memory::of_evaluation(network, samples.len()).total())?;
    Evaluator::new(network, samples.len()).evaluate(network, samples, loss, threads)
}

/// A custom metric of the predictions for a set of samples.
///
/// A closure with outputs and targets as parameters implements this trait.
///
/// ```
/// use nn_core::metrics::measure;
/// use nn_core::{Activation, Network, NetworkConfig, Rows, Samples, Threads};
///
/// let layers = [(1, Activation::Identity)];
/// let network: Network = Network::zeros(&NetworkConfig::new(2, layers))?;
/// let samples = Samples::regression(&[[1.0, 2.0], [3.0, 4.0]], &[[-5.0], [2.0]])?;
/// let largest_error = |outputs: &Rows<'_, f64>, targets: &Rows<'_, f64>| {
///     let errors = outputs.column(0).zip(targets.column(0)).map(|(a, y)| (a - y).abs());
///     errors.fold(0.0, f64::max)
/// };
/// assert_eq!(measure(&network, &samples, &largest_error, &Threads::single())?, 5.0);
/// # Ok::<(), nn_core::Error>(())
/// ```
pub trait Metric {
    /// Computes the metric from outputs and targets.
    ///
    /// Classes are one-hot encoded, or 0 and 1 if the network has one output for two
    /// classes.
    ///
    /// # Shapes
    /// `outputs [n_samples, n_outputs]`, `targets [n_samples, n_outputs]`.
    fn value(&self, outputs: &Rows<'_, f64>, targets: &Rows<'_, f64>) -> f64;
}

impl<F: Fn(&Rows<'_, f64>, &Rows<'_, f64>) -> f64> Metric for F {
    fn value(&self, outputs: &Rows<'_, f64>, targets: &Rows<'_, f64>) -> f64 {
        self(outputs, targets)
    }
}

/// Computes a custom metric of a network on samples.
///
/// # Errors
/// Returns the same errors as [`evaluate`], except the errors of the loss.
#[inline(never)]
pub fn measure<S: Scalar>(
    network: &Network<S>,
    samples: &Samples<'_, S>,
    metric: &dyn Metric,
    threads: &Threads,
) -> Result<f64> {
    samples.check_fit(network.n_inputs(), network.n_outputs())?;
    let n_outputs = network.n_outputs();
    probe(
        Memory::of_evaluation(network, samples.len())
            .total()
            .saturating_add(bytes_of::<f64>(samples.len(), 2 * n_outputs)),
    )?;
    let mut evaluator = Evaluator::new(network, samples.len());
    let mut outputs = Vec::with_capacity(samples.len() * n_outputs);
    evaluator.for_each_block(network, samples, threads, |_, block| {
        let values = block.cache.outputs();
        outputs.extend(values.as_slice().iter().map(|value| value.into_f64()));
    })?;
    let mut targets = Vec::with_capacity(outputs.len());
    let mut target = vec![S::zero(); n_outputs];
    for position in 0..samples.len() {
        samples.copy_target(position, S::zero(), &mut target);
        targets.extend(target.iter().map(|value| value.into_f64()));
    }
    Ok(metric.value(
        &Rows::new(outputs, n_outputs),
        &Rows::new(targets, n_outputs),
    ))
}

/// The reusable buffers of an evaluation.
#[derive(Debug)]
pub(crate) struct Evaluator<S> {
    cache: ForwardCache<S>,
    inputs: BlockInputs<'static, S>,
    /// The samples of a block.
    positions: Vec<u32>,
    targets: Vec<S>,
    errors: Vec<S>,
    losses: Vec<S>,
}

impl<S: Scalar> Evaluator<S> {
    pub(crate) fn new(network: &Network<S>, n_samples: usize) -> Self {
        let n_rows = n_samples.clamp(1, BLOCK_ROWS);
        Self {
            cache: ForwardCache::new(network, n_rows),
            inputs: BlockInputs::new(n_rows, network.n_inputs(), None),
            positions: vec![0; n_rows],
            targets: vec![S::zero(); n_rows * network.n_outputs()],
            errors: vec![S::zero(); n_rows * network.n_outputs()],
            losses: vec![S::zero(); n_rows],
        }
    }

    /// As [`evaluate`], for samples that were checked.
    pub(crate) fn evaluate(
        &mut self,
        network: &Network<S>,
        samples: &Samples<'_, S>,
        loss: &dyn BlockLossFunction<S>,
        threads: &Threads,
    ) -> Result<Evaluation> {
        let mut tally = Tally::new(samples);
        self.for_each_block(network, samples, threads, |start, evaluator| {
            evaluator.add_block(network, samples, loss, start, &mut tally);
        })?;
        Ok(tally.finish(samples.len()))
    }

    /// Runs the network over the samples, one block at a time, and calls `then` with the
    /// first position of each block.
    fn for_each_block(
        &mut self,
        network: &Network<S>,
        samples: &Samples<'_, S>,
        threads: &Threads,
        mut then: impl FnMut(usize, &mut Self),
    ) -> Result<()> {
        let block_rows = self.positions.len();
        let read_ahead = samples.blocks().map(|blocks| blocks.block_rows);
        for start in (0..samples.len()).step_by(block_rows) {
            let n_rows = block_rows.min(samples.len() - start);
            let positions = &mut self.positions[..n_rows];
            for (place, position) in positions.iter_mut().zip(start as u32..) {
                *place = position;
            }
            let inputs = self.inputs.copied(samples, positions)?;
            // The source reads the next block of the file beside the work on this one.
            let next = read_ahead.map(|n_rows| start + n_rows);
            let next = next.filter(|&next| next < samples.len());
            samples.prefetch(next.into_iter().map(|next| next as u32));
            network.infer(&inputs, &mut self.cache, threads);
            then(start, self);
        }
        Ok(())
    }

    fn add_block(
        &mut self,
        network: &Network<S>,
        samples: &Samples<'_, S>,
        loss: &dyn BlockLossFunction<S>,
        start: usize,
        tally: &mut Tally,
    ) {
        let width = network.n_outputs();
        let output = network.output_layer().activation;
        let cache = self.cache.layer(network.layers().len() - 1);
        let a = cache.activations();
        let n_rows = a.len() / width;
        let targets = &mut self.targets[..a.len()];
        for (row, target) in targets.chunks_exact_mut(width).enumerate() {
            samples.copy_target(start + row, S::zero(), target);
        }
        let rows = LossRows {
            width,
            z: cache.pre_activations(),
            a,
            y: targets,
            error: &mut self.errors[..a.len()],
        };
        loss.of_rows(output, rows, &mut self.losses[..n_rows]);
        let rows = a.chunks_exact(width).zip(targets.chunks_exact(width));
        for (row, ((a, target), value)) in rows.zip(&self.losses).enumerate() {
            let position = start + row;
            tally.add_loss(value.into_f64(), samples.weight(position).into_f64());
            if !value.is_finite() {
                tally.first_nonfinite.get_or_insert(position);
            }
            match samples.label(position) {
                Some(label) => tally.add_class(label as usize, loss.predicted_class(a)),
                None => tally.add_values(a, target),
            }
        }
    }
}

/// Running sums of an evaluation.
struct Tally {
    loss: f64,
    weight: f64,
    confusion: Option<ConfusionMatrix>,
    first_nonfinite: Option<usize>,
    /// Whether the targets are labels (multi-label classification).
    are_flags: bool,
    n_correct_flags: u64,
    outputs: Vec<ErrorSums>,
}

impl Tally {
    fn new<S: Scalar>(samples: &Samples<'_, S>) -> Self {
        let n_outputs = match samples.targets() {
            Targets::Values(values) => values.n_columns(),
            _ => 0,
        };
        let n_classes = samples.n_classes();
        Self {
            loss: 0.0,
            weight: 0.0,
            confusion: n_classes.map(|n| ConfusionMatrix::new(n.max(2))),
            first_nonfinite: None,
            are_flags: !samples.has_numbers(),
            n_correct_flags: 0,
            outputs: vec![ErrorSums::default(); n_outputs],
        }
    }

    fn add_loss(&mut self, loss: f64, weight: f64) {
        self.loss += weight * loss;
        self.weight += weight;
    }

    fn add_class(&mut self, true_class: usize, predicted: usize) {
        if let Some(confusion) = &mut self.confusion {
            confusion.add(true_class, predicted);
        }
    }

    fn add_values<S: Scalar>(&mut self, outputs: &[S], targets: &[S]) {
        let pairs = outputs.iter().zip(targets);
        for (output, (a, y)) in self.outputs.iter_mut().zip(pairs) {
            let (a, y) = (a.into_f64(), y.into_f64());
            self.n_correct_flags += u64::from((a > 0.5) == (y > 0.5));
            output.add(a, y);
        }
    }

    fn finish(self, n_samples: usize) -> Evaluation {
        let has_values = self.confusion.is_none();
        let n_values = n_samples * self.outputs.len();
        let flags =
            (has_values && self.are_flags).then(|| self.n_correct_flags as f64 / n_values as f64);
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
            regression: (has_values && !self.are_flags)
                .then(|| self.outputs.iter().map(|output| output.errors()).collect())
                .map(RegressionErrors::new),
            confusion: self.confusion,
            first_nonfinite: self.first_nonfinite,
        }
    }
}
