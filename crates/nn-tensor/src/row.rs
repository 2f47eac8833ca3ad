//! A single row through a dense layer, and its error back.
//!
//! ```text
//! z  = b + a·W
//! δ' = δ·Wᵀ
//! W ← W + aᵀ·δ,  b ← b + δ
//! ```
//!
//! The same bits as [`matmul`](fn@crate::matmul) gives, in one call each and in
//! the calling thread: the products of a small layer take some nanoseconds.

use crate::Scalar;
use crate::native::InstructionSet;

/// `sums ← bias + inputs·weights`
///
/// # Shapes
/// `inputs [n_inputs]`, `weights [n_inputs, n_outputs]`, `bias` and `sums`
/// `[n_outputs]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// let mut sums = [0.0; 3];
/// let weights = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// nn_tensor::row::weighted_sums(&[1.0, 10.0], &weights, &[0.5; 3], &mut sums);
/// assert_eq!(sums, [41.5, 52.5, 63.5]);
/// ```
pub fn weighted_sums<S: Scalar>(inputs: &[S], weights: &[S], bias: &[S], sums: &mut [S]) {
    S::weighted_sums(InstructionSet::current(), inputs, weights, bias, sums);
}

/// `below ← error·weightsᵀ`
///
/// # Shapes
/// `error [n_outputs]`, `weights [n_inputs, n_outputs]`, `below [n_inputs]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn error_below<S: Scalar>(error: &[S], weights: &[S], below: &mut [S]) {
    S::error_below(InstructionSet::current(), error, weights, below);
}

/// `weights ← weights + inputsᵀ·error` and `bias ← bias + error`
///
/// # Shapes
/// `inputs [n_inputs]`, `error` and `bias` `[n_outputs]`, `weights [n_inputs, n_outputs]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn add_gradients<S: Scalar>(inputs: &[S], error: &[S], weights: &mut [S], bias: &mut [S]) {
    S::add_gradients(InstructionSet::current(), inputs, error, weights, bias);
}
