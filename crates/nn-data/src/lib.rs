//! Data sets for multilayer perceptrons: downloads, file formats, built-in digits
//! and augmentation.
//!
//! # The principal types
//! - [`idx::Idx`] is the content of a file in MNIST's format.
//! - [`catalog::Source`] holds the files, mirrors and checksums of a data set.
//! - [`Dataset`] holds a training and a test [`Split`]: inputs and targets.
//! - [`glyphs`] generates images of handwritten digits, without files or downloads.
//! - [`augment::Augment`] deforms images at random during training.
#![forbid(unsafe_code)]

mod error;
pub mod idx;
mod idx_names;
pub mod checksum;
pub mod catalog;
pub mod dataset;
#[cfg(feature = "download")]
pub mod download;
mod deformation;
mod warp;
pub mod glyphs;
pub mod augment;

pub use dataset::{Dataset, Inputs, Split, Targets};
pub use error::{Attempt, Error, ErrorKind, IdxProblem, MirrorFailure, Result};
pub use idx_names::has_idx_files;
