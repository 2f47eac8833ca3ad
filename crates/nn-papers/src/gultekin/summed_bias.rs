//! Gradient descent as in Gultekin's published code, where the gradient of a layer's
//! biases is a single number.

use nn_core::{Loss, Network, Samples, evaluate};
use nn_train::Result;

use crate::context::Context;
use crate::gradient::Batch;
use crate::gultekin::variants::{CODE_RATE, VARIANTS, flags};
use crate::training::percent;

/// Number of rows per forward and backward pass.
const BLOCK: usize = 2000;

/// Trains with summed bias gradients and returns the training accuracy in percent
/// after each of the iterations `at`. `nn train` has no option for this: it is an
/// error of the code.
pub(super) fn train(context: &Context<'_>, at: &[usize], seed: u64) -> Result<Vec<f64>> {
    let last = at.iter().copied().max().unwrap_or(1);
    let flags = flags(context, &VARIANTS[1], last, seed);
    context.cached(&format!("{flags}; biases summed, after {at:?}"), || {
        let (plan, data) = context.plan(&flags)?;
        let samples = data.splits()?.train;
        let mut network = plan.network()?;
        let mut batch = Batch::new(&network, BLOCK);
        let mut accuracies = Vec::new();
        for iteration in 1..=last {
            context.check_stop()?;
            descend(&mut network, &mut batch, &samples, context)?;
            if at.contains(&iteration) {
                let threads = &context.options.threads;
                let evaluation = evaluate(&network, &samples, Loss::CrossEntropy, threads)?;
                accuracies.push(percent(evaluation.accuracy));
            }
        }
        context.report(format!(
            "     training accuracy with summed bias gradients, seed {seed}: {accuracies:.2?} %"
        ));
        Ok(accuracies)
    })
}

/// A step of gradient descent on the mean loss of all samples, in which every bias
/// moves by the sum of the gradients of its layer's biases.
fn descend(
    network: &mut Network,
    batch: &mut Batch<f32>,
    samples: &Samples<'_>,
    context: &Context<'_>,
) -> Result<()> {
    let mut sum = vec![0.0; network.parameters().len()];
    for start in (0..samples.len()).step_by(BLOCK) {
        let end = samples.len().min(start + BLOCK);
        batch.read(samples, start..end)?;
        let threads = &context.options.threads;
        let (_, gradient) = batch.loss_and_gradient(Loss::CrossEntropy, network, threads);
        let fraction = (end - start) as f32 / samples.len() as f32;
        let sums = sum.iter_mut().zip(gradient);
        sums.for_each(|(sum, g)| *sum += fraction * g);
    }
    for layer in network.layers() {
        let bias = &mut sum[layer.bias()];
        let total: f32 = bias.iter().sum();
        bias.fill(total);
    }
    let rate = CODE_RATE as f32;
    let parameters = network.parameters_mut().iter_mut().zip(&sum);
    parameters.for_each(|(parameter, g)| *parameter -= rate * g);
    Ok(())
}
