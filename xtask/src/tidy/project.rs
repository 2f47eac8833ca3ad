//! The files that the rules check.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::source;
use crate::error::{Error, Result};
use crate::workspace;

/// Folders to skip in a copy of the project without git.
const IGNORED: [&str; 6] = [".git", ".venv", "__pycache__", "datasets", "runs", "target"];

/// Extensions of the files whose text is checked.
const TEXT: [&str; 3] = [".rs", ".md", ".toml"];

/// A file that is committed or could be committed.
#[derive(Debug)]
pub(super) struct File {
    /// Path relative to the workspace, with `/` on every system.
    pub path: String,
    /// Length in bytes.
    pub length: u64,
    /// Content of `.rs`, `.md` and `.toml` files, empty for others.
    pub text: String,
    /// The text of an `.rs` file without comments and literals.
    pub code: String,
}

impl File {
    /// Creates a file with this content.
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            length: text.len() as u64,
            text: text.to_owned(),
            code: if path.ends_with(".rs") {
                source::code_only(text)
            } else {
                String::new()
            },
        }
    }

    fn read(path: &str) -> Result<Self> {
        let place = workspace::root().join(path);
        if TEXT.iter().any(|end| path.ends_with(end)) {
            let text =
                fs::read_to_string(&place).map_err(|source| Error::unreadable(&place, source))?;
            return Ok(Self::new(path, &text));
        }
        let metadata =
            fs::symlink_metadata(&place).map_err(|source| Error::unreadable(&place, source))?;
        Ok(Self {
            length: metadata.len(),
            ..Self::new(path, "")
        })
    }

    /// Returns `true` if the file is Rust source.
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// For a source file, the folder of its crate and its path relative to `src`.
    pub(super) fn source_path(&self) -> Option<(&str, &str)> {
        let (folder, path) = self.path.split_once("/src/")?;
        (folder == "xtask" || folder.starts_with("crates/")).then_some((folder, path))
    }
}

/// Returns all files that git tracks or would add, sorted by path.
pub(super) fn files() -> Result<Vec<File>> {
    let mut paths = match paths_from_git() {
        Some(paths) => paths,
        None => paths_from_folders()?,
    };
    paths.sort();
    paths.dedup();
    paths.iter().map(|path| File::read(path)).collect()
}

/// Returns the paths that git lists; `None` without git or without a repository.
fn paths_from_git() -> Option<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(workspace::root())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let names = String::from_utf8_lossy(&output.stdout);
    let is_there = |path: &&str| workspace::root().join(path).symlink_metadata().is_ok();
    Some(
        names
            .split('\0')
            .filter(|path| !path.is_empty())
            .filter(is_there)
            .map(String::from)
            .collect(),
    )
}

fn paths_from_folders() -> Result<Vec<String>> {
    println!(
        "tidy: no git repository; checking all files except {}",
        IGNORED.join(", ")
    );
    let mut paths = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let place = workspace::root().join(&folder);
        let entries = fs::read_dir(&place).map_err(|source| Error::unreadable(&place, source))?;
        for entry in entries {
            let entry = entry.map_err(|source| Error::unreadable(&place, source))?;
            let path = folder.join(entry.file_name());
            let is_ignored = IGNORED.iter().any(|name| entry.file_name() == *name);
            if entry.file_type().is_ok_and(|kind| !kind.is_dir()) {
                paths.push(with_slashes(&path));
            } else if !is_ignored {
                folders.push(path);
            }
        }
    }
    Ok(paths)
}

fn with_slashes(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}
