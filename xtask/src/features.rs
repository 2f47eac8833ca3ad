//! `cargo xtask features`: checks each crate without features and with each feature alone,
//! so that no code depends on another feature by accident.

use crate::command::Cargo;
use crate::error::Result;
use crate::packages::{Package, packages};
use crate::step::{Step, run_all};

/// Checks every crate that has features.
pub(crate) fn run() -> Result<()> {
    let packages = packages()?;
    let checks = packages.iter().flat_map(checks);
    run_all(&checks.map(Step::cargo).collect::<Vec<_>>())
}

fn checks(package: &Package) -> Vec<Cargo> {
    if package.features.is_empty() {
        return Vec::new();
    }
    let without = format!("check --locked -p {} --no-default-features", package.name);
    let alone = (package.features.iter()).map(|feature| format!("{without} --features {feature}"));
    let lines = std::iter::once(without.clone()).chain(alone);
    lines.map(|line| Cargo::new(&line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_checked_alone() {
        let package = |features: &[&str]| Package {
            name: "a".to_owned(),
            version: "0.1.0".to_owned(),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
            has_library: true,
            has_benchmarks: false,
            is_public: true,
            missing: Vec::new(),
        };
        let lines = |features| -> Vec<String> {
            let checks = checks(&package(features));
            checks.iter().map(ToString::to_string).collect()
        };
        assert!(lines(&[]).is_empty());
        assert_eq!(
            lines(&["f", "g"]),
            [
                "cargo check --locked -p a --no-default-features",
                "cargo check --locked -p a --no-default-features --features f",
                "cargo check --locked -p a --no-default-features --features g",
            ]
        );
    }
}
