//! Which inputs spoke for an answer and which against it.
//!
//! ```text
//! rᵢ = xᵢ · ∂zc/∂xᵢ          gradient × input (Shrikumar et al. 2016)
//! ```
//!
//! zc is the weighted sum of the output neuron c, before softmax or sigmoid.
//! Where all activations are piecewise linear (relu), the rᵢ and the shares of
//! the biases add up to zc exactly; without hidden layers, rᵢ = xᵢ·wᵢc is the
//! share of the input whatever the activation.

use ndarray::ArrayView1;
use nn_core::Network;
use nn_core::layer::batch_norm::EPSILON;
use nn_core::network::Trace;

/// r for every input, from what a forward pass of the one sample `inputs` has
/// left in `trace`.
pub(super) fn gradient_times_input(
    network: &Network,
    trace: &Trace<f32>,
    inputs: &[f32],
    output: usize,
) -> Vec<f32> {
    let mut delta = vec![0.0; network.n_outputs()];
    delta[output] = 1.0;
    for (index, layer) in network.layers().iter().enumerate().rev() {
        if index + 1 < network.layers().len() {
            let (z, a) = (
                trace.layer(index).pre_activations(),
                trace.layer(index).activations(),
            );
            layer
                .activation
                .multiply_by_slope(z, a, &mut delta, layer.n_outputs);
        }
        if layer.batch_norm {
            through_batch_norm(network, index, &mut delta);
        }
        delta = network
            .weights(index)
            .dot(&ArrayView1::from(&delta))
            .to_vec();
    }
    delta
        .iter()
        .zip(inputs)
        .map(|(slope, input)| slope * input)
        .collect()
}

/// In use, batch normalisation is a factor γ/√(σ² + ε) on every sum.
fn through_batch_norm(network: &Network, index: usize, delta: &mut [f32]) {
    let layer = &network.layers()[index];
    let gamma = &network.parameters()[layer.gamma()];
    let variance = &network.statistics()[layer.running_variance()];
    for ((delta, gamma), variance) in delta.iter_mut().zip(gamma).zip(variance) {
        *delta *= gamma / (variance + EPSILON as f32).sqrt();
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayView2;
    use nn_core::{Activation, LayerConfig, Menu, NetworkConfig};
    use nn_tensor::Threads;

    use super::*;

    fn network(activation: Activation, batch_norm: bool) -> Network {
        let hidden = |width| LayerConfig {
            batch_norm,
            ..LayerConfig::new(width, activation)
        };
        let layers = vec![
            hidden(6),
            hidden(5),
            LayerConfig::new(3, Activation::Softmax),
        ];
        let mut network = Network::new(
            &NetworkConfig {
                n_inputs: 4,
                layers,
            },
            3,
        )
        .unwrap();
        for (index, value) in network.statistics_mut().iter_mut().enumerate() {
            *value = 0.5 + 0.1 * (index % 7) as f32;
        }
        network
    }

    fn forward(network: &Network, inputs: &[f32]) -> (Trace<f32>, f32) {
        let mut trace = Trace::new(network, 1);
        let row = ArrayView2::from_shape((1, inputs.len()), inputs).unwrap();
        network.forward(row, &mut trace, &Threads::single());
        let z = trace.layer(network.layers().len() - 1).pre_activations()[1];
        (trace, z)
    }

    #[test]
    fn slopes_are_those_of_small_differences() {
        let inputs = [0.3, -0.8, 0.5, 0.9];
        let hidden = Activation::ALL
            .iter()
            .filter(|entry| **entry != Activation::Softmax);
        for (&activation, batch_norm) in hidden.flat_map(|entry| [(entry, false), (entry, true)]) {
            let network = network(activation, batch_norm);
            let (trace, _) = forward(&network, &inputs);
            let found = gradient_times_input(&network, &trace, &inputs, 1);
            for (index, found) in found.iter().enumerate() {
                let at = |step: f32| {
                    let mut moved = inputs;
                    moved[index] += step;
                    forward(&network, &moved).1
                };
                let expected = inputs[index] * (at(1e-3) - at(-1e-3)) / 2e-3;
                assert!(
                    (found - expected).abs() < 5e-3 * (1.0 + expected.abs()),
                    "{activation}, batch norm {batch_norm}: {found} against {expected}"
                );
            }
        }
    }

    #[test]
    fn shares_of_a_piecewise_linear_network_add_up() {
        let network = network(Activation::Relu, false);
        let inputs = [0.3, 0.8, 0.5, 0.9];
        let (trace, z) = forward(&network, &inputs);
        // All biases are 0, so nothing but the inputs has a share.
        let sum: f32 = gradient_times_input(&network, &trace, &inputs, 1)
            .iter()
            .sum();
        assert!((sum - z).abs() < 1e-5, "{sum} against {z}");
    }
}
