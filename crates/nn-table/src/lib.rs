//! Tables for neural networks: CSV files as inputs and targets, and predictions
//! as CSV files.
//!
//! The result is a [`Dataset`] of `nn-data` with its [`Inputs`] and [`Targets`],
//! as for images.
//!
//! # The principal types
//! - [`csv::Table`] is the content of a CSV file: every number is finite, every row
//!   is complete.
//! - [`preprocessing::Preprocessing`] is fitted to the training rows, saved with
//!   the model, and transforms tables into [`preprocessing::Samples`].
//! - [`predictions::write_predictions`] writes predictions as CSV.
//!
//! ```
//! use std::path::Path;
//! use nn_table::csv::{Header, Table, TableOptions};
//! use nn_table::preprocessing::{Preprocessing, UnseenCategory};
//!
//! let text = "length,color,kind\n1.0,red,rose\n2.0,blue,iris\n3.0,red,rose\n";
//! let options = TableOptions::default();
//! let table = Table::parse(Path::new("flowers.csv"), text.as_bytes(), &options)?;
//! let (preprocessing, _) = Preprocessing::fit(&table, &[0, 1, 2], &options)?;
//! assert_eq!(preprocessing.n_inputs(), 3); // the length, and one per color
//! assert_eq!(preprocessing.class_names(), ["iris", "rose"]);
//!
//! let new = preprocessing.parse(Path::new("new.csv"), b"color,length\nred,2\n", Header::Auto)?;
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
pub mod csv;
pub mod preprocessing;
pub mod predictions;

pub use error::{CellProblem, Error, Result};
pub use nn_data::ErrorKind;
