//! Bringing a data set's files into the data folder, whole or not at all.
//!
//! A file is written as `NAME.partial`, compared with the published length and
//! SHA-256, flushed to the disk and only then given its name: under that name
//! there are never wrong bytes, whenever the program is killed. What a broken
//! connection left behind is continued next time (HTTP `Range`, RFC 9110
//! section 14), from whichever mirror answers.
//!
//! Processes that fetch the same data set at once wait for each other.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::catalog::{RemoteFile, Source};
use crate::checksum;
use crate::error::{Error, Result};
use crate::idx;

mod limits;
mod progress;
mod tls;
mod disk;
mod partial;
mod pause;
mod speed;
mod folder;
mod mirrors;
#[cfg(test)]
mod faults;

use disk::io_error;
use mirrors::Mirrors;

pub use limits::Limits;
pub use progress::Progress;

/// Brings the files of `source` that are not there yet, or not intact, into its
/// folder in `data_dir`.
///
/// # Errors
/// [`Error::NotDelivered`] if no mirror has one of the files as published,
/// [`Error::MissingFile`] and [`Error::Checksum`] if it is `origin`'s folder
/// that has not, [`Error::Io`] if the data folder cannot be written.
pub fn fetch(
    source: &Source,
    data_dir: &Path,
    origin: Option<&Origin>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched> {
    fetch_within(&Limits::default(), source, data_dir, origin, progress)
}

/// [`fetch`] with other limits than the usual ones.
///
/// # Errors
/// As [`fetch`].
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
    disk::create_dir_all(&folder).map_err(io_error(&folder))?;
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

/// Looks, without opening a connection, whether all files of `source` are in
/// its folder in `data_dir` as published.
///
/// # Errors
/// [`Error::NotHere`] if some are not, [`Error::Io`] if one cannot be read.
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
    Err(Error::NotHere {
        folder,
        missing: missing.collect(),
    })
}

/// Where to get files from instead of the catalog's mirrors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A local folder with the files, or with a folder of the data set's name.
    Folder(PathBuf),
    /// The address of a folder on a server: `https://`, or `http://` on this
    /// very machine.
    Mirror(String),
}

impl Origin {
    /// An address if it looks like one (`scheme://`), otherwise a folder.
    pub fn parse(text: &OsStr) -> Self {
        match text.to_str() {
            Some(address) if address.contains("://") => Self::Mirror(address.to_owned()),
            _ => Self::Folder(text.into()),
        }
    }
}

/// What a fetch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder that now holds the data set.
    pub folder: PathBuf,
    /// The files that were not there before; none if there was nothing to do.
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

/// The files that are not in `folder` as published.
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

/// Waits until no other process fetches into `folder`; the system ends the lock
/// with the process, however that ends.
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
        // Some network file systems know no locks. Without one, processes that
        // fetch at once may spoil each other's download, but not its check.
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(io_error(&path)(error)),
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
