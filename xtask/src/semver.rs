//! `cargo xtask semver`: checks that the version reflects the changes of the public
//! interfaces since the last release.

use std::process::Command;

use crate::command::Cargo;
use crate::error::Result;
use crate::packages::{Package, public_packages};
use crate::tool::Tool;
use crate::workspace;

/// The tag of the last release.
const BASELINE: &str = "v0.2.0";

const SEMVER_CHECKS: Tool = Tool {
    program: "cargo-semver-checks",
    package: "cargo-semver-checks",
};

/// Compares every library with the last release.
pub(crate) fn run() -> Result<()> {
    SEMVER_CHECKS.expect_installed()?;
    let packages = public_packages()?.into_iter();
    let libraries = packages.filter(|package| package.has_library && is_in_baseline(package));
    Cargo::new("semver-checks --baseline-rev")
        .arguments([BASELINE.to_owned()])
        .arguments(libraries.flat_map(|package| ["--package".to_owned(), package.name]))
        .run()
}

/// Whether the last release has the package; a new one has nothing to compare with.
fn is_in_baseline(package: &Package) -> bool {
    let manifest = format!("{BASELINE}:crates/{}/Cargo.toml", package.name);
    Command::new("git")
        .args(["cat-file", "-e", &manifest])
        .current_dir(workspace::root())
        .status()
        .is_ok_and(|status| status.success())
}
