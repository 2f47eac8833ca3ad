//! `cargo xtask test`: the test matrix.
//!
//! | tests | what they can find |
//! |---|---|
//! | all crates | any fault, with the widest instruction set of this machine |
//! | instruction sets | a kernel that is wrong with a narrower instruction set only |

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::command::{Cargo, run_process};
use crate::error::Result;
use crate::step::{Step, run_all};

/// The crates whose results could depend on the instruction set.
const WITH_KERNELS: [&str; 4] = ["nn-tensor", "nn-functions", "nn-samples", "nn-core"];

/// Runs the test matrix and stops at the first failure.
pub(crate) fn run() -> Result<()> {
    run_all(&matrix())
}

/// The steps of the test matrix; the one that finds most faults comes first.
pub(crate) fn matrix() -> Vec<Step> {
    let mut steps = vec![Step::cargo(Cargo::new("test --workspace"))];
    steps.extend(forced_instruction_sets().map(|set| {
        let title = format!("tests of the kernels with NN_INSTRUCTION_SET={set}");
        Step::new(title, move || test_instruction_set(set))
    }));
    steps
}

/// Runs the tests of the crates with kernels with one instruction set. They are the programs
/// that `cargo test --workspace` has built: `cargo test -p` would build them again, because
/// other crates of the workspace enable features of their dependencies.
fn test_instruction_set(set: &str) -> Result<()> {
    let built = Cargo::new("test --workspace --tests --no-run --quiet --message-format json");
    for program in built.output()?.lines().filter_map(TestProgram::parse) {
        if WITH_KERNELS.contains(&program.package()) {
            let mut process = Command::new(&program.path);
            process.env("NN_INSTRUCTION_SET", set).arg("--quiet");
            run_process(process.current_dir(&program.folder))?;
        }
    }
    Ok(())
}

/// A program with the tests of a crate.
#[derive(Debug, PartialEq)]
struct TestProgram {
    /// The folder of the crate, in which cargo runs its tests.
    folder: PathBuf,
    path: PathBuf,
}

impl TestProgram {
    /// Parses a line of cargo's JSON output; `None` if it is not about a program.
    fn parse(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        let manifest = Path::new(message["manifest_path"].as_str()?);
        let is_test = message["profile"]["test"].as_bool()?;
        is_test.then_some(Self {
            folder: manifest.parent()?.to_owned(),
            path: message["executable"].as_str()?.into(),
        })
    }

    /// The name of the crate, which is also the name of its folder.
    fn package(&self) -> &str {
        let name = self.folder.file_name();
        name.and_then(|name| name.to_str()).unwrap_or_default()
    }
}

/// The instruction sets below the widest one of this machine. Sets that the machine lacks
/// are left out, because `nn` would silently use a different set.
pub(crate) fn forced_instruction_sets() -> impl Iterator<Item = &'static str> {
    let has_avx2 = {
        #[cfg(target_arch = "x86_64")]
        {
            std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    };
    std::iter::once("portable").chain(has_avx2.then_some("avx2"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_with_tests_are_found_in_the_output_of_cargo() {
        let line = |is_test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"/w/crates/nn-core/Cargo.toml",
                "profile":{{"test":{is_test}}},"executable":{executable}}}"#
            )
        };
        let program = TestProgram::parse(&line(true, r#""/w/target/it""#)).expect("a program");
        assert_eq!(program.package(), "nn-core");
        assert_eq!(program.path, Path::new("/w/target/it"));
        for other in [
            line(false, r#""/w/target/nn""#),
            line(true, "null"),
            String::new(),
        ] {
            assert_eq!(TestProgram::parse(&other), None);
        }
    }
}
