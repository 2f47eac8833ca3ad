//! `cargo xtask supply-chain`: checks licenses, sources and duplicates of all dependencies
//! by the rules in `deny.toml`.
//!
//! The task downloads only crates that are not on this machine yet, and no list of
//! advisories: `cargo deny check advisories` does that.

use crate::command::Cargo;
use crate::error::Result;
use crate::tool::Tool;

const CARGO_DENY: Tool = Tool {
    program: "cargo-deny",
    package: "cargo-deny",
};

/// Checks the dependencies for all systems, with every feature.
pub(crate) fn check() -> Result<()> {
    CARGO_DENY.expect_installed()?;
    Cargo::new("deny --locked check licenses bans sources")
        // An exception whose reason is gone is an error, too.
        .arguments(
            [
                "license-not-encountered",
                "unmatched-skip",
                "unnecessary-skip",
            ]
            .into_iter()
            .flat_map(|lint| ["-D".to_owned(), lint.to_owned()]),
        )
        .run()
}
