//! The settings of a training run, each with its help and its default: fields of a
//! struct, keys of a TOML file and command line flags.
//!
//! The values are typed, so an invalid name or number is an error before any data are
//! read. nn-train resolves the settings to a network and a training configuration.
//!
//! ```
//! use nn_settings::Settings;
//!
//! let file = Settings::parse("a.toml".as_ref(), b"hidden = \"64\"\nlr = 0.1\n")?;
//! let flags = Settings { lr: Some(0.2), ..Settings::default() };
//! assert_eq!(flags.or(&file).to_toml(), "hidden = \"64\"\nlr = 0.2\n");
//! # Ok::<(), nn_settings::Error>(())
//! ```
//!
//! With the feature `clap`, [`Settings`] is a group of arguments for clap
//! (`flags::parse`).
#![forbid(unsafe_code)]

pub mod error;
pub mod choice;
#[cfg(feature = "clap")]
mod clap_error;
#[cfg(feature = "clap")]
mod value_parsers;
pub mod settings;
pub mod preset;
pub mod command_line;
#[cfg(feature = "clap")]
pub mod flags;

pub use choice::{
    Activations, Calibrate, Choice, NumericEmbedding, OnDivergence, Preset, RateFactors, Sizes,
    Widths,
};
pub use error::{Error, ErrorKind, Result};
pub use settings::Settings;
