//! Folders and properties of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Result};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the workspace's folder")
}

/// The target folder of cargo.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => std::path::absolute(&folder).unwrap_or_else(|_| folder.into()),
        None => root().join("target"),
    }
}

/// The target triple of this machine, such as `x86_64-unknown-linux-gnu`.
pub(crate) fn triple() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .current_dir(root())
        .output()
        .map_err(|source| Error::NotStarted {
            command: "rustc -vV".to_owned(),
            source,
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let triple = text.lines().find_map(|line| line.strip_prefix("host: "));
    triple.map(str::to_owned).ok_or_else(|| Error::Unexpected {
        program: "rustc -vV".to_owned(),
        expected: "a line \"host: ...\"".to_owned(),
    })
}
