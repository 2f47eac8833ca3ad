//! The initial values of the network 784-64-10, which the paper does not state.

use nn_core::NetworkConfig;
use nn_core::init::Init;

/// Distributions of the initial weights, and the initial biases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct InitialValues {
    /// Mean of the hidden layer's normally distributed weights.
    pub(super) hidden_mean: f64,
    /// Standard deviation of the hidden layer's weights.
    pub(super) hidden_std: f64,
    /// Bias of every hidden neuron.
    pub(super) hidden_bias: f64,
    /// Mean of the output layer's uniformly distributed weights.
    pub(super) output_mean: f64,
    /// Largest distance of the output layer's weights from their mean.
    pub(super) output_radius: f64,
    /// Bias of every output.
    pub(super) output_bias: f64,
}

impl InitialValues {
    /// Replaces the initialization of a network with one hidden layer.
    pub(super) fn apply(&self, network: &mut NetworkConfig) {
        let [hidden, output] = &mut network.layers[..] else {
            unreachable!("the network has one hidden layer");
        };
        hidden.init = Init::Normal {
            mean: self.hidden_mean,
            std: self.hidden_std,
        };
        hidden.bias_init = constant(self.hidden_bias);
        output.init = Init::Uniform {
            low: self.output_mean - self.output_radius,
            high: self.output_mean + self.output_radius,
        };
        output.bias_init = constant(self.output_bias);
    }
}

fn constant(value: f64) -> Init {
    Init::Constant { value }
}

#[cfg(test)]
mod tests {
    use nn_core::{Activation, Network};

    use super::*;

    #[test]
    fn each_layer_has_its_own_distribution() {
        let mut config =
            NetworkConfig::new(784, [(64, Activation::Sigmoid), (10, Activation::Sigmoid)]);
        let values = InitialValues {
            hidden_mean: 0.5,
            hidden_std: 0.1,
            hidden_bias: -1.0,
            output_mean: 3.0,
            output_radius: 0.25,
            output_bias: 2.0,
        };
        values.apply(&mut config);
        let network: Network<f64> = Network::new(&config, 0).expect("a network");
        let weights = |layer: usize| &network.parameters()[network.layers()[layer].weights()];
        let mean = weights(0).iter().sum::<f64>() / weights(0).len() as f64;
        let squares = weights(0).iter().map(|w| (w - mean).powi(2)).sum::<f64>();
        assert!((mean - 0.5).abs() < 0.003, "{mean}");
        assert!((squares / weights(0).len() as f64 - 0.01).abs() < 0.0005);
        assert!(weights(1).iter().all(|w| (2.75..=3.25).contains(w)));
        assert!(weights(1).iter().any(|w| *w < 2.9) && weights(1).iter().any(|w| *w > 3.1));
        assert_eq!(network.bias(0), [-1.0; 64]);
        assert_eq!(network.bias(1), [2.0; 10]);
    }
}
