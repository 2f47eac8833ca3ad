//! `cargo xtask deps`: compares the number of dependencies with its budgets.
//!
//! A count is the number of distinct crates of other projects in `cargo tree -e normal` for
//! this machine's target. Procedural macros are included, build and dev dependencies and
//! the crates of this workspace are not.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::command::Cargo;
use crate::error::{Error, Result};

/// The counted dependency trees: arguments of `cargo tree`, and the maximum number of
/// crates.
const COUNTS: [(&str, Option<usize>); 9] = [
    ("-p nn-tensor", None),
    ("-p nn-core", Some(38)),
    ("-p nn-data --no-default-features", None),
    ("-p nn-data --features download", None),
    ("-p nn-table", None),
    ("-p nn-search", None),
    ("-p nn-plot", None),
    ("-p nn-report", None),
    ("-p nn-cli", None),
];

/// The timed builds: arguments of `cargo build`, and the target time in seconds on two
/// cores.
const BUILDS: [(&str, u64); 2] = [("-p nn-core --release", 25), ("-p nn-cli", 120)];

/// The arguments of `cargo xtask deps`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Also measure the time of clean builds
    #[arg(long)]
    time: bool,
}

/// Prints the counts and, with `--time`, the times of clean builds.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let counts = check_counts();
    if arguments.time {
        time_builds()?;
    }
    counts
}

/// Prints the number of crates in each dependency tree.
///
/// # Errors
/// [`Error::Broken`] if a count is over its budget.
pub(crate) fn check_counts() -> Result<()> {
    println!("{:>7}  {:>6}  crates of other projects", "count", "budget");
    let mut n_broken = 0;
    for (package, budget) in COUNTS {
        let tree = Cargo::new("tree --locked -e normal --prefix none")
            .arguments(package.split(' ').map(String::from))
            .output()?;
        let count = count_crates(&tree);
        let is_over = budget.is_some_and(|budget| count > budget);
        n_broken += usize::from(is_over);
        let budget = budget.map_or("-".to_owned(), |budget| budget.to_string());
        let verdict = if is_over { "  OVER BUDGET" } else { "" };
        println!("{count:>7}  {budget:>6}  {package}{verdict}");
    }
    match n_broken {
        0 => Ok(()),
        count => Err(Error::Broken {
            what: "dependency budget",
            count,
        }),
    }
}

/// The number of distinct pairs of name and version, without the crates of this workspace;
/// `cargo tree` may list a crate several times.
fn count_crates(tree: &str) -> usize {
    let crates: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .filter(|(name, _)| !name.starts_with("nn-"))
        .collect();
    crates.len()
}

/// Prints the times of clean builds. A time over its budget is not an error, because it
/// depends on the machine.
fn time_builds() -> Result<()> {
    Cargo::new("fetch --locked --quiet").run()?;
    let mut lines = Vec::new();
    for (build, budget) in BUILDS {
        let seconds = time_clean_build(build)?.as_secs_f64();
        let verdict = if seconds > budget as f64 {
            "  OVER BUDGET"
        } else {
            ""
        };
        lines.push(format!(
            "{seconds:>5.1} s  {budget:>4} s  cargo build {build}{verdict}"
        ));
    }
    println!(
        "\n{:>7}  {:>6}  clean builds (without downloads)",
        "time", "budget"
    );
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

fn time_clean_build(build: &str) -> Result<Duration> {
    let folder = TemporaryFolder::new();
    let command = Cargo::new("build --locked --offline")
        .arguments(build.split(' ').map(String::from))
        .environment("CARGO_TARGET_DIR", folder.0.to_string_lossy());
    let start = Instant::now();
    command.run()?;
    Ok(start.elapsed())
}

/// A temporary folder of this process, removed when the value is dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("nn-xtask-deps-{}", std::process::id())))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_a_version() {
        let tree = "nn-core v0.1.0 (/somewhere/crates/nn-core)\n\
            ndarray v0.17.2\n\
            serde_derive v1.0.229 (proc-macro)\n\
            getrandom v0.3.4\n\
            ndarray v0.17.2 (*)\n\
            getrandom v0.4.3\n\n";
        assert_eq!(count_crates(tree), 4);
    }
}
