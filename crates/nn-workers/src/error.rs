//! Errors of nn-workers, with the expected and the found value, and a hint.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::process::Process;

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of an error, for example to choose an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The number of the worker is invalid or in use.
    Usage,
    /// A file operation failed.
    Io,
}

/// An error of this crate. The message is one line; [`Error::help`] has a hint on how to fix the
/// problem.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not the number of a worker.
    #[error("expected K/N, auto or auto/N, such as 0/4, found \"{}\"", text.escape_debug())]
    Text {
        /// The invalid text.
        text: String,
    },
    /// The number of a worker is not less than the number of workers.
    #[error("expected a worker from 0 to {}, found {index}/{count}", count - 1)]
    Index {
        /// Number of the worker.
        index: usize,
        /// Number of workers, at least 1.
        count: usize,
    },
    /// No variable of a job scheduler is set.
    #[error(
        "auto: expected SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX or OMPI_COMM_WORLD_RANK to be \
         set, found none of them"
    )]
    NoJob,
    /// Variables of several job schedulers are set.
    #[error("auto: {0} and {1} are both set")]
    SeveralJobs(&'static str, &'static str),
    /// The variable with the number of workers is not set.
    #[error("auto: {variable} is set, but the number of workers is not known")]
    NoCount {
        /// The variable with the number of the worker.
        variable: &'static str,
    },
    /// A variable is not a whole number.
    #[error("auto: {variable}: expected a whole number, found \"{}\"", found.escape_debug())]
    Variable {
        /// Name of the variable.
        variable: &'static str,
        /// The invalid value.
        found: String,
    },
    /// A living process has the same number.
    #[error(
        "worker {index}/{count} is already running: {}, last progress {} ago",
        holder(process.as_deref()),
        seconds(*age)
    )]
    AlreadyRunning {
        /// Number of the worker.
        index: usize,
        /// Number of workers.
        count: usize,
        /// The process, if its claim can be read.
        process: Option<Box<Process>>,
        /// Time since the last progress of the process.
        age: Duration,
        /// Age at which the number may be taken over.
        timeout: Duration,
    },
    /// A living process does what only one process may do at a time.
    #[error(
        "{name} is already running: {}, started {} ago",
        holder(process.as_deref()),
        seconds(*age)
    )]
    InUse {
        /// Name of the claim.
        name: String,
        /// The process, if its claim can be read.
        process: Option<Box<Process>>,
        /// Age of the claim.
        age: Duration,
    },
    /// Another process has taken over the number of this worker.
    #[error("worker {index}/{count} was taken over by another process")]
    TakenOver {
        /// Number of the worker.
        index: usize,
        /// Number of workers.
        count: usize,
    },
    /// A file operation failed.
    #[error(transparent)]
    Io(#[from] nn_files::Error),
}

impl Error {
    /// Category of the error, for example to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(_) => ErrorKind::Io,
            _ => ErrorKind::Usage,
        }
    }

    /// A hint on how to fix the error, if there is one.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Text { .. } | Self::NoJob => {
                "give the number of this worker and the number of workers; workers are counted \
                 from 0"
                    .to_owned()
            }
            Self::Index { .. } => {
                "workers are counted from 0; number them without gaps, as in the Slurm option \
                 --array=0-3"
                    .to_owned()
            }
            Self::SeveralJobs(..) => "give K/N instead of auto".to_owned(),
            Self::NoCount { .. } => "give auto/N, where N is the number of workers".to_owned(),
            Self::Variable { .. } => "give K/N instead of auto".to_owned(),
            Self::AlreadyRunning { timeout, .. } => format!(
                "give each worker its own number; a worker without progress for {} is replaced",
                seconds(*timeout)
            ),
            Self::InUse { .. } => "wait until the other process has ended".to_owned(),
            Self::TakenOver { .. } => {
                "this process made no progress for too long; set a longer claim timeout".to_owned()
            }
            Self::Io(error) => error.help()?.to_owned(),
        })
    }

    /// Adds the path to an error of the operating system.
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::Io(nn_files::io_error(path)(error))
    }
}

fn holder(process: Option<&Process>) -> String {
    process.map_or_else(|| "an unknown process".to_owned(), ToString::to_string)
}

fn seconds(duration: Duration) -> String {
    format!("{:.0} s", duration.as_secs_f64())
}
