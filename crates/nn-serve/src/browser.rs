//! `--open`: the browser gets the address, and nobody else.
//!
//! Every account of a machine can read the command lines of its programs, so
//! the address with its token must not be one of their words. The browser is
//! given a file instead that leads to the address and that only its owner can
//! read (as Jupyter does). The file is removed as soon as the address has been
//! opened, at the latest when the server ends.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::secret::Secret;

/// The file, which lives as long as this value.
#[derive(Debug)]
pub(super) struct Opening {
    path: PathBuf,
}

impl Opening {
    /// Starts the browser; nothing if no program for that could be started.
    pub(super) fn start(address: &str) -> Option<Self> {
        // First the home folder: a browser in a sandbox (a snap) has a
        // temporary folder of its own.
        let folders = [std::env::home_dir(), Some(std::env::temp_dir())];
        let mut files = folders.into_iter().flatten();
        let opening = files.find_map(|folder| Self::write(&folder, address).ok())?;
        start_browser(&opening.path).ok()?;
        Some(opening)
    }

    fn write(folder: &Path, address: &str) -> io::Result<Self> {
        let name = Secret::random().map_err(|_| io::Error::from(io::ErrorKind::Unsupported))?;
        let path = folder.join(format!("nn-serve-{}.html", name.text()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let opening = Self { path };
        file.write_all(page(address).as_bytes())?;
        Ok(opening)
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        // One that cannot be removed is of no use after the server's end.
        let _ = fs::remove_file(&self.path);
    }
}

fn page(address: &str) -> String {
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
