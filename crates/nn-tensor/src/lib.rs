//! The arithmetic under a multilayer perceptron: matrix products, element-wise
//! functions, softmax, and random numbers that are the same on every run.
//!
//! # Shapes
//! Matrices are [`ndarray`] views. The letters used in all crates of this
//! workspace are
//!
//! | symbol | meaning |
//! |---|---|
//! | `n_samples` | rows of a data set |
//! | `batch_size` | rows worked on together |
//! | `n_inputs`, `n_outputs` | width of the data going into and out of a layer |
//!
//! A batch is `[batch_size, n_inputs]`, one sample a row, and the weights of a
//! layer are `[n_inputs, n_outputs]`, so that a layer reads `Z = A·W + b`.
//!
//! # The principal types
//! - [`Scalar`] is implemented by `f32` and `f64` and by nothing else.
//! - [`matmul`](fn@matmul) is the one product; `a.t()` makes `aᵀ·b` and `a·bᵀ` of it.
//! - [`random::Streams`] turns one seed into independent, named random streams.
//! - [`Threads`] is a handle to worker threads. Results never depend on how
//!   many there are.
//!
//! ```
//! use ndarray::array;
//! use nn_tensor::{Threads, matmul};
//!
//! let a = array![[1.0_f32, 2.0], [3.0, 4.0]];
//! let b = array![[5.0_f32, 6.0], [7.0, 8.0]];
//! let mut c = array![[0.0_f32, 0.0], [0.0, 0.0]];
//! matmul(a.view(), b.view(), c.view_mut(), &Threads::single());
//! assert_eq!(c, array![[19.0, 22.0], [43.0, 50.0]]);
//! ```
//!
//! # Panics
//! A shape that does not fit is a mistake of the program, not of the data:
//! functions here panic and name both shapes.
//!
//! # What this is not
//! No tensors of more than two dimensions, no automatic differentiation, no
//! device other than the CPU.

mod aligned;
mod native;
mod exponential;
mod scalar;
pub mod function;
pub mod threads;
pub mod matmul;
pub mod row;
pub mod sparse;
pub mod reduce;
pub mod softmax;
pub mod random;

pub use aligned::AlignedSlice;
pub use matmul::{matmul, matmul_add};
pub use native::{BadInstructionSet, InstructionSet, Kernel, Matrix, MatrixMut, vectorize};
pub use scalar::{Choice, Scalar};
pub use threads::Threads;
