//! Columns of Parquet, Arrow and NumPy files.
//!
//! [`FileFormat::of`] recognizes the format of a file by its content, [`ColumnFile::open`]
//! opens the file, and [`ColumnFile::read`] passes the values of a column to a function, one
//! value per row. Columns with nested values or binary data cannot be read; they have the kind
//! [`Kind::Unsupported`].
//!
//! Reading Parquet files requires the feature `parquet`, and reading Arrow files the feature
//! `arrow`. NumPy files can always be read.
//!
//! A damaged file gives an [`Error`] and never a panic. A length that a file states is compared
//! with the size of the file before memory is allocated.
//!
//! ```
//! use nn_columnar::{ColumnFile, FileFormat, Kind, Value};
//!
//! let header = "{'descr': [('x', '<f4'), ('word', '<U1')], 'fortran_order': False, 'shape': (2,)}";
//! let mut bytes = b"\x93NUMPY\x01\0".to_vec();
//! bytes.extend((header.len() as u16).to_le_bytes());
//! bytes.extend(header.as_bytes());
//! for (x, word) in [(0.5_f32, 'a'), (2.5, 'b')] {
//!     bytes.extend(x.to_le_bytes());
//!     bytes.extend(u32::from(word).to_le_bytes());
//! }
//!
//! let file = ColumnFile::open(&bytes, FileFormat::Npy)?;
//! assert_eq!(file.n_rows(), 2);
//! assert_eq!(file.columns()[1].name.as_deref(), Some("word"));
//! assert_eq!(file.columns()[1].kind, Kind::Text);
//! let mut words = Vec::new();
//! file.read(1, &mut |value| words.push(value.into_owned()))?;
//! assert_eq!(words, [Value::Text("a".into()), Value::Text("b".into())]);
//! # Ok::<(), nn_columnar::Error>(())
//! ```
#![forbid(unsafe_code)]

mod file_format;
mod error;
mod typed_file;
mod python_literal;
mod zip_archive;
mod npy_file;
mod named_arrays;
#[cfg(feature = "parquet")]
mod thrift;
#[cfg(feature = "parquet")]
mod parquet_schema;
#[cfg(feature = "parquet")]
mod parquet_values;
#[cfg(feature = "parquet")]
mod parquet_page;
#[cfg(feature = "parquet")]
mod parquet_file;
#[cfg(feature = "arrow")]
mod arrow_file;
mod column_file;

pub use column_file::ColumnFile;
pub use error::{Error, Result};
pub use file_format::FileFormat;
pub use named_arrays::{Elements, NamedArray, named_arrays};
pub use typed_file::{Kind, MAX_COLUMNS, TypedColumn, Value};
