//! `cargo xtask bench micro`: the micro-benchmarks of every crate that has a
//! `benches/`.

use std::path::Path;

use crate::command::Cargo;
use crate::error::{Error, Result};
use crate::step::{Step, run_all};
use crate::workspace;

/// Runs the benchmarks whose names contain one of the given words, or all.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    if let Some(option) = arguments.iter().find(|argument| argument.starts_with('-')) {
        return Err(Error::usage(format!(
            "unknown option \"{option}\" of bench; expected words of benchmark names"
        )));
    }
    let steps: Vec<Step> = benchmarked_crates()?
        .iter()
        .map(|name| Step::cargo(benchmarks_of(name, arguments)))
        .collect();
    if steps.is_empty() {
        return Err(Error::Nothing(
            "no crate under crates/ has a folder benches/",
        ));
    }
    run_all(&steps)
}

/// `--bench *` leaves out the unit tests, which `cargo bench` would start too.
fn benchmarks_of(name: &str, filters: &[String]) -> Cargo {
    let command = Cargo::new(&format!("bench -p {name} --bench *"));
    if filters.is_empty() {
        return command;
    }
    let filters = std::iter::once("--".to_owned()).chain(filters.iter().cloned());
    command.arguments(filters)
}

fn benchmarked_crates() -> Result<Vec<String>> {
    let folders = workspace::crate_folders()?;
    Ok(folders
        .iter()
        .filter(|folder| folder.join("benches").is_dir())
        .filter_map(|folder| folder_name(folder))
        .collect())
}

fn folder_name(folder: &Path) -> Option<String> {
    Some(folder.file_name()?.to_str()?.to_owned())
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
