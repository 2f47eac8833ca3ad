//! The random order of the rows of an epoch, for rows that are read in blocks.
//!
//! A permutation of all rows needs four bytes per row, and reads a file at random places. Here,
//! the blocks are shuffled, and the rows of each window of consecutive shuffled blocks are shuffled
//! together:
//!
//! ```text
//! block i       rows iR..(i+1)R                      R rows per block; the last block may be short
//! blocks        a permutation of the blocks          stream (seed, Shuffle, epoch)
//! window w      blocks[wB..(w+1)B], rows shuffled    stream (seed, Window, epoch·2³² + w)
//! ```
//!
//! The order is a function of R, B, the seed and the epoch. Only the windows of the current batch
//! are in memory.

use std::collections::VecDeque;
use std::ops::Range;

use nn_tensor::random::{Purpose, Streams};

use crate::inputs::RowBlocks;

/// The order of the rows of one epoch: shuffled blocks, and shuffled rows in windows of blocks.
///
/// ```
/// use nn_samples::{RowBlocks, WindowedOrder};
/// use nn_tensor::random::Streams;
///
/// let blocks = RowBlocks { block_rows: 4, window_blocks: 2 };
/// let mut order = WindowedOrder::new(10, blocks);
/// order.start_epoch(Some(Streams::new(0)), 0);
/// let mut rows = order.rows(0..7).to_vec();
/// rows.extend_from_slice(order.rows(7..10));
/// rows.sort_unstable();
/// assert!(rows.into_iter().eq(0..10));
/// ```
#[derive(Clone, Debug)]
pub struct WindowedOrder {
    n_rows: usize,
    blocks: RowBlocks,
    /// The streams of the seed; `None` if the rows are not shuffled.
    streams: Option<Streams>,
    epoch: u64,
    /// The blocks in the order of the epoch.
    order: Vec<u32>,
    /// The rows of consecutive windows.
    rows: Vec<u32>,
    /// The position in the epoch of the first of `rows`.
    start: usize,
    /// The number of rows of each window in `rows`.
    sizes: VecDeque<usize>,
    /// The index of the first window after `rows`.
    next_window: usize,
}

impl WindowedOrder {
    /// Creates the order of `n_rows` rows, not shuffled.
    ///
    /// # Panics
    /// Panics if a block has no rows or a window no blocks, or if there are more than 2³² rows.
    pub fn new(n_rows: usize, blocks: RowBlocks) -> Self {
        assert!(u32::try_from(n_rows).is_ok(), "rows are counted in 32 bits");
        assert!(blocks.block_rows > 0 && blocks.window_blocks > 0, "empty");
        let mut order = Self {
            n_rows,
            blocks,
            streams: None,
            epoch: 0,
            order: Vec::new(),
            rows: Vec::new(),
            start: 0,
            sizes: VecDeque::new(),
            next_window: 0,
        };
        order.start_epoch(None, 0);
        order
    }

    /// Starts an epoch, with the random streams of a seed, or without shuffling.
    pub fn start_epoch(&mut self, streams: Option<Streams>, epoch: u64) {
        let n_blocks = self.n_rows.div_ceil(self.blocks.block_rows);
        self.order = match streams {
            Some(streams) => streams
                .stream(Purpose::Shuffle, epoch)
                .permutation(n_blocks),
            None => (0..n_blocks as u32).collect(),
        };
        (self.streams, self.epoch) = (streams, epoch);
        self.rewind();
    }

    /// The rows at the given positions of the epoch.
    ///
    /// # Panics
    /// Panics if a position does not exist.
    pub fn rows(&mut self, positions: Range<usize>) -> &[u32] {
        assert!(positions.end <= self.n_rows, "{positions:?}");
        if positions.start < self.start {
            self.rewind();
        }
        self.drop_before(positions.start);
        while self.start + self.rows.len() < positions.end {
            self.append_window();
            self.drop_before(positions.start);
        }
        &self.rows[positions.start - self.start..positions.end - self.start]
    }

    /// The first row of each block of the first window that is not in memory.
    pub fn next_blocks(&self) -> impl Iterator<Item = u32> + '_ {
        let blocks = window_of(&self.order, self.blocks, self.next_window).iter();
        blocks.map(|&block| block * self.blocks.block_rows as u32)
    }

    /// The index of the first window that is not in memory.
    pub fn next_window(&self) -> usize {
        self.next_window
    }

    fn rewind(&mut self) {
        self.rows.clear();
        self.sizes.clear();
        (self.start, self.next_window) = (0, 0);
    }

    /// Removes the windows that end at or before a position.
    fn drop_before(&mut self, position: usize) {
        let mut n_dropped = 0;
        while let Some(&size) = self.sizes.front()
            && self.start + n_dropped + size <= position
        {
            n_dropped += size;
            self.sizes.pop_front();
        }
        self.rows.drain(..n_dropped);
        self.start += n_dropped;
    }

    fn append_window(&mut self) {
        let RowBlocks { block_rows, .. } = self.blocks;
        let first = self.rows.len();
        let window = self.next_window;
        for block in window_of(&self.order, self.blocks, window) {
            let start = *block as usize * block_rows;
            let end = self.n_rows.min(start + block_rows);
            self.rows.extend(start as u32..end as u32);
        }
        if let Some(streams) = self.streams {
            let index = (self.epoch << 32) | window as u64;
            let mut stream = streams.stream(Purpose::Window, index);
            stream.shuffle(&mut self.rows[first..]);
        }
        self.sizes.push_back(self.rows.len() - first);
        self.next_window += 1;
    }
}

/// The blocks of a window; empty after the last one.
fn window_of(order: &[u32], blocks: RowBlocks, window: usize) -> &[u32] {
    let start = (window * blocks.window_blocks).min(order.len());
    let end = (start + blocks.window_blocks).min(order.len());
    &order[start..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn epoch(order: &mut WindowedOrder, batch_rows: usize) -> Vec<u32> {
        let n_rows = order.n_rows;
        let batches = (0..n_rows).step_by(batch_rows);
        batches
            .flat_map(|start| order.rows(start..n_rows.min(start + batch_rows)).to_vec())
            .collect()
    }

    proptest! {
        /// Each row comes once per epoch, in any batches, and a window has only its own blocks.
        #[test]
        fn each_row_comes_once(
            n_rows in 0_usize..200,
            block_rows in 1_usize..20,
            window_blocks in 1_usize..6,
            batch_rows in 1_usize..50,
            seed in 0_u64..4,
        ) {
            let blocks = RowBlocks { block_rows, window_blocks };
            let mut order = WindowedOrder::new(n_rows, blocks);
            let streams = Streams::new(seed);
            order.start_epoch(Some(streams), 3);
            let rows = epoch(&mut order, batch_rows);
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            prop_assert!(sorted.into_iter().eq(0..n_rows as u32));

            let permuted = streams.stream(Purpose::Shuffle, 3)
                .permutation(n_rows.div_ceil(block_rows));
            let mut start = 0;
            for window in permuted.chunks(window_blocks) {
                let rows_of = |&block: &u32| {
                    let start = block as usize * block_rows;
                    start..n_rows.min(start + block_rows)
                };
                let n: usize = window.iter().map(|block| rows_of(block).len()).sum();
                let in_window = |row: &u32| {
                    window.contains(&(row / block_rows as u32))
                };
                prop_assert!(rows[start..start + n].iter().all(in_window));
                start += n;
            }

            // Any batch can be read first, as after a resumed checkpoint.
            let middle = n_rows / 2;
            let mut resumed = WindowedOrder::new(n_rows, blocks);
            resumed.start_epoch(Some(streams), 3);
            prop_assert_eq!(resumed.rows(middle..n_rows), &rows[middle..]);
            prop_assert_eq!(resumed.rows(0..n_rows), &rows[..]);
        }
    }

    #[test]
    fn epochs_and_seeds_have_their_own_orders() {
        let blocks = RowBlocks {
            block_rows: 8,
            window_blocks: 3,
        };
        let mut order = WindowedOrder::new(100, blocks);
        assert!(order.rows(0..100).iter().copied().eq(0..100));
        let mut orders = Vec::new();
        for (seed, number) in [(0, 0), (0, 1), (1, 0)] {
            order.start_epoch(Some(Streams::new(seed)), number);
            orders.push(epoch(&mut order, 100));
        }
        assert!(orders[0] != orders[1] && orders[0] != orders[2] && orders[1] != orders[2]);
        order.start_epoch(Some(Streams::new(0)), 0);
        assert_eq!(epoch(&mut order, 7), orders[0]);
    }

    /// Only the windows of a batch are in memory.
    #[test]
    fn past_windows_are_dropped() {
        let blocks = RowBlocks {
            block_rows: 10,
            window_blocks: 2,
        };
        let mut order = WindowedOrder::new(1000, blocks);
        order.start_epoch(Some(Streams::new(0)), 0);
        for start in (0..1000).step_by(5) {
            order.rows(start..start + 5);
            assert!(order.rows.len() <= 20);
        }
        assert_eq!(order.next_blocks().count(), 0);
        order.rows(0..30);
        assert_eq!((order.next_window(), order.next_blocks().count()), (2, 2));
    }
}
