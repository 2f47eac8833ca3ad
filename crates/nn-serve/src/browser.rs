//! Opens the page in the browser.
//!
//! Every account of a machine can read the command lines of its programs, so the address
//! with its token must not be an argument. Instead, as in Jupyter, the browser gets the path
//! of a file that redirects to the address and that only its owner can read. The file is
//! removed after the page has been opened, or at the latest when the server ends.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::secret::Secret;

/// A file that redirects to the page; it is removed when this value is dropped.
#[derive(Debug)]
pub(crate) struct Redirect {
    path: PathBuf,
}

impl Redirect {
    /// Writes a redirect to the address and opens it in the browser.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written or no browser can be started.
    pub(crate) fn open(address: &str) -> io::Result<Self> {
        // The home folder first: a browser in a sandbox (a snap) has its own temporary
        // folder.
        let home = std::env::home_dir().map(|folder| Self::write(&folder, address));
        let redirect = match home {
            Some(Ok(redirect)) => redirect,
            _ => Self::write(&std::env::temp_dir(), address)?,
        };
        start_browser(&redirect.path)?;
        Ok(redirect)
    }

    fn write(folder: &Path, address: &str) -> io::Result<Self> {
        let name = Secret::random().map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
        let path = folder.join(format!("nn-serve-{}.html", name.text()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let redirect = Self { path };
        file.write_all(html(address).as_bytes())?;
        Ok(redirect)
    }
}

impl Drop for Redirect {
    fn drop(&mut self) {
        // A file that remains is useless after the end of the server.
        let _ = fs::remove_file(&self.path);
    }
}

fn html(address: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"refresh\" content=\"0; url={address}\">\n\
         <title>nn</title>\n<p><a href=\"{address}\">Open the page of nn serve</a></p>\n"
    )
}

fn start_browser(path: &Path) -> io::Result<()> {
    let (program, first): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("cmd", &["/C", "start", ""])
    } else {
        ("xdg-open", &[])
    };
    let started = Command::new(program)
        .args(first)
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started.map(drop)
}
