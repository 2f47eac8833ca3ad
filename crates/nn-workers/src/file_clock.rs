//! The clock of a file system.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use nn_files::disk;

use crate::error::{Error, Result};

/// Time after which the clock is read again instead of adding the elapsed time.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The current time according to the file system of a folder.
///
/// The modification time of a file comes from the machine that stores it, which may be a file
/// server whose clock differs from those of the workers. The age of a claim is therefore its
/// modification time subtracted from that of a file that was just written on the same file system.
/// The clocks of the workers do not matter.
#[derive(Debug)]
pub(crate) struct FileClock {
    /// A file of this clock only.
    path: PathBuf,
    /// The last time that was read, and when.
    last: Option<(SystemTime, Instant)>,
}

impl FileClock {
    /// The clock of the file system of `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        // The standard library has no other random numbers. A process number would not be unique,
        // because the folder is shared by several machines.
        let random = RandomState::new().build_hasher().finish();
        Self {
            path: folder.join(format!(".clock-{random:016x}.tmp")),
            last: None,
        }
    }

    /// The current time.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if no file can be written in the folder.
    pub(crate) fn now(&mut self) -> Result<SystemTime> {
        if let Some((time, read)) = self.last
            && read.elapsed() < MAX_AGE
        {
            return Ok(time + read.elapsed());
        }
        let time = self.read().map_err(Error::io(&self.path))?;
        self.last = Some((time, Instant::now()));
        Ok(time)
    }

    fn read(&self) -> std::io::Result<SystemTime> {
        let options = &mut fs::OpenOptions::new();
        let mut file = disk::open(options.write(true).create(true).truncate(true), &self.path)?;
        disk::write(&mut file, &self.path, b".")?;
        // Network file systems send the content when the file is closed.
        drop(file);
        let time = fs::File::open(&self.path)?.metadata()?.modified()?;
        disk::remove_file(&self.path)?;
        Ok(time)
    }
}
