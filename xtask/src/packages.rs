//! The packages of the workspace, read from `cargo metadata`.

use serde_json::{Value, json};

use crate::command::Cargo;
use crate::error::{Error, Result};

/// A package of the workspace.
#[derive(Debug, PartialEq)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The features without `default`.
    pub(crate) features: Vec<String>,
    pub(crate) has_library: bool,
    pub(crate) has_benchmarks: bool,
    /// Whether the package is for crates.io.
    pub(crate) is_public: bool,
    /// Fields that are missing in the manifest and that crates.io shows to users.
    pub(crate) missing: Vec<&'static str>,
}

const EXPECTED: [&str; 5] = ["description", "license", "readme", "keywords", "categories"];

/// Returns the packages for crates.io, sorted by name.
pub(crate) fn public_packages() -> Result<Vec<Package>> {
    let packages = packages()?.into_iter();
    Ok(packages.filter(|package| package.is_public).collect())
}

/// Returns all packages, sorted by name.
pub(crate) fn packages() -> Result<Vec<Package>> {
    let metadata = Cargo::new("metadata --no-deps --format-version 1").output()?;
    parse(&metadata).ok_or_else(|| Error::Unexpected {
        program: "cargo metadata".to_owned(),
        expected: "a list of packages".to_owned(),
    })
}

fn parse(metadata: &str) -> Option<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let mut packages: Vec<Package> = (metadata["packages"].as_array()?.iter())
        .map(package)
        .collect::<Option<_>>()?;
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Some(packages)
}

fn package(value: &Value) -> Option<Package> {
    let targets = value["targets"].as_array()?;
    let has = |kind: &str| targets.iter().any(|target| target["kind"][0] == kind);
    let features = value["features"].as_object()?;
    Some(Package {
        name: value["name"].as_str()?.to_owned(),
        version: value["version"].as_str()?.to_owned(),
        features: (features.keys().filter(|name| *name != "default").cloned()).collect(),
        has_library: has("lib"),
        has_benchmarks: has("bench"),
        // `publish = false` is an empty list of registries.
        is_public: value["publish"].is_null(),
        missing: EXPECTED
            .into_iter()
            .filter(|field| value[field].is_null() || value[field] == json!([]))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_targets_and_missing_fields_are_found() {
        let metadata = r#"{"packages": [
            {"name": "b", "version": "1.0.0", "publish": [], "features": {},
             "targets": [{"kind": ["bin"]}]},
            {"name": "a", "version": "0.1.0", "publish": null, "description": "a",
             "license": "MIT", "readme": "README.md", "keywords": ["a"], "categories": [],
             "features": {"default": ["f"], "f": []},
             "targets": [{"kind": ["lib"]}, {"kind": ["bench"]}]}
        ]}"#;
        let package = |name: &str, version: &str, features: &[&str], is_public| Package {
            name: name.to_owned(),
            version: version.to_owned(),
            features: features.iter().map(|name| (*name).to_owned()).collect(),
            has_library: is_public,
            has_benchmarks: is_public,
            is_public,
            missing: EXPECTED[if is_public { 4 } else { 0 }..].to_vec(),
        };
        let expected = vec![
            package("a", "0.1.0", &["f"], true),
            package("b", "1.0.0", &[], false),
        ];
        assert_eq!(parse(metadata), Some(expected));
        assert_eq!(parse("{}"), None);
    }
}
