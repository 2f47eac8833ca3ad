//! Files of encoded rows, for training on data that are larger than memory.
//!
//! A file is written once, row by row, by a [`RowsWriter`], and read by a [`RowsFile`], which is a
//! [`RowSource`](nn_samples::RowSource): it keeps a limited number of blocks in memory and reads
//! announced blocks in a background thread. The values do not depend on the number of blocks in
//! memory.
//!
//! # File format
//! All numbers are little-endian.
//!
//! ```text
//! magic     8 bytes "NNROWS\r\n"
//! blocks    for each block of n rows:
//!             inputs   n x n_inputs, f32 or u8
//!             targets  n classes as u8 (up to 256 classes) or u32, or n x n_values f32
//!             weights  n f32, if there are weights
//! table     for each block: split u32 (0 training, 1 validation, 2 test), n u32,
//!             CRC-32 of the inputs u32, CRC-32 of the targets and weights u32
//! header    JSON: a `Header`
//! trailer   24 bytes: length of the header u64, CRC-32 of the header u32, version u32,
//!             8 bytes "\r\nNNROWS"
//! ```
//!
//! All blocks of a split have the same number of rows, except the last one. The rows of the file are
//! numbered by split: training rows, then validation rows, then test rows, each in the order in which
//! they were written.
//!
//! ```
//! use nn_rows::{Inputs, Layout, Row, RowsFile, RowsWriter, Target, Targets};
//! use nn_samples::RowSource;
//!
//! let path = std::env::temp_dir().join(format!("nn-rows-{}.nnrows", std::process::id()));
//! let layout = Layout::new(2, Inputs::Values, Targets::Classes(3));
//! let mut writer = RowsWriter::create(&path, layout)?;
//! for (row, split) in [0, 0, 2, 0].into_iter().enumerate() {
//!     writer.push(split, Row::values(&[row as f32, 0.5], Target::Class(row as u32 % 3)))?;
//! }
//! writer.finish("any description".into())?;
//!
//! let file = RowsFile::open(&path, 1 << 20)?;
//! assert_eq!(file.range(0), 0..3);
//! let mut inputs = [0.0; 4];
//! file.read(&[3, 1], &mut inputs)?; // the test row, and the second training row
//! assert_eq!(inputs, [2.0, 0.5, 1.0, 0.5]);
//! # std::fs::remove_file(path)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod layout;
mod block_table;
mod footer;
mod writer;
mod block_cache;
mod rows_file;

pub use error::{Error, Result};
pub use layout::{Header, Inputs, Layout, N_SPLITS, Targets, VERSION, is_rows_file};
pub use rows_file::{LoadedTargets, RowsFile};
pub use writer::{Row, RowInputs, RowsWriter, Target};
