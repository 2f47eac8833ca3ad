//! The formulas of a training step, as text.

use nn_core::{Network, TrainingConfig};
use serde::Serialize;

use super::taken::is_regularized;

/// The formulas of the forward and backward pass of a layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Formulas {
    /// The weighted sums z as a function of the inputs, the weights and the biases.
    pub pre_activations: String,
    /// The activations a as a function of z.
    pub activations: String,
    /// The derivative φ′(z) of the activation function.
    pub slope: &'static str,
    /// The error δ = ∂C/∂z, from the loss or from the δ of the next layer.
    pub delta: String,
    /// The gradient of the weights, ∂C/∂W, as a function of δ.
    pub weights_gradient: String,
    /// The gradient of the biases, ∂C/∂b, as a function of δ.
    pub bias_gradient: String,
}

/// The formulas of the layer `index`, with the numbers of the layers as superscripts.
pub(super) fn formulas(network: &Network, index: usize, config: &TrainingConfig) -> Formulas {
    let layer = &network.layers()[index];
    let below = match index {
        0 => "x".to_owned(),
        _ => format!("a{}", superscript(index)),
    };
    let [value, slope] = layer.activation.formulas();
    let is_output = index + 1 == network.layers().len();
    let mask = if layer.dropout > 0.0 { " ⊙ m" } else { "" };
    Formulas {
        pre_activations: format!("{below}·W + b"),
        activations: match layer.batch_norm {
            true => format!("φ(γ·(z − μ)/√(σ² + ε) + β),  φ(z) = {value}"),
            false => value.to_owned(),
        },
        slope,
        delta: if is_output {
            config.loss.formulas()[1].to_owned()
        } else {
            let above = superscript(index + 2);
            format!("(δ{above}·W{above}ᵀ){mask} ⊙ φ′(z)")
        },
        weights_gradient: format!("{below}ᵀ·δ"),
        bias_gradient: "δ".to_owned(),
    }
}

/// `¹²` for 12.
fn superscript(number: usize) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let digits = number.to_string();
    digits
        .bytes()
        .map(|digit| DIGITS[usize::from(digit - b'0')])
        .collect()
}

/// Remarks on dropout, regularization and batch normalization.
pub(super) fn notes(
    network: &Network,
    config: &TrainingConfig,
    has_batch_norm: bool,
) -> Vec<String> {
    let mut notes = Vec::new();
    if has_batch_norm {
        notes.push(
            "batch normalization needs a batch; with one sample, only the forward pass is shown, \
             with the running averages"
                .to_owned(),
        );
        return notes;
    }
    if network.layers().iter().any(|layer| layer.dropout > 0.0) {
        notes.push(
            "dropout: m is 0 for dropped neurons and 1/(1 − p) for the others; the next layer receives a ⊙ m"
                .to_owned(),
        );
    }
    if is_regularized(config) {
        notes.push("g is the gradient after regularization, clipping and weight decay".to_owned());
    }
    if config.regularization.l1 > 0.0 {
        notes.push("L1: a weight whose sign the step would change becomes 0".to_owned());
    }
    if config.max_norm.is_some() {
        notes.push(
            "max-norm: weight vectors above the limit are rescaled after the step".to_owned(),
        );
    }
    notes
}
