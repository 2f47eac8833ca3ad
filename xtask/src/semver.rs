//! `cargo xtask semver`: checks that the version reflects the changes of the public
//! interfaces since the last release.

use crate::command::Cargo;
use crate::error::Result;
use crate::packages::public_packages;
use crate::tool::Tool;

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
    let libraries = packages.filter(|package| package.has_library);
    Cargo::new("semver-checks --baseline-rev")
        .arguments([BASELINE.to_owned()])
        .arguments(libraries.flat_map(|package| ["--package".to_owned(), package.name]))
        .run()
}
