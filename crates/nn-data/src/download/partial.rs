//! A file on its way: `NAME.partial`, which becomes `NAME` once it is right.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::disk::{self, io_error};
use crate::catalog::RemoteFile;
use crate::checksum;
use crate::error::Result;

/// The bytes of a file that have come so far.
pub(super) struct Partial<'a> {
    remote: &'a RemoteFile,
    path: PathBuf,
    destination: PathBuf,
    file: File,
    length: u64,
}

/// What became of a file that is complete.
pub(super) enum Verdict {
    /// It is the published one, and in its place.
    Placed,
    /// It has another checksum, this one; its bytes are gone.
    Rejected { sha256: String },
}

impl<'a> Partial<'a> {
    /// Goes on with what an earlier attempt left in `folder`, if anything.
    pub(super) fn open(remote: &'a RemoteFile, folder: &Path) -> Result<Self> {
        let path = folder.join(format!("{}.partial", remote.name));
        remove_if_not_a_file(&path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let mut file = disk::open(&options, &path).map_err(io_error(&path))?;
        let length = file.seek(SeekFrom::End(0)).map_err(io_error(&path))?;
        let mut partial = Self {
            remote,
            destination: folder.join(remote.name),
            path,
            file,
            length,
        };
        if length > remote.size {
            partial.restart()?;
        }
        Ok(partial)
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn is_complete(&self) -> bool {
        self.length == self.remote.size
    }

    /// How many more bytes belong to the file.
    pub(super) fn wanted(&self) -> u64 {
        self.remote.size - self.length
    }

    pub(super) fn destination(&self) -> &Path {
        &self.destination
    }

    /// Adds bytes, of which there must not be more than are wanted.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        disk::write(&mut self.file, &self.path, bytes).map_err(io_error(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Forgets all bytes.
    pub(super) fn restart(&mut self) -> Result<()> {
        disk::empty(&self.file, &self.path).map_err(io_error(&self.path))?;
        self.file.rewind().map_err(io_error(&self.path))?;
        self.length = 0;
        Ok(())
    }

    /// Compares the whole file with its checksum and, if they match, gives it
    /// its name, so that a crash leaves either the old file or the new one.
    pub(super) fn place(&mut self) -> Result<Verdict> {
        self.file.rewind().map_err(io_error(&self.path))?;
        let sha256 = checksum::sha256(&mut self.file).map_err(io_error(&self.path))?;
        if sha256 != self.remote.sha256 {
            self.restart()?;
            return Ok(Verdict::Rejected { sha256 });
        }
        disk::sync(&self.file, &self.path).map_err(io_error(&self.path))?;
        disk::rename(&self.path, &self.destination).map_err(io_error(&self.destination))?;
        disk::sync_folder_of(&self.destination).map_err(io_error(&self.destination))?;
        Ok(Verdict::Placed)
    }

    /// Removes the bytes by their name, and not through the open file, which may
    /// be in its place already.
    pub(super) fn discard(self) {
        // What cannot be removed is begun again or replaced the next time.
        let _ = disk::remove_file(&self.path);
    }

    /// Leaves the bytes for another time; an empty file is of no use.
    pub(super) fn leave(self) -> Result<()> {
        if self.length == 0 {
            disk::remove_file(&self.path).map_err(io_error(&self.path))?;
        }
        Ok(())
    }
}

/// A link is removed, not followed: it would make us write somewhere else.
fn remove_if_not_a_file(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => disk::remove_file(path).map_err(io_error(path)),
        _ => Ok(()),
    }
}
