//! Reading what should be a regular file of a run. A pipe that stands there
//! instead would be waited for, and a device might never end.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Refuses whatever is there under this name and is no regular file.
///
/// # Errors
/// [`ErrorKind::Data`] if it is something else, [`ErrorKind::Io`] if there is nothing.
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

/// Opens a file to read it.
///
/// # Errors
/// As [`check`], or if it cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    check(path)?;
    File::open(path).map_err(|error| Error::io(path, &error))
}

/// Reads a text.
///
/// # Errors
/// As [`check`], or if it cannot be read or is not UTF-8.
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

/// Reads a text, if there is such a file.
///
/// # Errors
/// As [`read_text`].
pub fn find_text(path: &Path) -> Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        _ => read_text(path).map(Some),
    }
}
