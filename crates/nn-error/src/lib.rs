//! The error type of `nn-core` and of the crates that `nn-core` depends on, and the ranges of
//! numeric settings.
//!
//! All these crates use the same error type, so `?` works across crate boundaries
//! and user-defined traits can return it. `nn-core` re-exports the error type.
//!
//! ```
//! use nn_error::{ErrorKind, Range};
//!
//! let error = Range::Positive.check("learning rate", -0.1).unwrap_err();
//! assert_eq!(error.to_string(), "learning rate: expected a number above 0, found -0.1");
//! assert_eq!(error.kind(), ErrorKind::Usage);
//! ```
#![forbid(unsafe_code)]

mod error;
mod range;
mod check;

pub use check::{check_count, shorten};
pub use error::{Error, ErrorKind, Result, did_you_mean};
pub use range::Range;
