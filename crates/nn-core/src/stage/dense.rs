//! Dense (fully connected) stage: weighted sums of all inputs.
//!
//! ```text
//! forward    Z  = A·W + b            newbies 2.7.1, Schoofs (10)
//! backward   ΔW = Aᵀ·δ               Schoofs (12), before the division by the batch size
//!            Δb = Σ rows of δ        Schoofs (5), summed over the batch
//!            δ' = δ·Wᵀ               Schoofs (13), before the factor φ′
//! ```
//!
//! Schoofs stores W as `[n_outputs, n_inputs]`, so (10) reads `X·Wᵀ`; here it
//! is `[n_inputs, n_outputs]`, which is also the shape that (12) yields.

use nn_error::Result;
use nn_tensor::sparse::WriteMode;
use nn_tensor::{Scalar, matmul_add};

use super::pass::{Backward, Forward, Kind, Place, Target, TensorSpec, invalid_argument};

pub use super::weighted_sums::{add_gradients, backward, forward, gradients};
/// Matrix views, created from slices or from `ndarray` views.
pub use nn_tensor::{Matrix, MatrixMut};

/// A dense (fully connected) stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Number of neurons.
    pub n_outputs: usize,
}

impl Kind for Dense {
    const NAME: &'static str = "dense";

    const IS_ERROR_IN_PLACE: bool = false;

    /// A layer has a separate field for this stage.
    fn fits(_place: Place) -> bool {
        false
    }

    fn argument(&self) -> String {
        self.n_outputs.to_string()
    }

    fn parse(argument: &str) -> Result<Self> {
        match argument.parse() {
            Ok(n_outputs) => Ok(Self { n_outputs }),
            Err(_) => Err(invalid_argument(
                Self::NAME,
                argument,
                "the number of neurons",
            )),
        }
    }

    fn n_outputs(&self, _n_inputs: usize) -> usize {
        self.n_outputs
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let weight = TensorSpec::parameter("weight", &[n_inputs, self.n_outputs], 0.0);
        vec![
            TensorSpec {
                label: "weights",
                ..weight
            },
            TensorSpec::parameter("bias", &[self.n_outputs], 0.0),
        ]
    }

    #[inline(always)]
    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let inputs = pass.inputs.expect("a dense stage is never in place");
        let (weights, bias) = split(pass.parameters, pass.n_inputs, self.n_outputs);
        inputs.weighted_sums(weights, bias, pass.outputs, pass.threads);
    }

    #[inline(always)]
    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let error = Matrix::new(pass.error, [pass.n_rows, self.n_outputs]);
        let parameters = pass.target.parameters();
        let (weights, _) = split(parameters, pass.n_inputs, self.n_outputs);
        if let Some((below, written)) = pass.error_below {
            let below = MatrixMut::new(below, [pass.n_rows, pass.n_inputs]);
            match written {
                WriteMode::Overwrite => backward(error, weights, below, pass.threads),
                WriteMode::Accumulate => matmul_add(error, weights.t(), below, pass.threads),
            }
        }
        if matches!(pass.target, Target::Elsewhere(_)) {
            return;
        }
        let (gradient, written) = pass.target.gradient();
        let (weights, bias) = split_mut(gradient, pass.n_inputs, self.n_outputs);
        pass.inputs
            .gradients(error, weights, bias, written, pass.transposed, pass.threads);
    }
}

/// Splits parameters into weights and biases.
#[inline]
fn split<S>(parameters: &[S], n_inputs: usize, n_outputs: usize) -> (Matrix<'_, S>, &[S]) {
    let (weights, bias) = parameters.split_at(n_inputs * n_outputs);
    (Matrix::new(weights, [n_inputs, n_outputs]), bias)
}

/// Splits parameters into mutable weights and biases.
#[inline]
fn split_mut<S>(
    parameters: &mut [S],
    n_inputs: usize,
    n_outputs: usize,
) -> (MatrixMut<'_, S>, &mut [S]) {
    let (weights, bias) = parameters.split_at_mut(n_inputs * n_outputs);
    (MatrixMut::new(weights, [n_inputs, n_outputs]), bias)
}
