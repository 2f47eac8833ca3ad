//! Claims: files that are created by exactly one process, see the protocol in `lib.rs`.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use nn_files::disk;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::process::Process;

/// Last line of a claim that was released.
const RELEASED: &str = "released";

/// Time before a claim that another process is creating is read again.
const RETRY: Duration = Duration::from_millis(10);

/// A claim is refreshed when this part of the timeout has passed.
const REFRESHES_PER_TIMEOUT: u32 = 10;

/// The owner of a claim, as written in its file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// Number of the worker, if it has one.
    pub(crate) worker: Option<usize>,
    #[serde(flatten)]
    pub(crate) process: Process,
}

/// A claim that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The owner; `None` if the file is empty or damaged, for example because its process died
    /// before it wrote the content.
    pub(crate) owner: Option<Owner>,
    pub(crate) modified: SystemTime,
    pub(crate) is_released: bool,
}

/// A claim of this process. Dropping it releases the claim.
#[derive(Debug)]
pub(crate) struct Claim {
    folder: PathBuf,
    name: String,
    generation: u32,
    content: String,
    interval: Duration,
    refreshed: Instant,
}

/// The result of an attempt to claim.
pub(crate) enum Attempt {
    Taken(Claim),
    /// Another process has the claim.
    Held(Found),
}

impl Claim {
    /// Claims `name` in `folder`, if it is not claimed or if `is_free` accepts the existing claim.
    pub(crate) fn attempt(
        folder: &Path,
        name: &str,
        owner: &Owner,
        timeout: Duration,
        mut is_free: impl FnMut(&Found) -> Result<bool>,
    ) -> Result<Attempt> {
        let mut generation = 0;
        loop {
            let path = path(folder, name, generation);
            if let Some(found) = Found::read(&path)? {
                if is_free(&found)? || exists(folder, name, generation + 1) {
                    generation += 1;
                    continue;
                }
                return Ok(Attempt::Held(found));
            }
            match disk::create_new(&path) {
                Ok(mut file) => {
                    let json = serde_json::to_string(owner).expect("an owner is plain JSON");
                    let content = format!("{json}\n");
                    // The claim is not synced: after a power failure, its process is gone, too.
                    disk::write(&mut file, &path, content.as_bytes()).map_err(Error::io(&path))?;
                    return Ok(Attempt::Taken(Self {
                        folder: folder.to_owned(),
                        name: name.to_owned(),
                        generation,
                        content,
                        interval: timeout / REFRESHES_PER_TIMEOUT,
                        refreshed: Instant::now(),
                    }));
                }
                // Another process was faster; a network file system may show its file later.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => thread::sleep(RETRY),
                Err(error) => return Err(Error::io(&path)(error)),
            }
        }
    }

    /// Shows progress: writes the content again, so that the file system sets the modification
    /// time. Setting a time instead would use the clock of this machine.
    ///
    /// An error is ignored: at worst, another worker does the same work.
    pub(crate) fn refresh(&mut self) {
        if self.refreshed.elapsed() < self.interval {
            return;
        }
        self.refreshed = Instant::now();
        let path = self.path();
        let file = disk::open(OpenOptions::new().write(true), &path);
        // The file is closed at once, because network file systems send its content then.
        let _ = file.and_then(|mut file| disk::write(&mut file, &path, self.content.as_bytes()));
    }

    /// Returns `true` if another process has taken over the claim.
    pub(crate) fn is_taken_over(&self) -> bool {
        exists(&self.folder, &self.name, self.generation + 1)
    }

    fn path(&self) -> PathBuf {
        path(&self.folder, &self.name, self.generation)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let path = self.path();
        let file = disk::open(OpenOptions::new().append(true), &path);
        // If this fails, the claim is free when it is old enough or its process has ended.
        let line = format!("{RELEASED}\n");
        let _ = file.and_then(|mut file| disk::write(&mut file, &path, line.as_bytes()));
    }
}

impl Found {
    /// The valid claim, if there is one.
    pub(crate) fn latest(folder: &Path, name: &str) -> Result<Option<Self>> {
        let mut latest = None;
        for generation in 0.. {
            match Self::read(&path(folder, name, generation))? {
                Some(found) => latest = Some(found),
                None => break,
            }
        }
        Ok(latest)
    }

    fn read(path: &Path) -> Result<Option<Self>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io(path)(error)),
        };
        // The time of the open file: network file systems ask the server when a file is opened,
        // but may return an old time for its path.
        let modified = file.metadata().and_then(|found| found.modified());
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::io(path))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines();
        Ok(Some(Self {
            owner: lines
                .next()
                .and_then(|line| serde_json::from_str(line).ok()),
            modified: modified.map_err(Error::io(path))?,
            is_released: lines.any(|line| line == RELEASED),
        }))
    }

    /// Time since the last progress.
    pub(crate) fn age(&self, now: SystemTime) -> Duration {
        now.duration_since(self.modified).unwrap_or_default()
    }

    /// Returns `true` if no living process has the claim.
    pub(crate) fn is_abandoned(
        &self,
        current: &Process,
        now: SystemTime,
        timeout: Duration,
    ) -> bool {
        let has_ended = |owner: &Owner| owner.process.has_ended(current);
        self.is_released || self.owner.as_ref().is_some_and(has_ended) || self.age(now) >= timeout
    }
}

fn path(folder: &Path, name: &str, generation: u32) -> PathBuf {
    folder.join(format!("{name}.{generation}"))
}

fn exists(folder: &Path, name: &str, generation: u32) -> bool {
    fs::symlink_metadata(path(folder, name, generation)).is_ok()
}
