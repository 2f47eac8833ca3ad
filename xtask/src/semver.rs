//! `cargo xtask semver`: what changed in the public interfaces since the last
//! release, and whether the version says so.

use crate::command::Cargo;
use crate::error::Result;
use crate::tool::Tool;

/// The tag of the last release.
const BASELINE: &str = "v0.2.0";

const SEMVER_CHECKS: Tool = Tool {
    program: "cargo-semver-checks",
    package: "cargo-semver-checks",
};

/// Compares every library with its last release.
pub(crate) fn run() -> Result<()> {
    SEMVER_CHECKS.expect_installed()?;
    Cargo::new("semver-checks --workspace --baseline-rev")
        .arguments([BASELINE.to_owned()])
        .run()
}
