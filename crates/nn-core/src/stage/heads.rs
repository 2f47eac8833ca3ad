//! Heads stage: the output layer of a network with K members ([`Members`](super::Members)),
//! in which each member has its own weights.
//!
//! ```text
//! forward    Zₖ  = Aₖ·Wₖ + bₖ                   for each member k
//! backward   ΔWₖ = Aₖᵀ·δₖ    Δbₖ = Σ rows of δₖ    δ'ₖ = δₖ·Wₖᵀ
//! ```
//!
//! Row b·K + k of a block belongs to member k, so the rows of a member are a matrix view
//! with a stride.

use nn_error::Result;
use nn_tensor::sparse::WriteMode;
use nn_tensor::{Matrix, MatrixMut, Scalar, matmul_add};

use super::pass::{Backward, Forward, Kind, Place, TensorSpec, invalid_argument};
use super::weighted_sums;

/// A dense output stage per member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Number of members, K.
    pub n_members: usize,
    /// Number of outputs of each member.
    pub n_outputs: usize,
}

impl Kind for Heads {
    const NAME: &'static str = "heads";

    const IS_ERROR_IN_PLACE: bool = false;

    /// An output layer after a members stage has this stage in place of the dense one.
    fn fits(_place: Place) -> bool {
        false
    }

    fn argument(&self) -> String {
        format!("{}x{}", self.n_members, self.n_outputs)
    }

    fn parse(argument: &str) -> Result<Self> {
        let parsed = argument.split_once('x').and_then(|(n_members, n_outputs)| {
            Some(Self {
                n_members: n_members.parse().ok()?,
                n_outputs: n_outputs.parse().ok()?,
            })
        });
        let expected = "the number of members and of outputs, such as 32x10";
        parsed.ok_or_else(|| invalid_argument(Self::NAME, argument, expected))
    }

    fn n_outputs(&self, _n_inputs: usize) -> usize {
        self.n_outputs
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let (n_members, n_outputs) = (self.n_members, self.n_outputs);
        let weight = TensorSpec::parameter("weight", &[n_members, n_inputs, n_outputs], 0.0);
        vec![
            TensorSpec {
                label: "weights",
                ..weight
            },
            TensorSpec::parameter("bias", &[n_members, n_outputs], 0.0),
        ]
    }

    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let inputs = pass.inputs.expect("the stage is never in place").values();
        let n_rows = pass.outputs.len() / (self.n_members * self.n_outputs);
        let inputs = Matrix::new(inputs, [n_rows, self.n_members * pass.n_inputs]);
        let mut outputs = MatrixMut::new(pass.outputs, [n_rows, self.n_members * self.n_outputs]);
        for member in 0..self.n_members {
            let head = self.head(pass.parameters, pass.n_inputs, member);
            let inputs = columns(inputs, member, pass.n_inputs);
            let outputs = columns_mut(&mut outputs, member, self.n_outputs);
            nn_tensor::matmul_bias(inputs, head.weights, head.bias, outputs, pass.threads);
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let (n_members, n_inputs, n_outputs) = (self.n_members, pass.n_inputs, self.n_outputs);
        let n_rows = pass.n_rows / n_members;
        let error = Matrix::new(pass.error, [n_rows, n_members * n_outputs]);
        if let Some((below, written)) = pass.error_below {
            let mut below = MatrixMut::new(below, [n_rows, n_members * n_inputs]);
            for member in 0..n_members {
                let head = self.head(pass.target.parameters(), n_inputs, member);
                let error = columns(error, member, n_outputs);
                let below = columns_mut(&mut below, member, n_inputs);
                match written {
                    WriteMode::Overwrite => {
                        nn_tensor::matmul(error, head.weights.t(), below, pass.threads);
                    }
                    WriteMode::Accumulate => {
                        matmul_add(error, head.weights.t(), below, pass.threads);
                    }
                }
            }
        }
        let inputs = Matrix::new(pass.inputs.values(), [n_rows, n_members * n_inputs]);
        let (gradient, written) = pass.target.gradient();
        let (weights, bias) = gradient.split_at_mut(n_members * n_inputs * n_outputs);
        let heads = weights
            .chunks_exact_mut(n_inputs * n_outputs)
            .zip(bias.chunks_exact_mut(n_outputs));
        for (member, (weights, bias)) in heads.enumerate() {
            let inputs = columns(inputs, member, n_inputs);
            let error = columns(error, member, n_outputs);
            let weights = MatrixMut::new(weights, [n_inputs, n_outputs]);
            let gradients = match written {
                WriteMode::Overwrite => weighted_sums::gradients,
                WriteMode::Accumulate => weighted_sums::add_gradients,
            };
            gradients(inputs, error, weights, bias, pass.threads);
        }
    }
}

/// The weights `[n_inputs, n_outputs]` and biases `[n_outputs]` of one member.
struct Head<'a, S> {
    weights: Matrix<'a, S>,
    bias: &'a [S],
}

impl Heads {
    fn head<'a, S>(&self, parameters: &'a [S], n_inputs: usize, member: usize) -> Head<'a, S> {
        let n_weights = n_inputs * self.n_outputs;
        let (weights, bias) = parameters.split_at(self.n_members * n_weights);
        let weights = &weights[member * n_weights..(member + 1) * n_weights];
        Head {
            weights: Matrix::new(weights, [n_inputs, self.n_outputs]),
            bias: &bias[member * self.n_outputs..(member + 1) * self.n_outputs],
        }
    }
}

/// The `width` columns of a member in a matrix `[n_rows, n_members·width]`.
fn columns<S>(rows: Matrix<'_, S>, member: usize, width: usize) -> Matrix<'_, S> {
    rows.columns(member * width..(member + 1) * width)
}

/// As [`columns`], mutable.
fn columns_mut<'a, S>(
    rows: &'a mut MatrixMut<'_, S>,
    member: usize,
    width: usize,
) -> MatrixMut<'a, S> {
    let [_, rest] = rows.reborrow().split_at_column(member * width);
    let [own, _] = rest.split_at_column(width);
    own
}
