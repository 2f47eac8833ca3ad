//! What went wrong, told once, with the exit code that belongs to it.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::terminal;

/// A result of a subcommand.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Exit codes, as promised to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// A gradient that is not what it should be (`nn gradcheck` alone).
    CheckFailed = 1,
    /// A flag, a name or a combination that cannot be.
    Usage = 2,
    /// A data or model file that is not what it should be.
    Data = 3,
    /// A server, a connection, or a checksum.
    Network = 4,
    /// The local file system.
    Io = 5,
    /// Training that ran away.
    Diverged = 6,
    /// Stopped by SIGINT.
    Interrupted = 130,
    /// Stopped by SIGTERM.
    Terminated = 143,
}

impl Code {
    /// What can be said where nothing better is known.
    fn help(self) -> &'static str {
        match self {
            Self::CheckFailed => "please report it",
            Self::Usage => "add --help to the command to see what can be typed",
            Self::Data => "check the file that is named, or get it again",
            Self::Network => "check the connection and run the command again",
            Self::Io => "check that the path exists, that it may be read and written, and the disk",
            Self::Diverged => "try a lower --lr",
            Self::Interrupted | Self::Terminated => "run the command again",
        }
    }
}

/// The one error a command ends with.
#[derive(Debug)]
pub(crate) struct Failure {
    code: Code,
    message: String,
    help: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
            help: None,
        }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Code::Usage, message)
    }

    /// The system refused to read or write `path`.
    pub(crate) fn io(path: &Path, error: &io::Error) -> Self {
        Self::new(Code::Io, format!("{}: {error}", path.display()))
    }

    /// Adds how to mend it.
    pub(crate) fn help(self, help: impl fmt::Display) -> Self {
        Self {
            help: Some(help.to_string()),
            ..self
        }
    }

    /// What would be wrong usage, had it been typed, was read from a file.
    pub(crate) fn of_data(self) -> Self {
        match self.code {
            Code::Usage => Self {
                code: Code::Data,
                ..self
            },
            _ => self,
        }
    }

    /// Says where it happened.
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        Self {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }

    /// Says what else there is to know.
    pub(crate) fn and(self, more: impl fmt::Display) -> Self {
        Self {
            message: format!("{}; {more}", self.message),
            ..self
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> Code {
        self.code
    }

    /// What went wrong, without how to mend it.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// How to mend it.
    pub(crate) fn advice(&self) -> &str {
        self.help.as_deref().unwrap_or(self.code.help())
    }

    /// Tells the error and gives its exit code.
    pub(crate) fn report(&self) -> ExitCode {
        terminal::error_line(format!("error: {}", self.message));
        terminal::error_line(format!("  help: {}", self.advice()));
        ExitCode::from(self.code as u8)
    }
}

impl From<nn_core::Error> for Failure {
    fn from(error: nn_core::Error) -> Self {
        let code = match error.kind() {
            nn_core::ErrorKind::Usage => Code::Usage,
            nn_core::ErrorKind::Data => Code::Data,
            nn_core::ErrorKind::Diverged => Code::Diverged,
            nn_core::ErrorKind::Io => Code::Io,
            _ => Code::Usage,
        };
        Self {
            code,
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_data::Error> for Failure {
    fn from(error: nn_data::Error) -> Self {
        let code = match error.kind() {
            nn_data::ErrorKind::Usage => Code::Usage,
            nn_data::ErrorKind::Data => Code::Data,
            nn_data::ErrorKind::Network => Code::Network,
            nn_data::ErrorKind::Io => Code::Io,
        };
        Self {
            code,
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_table::Error> for Failure {
    fn from(error: nn_table::Error) -> Self {
        let code = match error.kind() {
            nn_table::ErrorKind::Usage => Code::Usage,
            nn_table::ErrorKind::Data => Code::Data,
            nn_table::ErrorKind::Network => Code::Network,
            nn_table::ErrorKind::Io => Code::Io,
        };
        Self {
            code,
            message: error.to_string(),
            help: error.help(),
        }
    }
}

impl From<nn_search::Error> for Failure {
    fn from(error: nn_search::Error) -> Self {
        let code = match error.kind() {
            nn_search::ErrorKind::Usage => Code::Usage,
            nn_search::ErrorKind::Data => Code::Data,
            nn_search::ErrorKind::Io => Code::Io,
        };
        Self {
            code,
            message: error.to_string(),
            help: error.help(),
        }
    }
}
