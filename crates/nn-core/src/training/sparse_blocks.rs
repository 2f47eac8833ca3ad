//! The inputs without their zeros, block by block, and the same transposed for
//! the way back.

use nn_tensor::sparse::{RowGroups, SparseBytes, SparseRows, Transposed};
use nn_tensor::{Scalar, Threads};

use crate::batches::Samples;
use crate::layer::inputs::{LayerInputs, TransposedInputs};

/// The inputs of all samples, or of an augmented block, without their zeros.
#[derive(Clone, Debug)]
pub(super) struct SparseBlocks<S> {
    pub(super) matrix: SparseBytes,
    factors: Box<[S; 256]>,
    blocks: Blocks,
}

/// What there is besides the rows themselves.
#[derive(Clone, Debug)]
enum Blocks {
    /// A buffer for the block at hand.
    Changing(Transposed),
    /// Every epoch has the same blocks, and they are arranged once.
    Fixed(Vec<FixedBlock>),
}

/// A block of rows that are always together.
#[derive(Clone, Debug)]
struct FixedBlock {
    groups: Option<RowGroups>,
    transposed: Transposed,
}

impl<S: Scalar> SparseBlocks<S> {
    /// Blocks of `block_rows`, for a layer of `n_outputs`.
    pub(super) fn new(
        train: &Samples<'_, S>,
        block_rows: usize,
        n_outputs: usize,
        is_fixed: bool,
        threads: &Threads,
    ) -> Option<Self> {
        if block_rows > Transposed::MAX_ROWS {
            return None;
        }
        let (matrix, factors) = train.sparse_inputs()?;
        let blocks = if is_fixed {
            let rows: Vec<u32> = (0..train.len() as u32).collect();
            let empty = Transposed::new(&matrix, 0, threads);
            let arranged = |rows| {
                let rows = SparseRows::new(&matrix, rows);
                let mut transposed = empty.clone();
                transposed.fill_for_good(rows, n_outputs, threads);
                FixedBlock {
                    groups: RowGroups::new(rows, n_outputs),
                    transposed,
                }
            };
            Blocks::Fixed(rows.chunks(block_rows).map(arranged).collect())
        } else {
            Blocks::Changing(Transposed::new(&matrix, block_rows, threads))
        };
        Some(Self {
            matrix,
            factors,
            blocks,
        })
    }

    /// From now on holds no more than a block, refilled for each.
    pub(super) fn take_blocks(&mut self, threads: &Threads) {
        self.blocks = Blocks::Changing(Transposed::new(&self.matrix, 0, threads));
        self.matrix.refill(&[]);
    }

    pub(super) fn rows<'s>(&'s self, positions: &'s [u32]) -> SparseRows<'s> {
        SparseRows::new(&self.matrix, positions)
    }

    /// The inputs at `positions`, which are block number `block` of the batch.
    pub(super) fn block<'s>(
        &'s mut self,
        positions: &'s [u32],
        block: usize,
    ) -> (LayerInputs<'s, S>, TransposedInputs<'s>) {
        let rows = SparseRows::new(&self.matrix, positions);
        let (rows, transposed) = match &mut self.blocks {
            Blocks::Changing(transposed) => (rows, TransposedInputs::ToFill(transposed)),
            Blocks::Fixed(blocks) => {
                let block = &mut blocks[block];
                let rows = rows.with_groups(block.groups.as_ref());
                (rows, TransposedInputs::Filled(&mut block.transposed))
            }
        };
        let inputs = LayerInputs::Sparse {
            rows,
            factors: &self.factors,
        };
        (inputs, transposed)
    }
}
