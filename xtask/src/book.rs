//! `cargo xtask book`: builds the book from `docs/` as HTML in `target/book`.

use std::process::Command;

use crate::command::run_process;
use crate::error::Result;
use crate::tool::Tool;

const MDBOOK: Tool = Tool {
    program: "mdbook",
    package: "mdbook",
};

/// Builds the book with the settings in `docs/book.toml`.
pub(crate) fn run() -> Result<()> {
    MDBOOK.expect_installed()?;
    run_process(Command::new(MDBOOK.program).args(["build", "docs"]))
}
