//! Errors of this crate.

use crate::file_format::FileFormat;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file cannot be read. The message does not name the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is in a format that this build does not read.
    #[error("expected a table in a format that this build reads, found {format}")]
    FormatNotBuilt {
        /// The format.
        format: FileFormat,
        /// The feature that reads it.
        feature: &'static str,
    },
    /// The file is damaged, or has no table.
    #[error("expected a table in {format}: {reason}")]
    BadFile {
        /// The format.
        format: FileFormat,
        /// The reason.
        reason: String,
    },
}
