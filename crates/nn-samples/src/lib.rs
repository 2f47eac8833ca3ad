//! Samples: inputs with targets and weights, borrowed or shared, and random splits of samples.
//!
//! # Main types
//! - [`Rows`] is a matrix and [`rows::List`] a list, borrowed or shared.
//! - [`Inputs`] are values, bytes, or a [`RowSource`] that is read one block at a time.
//! - [`Targets`] are classes or values.
//! - [`Samples`] are validated inputs with targets. Splitting samples into training and validation
//!   samples copies no values.
//!
//! ```
//! use nn_samples::Samples;
//!
//! let inputs: Vec<[f32; 1]> = (0..10).map(|row| [row as f32]).collect();
//! let labels: Vec<u32> = (0..10).map(|row| row % 2).collect();
//! let samples = Samples::classification(inputs, labels, 2)?;
//! let [train, validation] = samples.split(&[0.8, 0.2], 0)?;
//! assert_eq!([train.class_counts(), validation.class_counts()], [Some(vec![4, 4]), Some(vec![1, 1])]);
//! # Ok::<(), nn_error::Error>(())
//! ```
#![forbid(unsafe_code)]

pub mod rows;
mod row_indices;
mod finite;
mod inputs;
mod targets;
mod split;
mod windowed_order;
mod grouped_split;
mod samples;
#[doc(hidden)]
pub mod instances;

pub use finite::check_finite;
pub use grouped_split::{grouped_folds, grouped_split};
pub use inputs::{Inputs, RowBlocks, RowSource, scale_bytes};
pub use row_indices::RowIndices;
pub use rows::Rows;
pub use samples::Samples;
pub use split::{shuffle, split, split_stratified};
pub use targets::{Labels, Targets};
pub use windowed_order::WindowedOrder;
