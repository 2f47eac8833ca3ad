//! Why a task ends early, and with which exit code.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A result of a task.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a task ended early.
#[derive(Debug)]
pub(crate) enum Error {
    /// The command line is not one of ours.
    Usage(String),
    /// A program ran and said no.
    Failed { command: String, status: String },
    /// A program could not be started.
    NotStarted { command: String, source: io::Error },
    /// A tool is missing, which this command installs.
    NotInstalled { program: String, install: String },
    /// A file could not be read.
    Unreadable { path: String, source: io::Error },
    /// A rule or a budget is broken; the lines above say which.
    Broken { what: &'static str, count: usize },
    /// A program failed, and said why.
    Said { program: String, text: String },
    /// A program's output is not what is expected of it.
    Unexpected { program: String, expected: String },
    /// Benchmarks need MNIST.
    NoMnist { file: PathBuf },
    /// The disk is nearly full; sizes in bytes.
    LittleSpace {
        folder: PathBuf,
        needed: u64,
        free: u64,
    },
    /// There is nothing to do where something was expected.
    Nothing(&'static str),
    /// A program that speaks for itself has ended with this code.
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

    /// 2 for a wrong command line, a program's own code where it is passed on,
    /// otherwise 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Exit(code) => *code,
            _ => 1,
        }
    }

    /// What to print, unless the program that failed has said it already.
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
                "{}: not there; benchmarks need MNIST: `cargo xtask fetch-data` brings it, \
                 NN_DATA_DIR names another folder",
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
