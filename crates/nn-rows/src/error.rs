//! Errors from reading and writing files of rows.

use std::io;
use std::path::PathBuf;

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A file of rows that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The path does not lead to a regular file that can be opened.
    #[error(transparent)]
    File(#[from] nn_files::Error),
    /// Reading or writing failed.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file does not begin with the magic bytes.
    #[error("{path}: not a file of rows; expected a file written by `nn data convert`", path = path.display())]
    Foreign {
        /// Path of the file.
        path: PathBuf,
    },
    /// The file was written by a later version of the program.
    #[error("{path}: file version {found}; expected version {expected} or lower", path = path.display())]
    Version {
        /// Path of the file.
        path: PathBuf,
        /// Version of the file.
        found: u32,
        /// The last version that this program reads.
        expected: u32,
    },
    /// The content of the file is damaged or incomplete.
    #[error("{path}: damaged file of rows: {problem}", path = path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Where the damage is, what was expected and what was found.
        problem: String,
    },
    /// More rows than a file can hold.
    #[error("{path}: expected at most {limit} rows", path = path.display())]
    TooManyRows {
        /// Path of the file.
        path: PathBuf,
        /// The largest number of rows.
        limit: u32,
    },
}

impl Error {
    /// A hint that says how to fix the error, if there is one.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            Self::File(error) => error.help(),
            Self::Io { .. } => None,
            Self::Foreign { .. } => Some("make the file with `nn data convert`"),
            Self::Version { .. } => {
                Some("update the program, or make the file again with `nn data convert`")
            }
            Self::Damaged { .. } => Some("make the file again with `nn data convert`"),
            Self::TooManyRows { .. } => Some("split the data into several files"),
        }
    }

    /// Returns `true` if the operating system reported the error, and not the content of a file.
    pub fn is_io(&self) -> bool {
        matches!(
            self,
            Self::Io { .. } | Self::File(nn_files::Error::Io { .. })
        )
    }
}

/// As the error of a [`RowSource`](nn_samples::RowSource): data or input/output.
impl From<Error> for nn_error::Error {
    fn from(error: Error) -> Self {
        if error.is_io() {
            let kind = match &error {
                Error::Io { source, .. } => source.kind(),
                _ => io::ErrorKind::Other,
            };
            return Self::Io(io::Error::new(kind, error.to_string()));
        }
        Self::RowSource {
            problem: error.to_string(),
            help: error.help(),
        }
    }
}
