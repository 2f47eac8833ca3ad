//! Dense (fully connected) stage: weighted sums of all inputs.
//!
//! ```text
//! forward    Z  = A·W + b            newbies 2.7.1, Schoofs (10)
//! backward   ΔW = Aᵀ·δ               Schoofs (12), before the division by the batch size
//!            Δb = Σ rows of δ        Schoofs (5), summed over the batch
//!            δ' = δ·Wᵀ               Schoofs (13), before the factor φ′
//! ```
//!
//! Schoofs keeps W as `[n_outputs, n_inputs]`, so that his (10) reads `X·Wᵀ`;
//! here it is `[n_inputs, n_outputs]`, which is also the shape that his (12)
//! really gives.

use nn_tensor::reduce::add_rows;
use nn_tensor::sparse::WriteMode;
use nn_tensor::{Matrix, MatrixMut, Scalar, Threads, matmul, matmul_add, row};

use super::pass::{Backward, Forward, Kind, MIN_PIECE, Place, TensorSpec};
use crate::menu::shorten;
use crate::{Error, Result};

/// A dense stage of this many neurons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Number of neurons.
    pub n_outputs: usize,
}

impl Kind for Dense {
    const NAME: &'static str = "dense";

    const IS_ERROR_IN_PLACE: bool = false;

    /// A layer has a setting of its own for it.
    fn fits(_place: Place) -> bool {
        false
    }

    fn argument(&self) -> String {
        self.n_outputs.to_string()
    }

    fn parse(argument: &str) -> Result<Self> {
        let n_outputs = argument.parse().map_err(|_| Error::OutOfRange {
            what: "dense".to_owned(),
            expected: "a number of neurons".to_owned(),
            found: shorten(argument),
        })?;
        Ok(Self { n_outputs })
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
        let (gradient, written) = pass.target.gradient();
        let (weights, bias) = split_mut(gradient, pass.n_inputs, self.n_outputs);
        pass.inputs
            .gradients(error, weights, bias, written, pass.transposed, pass.threads);
    }
}

/// Weights and biases.
#[inline]
fn split<S>(parameters: &[S], n_inputs: usize, n_outputs: usize) -> (Matrix<'_, S>, &[S]) {
    let (weights, bias) = parameters.split_at(n_inputs * n_outputs);
    (Matrix::new(weights, [n_inputs, n_outputs]), bias)
}

/// Weights and biases, to be changed.
#[inline]
fn split_mut<S>(
    parameters: &mut [S],
    n_inputs: usize,
    n_outputs: usize,
) -> (MatrixMut<'_, S>, &mut [S]) {
    let (weights, bias) = parameters.split_at_mut(n_inputs * n_outputs);
    (MatrixMut::new(weights, [n_inputs, n_outputs]), bias)
}

/// Layers with this many weights are worth several threads even for one sample.
const MAX_SINGLE_ROW_WEIGHTS: usize = 1 << 18;

/// `Z = A·W + b`
///
/// # Shapes
/// `inputs [batch, n_inputs]`, `weights [n_inputs, n_outputs]`,
/// `bias [n_outputs]`, `sums [batch, n_outputs]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward<'a, 'w, 'z, S: Scalar>(
    inputs: impl Into<Matrix<'a, S>>,
    weights: impl Into<Matrix<'w, S>>,
    bias: &[S],
    sums: impl Into<MatrixMut<'z, S>>,
    threads: &Threads,
) {
    let (inputs, weights): (Matrix<'a, S>, Matrix<'w, S>) = (inputs.into(), weights.into());
    let mut sums: MatrixMut<'z, S> = sums.into();
    if let (Some(inputs), Some(weights)) = (single_row(inputs), small(weights)) {
        let sums = sums.into_slice().expect("a batch is contiguous");
        return row::weighted_sums(inputs, weights, bias, sums);
    }
    fill_rows(sums.reborrow(), bias, threads);
    matmul_add(inputs, weights, sums, threads);
}

/// The one row of a batch that has no more.
#[inline]
fn single_row<S>(rows: Matrix<'_, S>) -> Option<&[S]> {
    if rows.shape()[0] == 1 {
        rows.to_slice()
    } else {
        None
    }
}

/// The weights, if they are few enough for one thread.
#[inline]
fn small<S>(weights: Matrix<'_, S>) -> Option<&[S]> {
    weights
        .to_slice()
        .filter(|weights| weights.len() < MAX_SINGLE_ROW_WEIGHTS)
}

/// Every row of the sums begins as the bias.
///
/// # Panics
/// If the rows have another length or do not follow one another.
pub(super) fn fill_rows<S: Scalar>(sums: MatrixMut<'_, S>, bias: &[S], threads: &Threads) {
    let sums = sums.into_slice().expect("a batch is contiguous");
    threads.for_each_chunk(sums, bias.len(), MIN_PIECE, |_, sums| {
        let Some(first) = sums.get_mut(..bias.len()) else {
            return;
        };
        first.copy_from_slice(bias);
        // Rows of a few numbers are slow to copy one by one: 1, 2, 4, ... at once.
        let mut done = bias.len();
        while done < sums.len() {
            let (rows, rest) = sums.split_at_mut(done);
            let n = rows.len().min(rest.len());
            rest[..n].copy_from_slice(&rows[..n]);
            done += n;
        }
    });
}

/// `ΔW ← ΔW + Aᵀ·δ` and `Δb ← Δb + Σ δ`
///
/// # Shapes
/// `inputs [batch, n_inputs]`, `error [batch, n_outputs]`,
/// `weights_gradient [n_inputs, n_outputs]`, `bias_gradient [n_outputs]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_gradients<'a, 'd, 'w, S: Scalar>(
    inputs: impl Into<Matrix<'a, S>>,
    error: impl Into<Matrix<'d, S>>,
    weights_gradient: impl Into<MatrixMut<'w, S>>,
    bias_gradient: &mut [S],
    threads: &Threads,
) {
    let (inputs, error): (Matrix<'a, S>, Matrix<'d, S>) = (inputs.into(), error.into());
    let mut weights_gradient: MatrixMut<'w, S> = weights_gradient.into();
    if let (Some(inputs), Some(error)) = (single_row(inputs), single_row(error))
        && inputs.len() * error.len() < MAX_SINGLE_ROW_WEIGHTS
        && let Some(weights_gradient) = weights_gradient.reborrow().into_slice()
    {
        return row::add_gradients(inputs, error, weights_gradient, bias_gradient);
    }
    matmul_add(inputs.t(), error, weights_gradient, threads);
    add_rows(error, bias_gradient, threads);
}

/// As [`add_gradients`], in place of what was there.
///
/// # Panics
/// If the shapes do not fit.
pub fn gradients<'a, 'd, 'w, S: Scalar>(
    inputs: impl Into<Matrix<'a, S>>,
    error: impl Into<Matrix<'d, S>>,
    weights_gradient: impl Into<MatrixMut<'w, S>>,
    bias_gradient: &mut [S],
    threads: &Threads,
) {
    let (inputs, error) = (inputs.into(), error.into());
    matmul(inputs.t(), error, weights_gradient, threads);
    bias_gradient.fill(S::zero());
    add_rows(error, bias_gradient, threads);
}

/// `δ' = δ·Wᵀ`, the error of the layer's inputs.
///
/// # Shapes
/// `error [batch, n_outputs]`, `weights [n_inputs, n_outputs]`,
/// `error_below [batch, n_inputs]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward<'d, 'w, 'b, S: Scalar>(
    error: impl Into<Matrix<'d, S>>,
    weights: impl Into<Matrix<'w, S>>,
    error_below: impl Into<MatrixMut<'b, S>>,
    threads: &Threads,
) {
    let (error, weights): (Matrix<'d, S>, Matrix<'w, S>) = (error.into(), weights.into());
    let error_below: MatrixMut<'b, S> = error_below.into();
    if let (Some(error), Some(weights)) = (single_row(error), small(weights)) {
        let error_below = error_below.into_slice().expect("a batch is contiguous");
        return row::backward(error, weights, error_below);
    }
    matmul(error, weights.t(), error_below, threads);
}
