//! The inputs of a layer, dense or sparse.
//!
//! Most of the work in a small network is the matrix product of the first layer, and
//! 80 % of MNIST's pixels are 0. Dense and sparse inputs give the same sums, term by
//! term ([`nn_tensor::sparse`]).

use std::ops::Range;

use nn_tensor::reduce::add_rows;
use nn_tensor::sparse::{CscBuffer, CsrRows, RowGroups, WriteMode};
use nn_tensor::{Matrix, MatrixMut, Scalar, Threads};

use super::weighted_sums;

/// The inputs of a layer, `[batch, n_inputs]`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LayerInputs<'a, S> {
    /// All values of the rows, zeros included.
    Dense(Matrix<'a, S>),
    /// The nonzero bytes of each row, such as pixels.
    Sparse {
        /// The nonzero bytes.
        rows: CsrRows<'a>,
        /// The value of each byte.
        factors: &'a [S; 256],
    },
    /// Sparse rows in groups of similar rows, arranged once for many products.
    Grouped {
        /// The groups of nonzero bytes.
        groups: &'a RowGroups,
        /// The value of each byte.
        factors: &'a [S; 256],
    },
}

impl<'a, S> From<Matrix<'a, S>> for LayerInputs<'a, S> {
    fn from(inputs: Matrix<'a, S>) -> Self {
        Self::Dense(inputs)
    }
}

impl<'a, S: Scalar> LayerInputs<'a, S> {
    /// Number of rows of the batch.
    pub(crate) fn n_rows(&self) -> usize {
        match *self {
            Self::Dense(inputs) => inputs.shape()[0],
            Self::Sparse { rows, .. } => rows.len(),
            Self::Grouped { groups, .. } => groups.n_rows(),
        }
    }

    /// A range of the rows; `None` if the rows are grouped.
    pub(crate) fn rows(&self, range: Range<usize>) -> Option<Self> {
        match *self {
            Self::Dense(inputs) => Some(Self::Dense(inputs.rows(range))),
            Self::Sparse { rows, factors } => Some(Self::Sparse {
                rows: rows.part(range),
                factors,
            }),
            Self::Grouped { .. } => None,
        }
    }

    /// A range of the columns of dense inputs; sparse inputs unchanged, because the buffer
    /// for their transpose is for some of the columns.
    pub(crate) fn columns(&self, range: Range<usize>) -> Self {
        match *self {
            Self::Dense(inputs) => Self::Dense(inputs.columns(range)),
            sparse => sparse,
        }
    }

    /// The values of dense inputs, in row-major order.
    ///
    /// # Panics
    /// Panics if the inputs are sparse.
    pub(crate) fn values(&self) -> &'a [S] {
        match *self {
            Self::Dense(inputs) => inputs.to_slice().expect("a batch is contiguous"),
            Self::Sparse { .. } | Self::Grouped { .. } => {
                unreachable!("only a dense stage reads inputs without their zeros")
            }
        }
    }

    /// Computes `Z = A·W + b`, as [`dense::forward`](super::dense::forward).
    ///
    /// # Panics
    /// Panics if the shapes do not match.
    pub(crate) fn weighted_sums(
        &self,
        weights: Matrix<'_, S>,
        bias: &[S],
        sums: &mut [S],
        threads: &Threads,
    ) {
        let shape = [self.n_rows(), bias.len()];
        match *self {
            Self::Dense(inputs) => {
                weighted_sums::forward(inputs, weights, bias, MatrixMut::new(sums, shape), threads);
            }
            Self::Sparse { rows, factors } => {
                let weights = weights.to_slice().expect("weights are contiguous");
                weighted_sums::fill_rows(MatrixMut::new(sums, shape), bias, threads);
                rows.add_product(factors, weights, sums, threads);
            }
            Self::Grouped { groups, factors } => {
                let weights = weights.to_slice().expect("weights are contiguous");
                groups.weighted_sums(factors, weights, bias, sums, threads);
            }
        }
    }

    /// Computes the gradients of a dense stage: adds them, as
    /// [`dense::add_gradients`](super::dense::add_gradients), or overwrites, as
    /// [`dense::gradients`](super::dense::gradients).
    ///
    /// `transposed` is a buffer for sparse inputs.
    ///
    /// # Panics
    /// Panics if the shapes do not match.
    pub(crate) fn gradients(
        &self,
        error: Matrix<'_, S>,
        weights_gradient: MatrixMut<'_, S>,
        bias_gradient: &mut [S],
        written: WriteMode,
        transposed: Option<&mut CscBuffer>,
        threads: &Threads,
    ) {
        if let Self::Dense(inputs) = *self {
            let gradients = match written {
                WriteMode::Overwrite => weighted_sums::gradients,
                WriteMode::Accumulate => weighted_sums::add_gradients,
            };
            return gradients(inputs, error, weights_gradient, bias_gradient, threads);
        }
        written.prepare(bias_gradient);
        add_rows(error, bias_gradient, threads);
        let error = error.to_slice().expect("a batch is contiguous");
        let gradient = weights_gradient
            .into_slice()
            .expect("weights are contiguous");
        match *self {
            Self::Dense(_) => {}
            Self::Grouped { groups, factors } => {
                groups.transposed_product(factors, error, gradient, written, threads);
            }
            Self::Sparse { rows, factors } => {
                let mut own = None;
                let transposed =
                    transposed.unwrap_or_else(|| own.insert(CscBuffer::for_rows(rows, threads)));
                transposed.transposed_product(rows, factors, error, gradient, written, threads);
            }
        }
    }
}
