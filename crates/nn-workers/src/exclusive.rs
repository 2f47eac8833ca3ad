//! The right to do what only one process may do at a time.

use std::path::Path;
use std::time::Duration;

use crate::claim::{Attempt, Claim, Owner};
use crate::error::{Error, Result};
use crate::file_clock::FileClock;
use crate::process::Process;

/// A claim without a worker number. Dropping it ends the right.
///
/// ```
/// use std::time::Duration;
///
/// use nn_workers::{Error, Exclusive};
///
/// # let folder = std::env::temp_dir().join(format!("nn-exclusive-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let timeout = Duration::from_secs(600);
/// let merge = Exclusive::claim(&folder, "merge", timeout)?;
/// let again = Exclusive::claim(&folder, "merge", timeout);
/// assert!(matches!(again, Err(Error::InUse { .. })));
/// drop(merge);
/// Exclusive::claim(&folder, "merge", timeout)?;
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct Exclusive {
    _claim: Claim,
}

impl Exclusive {
    /// Claims `name` in an existing folder. A claim that is older than `timeout` is free.
    ///
    /// # Errors
    /// Returns [`Error::InUse`] if a living process has the claim, and [`Error::Io`] if the folder
    /// cannot be read or written.
    pub fn claim(folder: &Path, name: &str, timeout: Duration) -> Result<Self> {
        let owner = Owner {
            worker: None,
            process: Process::current(),
        };
        let mut clock = FileClock::new(folder);
        let attempt = Claim::attempt(folder, name, &owner, timeout, |found| {
            Ok(found.is_abandoned(&owner.process, clock.now()?, timeout))
        })?;
        match attempt {
            Attempt::Taken(claim) => Ok(Self { _claim: claim }),
            Attempt::Held(found) => Err(Error::InUse {
                name: name.to_owned(),
                age: found.age(clock.now()?),
                process: found.owner.map(|owner| Box::new(owner.process)),
            }),
        }
    }
}
