//! Data for multilayer perceptrons: from files and mirrors to rows and labels.
//!
//! # The principal types
//! - [`idx::Idx`] is one file in MNIST's format, read strictly.
//! - [`catalog::Source`] names the files, mirrors and checksums of a data set.
//! - [`Dataset`] holds the training and test [`Split`] that a network sees.
//! - [`glyphs`] draws digits where there is no file and no network.
//! - [`augment::Augment`] deforms images while a network trains.
#![forbid(unsafe_code)]

mod error;
pub mod input_file;
pub mod idx;
pub mod checksum;
pub mod catalog;
pub mod dataset;
#[cfg(feature = "download")]
pub mod download;
pub mod image;
mod deformation;
mod warp;
pub mod glyphs;
pub mod augment;

pub use dataset::{Dataset, Inputs, Split, Targets};
pub use error::{Attempt, Error, ErrorKind, IdxProblem, MirrorFailure, Result};
