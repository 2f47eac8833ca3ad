//! Probes: measurements of a network in training, within a time budget.
//!
//! Probes read or copy the network and do not change the result of training. Probes slow
//! training down, so they may use 3 % of the time, and an expensive probe runs less often.

use std::time::{Duration, Instant};

use ndarray::Array2;
use nn_core::batches::Samples;
use nn_core::metrics::ConfusionMatrix;
use nn_core::network::{ForwardCache, Randomness};
use nn_core::{Gradients, Loss, Network};
use nn_tensor::Threads;
use nn_tensor::reduce::sum_of_squares;

use crate::quantization::{bytes_with_scale, largest};
use crate::snapshot::{Confusion, WeightPictures};

/// Fraction of the time that probes may take.
const BUDGET: f64 = 0.03;

/// Largest number of samples whose gradient is measured.
const PROBE_ROWS: usize = 64;

/// Largest number of neurons whose weights are shown.
const MAX_NEURONS: usize = 36;

/// A measurement that runs when the budget allows it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Probe {
    /// The size of the gradient of each layer.
    Gradients,
    /// The weights of the first layer and the confusion matrix.
    Pictures,
}

/// The time budget of the probes.
#[derive(Debug)]
pub(crate) struct Budget {
    start: Instant,
    spent: Duration,
    /// Duration of the last run of each probe.
    costs: [Duration; 2],
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            spent: Duration::ZERO,
            costs: [Duration::ZERO; 2],
        }
    }

    /// Starts the budget again, when training resumes.
    pub(crate) fn restart(&mut self) {
        self.start = Instant::now();
        self.spent = Duration::ZERO;
    }

    /// Whether there is time for a probe that takes as long as the last time.
    pub(crate) fn allows(&self, probe: Probe) -> bool {
        let spent = self.spent + self.costs[probe as usize];
        spent.as_secs_f64() <= BUDGET * self.start.elapsed().as_secs_f64()
    }

    /// Runs a probe and counts its time.
    pub(crate) fn spend(&mut self, probe: Probe, work: impl FnOnce()) {
        let start = Instant::now();
        work();
        self.costs[probe as usize] = start.elapsed();
        self.spent += start.elapsed();
    }
}

/// Measures the gradient of the mean loss of the first training samples, without
/// dropout and regularization: the same measure for every optimizer. (Plain gradient
/// descent updates layer by layer and never has the whole gradient.)
#[derive(Debug)]
pub(crate) struct GradientProbe {
    network: Network,
    cache: ForwardCache<f32>,
    gradients: Gradients<f32>,
    inputs: Array2<f32>,
    targets: Array2<f32>,
}

impl GradientProbe {
    pub(crate) fn new(network: &Network, train: &Samples<'_>) -> Self {
        let n = train.len().clamp(1, PROBE_ROWS);
        let mut inputs = Array2::zeros((n, network.n_inputs()));
        let mut targets = Array2::zeros((n, network.n_outputs()));
        for (position, (mut input, mut target)) in inputs
            .rows_mut()
            .into_iter()
            .zip(targets.rows_mut())
            .enumerate()
        {
            let fresh = "a row of a fresh matrix";
            let read = train.copy_inputs(position, input.as_slice_mut().expect(fresh));
            read.expect("the samples are in memory");
            train.copy_target(position, 0.0, target.as_slice_mut().expect(fresh));
        }
        let network = network.without_dropout();
        Self {
            cache: ForwardCache::new(&network, n),
            gradients: Gradients::new(&network, n),
            network,
            inputs,
            targets,
        }
    }

    /// The root mean square of the gradient of each layer.
    pub(crate) fn gradients(
        &mut self,
        network: &Network,
        loss: Loss,
        threads: &Threads,
    ) -> Vec<f64> {
        let Self {
            network: copy,
            cache,
            gradients,
            inputs,
            targets,
        } = self;
        copy.parameters_mut().copy_from_slice(network.parameters());
        copy.statistics_mut().copy_from_slice(network.statistics());
        gradients.values_mut().fill(0.0);
        copy.forward_in_training(inputs.view(), cache, Randomness::new(0, 0), threads);
        let targets = targets.as_slice().expect("a fresh matrix");
        gradients.loss_of_batch(loss, copy, targets, cache);
        gradients.backward(copy, inputs.view(), cache, threads);
        let of_layer = |layer: &nn_core::Layer| {
            let values = &gradients.values()[layer.parameters()];
            (sum_of_squares(values) / values.len() as f64).sqrt()
        };
        copy.layers().iter().map(of_layer).collect()
    }
}

/// The incoming weights of the first neurons as images, if the inputs are an image.
pub(crate) fn weight_pictures(
    network: &Network,
    image_size: Option<(usize, usize)>,
) -> Option<WeightPictures> {
    let (height, width) = image_size?;
    let weights = network.weights(0);
    if height * width != weights.n_rows() {
        return None;
    }
    let n = weights.n_columns().min(MAX_NEURONS);
    let columns: Vec<Vec<f32>> = (0..n)
        .map(|neuron| weights.column(neuron).copied().collect())
        .collect();
    let scale = columns
        .iter()
        .map(|column| largest(column))
        .fold(0.0, f32::max);
    Some(WeightPictures {
        height,
        width,
        n_neurons: weights.n_columns(),
        scale,
        images: columns
            .iter()
            .map(|column| bytes_with_scale(column, scale))
            .collect(),
    })
}

/// A confusion matrix for the page; `of` names the samples.
pub(crate) fn confusion_of(names: &[String], confusion: &ConfusionMatrix, of: String) -> Confusion {
    let counts = confusion.counts();
    Confusion {
        class_names: names.to_vec(),
        counts: counts.rows().map(<[u64]>::to_vec).collect(),
        of,
    }
}

#[cfg(test)]
mod tests {
    use nn_core::batches::{Inputs, Targets};
    use nn_core::{Activation, LayerConfig, NetworkConfig};

    use super::*;

    #[test]
    fn a_probe_waits_until_the_budget_allows_it() {
        let mut budget = Budget::new();
        budget.costs[Probe::Pictures as usize] = Duration::from_millis(500);
        assert!(!budget.allows(Probe::Pictures), "half a second of none");
        assert!(budget.allows(Probe::Gradients), "its cost is still 0");
        budget.start -= Duration::from_secs(100);
        assert!(budget.allows(Probe::Pictures), "the budget is 3 seconds");
        budget.spent = Duration::from_millis(2800);
        assert!(!budget.allows(Probe::Pictures), "0.2 seconds are left");
        assert!(budget.allows(Probe::Gradients));
        budget.restart();
        assert!(budget.allows(Probe::Gradients) && !budget.allows(Probe::Pictures));
        budget.spend(Probe::Gradients, || {
            std::thread::sleep(Duration::from_millis(1));
        });
        assert!(budget.costs[Probe::Gradients as usize] >= Duration::from_millis(1));
        assert!(budget.spent >= Duration::from_millis(1));
    }

    #[test]
    fn the_probe_measures_the_derivatives_of_the_loss() {
        let inputs = ndarray::array![[0.5_f32, -1.0], [1.0, 0.25], [0.0, 2.0]];
        let targets = Targets::classes(&[0, 1, 1], 2);
        let samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
        let layers = vec![
            LayerConfig {
                dropout: 0.5,
                ..LayerConfig::new(3, Activation::Tanh)
            },
            LayerConfig::new(2, Activation::Softmax),
        ];
        let network: Network = Network::new(
            &NetworkConfig {
                n_inputs: 2,
                layers,
            },
            5,
        )
        .unwrap();
        let before = network.clone();
        let threads = Threads::single();
        let mut probe = GradientProbe::new(&network, &samples);
        let found = probe.gradients(&network, Loss::CrossEntropy, &threads);
        assert_eq!(network, before);

        let plain = network.without_dropout();
        let loss_at = |parameter: usize, step: f32| {
            let mut moved = plain.clone();
            moved.parameters_mut()[parameter] += step;
            let evaluated = nn_core::evaluate(&moved, &samples, Loss::CrossEntropy, &threads);
            evaluated.unwrap().loss
        };
        for (layer, found) in plain.layers().iter().zip(found) {
            let derivatives = layer
                .parameters()
                .map(|parameter| (loss_at(parameter, 1e-2) - loss_at(parameter, -1e-2)) / 2e-2);
            let squares: Vec<f64> = derivatives
                .map(|derivative| derivative * derivative)
                .collect();
            let expected = (squares.iter().sum::<f64>() / squares.len() as f64).sqrt();
            assert!(
                (found - expected).abs() < 1e-3,
                "{found} against {expected}"
            );
        }
    }
}
