//! The errors of tasks, with their exit codes.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The result of a task.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// The error that ended a task.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line is invalid.
    Usage(String),
    /// A program ended with an error status.
    Failed { command: String, status: String },
    /// A program could not be started.
    NotStarted { command: String, source: io::Error },
    /// A tool is not installed; `install` is the command that installs it.
    NotInstalled { program: String, install: String },
    /// A file could not be read.
    Unreadable { path: String, source: io::Error },
    /// Rules or budgets are violated; the previous lines of the output name them.
    Broken { what: &'static str, count: usize },
    /// A program failed with this message.
    Said { program: String, text: String },
    /// The output of a program is not as expected.
    Unexpected { program: String, expected: String },
    /// Benchmarks need MNIST.
    NoMnist { file: PathBuf },
    /// The disk is almost full; sizes in bytes.
    LittleSpace {
        folder: PathBuf,
        needed: u64,
        free: u64,
    },
    /// Nothing was found where something was expected.
    Nothing(&'static str),
    /// A program that prints its own errors has ended with this exit code.
    Exit(u8),
}

impl Error {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    pub(crate) fn unreadable(path: &Path, source: io::Error) -> Self {
        Self::Unreadable {
            path: path.display().to_string(),
            source,
        }
    }

    /// Exit code 2 for an invalid command line, the exit code of a program for
    /// [`Error::Exit`], otherwise 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Exit(code) => *code,
            _ => 1,
        }
    }

    /// The message to print; `None` if the failed program has printed it.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Exit(_) => None,
            _ => Some(self.to_string()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => f.write_str(text),
            Self::Failed { command, status } => write!(f, "`{command}` failed ({status})"),
            Self::NotStarted { command, source } => {
                write!(f, "`{command}` could not be started: {source}")
            }
            Self::NotInstalled { program, install } => {
                write!(f, "{program} is not installed (`{install}` installs it)")
            }
            Self::Unreadable { path, source } => write!(f, "{path}: {source}"),
            Self::Broken { what, count: 1 } => write!(f, "1 {what} broken"),
            Self::Broken { what, count } => write!(f, "{count} {what}s broken"),
            Self::Said { program, text } => write!(f, "{program}: {text}"),
            Self::Unexpected { program, expected } => {
                write!(f, "{program}: expected {expected}")
            }
            Self::NoMnist { file } => write!(
                f,
                "{}: missing; benchmarks need MNIST: `cargo xtask fetch-data` downloads it, \
                 NN_DATA_DIR sets a different data folder",
                file.display()
            ),
            Self::LittleSpace {
                folder,
                needed,
                free,
            } => write!(
                f,
                "{}: expected {} GiB of free space, found {}",
                folder.display(),
                needed >> 30,
                free >> 30
            ),
            Self::Nothing(what) => f.write_str(what),
            Self::Exit(code) => write!(f, "exit code {code}"),
        }
    }
}
