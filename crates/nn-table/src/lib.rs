//! Tables for neural networks: files as inputs and targets, and predictions
//! as CSV files.
//!
//! A table is read into a [`Dataset`] of `nn-data` with its [`Inputs`] and [`Targets`],
//! like a data set of images.
//!
//! Tables are read from text files (CSV) and NumPy files (`.npy`, `.npz`). The features `parquet`
//! and `arrow` add support for Parquet and Arrow files. See [`FileFormat`].
//!
//! # The principal types
//! - [`Table`] is the content of a file in typed columns; its [`Schema`] describes the
//!   format of the file, and its [`Note`]s list uncertain inferences.
//! - [`Preprocessing`] is fitted to the training rows, saved with
//!   the model, and transforms tables into [`preprocessing::Samples`].
//! - [`predictions::write_predictions`] writes predictions as CSV.
//!
//! ```
//! use std::path::Path;
//! use nn_table::preprocessing::Purpose;
//! use nn_table::{Header, Preprocessing, Table, TableOptions, UnseenCategory};
//!
//! let text = "length,color,kind\n1.0,red,rose\n2.0,blue,iris\n3.0,red,rose\n";
//! let options = TableOptions::default();
//! let table = Table::parse(Path::new("flowers.csv"), text.as_bytes(), &options)?;
//! let (preprocessing, _) = Preprocessing::fit(&table, &[0, 1, 2], &options)?;
//! assert_eq!(preprocessing.n_inputs(), 3); // the length, and one per color
//! assert_eq!(preprocessing.class_names(), ["iris", "rose"]);
//!
//! let new = preprocessing.parse(Path::new("new.csv"), b"color,length\nred,2\n", Header::Auto, Purpose::Predict)?;
//! let samples = preprocessing.transform(&new, UnseenCategory::Error)?;
//! assert!(samples.targets.is_none());
//! # Ok::<(), nn_table::Error>(())
//! ```
//!
//! [`Dataset`]: nn_data::Dataset
//! [`Inputs`]: nn_data::Inputs
//! [`Targets`]: nn_data::Targets
#![forbid(unsafe_code)]

mod error;
mod suggestion;
mod choice;
mod parallel;
mod number_format;
mod numbers;
mod date_format;
mod column;
mod target_transform;
mod scaling;
mod options;
mod decode;
mod note;
mod records;
mod blocks;
mod cells;
mod typed_cells;
mod table;
mod header;
mod expected;
mod typed_reader;
mod reader;
mod cell_texts;
mod split_columns;
mod weighted_rows;
mod skewness;
mod pixels;
mod roles;
mod number_scaling;
mod encoding;
mod target;
mod giveaway;
pub mod preprocessing;
mod refit;
pub mod predictions;
pub mod summary;

pub use column::{Column, ColumnType, MISSING_MARKS, Schema, Separator};
pub use date_format::DateFormat;
pub use decode::Encoding;
pub use encoding::{ColumnEncoding, DateEncoding, NumberEncoding, UnseenCategory};
pub use error::{CellProblem, Error, Place, Result};
pub use expected::Progress;
pub use nn_columnar::FileFormat;
pub use nn_data::ErrorKind;
pub use note::Note;
pub use number_format::{Decimal, NumberFormat};
pub use number_scaling::{NumberScaling, RobustScaling, Standardization};
pub use options::{Header, TableOptions, Task};
pub use preprocessing::Preprocessing;
pub use scaling::Scaling;
pub use table::Table;
pub use target::{TargetColumn, TargetEncoding};
pub use target_transform::{TargetTransform, Transform};
