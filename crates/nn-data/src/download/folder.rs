//! Verified copies of files from a local folder.

use std::io::Read;
use std::path::Path;

use nn_files::io_error;

use super::partial::{Partial, Verdict};
use super::progress::Progress;
use crate::catalog::RemoteFile;
use crate::checksum;
use crate::error::{Error, Result};
use crate::idx;

/// Copies a file from the first folder of `origins` that contains it.
pub(super) fn bring(
    origins: &[&Path],
    remote: &RemoteFile,
    folder: &Path,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<()> {
    let candidates = origins.iter().map(|origin| origin.join(remote.name));
    let Some(path) = candidates.into_iter().find(|path| path.exists()) else {
        return Err(Error::NotInFolder {
            folder: origins[0].to_owned(),
            file: remote.name,
        });
    };
    let mut partial = Partial::open(remote, folder)?;
    partial.restart()?;
    let copied = copy(&path, remote, &mut partial, progress);
    if copied.is_err() {
        partial.discard();
    }
    copied
}

fn copy(
    path: &Path,
    remote: &RemoteFile,
    partial: &mut Partial<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<()> {
    let (mut file, length) = idx::open_regular(path)?;
    if length != remote.size {
        let sha256 = checksum::sha256(file).map_err(io_error(path))?;
        return Err(mismatch(path, remote, length, sha256));
    }
    progress(Progress::Started {
        file: remote.name,
        from: &path.to_string_lossy(),
        bytes: 0,
        size: remote.size,
    });
    let mut buffer = vec![0; 1 << 16];
    while !partial.is_complete() {
        let most = buffer
            .len()
            .min(usize::try_from(partial.remaining()).unwrap_or(usize::MAX));
        match file.read(&mut buffer[..most]).map_err(io_error(path))? {
            0 => break,
            n => partial.append(&buffer[..n])?,
        }
        progress(Progress::Advanced {
            file: remote.name,
            bytes: partial.length(),
            size: remote.size,
        });
    }
    let found_size = partial.length();
    match partial.place()? {
        Verdict::Placed => Ok(()),
        Verdict::Rejected { sha256 } => Err(mismatch(path, remote, found_size, sha256)),
    }
}

fn mismatch(path: &Path, remote: &RemoteFile, found_size: u64, found_sha256: String) -> Error {
    Error::Checksum {
        path: path.to_owned(),
        expected_size: remote.size,
        found_size,
        expected_sha256: remote.sha256,
        found_sha256,
    }
}
