//! Errors from reading files whose paths come from a user.

use std::io;
use std::path::{Path, PathBuf};

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file that cannot be read.
///
/// The message is one line with the path. [`Error::help`] says how to fix the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading or writing failed.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Path of the file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The path leads to a folder, a pipe or a device.
    #[error("{path}: not a regular file (found {found})", path = path.display())]
    NotAFile {
        /// Path of the folder, pipe or device.
        path: PathBuf,
        /// The kind of file found, with an indefinite article, such as `a folder`.
        found: &'static str,
    },
    /// A text file is not encoded as UTF-8.
    #[error("{path}: not UTF-8 at byte offset {offset}: found {byte:02x}", path = path.display())]
    NotUtf8 {
        /// Path of the text file.
        path: PathBuf,
        /// Offset of the first invalid sequence, counted from 0.
        offset: u64,
        /// The first byte of the invalid sequence.
        byte: u8,
    },
}

impl Error {
    /// A hint that says how to fix the error, if there is one.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => None,
            Self::NotAFile { .. } => Some("give the path of a regular file"),
            Self::NotUtf8 { .. } => Some("save the file as UTF-8 text"),
        }
    }
}

/// Adds the path of the file or folder to an error of the operating system.
///
/// ```
/// use std::fs;
/// use std::path::Path;
///
/// let path = Path::new("no/such/file");
/// let error = fs::read(path).map_err(nn_files::io_error(path)).unwrap_err();
/// assert!(error.to_string().starts_with("no/such/file: "));
/// ```
pub fn io_error(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io {
        path: path.to_owned(),
        source,
    }
}
