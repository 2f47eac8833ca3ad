//! The virtual environments of the Python peers, in `target/peers`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::Program;
use crate::error::{Error, Result};
use crate::workspace;

/// PyTorch's package index, whose build has no CUDA libraries. The build on PyPI adds 4 GB
/// of libraries and computes the same on the processor.
const TORCH_INDEX: &str = "https://download.pytorch.org/whl/cpu";

/// Maximum space in bytes: PyTorch from PyPI with its dependencies.
const SPACE: u64 = 10 << 30;

/// Returns the interpreter of a virtual environment with the packages in `requirements`, a
/// file in `scripts/peers`. Creates the environment and installs the packages if needed.
pub(super) fn python(requirements: &str) -> Result<Program> {
    python_in("venv", requirements)
}

/// Returns the interpreter of the virtual environment `name` in `target/peers`, as
/// [`python`] does.
pub(super) fn python_in(name: &str, requirements: &str) -> Result<Program> {
    let folder = workspace::target().join("peers").join(name);
    let python = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    if !python.is_file() {
        eprintln!("creating a virtual environment in {}", folder.display());
        run(system_python(), &["-m", "venv", &folder.to_string_lossy()])?;
    }
    let file = peers_folder().join(requirements);
    let wanted = fs::read_to_string(&file).map_err(|source| Error::unreadable(&file, source))?;
    let stamp = folder.join(format!("installed-{requirements}"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Program::new(python));
    }
    check_space(&folder)?;
    install(&python, &file)?;
    fs::write(&stamp, wanted).map_err(|source| Error::unreadable(&stamp, source))?;
    Ok(Program::new(python))
}

/// The folder of the peers' programs.
pub(super) fn peers_folder() -> PathBuf {
    workspace::root().join("scripts/peers")
}

fn install(python: &Path, requirements: &Path) -> Result<()> {
    let file = requirements.to_string_lossy();
    eprintln!("installing {file}");
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        &file,
    ];
    if file.ends_with("torch.txt") {
        let from_its_index = [
            &install[..],
            &["--retries", "0", "--index-url", TORCH_INDEX],
        ]
        .concat();
        if run(python, &from_its_index).is_ok() {
            return Ok(());
        }
        eprintln!("{TORCH_INDEX} does not respond; installing PyTorch from PyPI, which is larger");
    }
    run(python, &install)
}

fn run(program: impl Into<PathBuf>, arguments: &[&str]) -> Result<()> {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.into()).collect();
    Program::new(program).output(&arguments).map(|_| ())
}

fn system_python() -> &'static str {
    if cfg!(windows) { "python" } else { "python3" }
}

/// Returns an error if there is too little disk space, to avoid an incomplete installation.
fn check_space(folder: &Path) -> Result<()> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    match text.as_deref().and_then(free_bytes) {
        Some(free) if free < SPACE => Err(Error::LittleSpace {
            folder: folder.to_owned(),
            needed: SPACE,
            free,
        }),
        _ => Ok(()),
    }
}

/// Reads the free space, the fourth column of the second line of `df -Pk`, in KiB.
fn free_bytes(df: &str) -> Option<u64> {
    let kibibytes: u64 = df.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kibibytes << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_read_from_df() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
            /dev/vda 263174212 21971832 73728000 23% /\n";
        assert_eq!(free_bytes(df), Some(73_728_000 << 10));
        assert_eq!(free_bytes("df: no such file\n"), None);
    }
}
