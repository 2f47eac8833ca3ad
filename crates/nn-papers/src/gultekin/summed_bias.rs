//! Gultekin's published code, in which the gradient of a layer's biases is one
//! number.

use ndarray::{Array2, Axis};
use nn_core::network::{ForwardCache, Randomness};
use nn_core::{Gradients, Loss, Network, Samples, evaluate};

use crate::context::Context;
use crate::gultekin::variants::{CODE_RATE, VARIANTS, flags};
use nn_train::Result;

/// Gradient descent as in the author's code, where every bias of a layer moves
/// by the sum of all their gradients: not an option of `nn train`, because it
/// is a mistake.
pub(super) fn train(context: &Context<'_>, at: &[usize], seed: u64) -> Result<Vec<f64>> {
    let last = at.iter().copied().max().unwrap_or(1);
    let flags = flags(context, &VARIANTS[1], last, seed);
    context.cached(&format!("{flags}; biases summed, after {at:?}"), || {
        let (plan, data) = context.plan(&flags)?;
        let samples = data.splits()?.train;
        let mut network: Network = Network::new(&plan.network, seed)?;
        let mut step = SummedBias::new(&network);
        let mut accuracies = Vec::new();
        for iteration in 1..=last {
            context.check_stop()?;
            step.descend(&mut network, &samples, CODE_RATE as f32, context);
            if at.contains(&iteration) {
                let found = evaluate(&network, &samples, Loss::CrossEntropy, &context.options.threads)?;
                accuracies.push(100.0 * found.accuracy.unwrap_or(f64::NAN));
            }
        }
        context.report(format!(
            "     the same with summed biases, seed {seed}: {accuracies:.2?} %"
        ));
        Ok(accuracies)
    })
}

/// The buffers of a step.
struct SummedBias {
    inputs: Array2<f32>,
    targets: Array2<f32>,
    cache: ForwardCache<f32>,
    gradients: Gradients<f32>,
    sum: Vec<f32>,
}

impl SummedBias {
    /// Rows that go through together.
    const BLOCK: usize = 2000;

    fn new(network: &Network) -> Self {
        Self {
            inputs: Array2::zeros((Self::BLOCK, network.n_inputs())),
            targets: Array2::zeros((Self::BLOCK, network.n_outputs())),
            cache: ForwardCache::new(network, Self::BLOCK),
            gradients: Gradients::new(network, Self::BLOCK),
            sum: vec![0.0; network.parameters().len()],
        }
    }

    /// One step on the mean over all samples.
    fn descend(
        &mut self,
        network: &mut Network,
        samples: &Samples<'_>,
        rate: f32,
        context: &Context<'_>,
    ) {
        self.sum.fill(0.0);
        for start in (0..samples.len()).step_by(Self::BLOCK) {
            let n = Self::BLOCK.min(samples.len() - start);
            for row in 0..n {
                let mut inputs = self.inputs.row_mut(row);
                let inputs = inputs.as_slice_mut().expect("a row of a fresh matrix");
                let read = samples.copy_inputs(start + row, inputs);
                read.expect("the samples are in memory");
                let mut targets = self.targets.row_mut(row);
                samples.copy_target(
                    start + row,
                    0.0,
                    targets.as_slice_mut().expect("a row of a fresh matrix"),
                );
            }
            let [inputs, targets] =
                [&self.inputs, &self.targets].map(|rows| rows.slice_axis(Axis(0), (..n).into()));
            network.forward_in_training(
                inputs,
                &mut self.cache,
                Randomness::new(0, 0),
                &context.options.threads,
            );
            let targets = targets.to_slice().expect("rows of a fresh matrix");
            self.gradients
                .loss_of_batch(Loss::CrossEntropy, network, targets, &self.cache);
            self.gradients.values_mut().fill(0.0);
            self.gradients
                .backward(network, inputs, &self.cache, &context.options.threads);
            let share = n as f32 / samples.len() as f32;
            let sums = self.sum.iter_mut().zip(self.gradients.values());
            sums.for_each(|(sum, g)| *sum += share * g);
        }
        for layer in network.layers() {
            let bias = &mut self.sum[layer.bias()];
            let total: f32 = bias.iter().sum();
            bias.fill(total);
        }
        let parameters = network.parameters_mut().iter_mut().zip(&self.sum);
        parameters.for_each(|(parameter, g)| *parameter -= rate * g);
    }
}
