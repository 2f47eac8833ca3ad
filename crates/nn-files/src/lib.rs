//! Files that survive crashes and power failures, and paths and files that come from a
//! user.
//!
//! - [`atomic_file`] replaces whole files: a crash leaves either the old file or the new one.
//! - [`disk`] has all operations that change files and folders. Tests can make each of them
//!   fail ([`disk::fault`]).
//! - [`regular_file`] reads regular files only, so that a pipe or a device cannot block.
//! - [`known_format`] recognizes a file format by its first bytes.
//! - [`escaped_path`] converts paths, including paths that are not UTF-8, to text.
//!
//! ```
//! use nn_files::{atomic_file, regular_file};
//!
//! let path = std::env::temp_dir().join(format!("nn-files-{}", std::process::id()));
//! atomic_file::replace(&path, b"whole")?;
//! assert_eq!(regular_file::read_text(&path).unwrap(), "whole");
//! # std::fs::remove_file(&path)?;
//! # Ok::<(), std::io::Error>(())
//! ```
#![forbid(unsafe_code)]

mod error;
pub mod escaped_path;
mod known_format;
pub mod regular_file;
pub mod disk;
pub mod atomic_file;

pub use disk::create_dir_all;
pub use error::{Error, Result, io_error};
pub use known_format::known_format;
