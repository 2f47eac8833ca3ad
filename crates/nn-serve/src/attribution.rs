//! Attribution: the contribution of each input to an output.
//!
//! ```text
//! rᵢ = xᵢ · ∂zc/∂xᵢ          gradient × input (Shrikumar et al. 2016)
//! ```
//!
//! zc is the weighted sum of the output neuron c, before softmax or sigmoid.
//! If all activations are piecewise linear (relu), the rᵢ and the contributions of the
//! biases add up to zc exactly. Without hidden layers, rᵢ = xᵢ·wᵢc is the contribution of
//! the input for every activation.

use ndarray::ArrayView2;
use nn_core::network::ForwardCache;
use nn_core::{Gradients, Network};
use nn_tensor::Threads;

/// Gradient × input for every input of a sample; `cache` holds its forward pass.
pub(crate) fn gradient_times_input(
    network: &Network,
    cache: &ForwardCache<f32>,
    inputs: &[f32],
    output: usize,
) -> Vec<f32> {
    let mut gradients = Gradients::with_input_error(network, 1);
    let delta = gradients.error_mut(network.layers().len() - 1, 1);
    delta[output] = 1.0;
    let row = ArrayView2::from_shape((1, inputs.len()), inputs).expect("a slice is a row");
    gradients.backward(network, row, cache, &Threads::single());
    let gradient = gradients.input_error(1).iter();
    gradient
        .zip(inputs)
        .map(|(derivative, input)| derivative * input)
        .collect()
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

    fn forward(network: &Network, inputs: &[f32]) -> (ForwardCache<f32>, f32) {
        let mut cache = ForwardCache::new(network, 1);
        let row = ArrayView2::from_shape((1, inputs.len()), inputs).unwrap();
        network.forward(row, &mut cache, &Threads::single());
        let z = cache.layer(network.layers().len() - 1).pre_activations()[1];
        (cache, z)
    }

    #[test]
    fn derivatives_match_finite_differences() {
        let inputs = [0.3, -0.8, 0.5, 0.9];
        let hidden = Activation::ALL
            .iter()
            .filter(|entry| **entry != Activation::Softmax);
        for (&activation, batch_norm) in hidden.flat_map(|entry| [(entry, false), (entry, true)]) {
            let network = network(activation, batch_norm);
            let (cache, _) = forward(&network, &inputs);
            let found = gradient_times_input(&network, &cache, &inputs, 1);
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
    fn contributions_of_a_piecewise_linear_network_add_up() {
        let network = network(Activation::Relu, false);
        let inputs = [0.3, 0.8, 0.5, 0.9];
        let (cache, z) = forward(&network, &inputs);
        // All biases are 0, so only the inputs contribute.
        let sum: f32 = gradient_times_input(&network, &cache, &inputs, 1)
            .iter()
            .sum();
        assert!((sum - z).abs() < 1e-5, "{sum} against {z}");
    }
}
