//! The error type of nn-settings and nn-train: a kind, a message and a hint.

use std::fmt;
use std::io;
use std::path::Path;

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An invalid setting, name or combination of settings.
    Usage,
    /// A data or model file with unexpected content.
    Data,
    /// A download failed.
    Network,
    /// A file could not be read or written.
    Io,
    /// A training run whose loss or gradient is NaN or infinite.
    Diverged,
    /// A training run stopped by its observer.
    Interrupted,
}

/// An error: what failed, where, and how to fix it.
///
/// Settings are named in backticks, as in a configuration file: `` `batch-size` ``.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
}

impl Error {
    /// Creates an error of this kind.
    pub fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            help: None,
        }
    }

    /// Creates an error of the kind [`Usage`](ErrorKind::Usage).
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// Creates an error for a `path` that the operating system could not read or write.
    pub fn io(path: &Path, error: &io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("{}: {error}", path.display()))
    }

    /// Sets the hint.
    pub fn with_help(self, help: impl fmt::Display) -> Self {
        Self {
            help: Some(help.to_string()),
            ..self
        }
    }

    /// Changes the kind from `Usage` to `Data`, for an invalid setting in a file of a
    /// run.
    pub fn of_data(self) -> Self {
        match self.kind {
            ErrorKind::Usage => Self {
                kind: ErrorKind::Data,
                ..self
            },
            _ => self,
        }
    }

    /// Prefixes the message with the location of the error.
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }

    /// Appends to the message.
    pub fn and(self, more: impl fmt::Display) -> Self {
        Self {
            message: format!("{}; {more}", self.message),
            ..self
        }
    }

    /// Kind of the failure, for example to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// A hint on how to fix the problem, if there is one.
    pub fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<nn_core::Error> for Error {
    fn from(error: nn_core::Error) -> Self {
        let kind = match error.kind() {
            nn_core::ErrorKind::Data => ErrorKind::Data,
            nn_core::ErrorKind::Diverged => ErrorKind::Diverged,
            nn_core::ErrorKind::Io => ErrorKind::Io,
            _ => ErrorKind::Usage,
        };
        Self {
            kind,
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_data::Error> for Error {
    fn from(error: nn_data::Error) -> Self {
        Self {
            kind: error.kind().into(),
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_files::Error> for Error {
    fn from(error: nn_files::Error) -> Self {
        Self {
            kind: nn_data::ErrorKind::from(&error).into(),
            message: error.to_string(),
            help: error.help().map(str::to_owned),
        }
    }
}

impl From<nn_workers::Error> for Error {
    fn from(error: nn_workers::Error) -> Self {
        let kind = match error.kind() {
            nn_workers::ErrorKind::Usage => ErrorKind::Usage,
            nn_workers::ErrorKind::Io => ErrorKind::Io,
        };
        Self {
            kind,
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_image::Error> for Error {
    fn from(error: nn_image::Error) -> Self {
        Self {
            kind: error.kind().into(),
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_table::Error> for Error {
    fn from(error: nn_table::Error) -> Self {
        Self {
            kind: error.kind().into(),
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_data::ErrorKind> for ErrorKind {
    fn from(kind: nn_data::ErrorKind) -> Self {
        match kind {
            nn_data::ErrorKind::Usage => Self::Usage,
            nn_data::ErrorKind::Data => Self::Data,
            nn_data::ErrorKind::Network => Self::Network,
            nn_data::ErrorKind::Io => Self::Io,
        }
    }
}
