//! Numerical kernels for multilayer perceptrons: matrix products, element-wise
//! functions, softmax, and reproducible random numbers.
//!
//! # Shapes
//! Matrices are [`ndarray`] views. All crates of this workspace use these
//! symbols:
//!
//! | symbol | meaning |
//! |---|---|
//! | `n_samples` | number of rows of a data set |
//! | `batch_size` | number of rows processed together |
//! | `n_inputs`, `n_outputs` | number of values that enter and leave a layer per sample |
//!
//! A batch is `[batch_size, n_inputs]`, one sample per row, and the weights of a
//! layer are `[n_inputs, n_outputs]`, so a layer computes `Z = A·W + b`.
//!
//! # Main types
//! - [`Scalar`] is the element type: `f32` or `f64`.
//! - [`matmul`](fn@matmul) multiplies dense matrices; pass `a.t()` or `b.t()` for
//!   `aᵀ·b` and `a·bᵀ`.
//! - [`sparse`] multiplies matrices of bytes that are mostly zero.
//! - [`random::Streams`] derives independent, named random streams from one seed.
//! - [`Threads`] is a handle to a thread pool. Results do not depend on the
//!   number of threads.
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
//! Functions panic on mismatched shapes, which are a bug in the caller. The panic message names
//! both shapes.
//!
//! # Scope
//! Arrays have at most two dimensions. The crate has no automatic differentiation, and all
//! functions run on the CPU.
//!
//! # Sources
//! - K. Goto, R. A. van de Geijn: [Anatomy of High-Performance Matrix
//!   Multiplication](https://doi.org/10.1145/1356052.1356053), ACM Transactions on
//!   Mathematical Software 34 (3), 2008: the loop nest and the packing of the
//!   dense product.
//! - F. G. Van Zee, R. A. van de Geijn: [BLIS: A Framework for Rapidly
//!   Instantiating BLAS Functionality](https://doi.org/10.1145/2764454), ACM
//!   Transactions on Mathematical Software 41 (3), 2015: the micro-kernel.
//! - Y. Saad: [Iterative Methods for Sparse Linear
//!   Systems](https://doi.org/10.1137/1.9780898718003), 2nd edition, SIAM 2003,
//!   section 3.4: compressed sparse rows and columns.
//! - W. J. Cody, W. Waite: Software Manual for the Elementary Functions,
//!   Prentice-Hall 1980, chapter 6: the argument reduction of the exponential.
//! - M. Abramowitz, I. A. Stegun: [Handbook of Mathematical
//!   Functions](https://personal.math.ubc.ca/~cbm/aands/), National Bureau of
//!   Standards 1964, table 7.1: reference values of the error function.
//! - I. Goodfellow, Y. Bengio, A. Courville: [Deep Learning](https://www.deeplearningbook.org),
//!   MIT Press 2016, section 4.1: softmax without overflow.
//! - D. J. Bernstein: [ChaCha, a variant of
//!   Salsa20](https://cr.yp.to/chacha/chacha-20080128.pdf), 2008: the random number generator.
//! - G. Marsaglia, T. A. Bray: [A Convenient Method for Generating Normal
//!   Variables](https://doi.org/10.1137/1006063), SIAM Review 6 (3), 1964: normally
//!   distributed values.
//! - R. Durstenfeld: [Algorithm 235: Random
//!   permutation](https://doi.org/10.1145/364520.364540), Communications of the ACM
//!   7 (7), 1964: shuffling.

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
pub use matmul::{matmul, matmul_add, matmul_bias};
pub use native::{BadInstructionSet, InstructionSet, Kernel, Matrix, MatrixMut, vectorize};
pub use scalar::{Choice, Scalar};
pub use threads::Threads;
