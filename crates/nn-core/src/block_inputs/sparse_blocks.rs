//! Sparse inputs, arranged for matrix products one block at a time.

use std::ops::Range;

use nn_samples::Samples;
use nn_tensor::sparse::{CscBuffer, CsrBytes, CsrRows, RowGroups};
use nn_tensor::{Scalar, Threads};

use crate::stage::inputs::LayerInputs;

/// The sparse inputs of all samples or of an augmented block.
#[derive(Clone, Debug)]
pub(crate) struct SparseBlocks<S> {
    matrix: CsrBytes,
    factors: Box<[S; 256]>,
    blocks: Blocks,
}

/// Data that speeds up the products of a block.
#[derive(Clone, Debug)]
enum Blocks {
    /// A buffer for the transpose of the current block.
    Changing(CscBuffer),
    /// Grouped rows of all blocks, arranged once because every epoch has the same
    /// blocks.
    Fixed(Vec<RowGroups>),
}

impl<S: Scalar> SparseBlocks<S> {
    /// Creates blocks of up to `block_rows` rows that change from epoch to epoch.
    pub(crate) fn changing(
        train: &Samples<'_, S>,
        block_rows: usize,
        threads: &Threads,
    ) -> Option<Self> {
        if block_rows > CscBuffer::MAX_ROWS {
            return None;
        }
        let (matrix, factors) = train.sparse_inputs()?;
        let blocks = Blocks::Changing(CscBuffer::new(&matrix, block_rows, threads));
        Some(Self {
            matrix,
            factors,
            blocks,
        })
    }

    /// Creates blocks of `block_rows` rows that are the same in every epoch, for a
    /// layer of `n_outputs` neurons. `order` receives an order in which neighboring
    /// rows are similar.
    pub(crate) fn fixed(
        train: &Samples<'_, S>,
        block_rows: usize,
        n_outputs: usize,
        order: &mut [u32],
        threads: &Threads,
    ) -> Option<Self> {
        let (matrix, factors) = train.sparse_inputs()?;
        order.copy_from_slice(&matrix.cluster_rows(threads));
        let mut blocks: Vec<_> = order.chunks(block_rows).map(|rows| (rows, None)).collect();
        threads.for_each(&mut blocks, |_, (rows, groups)| {
            let rows = CsrRows::new(&matrix, rows);
            *groups = Some(RowGroups::new(rows, &factors, n_outputs, threads));
        });
        let blocks = blocks.into_iter().filter_map(|(_, groups)| groups);
        let blocks = Blocks::Fixed(blocks.collect());
        Some(Self {
            matrix,
            factors,
            blocks,
        })
    }

    /// Reduces the storage to one block, to be refilled for each block.
    pub(crate) fn take_blocks(&mut self, threads: &Threads) {
        self.blocks = Blocks::Changing(CscBuffer::new(&self.matrix, 0, threads));
        self.matrix.refill(&[]);
    }

    /// The bounds of `n_parts` ranges of columns with about the same number of nonzero values.
    pub(crate) fn column_bounds(&self, n_parts: usize) -> Vec<usize> {
        self.matrix.column_bounds(n_parts)
    }

    /// Limits the buffer for the backward pass to some of the columns; returns `false` if the
    /// rows are grouped.
    pub(crate) fn select_columns(
        &mut self,
        columns: Range<usize>,
        max_rows: usize,
        threads: &Threads,
    ) -> bool {
        let Blocks::Changing(transposed) = &mut self.blocks else {
            return false;
        };
        *transposed = CscBuffer::for_columns(&self.matrix, columns, max_rows, threads);
        true
    }

    /// Replaces the rows by the rows of an augmented block.
    pub(crate) fn refill(&mut self, bytes: &[u8]) {
        self.matrix.refill(bytes);
    }

    /// Prefetches the first of the given rows if they will be read one by one.
    pub(crate) fn prefetch(&self, positions: &[u32]) {
        if let Blocks::Changing(_) = self.blocks {
            CsrRows::new(&self.matrix, positions).prefetch();
        }
    }

    /// The inputs at `positions`, which are block `block` of the batch, and the buffer
    /// for their backward pass, if any.
    pub(crate) fn block<'s>(
        &'s mut self,
        positions: &'s [u32],
        block: usize,
    ) -> (LayerInputs<'s, S>, Option<&'s mut CscBuffer>) {
        let factors = &*self.factors;
        match &mut self.blocks {
            Blocks::Changing(transposed) => {
                let rows = CsrRows::new(&self.matrix, positions);
                (LayerInputs::Sparse { rows, factors }, Some(transposed))
            }
            Blocks::Fixed(blocks) => {
                let groups = &blocks[block];
                (LayerInputs::Grouped { groups, factors }, None)
            }
        }
    }
}
