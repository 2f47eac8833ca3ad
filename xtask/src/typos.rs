//! `cargo xtask typos`: spelling, with the words that `_typos.toml` allows.

use std::process::Command;

use crate::command::run_process;
use crate::error::Result;
use crate::tool::Tool;

const TYPOS: Tool = Tool {
    program: "typos",
    package: "typos-cli",
};

/// Checks every file that git does not ignore.
pub(crate) fn run() -> Result<()> {
    TYPOS.expect_installed()?;
    run_process(&mut Command::new(TYPOS.program))
}

/// The same, skipped if the tool is not installed.
pub(crate) fn check_if_installed() -> Result<()> {
    TYPOS.or_skip(run)
}
