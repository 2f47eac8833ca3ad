//! Gradient check: backpropagation compared with finite differences.
//!
//! ```text
//! D(h)    = (C(w + h) − C(w − h)) / 2h          h = 3·10⁻⁵, in f64
//! numeric = (4·D(h) − D(2h)) / 3
//! error   = |analytic − numeric| / max(|analytic|, |numeric|, 10⁻⁴·max(1, C))
//! ```
//!
//! (Richardson 1911.) The truncation error is of the order h⁴ and the rounding error of the order
//! 10⁻¹⁶·C/h. A correct gradient therefore agrees to about 10⁻⁹, and a wrong term is obvious. This
//! accuracy is reached even with batch normalization of a neuron that hardly varies, where C is
//! strongly curved.
//!
//! Where C has a kink between w − 2h and w + 2h (relu, hinge, L1), a difference
//! quotient is meaningless; such parameters are detected, skipped and counted. At a
//! kink, the quotients over h and over 2h disagree. With
//! B(h) = (C(w + h) − 2C(w) + C(w − h)) / h, which is proportional to h where C is
//! smooth, the sum
//!
//! ```text
//! |D(h) − D(2h)| + |2·B(h) − B(2h)|
//! ```
//!
//! is of the order h² where C is smooth, and of the order of the jump in the derivative
//! at a kink.
//!
//! The check turns dropout off. Batch normalization uses the statistics of the batch.

use std::sync::Arc;

use nn_error::Result;
use nn_functions::{LossFunction, Regularization};
use nn_samples::{Rows, Samples};
use nn_tensor::random::{Purpose, Streams};
use nn_tensor::{Scalar, Threads};

use crate::backprop::Gradients;
use crate::criterion::BlockLossFunction;
use crate::network::{ForwardCache, Network, Randomness};
use crate::stage::batch_norm;

/// h, the distance of the inner points of the difference quotients from w.
const STEP: f64 = 3e-5;

/// Gradients below this (times C, if C is above 1) are compared by absolute
/// error.
const FLOOR: f64 = 1e-4;

/// Relative disagreement of the quotients above which there is a kink.
const KINK: f64 = 5e-6;

/// The result of the gradient check for one layer: the parameter with the largest
/// error.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LayerCheck {
    /// Index of the layer, counted from 1.
    pub layer: usize,
    /// `weights[i, j]`, `bias[j]`, `gamma[j]` or `beta[j]`.
    pub parameter: String,
    /// Derivative by backpropagation.
    pub analytic: f64,
    /// Derivative by finite differences.
    pub numeric: f64,
    /// Relative error; NaN if either derivative is NaN.
    pub error: f64,
    /// Number of parameters compared.
    pub n_checked: usize,
    /// Number of parameters skipped because of a kink.
    pub n_kinks: usize,
}

/// The function whose gradient is checked: the mean loss of all samples plus the
/// regularization term.
#[derive(Debug)]
pub struct Objective {
    network: Network<f64>,
    inputs: Rows<'static, f64>,
    targets: Vec<f64>,
    loss: Arc<dyn BlockLossFunction<f64>>,
    regularization: Regularization,
    cache: ForwardCache<f64>,
    gradients: Gradients<f64>,
}

impl Objective {
    /// Creates the objective of a network on a few samples. If members share layers, the loss
    /// of a sample is the mean of the members' losses.
    ///
    /// # Errors
    /// Returns an error if the network is an ensemble, the samples do not match the network, the loss does not match the
    /// output layer, a parameter of the loss or of the regularization is out of range, or batch
    /// normalization gets a single sample, for which all gradients are 0.
    pub fn new<S: Scalar>(
        network: &Network<S>,
        samples: &Samples<'_, S>,
        loss: impl LossFunction + 'static,
        regularization: Regularization,
    ) -> Result<Self> {
        network.check_trainable()?;
        samples.check_fit(network.n_inputs(), network.n_outputs())?;
        loss.check_output(network.output_layer().activation)?;
        regularization.check()?;
        if network.has_batch_norm() && samples.len() == 1 {
            return Err(batch_norm::too_few_rows());
        }
        let network = network.without_dropout().cast::<f64>();
        let n = samples.len();
        let mut inputs = vec![S::zero(); n * network.n_inputs()];
        let all: Vec<u32> = (0..n as u32).collect();
        samples.read_inputs(&all, &mut inputs)?;
        let mut targets = vec![S::zero(); n * network.n_outputs()];
        for (position, target) in targets.chunks_exact_mut(network.n_outputs()).enumerate() {
            samples.copy_target(position, S::zero(), target);
        }
        Ok(Self {
            cache: ForwardCache::new(&network, n),
            gradients: Gradients::new(&network, n),
            inputs: Rows::new(doubles(&inputs), network.n_inputs()),
            targets: doubles(&targets),
            network,
            loss: Arc::new(loss),
            regularization,
        })
    }

    /// Computes C at the current parameters and leaves the error of the output
    /// layer in the gradient buffers.
    fn value(&mut self) -> f64 {
        let randomness = Randomness::new(0, 0);
        let threads = Threads::single();
        self.network
            .forward_in_training(&self.inputs, &mut self.cache, randomness, &threads);
        let targets = &self.targets;
        let loss =
            self.gradients
                .block_loss_of_batch(&*self.loss, &self.network, targets, &self.cache);
        let parameters = self.network.parameters();
        let layers = self.network.layers().iter();
        let terms = layers.map(|layer| self.regularization.value(&parameters[layer.weights()]));
        loss + terms.sum::<f64>()
    }

    /// The gradient by backpropagation.
    pub fn analytic_gradient(&mut self) -> Vec<f64> {
        self.value();
        self.gradients.values_mut().fill(0.0);
        self.gradients
            .backward(&self.network, &self.inputs, &self.cache, &Threads::single());
        let parameters = self.network.parameters();
        let gradient = self.gradients.values_mut();
        for layer in self.network.layers() {
            let weights = &parameters[layer.weights()];
            self.regularization
                .add_gradient(weights, &mut gradient[layer.weights()]);
        }
        gradient.to_vec()
    }

    /// The derivative of C with respect to one parameter by difference quotients;
    /// `None` at a kink.
    fn numeric_gradient(&mut self, parameter: usize, here: f64, floor: f64) -> Option<f64> {
        let [(quotient, curvature), (wide_quotient, wide_curvature)] =
            [STEP, 2.0 * STEP].map(|step| {
                let below = self.value_beside(parameter, -step);
                let above = self.value_beside(parameter, step);
                let quotient = (above - below) / (2.0 * step);
                (quotient, (above - 2.0 * here + below) / step)
            });
        let disagreement =
            (quotient - wide_quotient).abs() + (2.0 * curvature - wide_curvature).abs();
        let is_kink = disagreement > KINK * quotient.abs().max(floor);
        (!is_kink).then_some((4.0 * quotient - wide_quotient) / 3.0)
    }

    /// C with one parameter shifted by `step`.
    fn value_beside(&mut self, parameter: usize, step: f64) -> f64 {
        let before = self.network.parameters()[parameter];
        self.network.parameters_mut()[parameter] = before + step;
        let value = self.value();
        self.network.parameters_mut()[parameter] = before;
        value
    }

    /// Compares `gradient` with finite differences, for at most `per_layer` random
    /// parameters of each layer.
    ///
    /// # Panics
    /// Panics if `gradient` does not have one element per parameter.
    pub fn compare(&mut self, gradient: &[f64], per_layer: usize) -> Vec<LayerCheck> {
        assert_eq!(gradient.len(), self.network.parameters().len());
        let here = self.value();
        let floor = FLOOR * here.abs().max(1.0);
        let layers = self.network.layers().to_vec();
        let mut checks = Vec::with_capacity(layers.len());
        for (index, layer) in layers.iter().enumerate() {
            let range = layer.parameters();
            let mut chosen = Streams::new(0)
                .stream(Purpose::Test, index as u64)
                .permutation(range.len());
            chosen.truncate(per_layer);
            let mut worst = LayerCheck {
                layer: index + 1,
                parameter: String::new(),
                analytic: 0.0,
                numeric: 0.0,
                error: -1.0,
                n_checked: 0,
                n_kinks: 0,
            };
            for offset in chosen {
                let parameter = range.start + offset as usize;
                let Some(numeric) = self.numeric_gradient(parameter, here, floor) else {
                    worst.n_kinks += 1;
                    continue;
                };
                worst.n_checked += 1;
                let analytic = gradient[parameter];
                let error = relative_error(analytic, numeric, floor);
                if error > worst.error || error.is_nan() {
                    worst.parameter = self.network.parameter_name(parameter);
                    (worst.analytic, worst.numeric, worst.error) = (analytic, numeric, error);
                }
            }
            if worst.n_checked == 0 {
                worst.error = 0.0;
            }
            checks.push(worst);
        }
        checks
    }
}

/// Compares backpropagation with finite differences, for at most `per_layer`
/// parameters of each layer.
///
/// # Errors
/// Returns the same errors as [`Objective::new`].
pub fn check<S: Scalar>(
    network: &Network<S>,
    samples: &Samples<'_, S>,
    loss: impl LossFunction + 'static,
    regularization: Regularization,
    per_layer: usize,
) -> Result<Vec<LayerCheck>> {
    let mut objective = Objective::new(network, samples, loss, regularization)?;
    let gradient = objective.analytic_gradient();
    Ok(objective.compare(&gradient, per_layer))
}

fn relative_error(analytic: f64, numeric: f64, floor: f64) -> f64 {
    (analytic - numeric).abs() / analytic.abs().max(numeric.abs()).max(floor)
}

fn doubles<S: Scalar>(values: &[S]) -> Vec<f64> {
    values.iter().map(|value| value.into_f64()).collect()
}
