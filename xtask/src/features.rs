//! `cargo xtask features`: checks each crate without features and with each feature alone,
//! so that no code depends on another feature by accident.

use std::fs;
use std::io;
use std::path::Path;

use crate::command::Cargo;
use crate::error::{Error, Result};
use crate::packages::packages;
use crate::step::{Step, run_all};
use crate::workspace;

/// Checks every crate that has features.
pub(crate) fn run() -> Result<()> {
    let mut steps = Vec::new();
    for package in packages()? {
        let folder = workspace::root().join("crates").join(&package.name);
        let lines = checks(&package.name, &package.features, |feature| {
            contains(&folder.join("src"), &format!("feature = \"{feature}\""))
        });
        let lines = lines.map_err(|source| Error::unreadable(&folder, source))?;
        steps.extend(lines.iter().map(|line| Step::cargo(Cargo::new(line))));
    }
    run_all(&steps)
}

/// The checks of a package. A feature that the code does not name only enables features of
/// dependencies, which have their own checks.
fn checks(
    package: &str,
    features: &[String],
    is_named: impl Fn(&str) -> io::Result<bool>,
) -> io::Result<Vec<String>> {
    let without = format!("check --locked -p {package} --no-default-features");
    let mut lines = Vec::new();
    for feature in features {
        if is_named(feature)? {
            lines.push(format!("{without} --features {feature}"));
        }
    }
    if !features.is_empty() {
        lines.insert(0, without);
    }
    Ok(lines)
}

/// Whether a file in `folder` contains `text`.
fn contains(folder: &Path, text: &str) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_found = match path.is_dir() {
            true => contains(&path, text)?,
            false => fs::read_to_string(&path).is_ok_and(|code| code.contains(text)),
        };
        if is_found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_checked_alone() {
        let lines = |features: &[&str]| -> Vec<String> {
            let features: Vec<String> = features.iter().map(|name| (*name).to_owned()).collect();
            checks("a", &features, |feature| Ok(feature != "forwards")).unwrap()
        };
        assert!(lines(&[]).is_empty());
        assert_eq!(
            lines(&["f", "forwards", "g"]),
            [
                "check --locked -p a --no-default-features",
                "check --locked -p a --no-default-features --features f",
                "check --locked -p a --no-default-features --features g",
            ]
        );
    }

    #[test]
    fn features_are_found_in_the_code() {
        let sources = workspace::root().join("crates/nn-cli/src");
        let names = |feature: &str| contains(&sources, &format!("feature = \"{feature}\""));
        assert!(names("serve").unwrap());
        assert!(!names("parquet").unwrap());
    }
}
