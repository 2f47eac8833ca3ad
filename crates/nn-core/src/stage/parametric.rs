//! Parametric activation: an activation function mixed with the identity by a
//! learned factor per value (Holzmüller et al. 2024, "Better by Default",
//! RealMLP).
//!
//! ```text
//! forward    y = z + α·(φ(z) − z),  initially α = 1
//! backward   ∂C/∂αⱼ = Σ rows δⱼ·(φ(zⱼ) − zⱼ)
//!            ∂C/∂zⱼ = δⱼ·(1 − αⱼ) + δⱼ·αⱼ·φ′(zⱼ)
//! ```

use nn_error::{Error, Result};
use nn_functions::{Activation, Menu};
use nn_tensor::Scalar;

use super::pass::{Backward, Forward, Kind, TensorSpec};

/// An activation function, mixed with the identity by a learned factor per value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParametricActivation(pub Activation);

impl Kind for ParametricActivation {
    const NAME: &'static str = "parametric";

    fn argument(&self) -> String {
        self.0.to_string()
    }

    fn parse(argument: &str) -> Result<Self> {
        argument.parse().map(Self)
    }

    fn check(&self, _n_inputs: usize) -> Result<()> {
        if self.0 == Activation::Softmax {
            return Err(Error::Conflict {
                what: "parametric activation".to_owned(),
                problem: "softmax cannot be mixed with the identity".to_owned(),
            });
        }
        self.0.check()
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        vec![TensorSpec::parameter("parametric.alpha", &[n_inputs], 1.0)]
    }

    /// The values φ(z).
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        [n_inputs * n_rows, 0, 0]
    }

    /// The derivatives φ′(z) of a row.
    fn scratch(&self, n_inputs: usize) -> usize {
        n_inputs
    }

    fn forward<S: Scalar>(&self, mut pass: Forward<'_, S>) {
        pass.copy_inputs();
        let width = pass.width;
        let values = &mut pass.cache[0][..pass.outputs.len()];
        values.copy_from_slice(pass.outputs);
        self.0.apply(values, width);
        let rows = pass.outputs.chunks_exact_mut(width);
        for (row, values) in rows.zip(values.chunks_exact(width)) {
            for ((z, &value), &alpha) in row.iter_mut().zip(values).zip(pass.parameters) {
                *z += alpha * (value - *z);
            }
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let width = pass.width;
        let z = pass.inputs.values().chunks_exact(width);
        let values = pass.cache[0].chunks_exact(width);
        let (gradient, written) = pass.target.gradient();
        written.prepare(gradient);
        let rows = pass.error.chunks_exact(width);
        for ((error, z), values) in rows.zip(z.clone()).zip(values.clone()) {
            for j in 0..width {
                gradient[j] += error[j] * (values[j] - z[j]);
            }
        }
        let alpha = &pass.target.parameters()[..width];
        let derivative = &mut pass.scratch[..width];
        let rows = pass.error.chunks_exact_mut(width);
        for ((error, z), values) in rows.zip(z).zip(values) {
            derivative.fill(S::one());
            self.0.backward(z, values, derivative, width);
            for j in 0..width {
                let factor = S::one() - alpha[j] + alpha[j] * derivative[j];
                error[j] = (error[j] * factor).flushed_root();
            }
        }
    }
}
