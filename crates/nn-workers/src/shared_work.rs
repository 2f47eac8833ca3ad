//! A worker's part of a shared list of work.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::claim::{Attempt, Claim, Found, Owner};
use crate::error::{Error, Result};
use crate::file_clock::FileClock;
use crate::process::Process;
use crate::worker::Worker;

/// Pauses of a worker that has no unit: short at first, because a unit may take milliseconds.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Longest time until a signal ends a pause.
const REACTION: Duration = Duration::from_millis(50);

/// A list of work that several workers share, as seen by one of them.
///
/// The worker has its number for as long as this value exists, and at most one unit of work at a
/// time. Which units are done is not part of the claims: the caller knows it from the results, and
/// looks for the result of a unit again *after* claiming it, because the worker that had the
/// claim may have finished in the meantime.
#[derive(Debug)]
pub struct SharedWork {
    folder: PathBuf,
    worker: Worker,
    owner: Owner,
    timeout: Duration,
    clock: FileClock,
    number: Claim,
    unit: Option<Claim>,
    pause: Duration,
}

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Do the unit with this index, which this worker has claimed.
    Unit(usize),
    /// Wait, because other workers have claimed all units that are not done.
    Wait,
    /// End, because all units are done.
    Done,
}

/// Which worker has claimed a unit.
#[derive(Clone, Debug)]
pub struct UnitState {
    /// Number of the worker, if its claim can be read.
    pub worker: Option<usize>,
    /// The process, if its claim can be read.
    pub process: Option<Process>,
    /// Time since the last progress.
    pub age: Duration,
    /// Whether another worker may take over the unit: it was released, its process has ended, or
    /// it has made no progress for the timeout.
    pub is_abandoned: bool,
}

impl SharedWork {
    /// Claims the number of `worker` in an existing folder. A process without progress for
    /// `timeout` is assumed to have died.
    ///
    /// # Errors
    /// Returns [`Error::AlreadyRunning`] if a living process has the same number, and
    /// [`Error::Io`] if the folder cannot be read or written.
    pub fn join(folder: &Path, worker: Worker, timeout: Duration) -> Result<Self> {
        let owner = Owner {
            worker: Some(worker.index()),
            process: Process::current(),
        };
        let mut clock = FileClock::new(folder);
        let name = format!("worker-{}", worker.index());
        let attempt = Claim::attempt(folder, &name, &owner, timeout, |found| {
            Ok(found.is_abandoned(&owner.process, clock.now()?, timeout))
        })?;
        match attempt {
            Attempt::Taken(number) => Ok(Self {
                folder: folder.to_owned(),
                worker,
                owner,
                timeout,
                clock,
                number,
                unit: None,
                pause: SHORTEST_PAUSE,
            }),
            Attempt::Held(found) => Err(Error::AlreadyRunning {
                index: worker.index(),
                count: worker.count(),
                age: found.age(clock.now()?),
                process: found.owner.map(|owner| Box::new(owner.process)),
                timeout,
            }),
        }
    }

    /// The number of this worker.
    pub fn worker(&self) -> Worker {
        self.worker
    }

    /// Claims a unit, and releases the unit that this worker had before. Returns `false` if
    /// another worker has the unit. The name must be a valid file name.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the folder cannot be read or written.
    pub fn claim(&mut self, unit: &str) -> Result<bool> {
        self.unit = None;
        let Self {
            folder,
            owner,
            timeout,
            clock,
            ..
        } = self;
        let attempt = Claim::attempt(folder, unit, owner, *timeout, |found| {
            // This process is the only one with its number, so an earlier process had the unit.
            let is_own = |other: &Owner| other.worker == owner.worker;
            Ok(found.owner.as_ref().is_some_and(is_own)
                || found.is_abandoned(&owner.process, clock.now()?, *timeout))
        })?;
        match attempt {
            Attempt::Taken(claim) => {
                self.unit = Some(claim);
                self.pause = SHORTEST_PAUSE;
            }
            Attempt::Held(_) => {}
        }
        Ok(self.unit.is_some())
    }

    /// Claims the first of the `units` that is not done and that no other worker has. `is_done`
    /// looks for the result of a unit.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use nn_workers::{Error, Next, SharedWork};
    ///
    /// # let folder = std::env::temp_dir().join(format!("nn-next-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder).unwrap();
    /// let mut work = SharedWork::join(&folder, "0/1".parse()?, Duration::from_secs(600))?;
    /// let units = ["fold-1", "fold-2"].map(str::to_owned);
    /// let mut done = [false, true];
    /// assert_eq!(work.next(&units, |unit| Ok::<_, Error>(done[unit]))?, Next::Unit(0));
    /// done[0] = true;
    /// assert_eq!(work.next(&units, |unit| Ok::<_, Error>(done[unit]))?, Next::Done);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the folder cannot be read or written, and the errors of `is_done`.
    pub fn next<E: From<Error>>(
        &mut self,
        units: &[String],
        mut is_done: impl FnMut(usize) -> Result<bool, E>,
    ) -> Result<Next, E> {
        let mut next = Next::Done;
        for (index, unit) in units.iter().enumerate() {
            if is_done(index)? {
                continue;
            }
            if !self.claim(unit)? {
                next = Next::Wait;
                continue;
            }
            // The worker that had the unit before may have finished it.
            if !is_done(index)? {
                return Ok(Next::Unit(index));
            }
        }
        Ok(next)
    }

    /// Waits for other workers, for a longer time with every call until the next unit is claimed,
    /// but not after `should_stop` returns `true`.
    ///
    /// # Errors
    /// Returns [`Error::TakenOver`] if another process has taken over the number of this worker.
    pub fn wait(&mut self, mut should_stop: impl FnMut() -> bool) -> Result<()> {
        let mut left = self.pause;
        while !left.is_zero() && !should_stop() {
            let step = left.min(REACTION);
            thread::sleep(step);
            left -= step;
        }
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        self.progress();
        self.check()
    }

    /// Tells other workers that this worker makes progress. This may be called often: the files
    /// are written again only after a tenth of the timeout.
    pub fn progress(&mut self) {
        self.number.refresh();
        if let Some(unit) = &mut self.unit {
            unit.refresh();
        }
    }

    /// Checks that no other process has taken over the number of this worker.
    ///
    /// # Errors
    /// Returns [`Error::TakenOver`] if another process has.
    pub fn check(&self) -> Result<()> {
        match self.number.is_taken_over() {
            true => Err(Error::TakenOver {
                index: self.worker.index(),
                count: self.worker.count(),
            }),
            false => Ok(()),
        }
    }
}

impl UnitState {
    /// The state of a unit; `None` if no worker has claimed it.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the folder cannot be read or written.
    pub fn of(folder: &Path, unit: &str, timeout: Duration) -> Result<Option<Self>> {
        let Some(found) = Found::latest(folder, unit)? else {
            return Ok(None);
        };
        let current = Process::current();
        let now = FileClock::new(folder).now()?;
        Ok(Some(Self {
            age: found.age(now),
            is_abandoned: found.is_abandoned(&current, now, timeout),
            worker: found.owner.as_ref().and_then(|owner| owner.worker),
            process: found.owner.map(|owner| owner.process),
        }))
    }
}
