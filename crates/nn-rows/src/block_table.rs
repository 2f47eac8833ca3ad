//! The table of blocks: the place, the split and the checksums of each block.

use std::ops::Range;

use crate::layout::{Layout, MAGIC, N_SPLITS, RowSizes};

/// Number of bytes of an entry of the table.
pub(crate) const ENTRY_BYTES: usize = 16;

/// A block, as it is stored in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) split: u32,
    pub(crate) n_rows: u32,
    /// CRC-32 of the inputs.
    pub(crate) inputs_crc32: u32,
    /// CRC-32 of the targets and the weights.
    pub(crate) targets_crc32: u32,
}

impl Entry {
    pub(crate) fn write(self, bytes: &mut Vec<u8>) {
        for number in [
            self.split,
            self.n_rows,
            self.inputs_crc32,
            self.targets_crc32,
        ] {
            bytes.extend(number.to_le_bytes());
        }
    }

    fn read(bytes: &[u8; ENTRY_BYTES]) -> Self {
        let number = |at: usize| {
            let bytes = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            u32::from_le_bytes(bytes)
        };
        Self {
            split: number(0),
            n_rows: number(4),
            inputs_crc32: number(8),
            targets_crc32: number(12),
        }
    }
}

/// A block of rows of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// Offset of the inputs in the file. The targets follow the inputs.
    pub(crate) offset: u64,
    pub(crate) n_rows: usize,
    pub(crate) inputs_crc32: u32,
    pub(crate) targets_crc32: u32,
}

/// The blocks of a file, by split and in order.
#[derive(Debug)]
pub(crate) struct BlockTable {
    block_rows: usize,
    blocks: Vec<Block>,
    /// The rows of each split.
    rows: [Range<u32>; N_SPLITS],
    /// The index of the first block of each split.
    first_blocks: [usize; N_SPLITS],
}

impl BlockTable {
    /// Reads a table. `data_end` is the end of the blocks in the file.
    ///
    /// # Errors
    /// Returns the problem of a table that does not match the layout or the size of the file.
    pub(crate) fn read(bytes: &[u8], layout: &Layout, data_end: u64) -> Result<Self, String> {
        let (entries, _) = bytes.as_chunks::<ENTRY_BYTES>();
        let mut splits: [Vec<Block>; N_SPLITS] = Default::default();
        let mut offset = MAGIC.len() as u64;
        let sizes = RowSizes::of(layout);
        let row_bytes = (sizes.inputs + sizes.targets_and_weight) as u64;
        for (index, entry) in entries.iter().map(Entry::read).enumerate() {
            let split = splits.get_mut(entry.split as usize);
            let split = split.ok_or_else(|| format!("block {index}: split {}", entry.split))?;
            let follows_short = split
                .last()
                .is_some_and(|it| it.n_rows < layout.block_rows as usize);
            if entry.n_rows == 0 || entry.n_rows > layout.block_rows || follows_short {
                return Err(format!(
                    "block {index}: expected {} rows, found {}",
                    layout.block_rows, entry.n_rows
                ));
            }
            split.push(Block {
                offset,
                n_rows: entry.n_rows as usize,
                inputs_crc32: entry.inputs_crc32,
                targets_crc32: entry.targets_crc32,
            });
            // A block is smaller than memory, see `Layout::problem`.
            offset = offset.saturating_add(row_bytes * u64::from(entry.n_rows));
        }
        if offset != data_end {
            return Err(format!("expected {offset} bytes of rows, found {data_end}"));
        }
        Self::new(layout.block_rows as usize, splits)
    }

    fn new(block_rows: usize, splits: [Vec<Block>; N_SPLITS]) -> Result<Self, String> {
        let mut rows: [Range<u32>; N_SPLITS] = Default::default();
        let mut first_blocks = [0; N_SPLITS];
        let (mut n_rows, mut n_blocks) = (0_u64, 0);
        for (split, blocks) in splits.iter().enumerate() {
            first_blocks[split] = n_blocks;
            n_blocks += blocks.len();
            let start = n_rows;
            n_rows += blocks.iter().map(|it| it.n_rows as u64).sum::<u64>();
            let end = u32::try_from(n_rows).map_err(|_| format!("{n_rows} rows"))?;
            rows[split] = start as u32..end;
        }
        Ok(Self {
            block_rows,
            blocks: splits.concat(),
            rows,
            first_blocks,
        })
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.rows[N_SPLITS - 1].end as usize
    }

    pub(crate) fn range(&self, split: usize) -> Range<u32> {
        self.rows[split].clone()
    }

    /// The block of a row, and the position of the row in the block.
    #[inline]
    pub(crate) fn place(&self, row: u32) -> Option<(usize, usize)> {
        let split = self.rows.iter().position(|rows| rows.contains(&row))?;
        let at = (row - self.rows[split].start) as usize;
        let block = self.first_blocks[split] + at / self.block_rows;
        Some((block, at % self.block_rows))
    }
}
