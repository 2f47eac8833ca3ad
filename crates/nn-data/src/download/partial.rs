//! A partial download: `NAME.partial`, renamed to `NAME` when it is verified.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use nn_files::{disk, io_error};

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
        disk::set_len(&self.file, &self.path, 0).map_err(io_error(&self.path))?;
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
        Ok(found) if !found.is_file() => Ok(disk::remove_file(path).map_err(io_error(path))?),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    const BYTES: &[u8] = b"01234";

    fn remote() -> RemoteFile {
        RemoteFile {
            name: "a",
            size: BYTES.len() as u64,
            sha256: checksum::sha256(BYTES).unwrap().leak(),
        }
    }

    /// An empty folder.
    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("nn-partial-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_file_is_continued_and_placed() {
        let (remote, folder) = (remote(), scratch("placed"));
        let mut partial = Partial::open(&remote, &folder).unwrap();
        assert_eq!((partial.length(), partial.remaining()), (0, 5));
        partial.append(&BYTES[..3]).unwrap();
        assert_eq!((partial.length(), partial.remaining()), (3, 2));
        partial.leave().unwrap();
        let mut partial = Partial::open(&remote, &folder).unwrap();
        assert_eq!((partial.length(), partial.is_complete()), (3, false));
        partial.append(&BYTES[3..]).unwrap();
        assert_eq!((partial.length(), partial.is_complete()), (5, true));
        assert!(matches!(partial.place().unwrap(), Verdict::Placed));
        assert_eq!(fs::read(folder.join("a")).unwrap(), BYTES);
        assert!(!folder.join("a.partial").exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_is_too_long_begins_again_and_a_complete_one_does_not() {
        let (remote, folder) = (remote(), scratch("long"));
        for (bytes, kept) in [(&b"012345"[..], 0), (BYTES, 5)] {
            fs::write(folder.join("a.partial"), bytes).unwrap();
            assert_eq!(Partial::open(&remote, &folder).unwrap().length(), kept);
            let found = fs::metadata(folder.join("a.partial")).unwrap();
            assert_eq!(found.len(), kept);
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn wrong_bytes_are_discarded() {
        let (remote, folder) = (remote(), scratch("wrong"));
        let mut partial = Partial::open(&remote, &folder).unwrap();
        partial.append(b"wrong").unwrap();
        assert!(matches!(partial.place().unwrap(), Verdict::Rejected { .. }));
        assert_eq!(partial.length(), 0);
        assert!(fs::read(folder.join("a.partial")).unwrap().is_empty());
        partial.append(BYTES).unwrap();
        assert!(matches!(partial.place().unwrap(), Verdict::Placed));
        assert_eq!(fs::read(folder.join("a")).unwrap(), BYTES);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_empty_file_is_not_left_and_a_discarded_one_neither() {
        let (remote, folder) = (remote(), scratch("left"));
        let path = folder.join("a.partial");
        Partial::open(&remote, &folder).unwrap().leave().unwrap();
        assert!(!path.exists());
        let mut partial = Partial::open(&remote, &folder).unwrap();
        partial.append(b"0").unwrap();
        partial.leave().unwrap();
        assert!(path.exists());
        Partial::open(&remote, &folder).unwrap().discard();
        assert!(!path.exists());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn a_link_is_not_followed() {
        let (remote, folder) = (remote(), scratch("link"));
        let (path, other) = (folder.join("a.partial"), folder.join("other"));
        fs::write(&other, "012").unwrap();
        std::os::unix::fs::symlink(&other, &path).unwrap();
        let mut partial = Partial::open(&remote, &folder).unwrap();
        assert_eq!(partial.length(), 0);
        partial.append(b"x").unwrap();
        assert_eq!(fs::read(&other).unwrap(), b"012");
        fs::remove_dir_all(&folder).unwrap();
    }
}
