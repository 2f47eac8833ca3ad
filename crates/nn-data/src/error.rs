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
    /// No augmentation has this name.
    #[error("unknown augmentation {name:?}; expected {}", one_of(expected))]
    UnknownAugmentation {
        /// What was asked for.
        name: String,
        /// What there is.
        expected: Vec<&'static str>,
    },
    /// An augmentation has no parameter of this name.
    #[error(
        "{augmentation} has no parameter {name:?}; expected {}",
        one_of(expected)
    )]
    UnknownAugmentationParameter {
        /// The augmentation.
        augmentation: &'static str,
        /// What was asked for.
        name: String,
        /// What it has.
        expected: Vec<&'static str>,
    },
    /// The parameter of an augmentation is no number or outside its range.
    #[error("{augmentation}: {name} is expected in {low}..={high}, found {found:?}")]
    AugmentationParameter {
        /// The augmentation.
        augmentation: &'static str,
        /// The parameter.
        name: &'static str,
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
        /// What was given.
        found: String,
    },
}

fn one_of(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        names => format!("one of: {}", names.join(", ")),
    }
}

impl Error {
    /// Who or what is at fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } => ErrorKind::Io,
            Self::Empty { .. } => ErrorKind::Data,
            Self::UnknownAugmentation { .. }
            | Self::UnknownAugmentationParameter { .. }
            | Self::AugmentationParameter { .. } => ErrorKind::Usage,
        }
    }

    /// One command or change that mends it, if there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::UnknownAugmentation { .. }
            | Self::UnknownAugmentationParameter { .. }
            | Self::AugmentationParameter { .. } => {
                Some("an example is --augment affine:rotation=10,elastic:alpha=34".to_owned())
            }
            Self::Io { .. } | Self::Empty { .. } => None,
        }
    }
}
