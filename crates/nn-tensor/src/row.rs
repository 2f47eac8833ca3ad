//! Forward and backward pass of a dense layer for a single sample.
//!
//! ```text
//! z  = b + a·W
//! δ' = δ·Wᵀ
//! W ← W + aᵀ·δ,  b ← b + δ
//! ```
//!
//! These functions give the same bits as [`matmul`](fn@crate::matmul) with less overhead per
//! call, which matters because the products of a small layer take only a few nanoseconds.

use crate::Scalar;
use crate::native::{AddGradients, ErrorBelow, InstructionSet, WeightedSums};

/// Computes the pre-activations of one sample: `sums ← bias + inputs·weights`.
///
/// # Shapes
/// `inputs [n_inputs]`, `weights [n_inputs, n_outputs]`, `bias` and `sums`
/// `[n_outputs]`.
///
/// # Panics
/// Panics if the shapes do not match.
///
/// ```
/// let mut sums = [0.0; 3];
/// let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// nn_tensor::row::weighted_sums(&[1.0, 10.0], &weights, &[0.5; 3], &mut sums);
/// assert_eq!(sums, [41.5, 52.5, 63.5]);
/// ```
pub fn weighted_sums<S: Scalar>(inputs: &[S], weights: &[S], bias: &[S], sums: &mut [S]) {
    let program = WeightedSums {
        inputs,
        weights,
        bias,
        sums,
    };
    S::weighted_sums(InstructionSet::current(), program);
}

/// Backpropagates the error of one sample to the layer below: `below ← error·weightsᵀ`.
///
/// # Shapes
/// `error [n_outputs]`, `weights [n_inputs, n_outputs]`, `below [n_inputs]`.
///
/// # Panics
/// Panics if the shapes do not match.
pub fn backward<S: Scalar>(error: &[S], weights: &[S], below: &mut [S]) {
    let program = ErrorBelow {
        error,
        weights,
        below,
    };
    S::error_below(InstructionSet::current(), program);
}

/// Adds the gradients of one sample: `weights ← weights + inputsᵀ·error` and
/// `bias ← bias + error`.
///
/// # Shapes
/// `inputs [n_inputs]`, `error` and `bias` `[n_outputs]`, `weights [n_inputs, n_outputs]`.
///
/// # Panics
/// Panics if the shapes do not match.
pub fn add_gradients<S: Scalar>(inputs: &[S], error: &[S], weights: &mut [S], bias: &mut [S]) {
    let program = AddGradients {
        inputs,
        error,
        weights,
        bias,
    };
    S::add_gradients(InstructionSet::current(), program);
}
