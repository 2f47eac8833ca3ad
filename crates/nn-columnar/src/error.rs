//! Errors from opening files and reading their columns.

use crate::file_format::FileFormat;

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error from opening a file or reading a column. The message does not contain the path of the
/// file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The crate was built without the feature that reads the format of the file.
    #[error("expected a table in a format that this build reads, found {format}")]
    FormatNotBuilt {
        /// Format of the file.
        format: FileFormat,
        /// Name of the feature that reads the format.
        feature: &'static str,
    },
    /// The file is damaged, or does not contain a table.
    #[error("expected a table in {format}: {reason}")]
    BadFile {
        /// Format of the file.
        format: FileFormat,
        /// Description of the problem, such as `the array is empty`.
        reason: String,
    },
}
