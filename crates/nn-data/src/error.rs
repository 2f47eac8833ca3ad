//! What can be wrong with data, where, and how to mend it.

use std::io;
use std::path::PathBuf;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who or what is at fault; a program chooses its exit code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The content of a file is not what it should be.
    Data,
    /// A server, a connection, or a download that fails its checksum.
    Network,
    /// The local file system.
    Io,
    /// A name that does not exist.
    Usage,
}

/// Everything that can go wrong in this crate.
///
/// The text of an error says where, what was expected and what was found, in
/// one line; [`Error::help`] says how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused to read or write.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There are no rows.
    #[error("{path}: 0 samples", path = path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
}

impl Error {
    /// Who or what is at fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Io,
            Self::Empty { .. } => ErrorKind::Data,
        }
    }

    /// One command or change that mends it, if there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Io { .. } | Self::Empty { .. } => None,
        }
    }
}
