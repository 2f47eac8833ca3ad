//! `cargo xtask supply-chain`: licenses, sources and duplicates of all dependencies,
//! by the rules of `deny.toml`.
//!
//! Only crates that are not on this machine yet are downloaded, and no list of
//! advisories: `cargo deny check advisories` does that.

use crate::command::Cargo;
use crate::error::Result;
use crate::tool::Tool;

const CARGO_DENY: Tool = Tool {
    program: "cargo-deny",
    package: "cargo-deny",
};

/// Checks the dependencies of all systems, with every feature.
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
