//! `cargo xtask ci`: runs all checks of CI, the cheapest first.

use crate::command::Cargo;
use crate::error::Result;
use crate::step::{Step, run_all};
use crate::{deps, features, package, supply_chain, test, test_mpi, tidy, torture, typos};

/// Runs every check and stops at the first failure.
pub(crate) fn run() -> Result<()> {
    run_all(&steps())
}

fn steps() -> Vec<Step> {
    let mut steps = vec![
        Step::cargo(Cargo::new("fmt --all --check")),
        Step::new("cargo xtask tidy", tidy::check),
        Step::new("cargo xtask typos", typos::check_if_installed),
        Step::new("fields of the manifests", package::check_fields),
        // `--locked`: a Cargo.lock that does not match the manifests ends here.
        Step::cargo(Cargo::new("fetch --locked --manifest-path fuzz/Cargo.toml")),
        Step::cargo(Cargo::new(
            "clippy --locked --workspace --all-targets -- -D warnings",
        )),
        Step::cargo(
            Cargo::new("doc --workspace --no-deps").environment("RUSTDOCFLAGS", "-D warnings"),
        ),
    ];
    steps.push(Step::new("cargo xtask features", features::run));
    steps.extend(test::matrix());
    steps.push(Step::new("cargo xtask torture --kills 20", || {
        torture::check_training(20)
    }));
    steps.push(Step::new("cargo xtask torture download --kills 10", || {
        torture::check_download(10)
    }));
    steps.push(Step::new(
        "cargo xtask torture power --quick",
        torture::check_power,
    ));
    steps.push(Step::new(
        "cargo xtask test-mpi --quick",
        test_mpi::check_quickly,
    ));
    steps.push(Step::new("cargo xtask deps", deps::check_counts));
    steps.push(Step::new("cargo xtask supply-chain", supply_chain::check));
    steps
}
