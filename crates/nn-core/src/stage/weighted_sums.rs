//! The matrix products of a dense stage, with the formulas of [`dense`](super::dense).

use nn_tensor::reduce::add_rows;
use nn_tensor::{Matrix, MatrixMut, Scalar, Threads, matmul, matmul_add, matmul_bias, row};

/// Minimum number of values per thread.
pub(super) const MIN_PIECE: usize = 1 << 13;

/// Number of weights from which several threads are faster even for one sample.
const MAX_SINGLE_ROW_WEIGHTS: usize = 1 << 18;

/// Computes the weighted sums `Z = A·W + b`.
///
/// # Shapes
/// `inputs [batch, n_inputs]`, `weights [n_inputs, n_outputs]`,
/// `bias [n_outputs]`, `sums [batch, n_outputs]`.
///
/// # Panics
/// Panics if the shapes do not match.
pub fn forward<'a, 'w, 'z, S: Scalar>(
    inputs: impl Into<Matrix<'a, S>>,
    weights: impl Into<Matrix<'w, S>>,
    bias: &[S],
    sums: impl Into<MatrixMut<'z, S>>,
    threads: &Threads,
) {
    let (inputs, weights): (Matrix<'a, S>, Matrix<'w, S>) = (inputs.into(), weights.into());
    let sums: MatrixMut<'z, S> = sums.into();
    if let (Some(inputs), Some(weights)) = (single_row(inputs), small(weights)) {
        let sums = sums.into_slice().expect("a batch is contiguous");
        return row::weighted_sums(inputs, weights, bias, sums);
    }
    matmul_bias(inputs, weights, bias, sums, threads);
}

/// The row of a batch of one row.
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

/// Sets every row of the sums to the bias.
///
/// # Panics
/// Panics if the rows have the wrong length or do not follow one another.
pub(super) fn fill_rows<S: Scalar>(sums: MatrixMut<'_, S>, bias: &[S], threads: &Threads) {
    let sums = sums.into_slice().expect("a batch is contiguous");
    threads.for_each_chunk(sums, bias.len(), MIN_PIECE, |_, sums| {
        let Some(first) = sums.get_mut(..bias.len()) else {
            return;
        };
        first.copy_from_slice(bias);
        // Short rows are slow to copy one by one: copy 1, 2, 4, ... at once.
        let mut done = bias.len();
        while done < sums.len() {
            let (rows, rest) = sums.split_at_mut(done);
            let n = rows.len().min(rest.len());
            rest[..n].copy_from_slice(&rows[..n]);
            done += n;
        }
    });
}

/// Adds the gradients of a batch: `ΔW ← ΔW + Aᵀ·δ` and `Δb ← Δb + Σ δ`.
///
/// # Shapes
/// `inputs [batch, n_inputs]`, `error [batch, n_outputs]`,
/// `weights_gradient [n_inputs, n_outputs]`, `bias_gradient [n_outputs]`.
///
/// # Panics
/// Panics if the shapes do not match.
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

/// Overwrites the gradients with the gradients of a batch: `ΔW ← Aᵀ·δ` and `Δb ← Σ δ`.
///
/// # Shapes
/// The shapes are the same as for [`add_gradients`].
///
/// # Panics
/// Panics if the shapes do not match.
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

/// Computes δ of the layer's inputs, `δ' = δ·Wᵀ`.
///
/// # Shapes
/// `error [batch, n_outputs]`, `weights [n_inputs, n_outputs]`,
/// `error_below [batch, n_inputs]`.
///
/// # Panics
/// Panics if the shapes do not match.
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
