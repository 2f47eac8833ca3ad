//! A partial download: `NAME.partial`, renamed to `NAME` when it is verified.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::disk::{self, io_error};
use crate::catalog::RemoteFile;
use crate::checksum;
use crate::error::Result;

/// A file being downloaded.
pub(super) struct Partial<'a> {
    remote: &'a RemoteFile,
    path: PathBuf,
    destination: PathBuf,
    file: File,
    length: u64,
}

/// The result of verifying a complete file.
pub(super) enum Verdict {
    /// The checksum matches; the file has its final name.
    Placed,
    /// The checksum differs; the bytes are discarded.
    Rejected { sha256: String },
}

impl<'a> Partial<'a> {
    /// Opens the partial file in `folder`, or creates it.
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

    /// Number of missing bytes.
    pub(super) fn remaining(&self) -> u64 {
        self.remote.size - self.length
    }

    pub(super) fn destination(&self) -> &Path {
        &self.destination
    }

    /// Appends at most [`Self::remaining`] bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        disk::write(&mut self.file, &self.path, bytes).map_err(io_error(&self.path))?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Discards all bytes.
    pub(super) fn restart(&mut self) -> Result<()> {
        disk::empty(&self.file, &self.path).map_err(io_error(&self.path))?;
        self.file.rewind().map_err(io_error(&self.path))?;
        self.length = 0;
        Ok(())
    }

    /// Verifies the checksum of the complete file and renames it atomically, so
    /// that a crash leaves either the old file or the new one.
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

    /// Removes the partial file by its name: the open file may have its final name
    /// already.
    pub(super) fn discard(self) {
        // A file that cannot be removed is truncated by the next attempt.
        let _ = disk::remove_file(&self.path);
    }

    /// Keeps the bytes for the next attempt, but removes an empty file.
    pub(super) fn leave(self) -> Result<()> {
        if self.length == 0 {
            disk::remove_file(&self.path).map_err(io_error(&self.path))?;
        }
        Ok(())
    }
}

/// Removes a symbolic link: following it would write to a different place.
fn remove_if_not_a_file(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => disk::remove_file(path).map_err(io_error(path)),
        _ => Ok(()),
    }
}
