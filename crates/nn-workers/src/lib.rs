//! A list of work that several processes share through a folder.
//!
//! - [`Worker`] is the number of a worker, such as worker 0 of 4; [`WorkerChoice`] also reads the
//!   number from the variables that Slurm, Kubernetes and Open MPI set.
//! - [`SharedWork`] claims the number and then one unit of work after the other.
//! - [`Exclusive`] is the right to do what only one process may do at a time.
//! - [`UnitState`] tells which worker has claimed a unit, for a status display.
//!
//! ```
//! use std::time::Duration;
//!
//! use nn_workers::SharedWork;
//!
//! # let folder = std::env::temp_dir().join(format!("nn-workers-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! let timeout = Duration::from_secs(600);
//! let mut first = SharedWork::join(&folder, "0/2".parse()?, timeout)?;
//! let mut second = SharedWork::join(&folder, "1/2".parse()?, timeout)?;
//!
//! assert!(first.claim("unit-1")?);
//! assert!(!second.claim("unit-1")?, "the first worker has this unit");
//! assert!(second.claim("unit-2")?);
//!
//! // If the first worker ends before the unit is done, another worker can take over.
//! drop(first);
//! assert!(second.claim("unit-1")?);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), nn_workers::Error>(())
//! ```
//!
//! # Protocol
//! A claim is a file `NAME.0` that is created with `O_EXCL`, so that exactly one process succeeds.
//! Its content identifies the process; while the unit makes progress, the process writes the
//! content again, which sets the modification time. A claim is free for another worker if
//!
//! - it was released,
//! - its process ran on the same host and no longer exists, or
//! - its modification time is older than a timeout.
//!
//! A free claim is taken over by creating `NAME.1`, again with `O_EXCL`, and so on; the claim with
//! the highest number is valid. No claim is removed or renamed: two workers that find the same
//! claim free at the same time create the same file, and only one of them succeeds.
//!
//! # What claims do not guarantee
//! A process that was suspended for longer than the timeout may continue while another worker does
//! the same unit. Units must therefore give the same result when they are done twice. No file may
//! be written by two processes with the same worker number: [`SharedWork::check`] tells whether the
//! number was taken over.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the time since the last refresh of a claim decides whether it is refreshed again"
)]

mod process;
mod error;
mod worker;
mod worker_choice;
mod file_clock;
mod claim;
mod shared_work;
mod exclusive;

pub use error::{Error, ErrorKind, Result};
pub use exclusive::Exclusive;
pub use process::Process;
pub use shared_work::{Next, SharedWork, UnitState};
pub use worker::Worker;
pub use worker_choice::WorkerChoice;
