//! `cargo xtask msrv`: checks the workspace with its minimum Rust version.

use std::process::Command;

use crate::command::run_process;
use crate::error::{Error, Result};
use crate::workspace;

/// The `rust-version` of the workspace.
const VERSION: &str = env!("CARGO_PKG_RUST_VERSION");

/// Checks the workspace if rustup has the toolchain.
pub(crate) fn run() -> Result<()> {
    if !is_installed()? {
        return Err(Error::NotInstalled {
            program: format!("Rust {VERSION}"),
            install: format!("rustup toolchain install {VERSION} --profile minimal"),
        });
    }
    let mut check = Command::new("rustup");
    check
        .args(["run", VERSION, "cargo", "check", "--workspace", "--locked"])
        // Builds of two compilers in one folder would replace each other.
        .env("CARGO_TARGET_DIR", workspace::target().join("msrv"));
    run_process(&mut check)
}

fn is_installed() -> Result<bool> {
    let output = Command::new("rustup")
        .args(["toolchain", "list"])
        .output()
        .map_err(|source| Error::NotStarted {
            command: "rustup toolchain list".to_owned(),
            source,
        })?;
    Ok(lists(&String::from_utf8_lossy(&output.stdout), VERSION))
}

/// Returns `true` if a line of `list` has the toolchain of `version`, such as
/// `1.89-x86_64-unknown-linux-gnu`.
fn lists(toolchains: &str, version: &str) -> bool {
    let names = toolchains.lines().map(|line| line.split('-').next());
    names.flatten().any(|name| name.trim_end() == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_is_found_by_its_version() {
        let list = "stable-x86_64-unknown-linux-gnu (default)\n1.89-x86_64-unknown-linux-gnu\n";
        assert!(lists(list, "1.89"));
        assert!(!lists(list, "1.8"));
        assert!(!lists(list, "1.95"));
    }
}
