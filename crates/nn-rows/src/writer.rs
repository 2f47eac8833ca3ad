//! Writes a file of rows, row by row.

use std::mem;
use std::path::Path;

use nn_files::atomic_file::PendingFile;
use serde_json::Value;

use crate::block_table::Entry;
use crate::error::{Error, Result};
use crate::layout::{END_MAGIC, Header, Inputs, Layout, MAGIC, N_SPLITS, Targets, VERSION};

/// Writes a file of rows, one block at a time. The file gets its name when it is complete.
#[derive(Debug)]
pub struct RowsWriter {
    file: PendingFile,
    layout: Layout,
    /// The rows of each split that are not written yet.
    pending: [PendingBlock; N_SPLITS],
    table: Vec<u8>,
    n_rows: [u32; N_SPLITS],
}

/// A row to write.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The inputs.
    pub inputs: RowInputs<'a>,
    /// The target.
    pub target: Target<'a>,
    /// The weight; 1 if it is `None`.
    pub weight: Option<f32>,
}

/// The inputs of a row.
#[derive(Clone, Copy, Debug)]
pub enum RowInputs<'a> {
    /// Values.
    Values(&'a [f32]),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The target of a row.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A class.
    Class(u32),
    /// Values.
    Values(&'a [f32]),
}

impl<'a> Row<'a> {
    /// A row of values with weight 1.
    pub fn values(inputs: &'a [f32], target: Target<'a>) -> Self {
        Self {
            inputs: RowInputs::Values(inputs),
            target,
            weight: None,
        }
    }
}

/// The start of a block in memory.
#[derive(Debug, Default)]
struct PendingBlock {
    n_rows: u32,
    inputs: Vec<u8>,
    targets: Vec<u8>,
    weights: Vec<u8>,
}

impl RowsWriter {
    /// Creates a file under a temporary name. Without [`finish`](Self::finish), it is removed.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the file cannot be written.
    ///
    /// # Panics
    /// Panics if the layout has no inputs, no targets, or empty blocks or windows.
    pub fn create(path: &Path, layout: Layout) -> Result<Self> {
        assert_eq!(layout.problem(), None, "layout of a file of rows");
        let file = PendingFile::create(path).map_err(|source| Error::Io {
            path: path.to_owned(),
            source,
        })?;
        let mut writer = Self {
            file,
            layout,
            pending: Default::default(),
            table: Vec::new(),
            n_rows: [0; N_SPLITS],
        };
        writer.write(&MAGIC)?;
        Ok(writer)
    }

    /// Number of rows of each split so far.
    pub fn n_rows(&self) -> [u32; N_SPLITS] {
        self.n_rows
    }

    /// Appends a row to a split: 0 for training, 1 for validation, 2 for test rows.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the file cannot be written, [`Error::TooManyRows`] after 2³² − 1
    /// rows.
    ///
    /// # Panics
    /// Panics if the row does not match the layout, or the split does not exist.
    pub fn push(&mut self, split: usize, row: Row<'_>) -> Result<()> {
        let n_rows: u64 = self.n_rows.iter().map(|&n| u64::from(n)).sum();
        if n_rows >= u64::from(u32::MAX) {
            return Err(Error::TooManyRows {
                path: self.file.path().to_owned(),
                limit: u32::MAX,
            });
        }
        self.n_rows[split] += 1;
        let block = &mut self.pending[split];
        block.push(&self.layout, row);
        if block.n_rows == self.layout.block_rows {
            self.write_block(split)?;
        }
        Ok(())
    }

    /// Writes the last blocks, the table and the header with a description, and gives the file its
    /// name.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the file cannot be written.
    #[expect(clippy::missing_panics_doc, reason = "serialization cannot fail")]
    pub fn finish(mut self, description: Value) -> Result<()> {
        for split in 0..N_SPLITS {
            if self.pending[split].n_rows > 0 {
                self.write_block(split)?;
            }
        }
        let table = mem::take(&mut self.table);
        let header = Header {
            layout: self.layout,
            n_blocks: table.len() / crate::block_table::ENTRY_BYTES,
            table_crc32: crc32fast::hash(&table),
            description,
        };
        let header = serde_json::to_vec(&header).expect("a header has a JSON form");
        self.write(&table)?;
        self.write(&header)?;
        let mut trailer = Vec::new();
        trailer.extend((header.len() as u64).to_le_bytes());
        trailer.extend(crc32fast::hash(&header).to_le_bytes());
        trailer.extend(VERSION.to_le_bytes());
        trailer.extend(END_MAGIC);
        self.write(&trailer)?;
        let path = self.file.path().to_owned();
        let committed = self.file.commit();
        committed.map_err(|source| Error::Io { path, source })
    }

    fn write_block(&mut self, split: usize) -> Result<()> {
        let mut block = mem::take(&mut self.pending[split]);
        let rest = [&block.targets[..], &block.weights].concat();
        let entry = Entry {
            split: split as u32,
            n_rows: block.n_rows,
            inputs_crc32: crc32fast::hash(&block.inputs),
            targets_crc32: crc32fast::hash(&rest),
        };
        entry.write(&mut self.table);
        self.write(&block.inputs)?;
        self.write(&rest)?;
        block.clear();
        self.pending[split] = block;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write(bytes);
        written.map_err(|source| Error::Io {
            path: self.file.path().to_owned(),
            source,
        })
    }
}

impl PendingBlock {
    fn push(&mut self, layout: &Layout, row: Row<'_>) {
        let n_inputs = match (row.inputs, layout.inputs) {
            (RowInputs::Values(values), Inputs::Values) => {
                write_values(values, &mut self.inputs);
                values.len()
            }
            (RowInputs::Bytes(bytes), Inputs::Bytes { .. }) => {
                self.inputs.extend_from_slice(bytes);
                bytes.len()
            }
            _ => panic!("inputs of another type than the layout"),
        };
        assert_eq!(n_inputs, layout.n_inputs, "number of inputs");
        match (row.target, layout.targets) {
            (Target::Class(class), Targets::Classes(n)) => {
                assert!((class as usize) < n, "class {class} of {n}");
                match n {
                    ..=256 => self.targets.push(class as u8),
                    _ => self.targets.extend(class.to_le_bytes()),
                }
            }
            (Target::Values(values), Targets::Values(n)) => {
                assert_eq!(values.len(), n, "number of targets");
                write_values(values, &mut self.targets);
            }
            _ => panic!("a target of another type than the layout"),
        }
        if layout.has_weights {
            write_values(&[row.weight.unwrap_or(1.0)], &mut self.weights);
        }
        self.n_rows += 1;
    }

    fn clear(&mut self) {
        self.n_rows = 0;
        self.inputs.clear();
        self.targets.clear();
        self.weights.clear();
    }
}

fn write_values(values: &[f32], bytes: &mut Vec<u8>) {
    bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
