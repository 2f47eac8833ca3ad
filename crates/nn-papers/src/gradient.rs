//! Computes the loss and the gradient of a batch with nn-core, in single or double precision.

use std::ops::Range;

use nn_core::gradient_check::check;
use nn_core::network::{ForwardCache, Randomness};
use nn_core::{Gradients, Loss, Network, Regularization, Rows, Samples};
use nn_tensor::{Scalar, Threads};
use nn_train::Result;

/// A batch of samples, and buffers for a forward and a backward pass.
pub(crate) struct Batch<S: Scalar> {
    n_inputs: usize,
    n_outputs: usize,
    inputs: Vec<S>,
    targets: Vec<S>,
    cache: ForwardCache<S>,
    gradients: Gradients<S>,
}

impl<S: Scalar> Batch<S> {
    /// Buffers for batches of up to `max_rows` samples.
    pub(crate) fn new(network: &Network<S>, max_rows: usize) -> Self {
        Self {
            n_inputs: network.n_inputs(),
            n_outputs: network.n_outputs(),
            inputs: Vec::new(),
            targets: Vec::new(),
            cache: ForwardCache::new(network, max_rows),
            gradients: Gradients::new(network, max_rows),
        }
    }

    /// Reads the samples at the given positions.
    ///
    /// # Errors
    /// Returns an error if the samples cannot be read.
    pub(crate) fn read(&mut self, samples: &Samples<'_, S>, positions: Range<usize>) -> Result<()> {
        self.inputs
            .resize(positions.len() * self.n_inputs, S::zero());
        self.targets
            .resize(positions.len() * self.n_outputs, S::zero());
        let rows: Vec<u32> = positions.clone().map(|position| position as u32).collect();
        samples.read_inputs(&rows, &mut self.inputs)?;
        let targets = self.targets.chunks_exact_mut(self.n_outputs);
        for (position, target) in positions.zip(targets) {
            samples.copy_target(position, S::zero(), target);
        }
        Ok(())
    }

    /// The mean loss of the batch: forward pass.
    pub(crate) fn loss(&mut self, loss: Loss, network: &mut Network<S>, threads: &Threads) -> f64 {
        let inputs = Rows::new(&*self.inputs, self.n_inputs);
        network.forward_in_training(inputs, &mut self.cache, Randomness::new(0, 0), threads);
        self.gradients
            .loss_of_batch(loss, network, &self.targets, &self.cache)
    }

    /// The mean loss of the batch and its gradient: forward and backward pass.
    pub(crate) fn loss_and_gradient(
        &mut self,
        loss: Loss,
        network: &mut Network<S>,
        threads: &Threads,
    ) -> (f64, &[S]) {
        let value = self.loss(loss, network, threads);
        let inputs = Rows::new(&*self.inputs, self.n_inputs);
        self.gradients.values_mut().fill(S::zero());
        self.gradients
            .backward(network, inputs, &self.cache, threads);
        (value, self.gradients.values())
    }

    /// The values of the last forward pass.
    pub(crate) fn cache(&self) -> &ForwardCache<S> {
        &self.cache
    }

    /// The gradient and the errors δ of the last backward pass.
    pub(crate) fn gradients(&self) -> &Gradients<S> {
        &self.gradients
    }
}

/// The largest relative error of the gradient against finite differences.
///
/// # Errors
/// Returns an error if the samples do not match the network.
pub(crate) fn largest_gradient_error(
    network: &Network<f64>,
    samples: &Samples<'_, f64>,
    loss: Loss,
) -> Result<f64> {
    let checks = check(
        network,
        samples,
        loss,
        Regularization::default(),
        usize::MAX,
    )?;
    Ok(checks.iter().map(|check| check.error).fold(0.0, f64::max))
}
