//! Scaling stage: one learned factor per value (Holzmüller et al. 2024,
//! "Better by Default", section 3.1, RealMLP).
//!
//! ```text
//! forward    yⱼ = sⱼ·xⱼ,  initially s = 1
//! backward   ∂C/∂sⱼ = Σ rows δⱼ·xⱼ        ∂C/∂xⱼ = δⱼ·sⱼ
//! ```
//!
//! A scaling stage before the first dense stage learns the importance of each column of
//! a table.

use nn_error::Result;
use nn_tensor::Scalar;

use super::pass::{Backward, Forward, Kind, TensorSpec, no_argument};

/// Scaling by a learned factor per value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling;

impl Kind for Scaling {
    const NAME: &'static str = "scaling";

    fn parse(argument: &str) -> Result<Self> {
        no_argument(Self::NAME, argument).map(|()| Self)
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        vec![TensorSpec::parameter("scaling.scale", &[n_inputs], 1.0)]
    }

    fn forward<S: Scalar>(&self, mut pass: Forward<'_, S>) {
        pass.copy_inputs();
        for row in pass.outputs.chunks_exact_mut(pass.parameters.len()) {
            row.iter_mut()
                .zip(pass.parameters)
                .for_each(|(value, &scale)| *value *= scale);
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let width = pass.width;
        let (gradient, written) = pass.target.gradient();
        written.prepare(gradient);
        let rows = pass.error.chunks_exact(width);
        for (error, inputs) in rows.zip(pass.inputs.values().chunks_exact(width)) {
            for ((sum, &error), &input) in gradient.iter_mut().zip(error).zip(inputs) {
                *sum += error * input;
            }
        }
        let scale = pass.target.parameters();
        for error in pass.error.chunks_exact_mut(width) {
            error
                .iter_mut()
                .zip(scale)
                .for_each(|(error, &scale)| *error *= scale);
        }
    }
}
