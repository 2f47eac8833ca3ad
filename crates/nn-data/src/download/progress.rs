//! Progress of a download, as events that the caller can show.

use std::time::Duration;

use crate::error::MirrorFailure;

/// An event during a download.
#[derive(Clone, Copy, Debug)]
pub enum Progress<'a> {
    /// Another process is downloading the same data set; this process waits for that download to
    /// end.
    Waiting,
    /// A file is requested.
    Started {
        /// Name of the file.
        file: &'a str,
        /// Address or path of the file.
        from: &'a str,
        /// Number of bytes from an earlier attempt.
        bytes: u64,
        /// Size of the whole file in bytes.
        size: u64,
    },
    /// Bytes of a file have been written. If the download restarts, the number of bytes decreases.
    Advanced {
        /// Name of the file.
        file: &'a str,
        /// Number of bytes so far.
        bytes: u64,
        /// Size of the whole file in bytes.
        size: u64,
    },
    /// A request failed and will be retried.
    Retrying {
        /// Address of the file.
        url: &'a str,
        /// Reason for the failure.
        failure: &'a MirrorFailure,
        /// Time until the next attempt.
        pause: Duration,
    },
    /// A mirror has failed; the next one is tried.
    GivenUp {
        /// Address of the file.
        url: &'a str,
        /// Reason for the failure.
        failure: &'a MirrorFailure,
    },
    /// A file is complete and verified.
    Finished {
        /// Name of the file.
        file: &'a str,
    },
}
