//! `cargo xtask typos`: checks the spelling; `_typos.toml` lists the allowed words.

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

/// Checks the spelling if the tool is installed; otherwise the check is skipped.
pub(crate) fn check_if_installed() -> Result<()> {
    TYPOS.or_skip(run)
}
