//! One training step with one sample, with all intermediate values.
//!
//! ```text
//! zˡ = aˡ⁻¹·Wˡ + bˡ        aˡ = φ(zˡ)
//! δᴸ = ∂C/∂zᴸ              δˡ = (δˡ⁺¹·Wˡ⁺¹ᵀ) ⊙ φ′(zˡ)
//! ∂C/∂Wˡ = aˡ⁻¹ᵀ·δˡ        ∂C/∂bˡ = δˡ
//! ```
//!
//! The step is computed by [`Trainer`](nn_core::Trainer). Intermediate values that the
//! trainer does not keep are recomputed by the same functions (nn-core's `backprop.rs`).
//! The optimizer has no state from earlier steps.

mod taken;
mod formulas;

use ndarray::Array2;
use nn_core::Rows;
use nn_core::batches::Samples;
use nn_core::layer::Layer;
use nn_core::stage::{batch_norm, dense};
use nn_core::{Error, Menu, Network, Result, TrainingConfig};
use nn_tensor::Threads;
use serde::{Serialize, Serializer};

pub use formulas::Formulas;
use formulas::{formulas, notes};
use taken::{Back, Taken, row};

/// A training step with one sample, from its inputs to the updated weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepTrace {
    /// The inputs x, `[n_inputs]`.
    pub inputs: Vec<f32>,
    /// The targets y, `[n_outputs]`, with label smoothing as in training.
    pub target: Vec<f32>,
    /// Name of the loss.
    pub loss_function: String,
    /// The formula of the loss C in terms of a and y.
    pub loss_formula: &'static str,
    /// The loss C before the step.
    pub loss: f64,
    /// The loss C of the same sample after the step. `None` if there is no step or the
    /// network uses dropout (dropout would draw a new mask).
    pub loss_after: Option<f64>,
    /// Name of the optimizer.
    pub optimizer: String,
    /// The update rule of the optimizer, with g for the gradient.
    pub optimizer_formula: &'static str,
    /// The learning rate.
    pub learning_rate: f64,
    /// Remarks on dropout, regularization and batch normalization.
    pub notes: Vec<String>,
    /// The layers, from first to last.
    pub layers: Vec<LayerTrace>,
}

/// The trace of one layer. A vector has the shape `[n_outputs]`, and a matrix has the shape
/// `[n_inputs, n_outputs]`. In JSON, a matrix is a list of its rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerTrace {
    /// Number of the layer, from 1.
    pub layer: usize,
    /// Number of inputs.
    pub n_inputs: usize,
    /// Number of outputs.
    pub n_outputs: usize,
    /// Name of the activation.
    pub activation: String,
    /// The formulas of the forward and backward pass.
    pub formulas: Formulas,
    /// The weights W before the step.
    #[serde(serialize_with = "as_rows")]
    pub weights: Rows<'static, f32>,
    /// The biases b before the step.
    pub bias: Vec<f32>,
    /// The weighted sums z.
    pub pre_activations: Vec<f32>,
    /// The weighted sums z after batch normalization, if there is any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalized: Option<Vec<f32>>,
    /// The activations a.
    pub activations: Vec<f32>,
    /// The dropout mask m, if there is one: the next layer receives a ⊙ m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Vec<f32>>,
    /// The backward pass; `None` with batch normalization, which needs a batch.
    pub backward: Option<Backward>,
}

/// The backward pass of a layer, and its update.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Backward {
    /// The propagated error δ·Wᵀ of the next layer; `None` in the output layer.
    pub arriving: Option<Vec<f32>>,
    /// The derivative φ′(z); `None` in the output layer, where δ comes from the loss.
    pub slope: Option<Vec<f32>>,
    /// The error δ = ∂C/∂z.
    pub delta: Vec<f32>,
    /// The gradient of the weights, ∂C/∂W.
    #[serde(serialize_with = "as_rows")]
    pub weights_gradient: Rows<'static, f32>,
    /// The gradient of the biases, ∂C/∂b.
    pub bias_gradient: Vec<f32>,
    /// The gradient g that the optimizer uses, if it differs from ∂C/∂W and ∂C/∂b because
    /// of regularization or clipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regularized: Option<Regularized>,
    /// The weights W after the step.
    #[serde(serialize_with = "as_rows")]
    pub weights_after: Rows<'static, f32>,
    /// The biases b after the step.
    pub bias_after: Vec<f32>,
}

/// The gradient of a layer after regularization and clipping.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regularized {
    /// The gradient of the weights, ∂(C + regularization)/∂W, clipped.
    #[serde(serialize_with = "as_rows")]
    pub weights_gradient: Rows<'static, f32>,
    /// The gradient of the biases, ∂(C + regularization)/∂b, clipped.
    pub bias_gradient: Vec<f32>,
}

/// Traces the first training step of `network` with a batch of one sample, the first of
/// `samples`. Schedules and weight averaging are ignored.
///
/// # Errors
/// Returns an error if the sample or the configuration does not match the network, or
/// [`nn_core::Error::Diverged`].
pub fn step_of(
    network: &Network,
    samples: &Samples<'_>,
    config: &TrainingConfig,
) -> Result<StepTrace> {
    let sample = samples.select(&[0]);
    sample.check_fit(network.n_inputs(), network.n_outputs())?;
    let mut inputs = vec![0.0; network.n_inputs()];
    sample.copy_inputs(0, &mut inputs)?;
    let mut target = vec![0.0; network.n_outputs()];
    sample.copy_target(0, config.label_smoothing as f32, &mut target);
    check_stages(network)?;
    let has_batch_norm = network.layers().iter().any(|layer| layer.batch_norm);
    let taken = if has_batch_norm {
        Taken::forward_only(network, &inputs, &target, config)?
    } else {
        Taken::training_step(network, &sample, config)?
    };
    Ok(StepTrace {
        layers: layers(network, &inputs, config, &taken),
        inputs,
        target,
        loss_function: config.loss.to_string(),
        loss_formula: config.loss.formulas()[0],
        loss: taken.loss,
        loss_after: taken.loss_after,
        optimizer: config.optimizer.to_string(),
        optimizer_formula: config.optimizer.formula(),
        learning_rate: config.learning_rate,
        notes: notes(network, config, has_batch_norm),
    })
}

/// Only the usual stages of a layer can be traced.
fn check_stages(network: &Network) -> Result<()> {
    let mut layers = network.layers().iter();
    let other = layers.find_map(|layer| layer.further_stages().next());
    match other {
        None => Ok(()),
        Some(stage) => Err(Error::Conflict {
            what: "trace".to_owned(),
            problem: format!("cannot show the stage {stage}"),
        }),
    }
}

fn layers(
    network: &Network,
    inputs: &[f32],
    config: &TrainingConfig,
    taken: &Taken,
) -> Vec<LayerTrace> {
    let layers = network.layers().iter().enumerate();
    layers
        .map(|(index, layer)| {
            let below = match index {
                0 => inputs.to_vec(),
                _ => taken.cache.layer(index - 1).outputs().into_vec(),
            };
            let (pre_activations, normalized) = sums(network, index, &below);
            let cache = taken.cache.layer(index);
            LayerTrace {
                layer: index + 1,
                n_inputs: layer.n_inputs,
                n_outputs: layer.n_outputs,
                activation: layer.activation.to_string(),
                formulas: formulas(network, index, config),
                weights: network.weights(index).into_owned(),
                bias: network.bias(index).to_vec(),
                activations: cache.activations().to_vec(),
                mask: (layer.dropout > 0.0 && taken.back.is_some()).then(|| cache.mask().to_vec()),
                backward: taken.back.as_ref().map(|back| {
                    let z = normalized.as_ref().unwrap_or(&pre_activations);
                    back.layer(network, index, z, cache.activations())
                }),
                pre_activations,
                normalized,
            }
        })
        .collect()
}

/// Returns z, and z after batch normalization. A forward cache keeps z only where
/// backpropagation reads it. (For sparse inputs, the last bit may differ, because their
/// sum starts with the bias.)
fn sums(network: &Network, index: usize, below: &[f32]) -> (Vec<f32>, Option<Vec<f32>>) {
    let layer = &network.layers()[index];
    let (parameters, statistics) = (network.parameters(), network.statistics());
    let mut z = Array2::zeros((1, layer.n_outputs));
    let weights = layer.weights_of(parameters);
    let bias = &parameters[layer.bias()];
    dense::forward(row(below), &weights, bias, z.view_mut(), &Threads::single());
    let z = z.into_raw_vec_and_offset().0;
    let normalized = layer.batch_norm.then(|| {
        let mut normalized = z.clone();
        batch_norm::infer(
            &mut normalized,
            &parameters[layer.gamma()],
            &parameters[layer.beta()],
            &statistics[layer.running_mean()],
            &statistics[layer.running_variance()],
        );
        normalized
    });
    (z, normalized)
}

impl Back {
    fn layer(&self, network: &Network, index: usize, z: &[f32], a: &[f32]) -> Backward {
        let layer = &network.layers()[index];
        let (weights_gradient, bias_gradient) = parts(layer, self.gradients.values());
        let above = network.layers().get(index + 1);
        let arriving = above.map(|above| {
            let mut arriving = Array2::zeros((1, layer.n_outputs));
            let error = row(self.gradients.error(index + 1, 1));
            let weights = above.weights_of(network.parameters());
            dense::backward(error, &weights, arriving.view_mut(), &Threads::single());
            arriving.into_raw_vec_and_offset().0
        });
        let slope = above.map(|_| {
            let mut slope = vec![1.0; layer.n_outputs];
            let width = layer.n_outputs;
            layer.activation.backward(z, a, &mut slope, width);
            slope
        });
        let (weights_after, bias_after) = parts(layer, self.after.parameters());
        Backward {
            arriving,
            slope,
            delta: self.gradients.error(index, 1).to_vec(),
            weights_gradient,
            bias_gradient,
            regularized: self.regularized.as_ref().map(|gradients| {
                let (weights_gradient, bias_gradient) = parts(layer, gradients.values());
                Regularized {
                    weights_gradient,
                    bias_gradient,
                }
            }),
            weights_after,
            bias_after,
        }
    }
}

/// Weights and biases of a layer in a buffer laid out like the parameters.
fn parts(layer: &Layer, buffer: &[f32]) -> (Rows<'static, f32>, Vec<f32>) {
    let bias = buffer[layer.bias()].to_vec();
    (layer.weights_of(buffer).into_owned(), bias)
}

/// A matrix as a list of its rows.
fn as_rows<S: Serializer>(matrix: &Rows<'_, f32>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(matrix.rows())
}

#[cfg(test)]
mod tests;
