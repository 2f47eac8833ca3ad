//! The inputs without their zeros, block by block, and the same transposed for
//! the way back.

use nn_tensor::sparse::{SparseBytes, SparseRows, Transposed};
use nn_tensor::{Scalar, Threads};

use crate::batches::Samples;
use crate::layer::inputs::{LayerInputs, TransposedInputs};

/// The inputs of all samples, or of an augmented block, without their zeros.
#[derive(Clone, Debug)]
pub(super) struct SparseBlocks<S> {
    pub(super) matrix: SparseBytes,
    factors: Box<[S; 256]>,
    /// One buffer, or, where every epoch has the same blocks, one a block,
    /// filled for good.
    transposed: Vec<Transposed>,
    is_fixed: bool,
}

impl<S: Scalar> SparseBlocks<S> {
    pub(super) fn new(
        train: &Samples<'_, S>,
        block_rows: usize,
        is_fixed: bool,
        threads: &Threads,
    ) -> Option<Self> {
        if block_rows > Transposed::MAX_ROWS {
            return None;
        }
        let (matrix, factors) = train.sparse_inputs()?;
        let mut transposed = Vec::new();
        if is_fixed {
            let rows: Vec<u32> = (0..train.len() as u32).collect();
            let empty = Transposed::new(&matrix, 0, threads);
            for rows in rows.chunks(block_rows) {
                let mut block = empty.clone();
                block.fill(
                    SparseRows {
                        matrix: &matrix,
                        rows,
                    },
                    threads,
                );
                transposed.push(block);
            }
        } else {
            transposed.push(Transposed::new(&matrix, block_rows, threads));
        }
        Some(Self {
            matrix,
            factors,
            transposed,
            is_fixed,
        })
    }

    /// From now on holds no more than a block, refilled for each.
    pub(super) fn take_blocks(&mut self, threads: &Threads) {
        self.transposed = vec![Transposed::new(&self.matrix, 0, threads)];
        self.is_fixed = false;
        self.matrix.refill(&[]);
    }

    pub(super) fn rows<'s>(&'s self, positions: &'s [u32]) -> SparseRows<'s> {
        SparseRows {
            matrix: &self.matrix,
            rows: positions,
        }
    }

    /// The inputs at `positions`, which are block number `block` of the batch.
    pub(super) fn block<'s>(
        &'s mut self,
        positions: &'s [u32],
        block: usize,
    ) -> (LayerInputs<'s, S>, TransposedInputs<'s>) {
        let rows = SparseRows {
            matrix: &self.matrix,
            rows: positions,
        };
        let inputs = LayerInputs::Sparse {
            rows,
            factors: &self.factors,
        };
        let transposed = if self.is_fixed {
            TransposedInputs::Filled(&mut self.transposed[block])
        } else {
            TransposedInputs::ToFill(&mut self.transposed[0])
        };
        (inputs, transposed)
    }
}
