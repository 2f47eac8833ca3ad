//! Tables for neural networks: from a CSV file to inputs and targets, and from
//! outputs back to a CSV file.
//!
//! The neutral types of a data set ([`Dataset`], [`Inputs`], [`Targets`]) are
//! those of `nn-data`, so that a network sees no difference between a table and
//! a file of images.
//!
//! # The principal types
//! - [`csv::Table`] is one file, read strictly: every number is finite, every
//!   row complete.
//! - [`preprocessing::Preprocessing`] is learned from the training rows, saved
//!   with a model, and turns any later table into [`preprocessing::Samples`].
//! - [`predictions::write_predictions`] writes what a network predicts.
//!
//! ```
//! use std::path::Path;
//! use nn_table::csv::{Header, Table, TableOptions};
//! use nn_table::preprocessing::{Preprocessing, UnseenCategory};
//!
//! let text = "length,colour,kind\n1.0,red,rose\n2.0,blue,iris\n3.0,red,rose\n";
//! let options = TableOptions::default();
//! let table = Table::parse(Path::new("flowers.csv"), text.as_bytes(), &options)?;
//! let (preprocessing, _) = Preprocessing::fit(&table, &[0, 1, 2], &options)?;
//! assert_eq!(preprocessing.n_inputs(), 3); // the length, and one for each colour
//! assert_eq!(preprocessing.class_names(), ["iris", "rose"]);
//!
//! let new = preprocessing.parse(Path::new("new.csv"), b"colour,length\nred,2\n", Header::Auto)?;
//! let samples = preprocessing.apply(&new, UnseenCategory::Refuse)?;
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

pub use error::{CellProblem, Error, ErrorKind, Result};
