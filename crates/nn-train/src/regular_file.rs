//! Reads the regular files of a run. Reading from a pipe could block, and a device may
//! never end.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Returns an error unless `path` is a regular file.
///
/// # Errors
/// Returns [`ErrorKind::Data`] if `path` is not a regular file, [`ErrorKind::Io`] if it does not
/// exist.
pub fn check(path: &Path) -> Result<fs::Metadata> {
    let metadata = fs::metadata(path).map_err(|error| Error::io(path, &error))?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(Error::new(
        ErrorKind::Data,
        format!("{}: not a regular file", path.display()),
    ))
}

/// Opens a regular file for reading.
///
/// # Errors
/// Returns the same errors as [`check`], or an error if the file cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    check(path)?;
    File::open(path).map_err(|error| Error::io(path, &error))
}

/// Reads a UTF-8 text file.
///
/// # Errors
/// Returns the same errors as [`check`], or an error if the file cannot be read or is not
/// UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    check(path)?;
    let bytes = fs::read(path).map_err(|error| Error::io(path, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        Error::new(
            ErrorKind::Data,
            format!("{}: not UTF-8 at byte offset {offset}", path.display()),
        )
    })
}

/// Reads a UTF-8 text file if it exists.
///
/// # Errors
/// Returns the same errors as [`read_text`].
pub fn find_text(path: &Path) -> Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read_text(path).map(Some),
    }
}
