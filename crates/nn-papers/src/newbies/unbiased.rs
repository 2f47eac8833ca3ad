//! Claim N2: the mean of the gradients of single samples is the gradient of all samples.
//!
//! ```text
//! E[∇J(θ; xᵢ, yᵢ)] = (1/N) Σ ∇J(θ; xᵢ, yᵢ)          newbies, section 2.5
//! ```

use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig, Samples};
use nn_tensor::Threads;
use nn_train::Result;

use crate::context::Context;
use crate::gradient::Batch;
use crate::newbies::double::samples_in_double;
use crate::outcome::{Outcome, Row, short};

/// Number of rows per block of the gradient of all samples.
const BLOCK: usize = 1000;

pub(super) fn unbiased(context: &Context<'_>) -> Result<Outcome> {
    let data = context.data()?;
    let samples = samples_in_double(&data)?;
    let all = samples.len();
    let n = context.full_or_quick(all, all.min(2000)) / BLOCK * BLOCK;
    let layers = vec![
        LayerConfig::new(16, Activation::Relu),
        LayerConfig::new(10, Activation::Softmax),
    ];
    let config = NetworkConfig {
        n_inputs: samples.n_inputs(),
        layers,
    };
    let network = Network::new(&config, 0)?;
    let of_samples = mean_gradient(context, &network, &samples, n, 1)?;
    let of_all = mean_gradient(context, &network, &samples, n, BLOCK)?;
    let differences = of_samples.iter().zip(&of_all);
    let differences = differences.map(|(sample, all)| (sample - all).abs());
    let components = of_all.iter().map(|g| g.abs());
    let rows = vec![
        Row::at_most(
            "largest difference between the two gradients over all parameters",
            differences.fold(0.0, f64::max),
            1e-10,
        ),
        Row::note(
            "largest component of the gradient",
            "",
            short(components.fold(0.0, f64::max)),
        ),
        Row::note("samples", "", n.to_string()),
    ];
    Ok(Outcome::judged(
        rows,
        "Compares the mean of the gradients of single samples with the gradient of all samples, \
         computed in blocks of 1000 rows. 784-16-10, ReLU, softmax, cross-entropy, f64, seed 0.",
    ))
}

/// The mean of the gradients of the first `n` samples in batches of `batch_size`,
/// which divides `n`.
fn mean_gradient(
    context: &Context<'_>,
    network: &Network<f64>,
    samples: &Samples<'_, f64>,
    n: usize,
    batch_size: usize,
) -> Result<Vec<f64>> {
    let mut network = network.clone();
    let mut batch = Batch::new(&network, batch_size);
    let mut sum = vec![0.0; network.parameters().len()];
    for start in (0..n).step_by(batch_size) {
        context.check_stop()?;
        batch.read(samples, start..start + batch_size)?;
        let threads = Threads::single();
        let (_, gradient) = batch.loss_and_gradient(Loss::CrossEntropy, &mut network, &threads);
        let sums = sum.iter_mut().zip(gradient);
        sums.for_each(|(sum, g)| *sum += g);
    }
    let n_batches = (n / batch_size) as f64;
    Ok(sum.iter().map(|sum| sum / n_batches).collect())
}
