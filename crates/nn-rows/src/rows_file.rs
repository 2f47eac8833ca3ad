//! Reads a file of rows.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;

use nn_files::regular_file;
use nn_samples::{RowBlocks, RowSource, scale_bytes};

use crate::block_cache::BlockCache;
use crate::error::Result;
use crate::footer::Footer;
use crate::layout::{Header, Inputs, Layout, RowSizes, Targets};

/// A file of rows, whose inputs are read one block at a time.
#[derive(Debug)]
pub struct RowsFile {
    header: Header,
    digest: String,
    cache: Arc<BlockCache>,
    /// Sends blocks to the background thread, which starts with the first one.
    announced: OnceLock<Sender<usize>>,
}

/// The targets of all rows of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum LoadedTargets {
    /// Classes of a file with up to 256 classes.
    ByteClasses(Vec<u8>),
    /// Classes.
    Classes(Vec<u32>),
    /// Values, `[n_rows, n_values]`.
    Values(Vec<f32>),
}

impl RowsFile {
    /// Opens a file. The inputs in memory take about `memory` bytes, but at least two windows
    /// of blocks.
    ///
    /// # Errors
    /// Returns [`Error::Foreign`](crate::Error::Foreign), [`Error::Version`](crate::Error::Version)
    /// or [`Error::Damaged`](crate::Error::Damaged) for a file that is not a complete file of rows;
    /// [`Error::File`](crate::Error::File) or [`Error::Io`](crate::Error::Io) if it cannot be read.
    pub fn open(path: &Path, memory: u64) -> Result<Self> {
        let file = regular_file::open(path)?;
        let Footer {
            header,
            table,
            digest,
        } = Footer::read(path, &file)?;
        let sizes = RowSizes::of(&header.layout);
        let capacity = capacity(&header.layout, sizes.inputs, memory);
        let cache = BlockCache::new(path.to_owned(), file, table, sizes, capacity);
        Ok(Self {
            header,
            digest,
            cache: Arc::new(cache),
            announced: OnceLock::new(),
        })
    }

    /// The header of the file.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// SHA-256 of the header and of the checksums of all blocks.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The rows of a split: 0 training, 1 validation, 2 test.
    ///
    /// # Panics
    /// Panics if the split does not exist.
    pub fn range(&self, split: usize) -> Range<u32> {
        self.cache.table().range(split)
    }

    /// Sets the memory for the inputs in bytes, but at least two windows of blocks. The values do
    /// not depend on it.
    pub fn set_memory(&self, memory: u64) {
        let sizes = RowSizes::of(&self.header.layout);
        let capacity = capacity(&self.header.layout, sizes.inputs, memory);
        self.cache.set_capacity(capacity);
    }

    /// Reads the targets of all rows, and their weights if the file has weights.
    ///
    /// # Errors
    /// Returns [`Error::Damaged`](crate::Error::Damaged) for a wrong checksum,
    /// [`Error::Io`](crate::Error::Io) if the file cannot be read. [`Samples`](nn_samples::Samples)
    /// check the values.
    pub fn read_targets(&self) -> Result<(LoadedTargets, Option<Vec<f32>>)> {
        let layout = &self.header.layout;
        let sizes = RowSizes::of(layout);
        let n_rows = self.cache.table().n_rows();
        let mut targets = match layout.targets {
            Targets::Classes(..=256) => LoadedTargets::ByteClasses(Vec::with_capacity(n_rows)),
            Targets::Classes(_) => LoadedTargets::Classes(Vec::with_capacity(n_rows)),
            Targets::Values(n) => LoadedTargets::Values(Vec::with_capacity(n_rows * n)),
        };
        let mut weights = layout.has_weights.then(|| Vec::with_capacity(n_rows));
        for (index, block) in self.cache.table().blocks().iter().enumerate() {
            let bytes = self.cache.read_targets(index)?;
            let (first, rest) = bytes.split_at(block.n_rows * sizes.targets);
            match &mut targets {
                LoadedTargets::ByteClasses(classes) => classes.extend_from_slice(first),
                LoadedTargets::Classes(classes) => {
                    let (words, _) = first.as_chunks::<4>();
                    classes.extend(words.iter().map(|&word| u32::from_le_bytes(word)));
                }
                LoadedTargets::Values(values) => read_values(first, values),
            }
            if let Some(weights) = &mut weights {
                read_values(rest, weights);
            }
        }
        Ok((targets, weights))
    }

    /// Starts the background thread.
    fn start_reader(&self) -> Sender<usize> {
        let (sender, receiver) = mpsc::channel();
        let cache = self.cache.clone();
        // Without the thread, each block is read when it is needed.
        let _ = thread::Builder::new()
            .name("nn-rows".to_owned())
            .spawn(move || read_announced(&cache, &receiver));
        sender
    }
}

/// Reads announced blocks until the file is dropped. An error is reported to the thread that needs
/// the block, which then reads the block itself.
fn read_announced(cache: &BlockCache, announced: &Receiver<usize>) {
    while let Ok(block) = announced.recv() {
        if !cache.has(block) {
            let _ = cache.get(block);
        }
    }
}

impl RowSource<f32> for RowsFile {
    fn n_rows(&self) -> usize {
        self.cache.table().n_rows()
    }

    fn n_inputs(&self) -> usize {
        self.header.layout.n_inputs
    }

    fn read(&self, rows: &[u32], inputs: &mut [f32]) -> nn_error::Result<()> {
        let n_inputs = self.n_inputs();
        let mut rows = rows
            .iter()
            .zip(inputs.chunks_exact_mut(n_inputs))
            .peekable();
        while rows.peek().is_some() {
            let (slots, now) = self.cache.in_memory();
            let mut missing = None;
            for (&row, inputs) in rows.by_ref() {
                let place = self.cache.table().place(row);
                let (block, at) = place.ok_or(nn_error::Error::Shape {
                    what: "row of a file of rows",
                    expected: self.n_rows(),
                    found: row as usize,
                })?;
                match slots.get(block, now) {
                    Some(bytes) => copy_row(&self.header.layout, bytes, at, inputs),
                    None => {
                        missing = Some((block, at, inputs));
                        break;
                    }
                }
            }
            drop(slots);
            if let Some((block, at, inputs)) = missing {
                let bytes = self.cache.get(block)?;
                copy_row(&self.header.layout, &bytes, at, inputs);
            }
        }
        Ok(())
    }

    fn blocks(&self) -> Option<RowBlocks> {
        let Layout {
            block_rows,
            window_blocks,
            ..
        } = self.header.layout;
        Some(RowBlocks {
            block_rows: block_rows as usize,
            window_blocks: window_blocks as usize,
        })
    }

    fn prefetch(&self, rows: &[u32]) {
        let places = rows.iter().filter_map(|&row| self.cache.table().place(row));
        let blocks: BTreeSet<usize> = places.map(|(block, _)| block).collect();
        for block in blocks.into_iter().filter(|&block| !self.cache.has(block)) {
            let sender = self.announced.get_or_init(|| self.start_reader());
            // Without a background thread, the block is read when it is needed.
            let _ = sender.send(block);
        }
    }

    fn digest(&self) -> Option<String> {
        Some(self.digest.clone())
    }
}

/// Number of blocks that are kept in memory: two windows, so that the rows of one window are read
/// beside the work on the other one, and one block for a batch between two windows.
fn capacity(layout: &Layout, input_bytes: usize, memory: u64) -> usize {
    let block_bytes = (input_bytes as u64).saturating_mul(layout.block_rows.into());
    let in_memory = usize::try_from(memory / block_bytes.max(1)).unwrap_or(usize::MAX);
    in_memory.max(2 * layout.window_blocks as usize + 1)
}

/// Copies a row of a block.
#[inline]
fn copy_row(layout: &Layout, block: &[u8], at: usize, inputs: &mut [f32]) {
    match layout.inputs {
        Inputs::Values => {
            let row = &block[at * inputs.len() * 4..][..inputs.len() * 4];
            let (words, _) = row.as_chunks::<4>();
            for (input, &word) in inputs.iter_mut().zip(words) {
                *input = f32::from_le_bytes(word);
            }
        }
        Inputs::Bytes { scale } => {
            let row = &block[at * inputs.len()..][..inputs.len()];
            scale_bytes(row, scale as f32, inputs);
        }
    }
}

fn read_values(bytes: &[u8], values: &mut Vec<f32>) {
    let (words, _) = bytes.as_chunks::<4>();
    values.extend(words.iter().map(|&word| f32::from_le_bytes(word)));
}
