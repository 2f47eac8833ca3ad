//! Downloads of data sets: atomic, verified and resumable.
//!
//! A file is written as `NAME.partial`, compared with the published size and
//! SHA-256, synced to the disk and then renamed to `NAME`. So `NAME` is always
//! complete and correct, even if the program is killed. An interrupted download
//! is resumed from any mirror (HTTP `Range`, RFC 9110 section 14).
//!
//! A lock file makes processes that download the same data set wait for each
//! other.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use nn_files::{create_dir_all, disk, io_error};

use crate::catalog::{RemoteFile, Source};
use crate::checksum;
use crate::error::{Error, Result};
use crate::idx;

mod limits;
mod progress;
mod tls;
mod partial;
mod pause;
mod speed;
mod folder;
mod mirrors;
#[cfg(test)]
mod faults;

use mirrors::Mirrors;

pub use limits::Limits;
pub use progress::Progress;

/// Downloads the missing and damaged files of `source` into its folder in
/// `data_dir`, from `origin` if it is given, otherwise from the mirrors of the catalog.
///
/// # Errors
/// Returns [`Error::DownloadFailed`] if no mirror provides a file; [`Error::NotInFolder`] if
/// the folder of `origin` lacks a file, [`Error::Checksum`] if the file there is damaged;
/// [`Error::File`] if the data folder cannot be written.
pub fn fetch(
    source: &Source,
    data_dir: &Path,
    origin: Option<&Origin>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched> {
    fetch_within(&Limits::default(), source, data_dir, origin, progress)
}

/// Downloads like [`fetch`], but with the given limits instead of the default ones.
///
/// # Errors
/// Returns the same errors as [`fetch`].
pub fn fetch_within(
    limits: &Limits,
    source: &Source,
    data_dir: &Path,
    origin: Option<&Origin>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched> {
    let folder = source.folder(data_dir);
    let mut fetched = Fetched {
        folder: folder.clone(),
        new_files: Vec::new(),
    };
    if missing_files(source, &folder)?.is_empty() {
        return Ok(fetched);
    }
    create_dir_all(&folder).map_err(io_error(&folder))?;
    let _lock = lock(&folder, progress)?;
    let missing = missing_files(source, &folder)?;
    let supplier = Supplier::new(limits, source, origin)?;
    for file in missing {
        supplier.bring(file, &folder, progress)?;
        progress(Progress::Finished { file: file.name });
        fetched.new_files.push(file.name);
    }
    Ok(fetched)
}

/// Verifies all files of `source` in its folder in `data_dir`, without a network
/// connection.
///
/// # Errors
/// Returns [`Error::NotFetched`] if files are missing or damaged; [`Error::File`] if reading
/// fails.
pub fn verify(source: &Source, data_dir: &Path) -> Result<Fetched> {
    let folder = source.folder(data_dir);
    let missing = missing_files(source, &folder)?;
    if missing.is_empty() {
        return Ok(Fetched {
            folder,
            new_files: Vec::new(),
        });
    }
    let missing = missing.iter().map(|file| (file.name, file.sha256));
    Err(Error::NotFetched {
        folder,
        missing: missing.collect(),
    })
}

/// A source of files other than the mirrors of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A local folder that holds the files, or a subfolder named after the data set.
    Folder(PathBuf),
    /// The address of a folder on a server: `https://`, or `http://` for a server on this machine.
    Mirror(String),
}

impl Origin {
    /// Parses an address (`scheme://...`) or the path of a folder.
    pub fn parse(text: &OsStr) -> Self {
        match text.to_str() {
            Some(address) if address.contains("://") => Self::Mirror(address.to_owned()),
            _ => Self::Folder(text.into()),
        }
    }
}

/// The folder and the new files of a completed download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder with the files of the data set.
    pub folder: PathBuf,
    /// Names of the downloaded files; empty if all files were intact.
    pub new_files: Vec<&'static str>,
}

/// Where the files come from.
enum Supplier<'a> {
    Folder {
        folder: &'a Path,
        source: &'a Source,
    },
    Mirrors(Mirrors<'a>),
}

impl<'a> Supplier<'a> {
    fn new(limits: &'a Limits, source: &'a Source, origin: Option<&'a Origin>) -> Result<Self> {
        Ok(match origin {
            None => Self::Mirrors(Mirrors::new(limits, source.mirrors)?),
            Some(Origin::Mirror(address)) => {
                Self::Mirrors(Mirrors::named_by_user(limits, address)?)
            }
            Some(Origin::Folder(folder)) => Self::Folder { folder, source },
        })
    }

    fn bring(
        &self,
        file: &RemoteFile,
        folder: &Path,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<()> {
        match self {
            Self::Mirrors(mirrors) => mirrors.bring(file, folder, progress),
            Self::Folder {
                folder: from,
                source,
            } => folder::bring(&[from, &from.join(source.name)], file, folder, progress),
        }
    }
}

/// The files that are missing or damaged in `folder`.
fn missing_files<'a>(source: &'a Source, folder: &Path) -> Result<Vec<&'a RemoteFile>> {
    let mut missing = Vec::new();
    for file in source.files.all() {
        if !is_intact(file, &folder.join(file.name))? {
            missing.push(file);
        }
    }
    Ok(missing)
}

fn is_intact(file: &RemoteFile, path: &Path) -> Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let (opened, length) = idx::open_regular(path)?;
    if length != file.size {
        return Ok(false);
    }
    let found = checksum::sha256(opened).map_err(io_error(path))?;
    Ok(found == file.sha256)
}

/// Locks `folder` against downloads by other processes. The operating system
/// releases the lock when the process ends.
fn lock(folder: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<File> {
    let path = folder.join(".fetch.lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = disk::open(&options, &path).map_err(io_error(&path))?;
    let locked = match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            progress(Progress::Waiting);
            file.lock()
        }
        Err(TryLockError::Error(error)) => Err(error),
    };
    match locked {
        // Some network file systems do not support locks. Without a lock, parallel
        // downloads can disturb each other, but the checksum is still verified.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => {
            Err(io_error(&path)(error).into())
        }
        _ => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_with_a_scheme_is_an_address_and_anything_else_a_folder() {
        let address = "https://example.org/mnist";
        assert_eq!(
            Origin::parse(OsStr::new(address)),
            Origin::Mirror(address.to_owned())
        );
        for folder in ["data", "C:\\data", "/srv/data", "."] {
            assert_eq!(
                Origin::parse(OsStr::new(folder)),
                Origin::Folder(folder.into())
            );
        }
    }
}
