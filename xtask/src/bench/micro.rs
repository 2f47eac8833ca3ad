//! `cargo xtask bench micro`: the micro-benchmarks of every crate with a folder `benches/`.

use crate::command::Cargo;
use crate::error::Result;
use crate::packages::packages;
use crate::step::{Step, run_all};

/// Runs the benchmarks whose names contain one of the `filters`; without filters, all
/// benchmarks.
pub(crate) fn run(filters: &[String]) -> Result<()> {
    let packages = packages()?;
    let steps: Vec<Step> = (packages.iter())
        .filter(|package| package.has_benchmarks)
        .map(|package| Step::cargo(benchmarks_of(&package.name, filters)))
        .collect();
    run_all(&steps)
}

/// `--bench *` excludes the unit tests, which `cargo bench` would run, too.
fn benchmarks_of(name: &str, filters: &[String]) -> Cargo {
    let command = Cargo::new(&format!("bench -p {name} --bench *"));
    if filters.is_empty() {
        return command;
    }
    let filters = std::iter::once("--".to_owned()).chain(filters.iter().cloned());
    command.arguments(filters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_go_to_the_benchmarks() {
        assert_eq!(
            benchmarks_of("nn-core", &[]).to_string(),
            "cargo bench -p nn-core --bench *"
        );
        assert_eq!(
            benchmarks_of("nn-core", &["matmul".to_owned()]).to_string(),
            "cargo bench -p nn-core --bench * -- matmul"
        );
    }
}
