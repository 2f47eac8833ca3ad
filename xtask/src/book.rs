//! `cargo xtask book`: the book of `docs/`, as HTML in `target/book`.

use std::process::Command;

use crate::command::run_process;
use crate::error::Result;
use crate::tool::Tool;
use crate::workspace;

const MDBOOK: Tool = Tool {
    program: "mdbook",
    package: "mdbook",
};

/// Builds the book.
pub(crate) fn run() -> Result<()> {
    MDBOOK.expect_installed()?;
    let folder = workspace::target().join("book");
    let mut build = Command::new(MDBOOK.program);
    build.args(["build", "docs", "--dest-dir"]).arg(&folder);
    run_process(&mut build)?;
    println!("written to {}", folder.join("index.html").display());
    Ok(())
}
