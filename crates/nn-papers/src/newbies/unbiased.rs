//! N2: the mean of the gradients of single samples is the gradient of all.
//!
//! ```text
//! E[∇J(θ; xᵢ, yᵢ)] = (1/N) Σ ∇J(θ; xᵢ, yᵢ)          newbies, section 2.5
//! ```

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::network::{ForwardCache, Randomness};
use nn_core::{Activation, Gradients, LayerConfig, Loss, Network, NetworkConfig};
use nn_tensor::Threads;

use crate::context::Context;
use crate::outcome::{Outcome, Row, short};
use nn_train::Result;
use nn_train::data::{Data, PIXEL_SCALE};

pub(super) fn unbiased(context: &Context<'_>) -> Result<Outcome> {
    /// Rows of a block of the full gradient.
    const BLOCK: usize = 1000;
    let data = context.data()?;
    let samples = samples_in_double(&data)?;
    let all = samples.len();
    let n = context.full_or_quick(all, all.min(2000)) / BLOCK * BLOCK;
    let layers = vec![
        LayerConfig::new(16, Activation::Relu),
        LayerConfig::new(10, Activation::Softmax),
    ];
    let network: Network<f64> = Network::new(
        &NetworkConfig {
            n_inputs: samples.n_inputs(),
            layers,
        },
        0,
    )?;
    let [mut mean, mut full] = [1, BLOCK].map(|rows| MeanGradient::new(&network, rows));
    for row in 0..n {
        mean.add(&samples, row..row + 1);
    }
    context.check_stop()?;
    for start in (0..n).step_by(BLOCK) {
        full.add(&samples, start..start + BLOCK);
    }
    let pairs = mean.sum.iter().zip(&full.sum);
    let (n, blocks) = (n as f64, (n / BLOCK) as f64);
    let largest = pairs
        .map(|(sample, block)| (sample / n - block / blocks).abs())
        .fold(0.0, f64::max);
    let size = full
        .sum
        .iter()
        .map(|g| (g / blocks).abs())
        .fold(0.0, f64::max);
    let rows = vec![
        Row::at_most("largest difference over all parameters", largest, 1e-10),
        Row::note("largest part of the gradient", "", short(size)),
        Row::note("samples", "", format!("{n}")),
    ];
    Ok(Outcome::judged(
        rows,
        "The mean of the gradients of single samples against the gradient of all, taken in blocks \
         of 1000 rows; 784-16-10, ReLU, softmax, cross-entropy, f64, seed 0.",
    ))
}

/// All training images in double precision.
pub(super) fn samples_in_double(data: &Data) -> Result<Samples<'_, f64>> {
    let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) =
        (&data.dataset.train.inputs, &data.dataset.train.targets)
    else {
        unreachable!("both data sets are images of ten classes")
    };
    Ok(Samples::new(
        Inputs::bytes(pixels.view(), PIXEL_SCALE),
        Targets::classes(labels, 10),
    )?)
}

/// Adds up the gradients of batches of equal size.
struct MeanGradient {
    network: Network<f64>,
    cache: ForwardCache<f64>,
    gradients: Gradients<f64>,
    inputs: Array2<f64>,
    targets: Array2<f64>,
    sum: Vec<f64>,
}

impl MeanGradient {
    fn new(network: &Network<f64>, rows: usize) -> Self {
        Self {
            cache: ForwardCache::new(network, rows),
            gradients: Gradients::new(network, rows),
            inputs: Array2::zeros((rows, network.n_inputs())),
            targets: Array2::zeros((rows, network.n_outputs())),
            sum: vec![0.0; network.parameters().len()],
            network: network.clone(),
        }
    }

    fn add(&mut self, samples: &Samples<'_, f64>, rows: std::ops::Range<usize>) {
        for (row, position) in rows.enumerate() {
            let mut inputs = self.inputs.row_mut(row);
            let inputs = inputs.as_slice_mut().expect("a row of a fresh matrix");
            let read = samples.copy_inputs(position, inputs);
            read.expect("the samples are in memory");
            let mut targets = self.targets.row_mut(row);
            samples.copy_target(
                position,
                0.0,
                targets.as_slice_mut().expect("a row of a fresh matrix"),
            );
        }
        let threads = Threads::single();
        let Self {
            network,
            cache,
            gradients,
            inputs,
            targets,
            sum,
        } = self;
        network.forward_in_training(inputs.view(), cache, Randomness::new(0, 0), &threads);
        let targets = targets.as_slice().expect("a fresh matrix");
        gradients.loss_of_batch(Loss::CrossEntropy, network, targets, cache);
        gradients.values_mut().fill(0.0);
        gradients.backward(network, inputs.view(), cache, &threads);
        sum.iter_mut()
            .zip(gradients.values())
            .for_each(|(sum, g)| *sum += g);
    }
}
