//! Measures the activations, the loss and the gradient of a network for some training samples.

use nn_core::network::{ForwardCache, Randomness};
use nn_core::{Activation, Gradients, Loss, Network, Rows, Samples};
use nn_tensor::Threads;
use nn_tensor::reduce::sum_of_squares;

/// Maximum number of samples. A neuron whose output is 0 for all of them almost
/// certainly has output 0 for more than 99 % of all samples.
const N_SAMPLES: usize = 1000;

/// The positions of up to [`N_SAMPLES`] samples, evenly spread.
pub(super) fn spread(samples: &Samples<'_>) -> Vec<u32> {
    let n = samples.len().min(N_SAMPLES);
    let position = |sample: usize| (sample * samples.len() / n) as u32;
    (0..n).map(position).collect()
}

/// The values of a network, its loss and its gradient for some training samples.
pub(super) struct Probe {
    pub(super) n_samples: usize,
    /// Mean loss, with label smoothing.
    pub(super) loss: f64,
    /// The hidden layers.
    pub(super) hidden: Vec<HiddenLayer>,
    /// Root mean square of the gradient with respect to the parameters of each layer,
    /// the output layer included.
    pub(super) gradients: Vec<f64>,
}

/// The values of a hidden layer.
pub(super) struct HiddenLayer {
    activation: Activation,
    width: usize,
    /// z, or a where the derivative follows from it, `[n_samples, width]`.
    pre_activations: Vec<f32>,
    /// a, `[n_samples, width]`.
    activations: Vec<f32>,
}

impl Probe {
    /// Runs `network` as in training, without dropout, with up to [`N_SAMPLES`]
    /// training samples.
    ///
    /// # Errors
    /// Returns an error if the samples do not fit the network or cannot be read.
    pub(super) fn new(
        network: &Network,
        train: &Samples<'_>,
        loss: Loss,
        label_smoothing: f64,
    ) -> Result<Self, String> {
        let fits = train.check_fit(network.n_inputs(), network.n_outputs());
        fits.map_err(|error| error.to_string())?;
        let positions = spread(train);
        let n_samples = positions.len();
        let mut inputs = vec![0.0; n_samples * network.n_inputs()];
        let read = train.read_inputs(&positions, &mut inputs);
        read.map_err(|error| error.to_string())?;
        let inputs = Rows::new(inputs, network.n_inputs());
        let mut targets = vec![0.0; n_samples * network.n_outputs()];
        let rows = targets.chunks_exact_mut(network.n_outputs());
        for (&position, target) in positions.iter().zip(rows) {
            train.copy_target(position as usize, label_smoothing as f32, target);
        }
        let mut network = network.without_dropout();
        let mut cache = ForwardCache::new(&network, n_samples);
        let mut gradients = Gradients::new(&network, n_samples);
        let threads = Threads::single();
        network.forward_in_training(inputs.borrow(), &mut cache, Randomness::new(0, 0), &threads);
        let loss = gradients.loss_of_batch(loss, &network, &targets, &cache);
        gradients.backward(&network, inputs.borrow(), &cache, &threads);
        Ok(Self {
            n_samples,
            loss,
            hidden: hidden_layers(&network, &cache),
            gradients: gradient_sizes(&network, &gradients),
        })
    }
}

fn hidden_layers(network: &Network, cache: &ForwardCache<f32>) -> Vec<HiddenLayer> {
    let n_hidden = network.layers().len() - 1;
    let layers = network.layers()[..n_hidden].iter().enumerate();
    let layers = layers.map(|(index, layer)| HiddenLayer {
        activation: layer.activation,
        width: layer.n_outputs,
        pre_activations: cache.layer(index).pre_activations().to_vec(),
        activations: cache.layer(index).activations().to_vec(),
    });
    layers.collect()
}

fn gradient_sizes(network: &Network, gradients: &Gradients<f32>) -> Vec<f64> {
    let size = |layer: &nn_core::Layer| {
        let values = &gradients.values()[layer.parameters()];
        (sum_of_squares(values) / values.len() as f64).sqrt()
    };
    network.layers().iter().map(size).collect()
}

/// Derivative of a saturated activation, as a fraction of the maximum derivative:
/// |z| > 4.3 for sigmoid, |z| > 2.2 for tanh. Two such neurons in a row make a
/// gradient 400 times smaller.
const SATURATED: f32 = 0.05;

impl HiddenLayer {
    /// For relu layers, the fraction of neurons with output 0 for all samples.
    pub(super) fn dead_fraction(&self) -> Option<f64> {
        if self.activation != Activation::Relu {
            return None;
        }
        let mut is_dead = vec![true; self.width];
        for row in self.rows() {
            for (is_dead, &a) in is_dead.iter_mut().zip(row) {
                *is_dead &= a <= 0.0;
            }
        }
        let n_dead = is_dead.iter().filter(|&&it| it).count();
        Some(n_dead as f64 / self.width as f64)
    }

    /// For activations that saturate on both sides, the fraction of values whose
    /// derivative is below [`SATURATED`] times the maximum.
    pub(super) fn saturated_fraction(&self) -> Option<f64> {
        let largest = largest_derivative(self.activation)?;
        let mut derivatives = vec![1.0; self.activations.len()];
        let (z, a) = (&self.pre_activations, &self.activations);
        self.activation.backward(z, a, &mut derivatives, self.width);
        let is_saturated = |derivative: &&f32| **derivative < SATURATED * largest;
        let n_saturated = derivatives.iter().filter(is_saturated).count();
        Some(n_saturated as f64 / derivatives.len() as f64)
    }

    /// Whether several neurons all have the same output, sample by sample.
    pub(super) fn has_equal_neurons(&self) -> bool {
        self.width > 1 && self.rows().all(|row| row.iter().all(|a| *a == row[0]))
    }

    fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.activations.chunks_exact(self.width)
    }
}

/// The maximum derivative of an activation that saturates on both sides.
fn largest_derivative(activation: Activation) -> Option<f32> {
    match activation {
        Activation::Sigmoid => Some(0.25),
        Activation::HardSigmoid => Some(1.0 / 6.0),
        Activation::Tanh | Activation::HardTanh => Some(1.0),
        _ => None,
    }
}
