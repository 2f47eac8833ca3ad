//! Reads regular files whose paths come from a user.
//!
//! A folder, a pipe or a device is an error, because reading it could block or never end.

use std::fs::{self, File, FileType, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::error::{Error, Result, io_error};

/// Returns an error unless `path` refers to a regular file. Symbolic links are followed.
///
/// # Errors
/// Returns [`Error::NotAFile`] for a folder, a pipe or a device; [`Error::Io`] if there is no
/// such file.
///
/// ```
/// use nn_files::{Error, regular_file};
///
/// let error = regular_file::check(&std::env::temp_dir()).unwrap_err();
/// assert!(matches!(error, Error::NotAFile { found: "a folder", .. }));
/// ```
pub fn check(path: &Path) -> Result<Metadata> {
    let metadata = fs::metadata(path).map_err(io_error(path))?;
    if metadata.is_file() {
        return Ok(metadata);
    }
    Err(Error::NotAFile {
        path: path.to_owned(),
        found: describe(metadata.file_type()),
    })
}

/// Opens a regular file for reading. Symbolic links are followed.
///
/// # Errors
/// Returns [`Error::NotAFile`] for a folder, a pipe or a device; [`Error::Io`] if the file
/// cannot be opened.
pub fn open(path: &Path) -> Result<File> {
    check(path)?;
    File::open(path).map_err(io_error(path))
}

/// Reads the whole content of a regular file.
///
/// # Errors
/// Returns [`Error::NotAFile`] for a folder, a pipe or a device; [`Error::Io`] if reading fails.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?
        .read_to_end(&mut bytes)
        .map_err(io_error(path))?;
    Ok(bytes)
}

/// Reads a regular file of UTF-8 text.
///
/// # Errors
/// Returns [`Error::NotUtf8`] for a different encoding; [`Error::NotAFile`] for a folder, a
/// pipe or a device; [`Error::Io`] if reading fails.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        Error::NotUtf8 {
            path: path.to_owned(),
            offset: offset as u64,
            byte: error.as_bytes()[offset],
        }
    })
}

/// Reads a regular file of UTF-8 text if it exists.
///
/// # Errors
/// Returns the errors of [`read_text`], except for a file that does not exist.
pub fn find_text(path: &Path) -> Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        _ => read_text(path).map(Some),
    }
}

/// Fills `bytes` from a position of a file, independent of the file's own position.
///
/// # Errors
/// Returns an error of kind [`ErrorKind::UnexpectedEof`] if the file ends before, and the errors of
/// the operating system.
#[cfg(unix)]
pub fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

/// Fills `bytes` from a position of a file.
///
/// # Errors
/// Returns an error of kind [`ErrorKind::UnexpectedEof`] if the file ends before, and the errors of
/// the operating system.
#[cfg(windows)]
pub fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;

    let mut n_read = 0;
    while n_read < bytes.len() {
        match file.seek_read(&mut bytes[n_read..], offset + n_read as u64) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => n_read += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn describe(file_type: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;

    if file_type.is_dir() {
        "a folder"
    } else if file_type.is_fifo() {
        "a named pipe"
    } else if file_type.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn describe(file_type: FileType) -> &'static str {
    if file_type.is_dir() {
        "a folder"
    } else {
        "a device"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_devices_are_rejected_before_they_are_read() {
        let error = open(&std::env::temp_dir()).expect_err("a folder is no file");
        assert!(
            error
                .to_string()
                .ends_with("not a regular file (found a folder)")
        );
        let device = Path::new("/dev/zero");
        if device.exists() {
            let error = open(device).expect_err("a device is no file");
            assert_eq!(
                error.to_string(),
                "/dev/zero: not a regular file (found a device)"
            );
        }
    }

    #[test]
    fn a_missing_file_is_an_io_error() {
        let error = open(Path::new("no/such/file")).expect_err("it does not exist");
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}
