//! `cargo xtask package`: tests the packages for crates.io as users get them.
//!
//! Each package is unpacked into `target/unpacked`, a separate workspace that has no other
//! files of this repository. A file that is missing in a package makes the build or a test
//! fail there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::command::{Cargo, run_process};
use crate::error::{Error, Result};
use crate::packages::{Package, public_packages};
use crate::step::{Step, run_all};
use crate::workspace;

/// Builds the packages and tests the libraries.
pub(crate) fn run() -> Result<()> {
    let packages = public_packages()?;
    let folder = workspace::target().join("unpacked");
    let mut tests = Cargo::new("test --manifest-path")
        .arguments([folder.join("Cargo.toml").to_string_lossy().into_owned()]);
    // The tests of the program need the workspace and are not in its package.
    for package in packages.iter().filter(|package| package.has_library) {
        tests = tests.arguments(["-p".to_owned(), package.name.clone()]);
    }
    let build = build(&packages);
    run_all(&[
        Step::new("fields of the manifests", check_fields),
        Step::cargo(build),
        Step::new("unpack", move || unpack(&packages, &folder)),
        Step::cargo(tests),
    ])
}

/// Prints the missing fields of the manifests.
pub(crate) fn check_fields() -> Result<()> {
    let packages = public_packages()?;
    let missing: Vec<String> = (packages.iter())
        .flat_map(|Package { name, missing, .. }| {
            (missing.iter()).map(move |field| format!("{name}: Cargo.toml has no {field}"))
        })
        .collect();
    missing.iter().for_each(|line| println!("{line}"));
    match missing.len() {
        0 => Ok(()),
        count => Err(Error::Broken {
            what: "package rule",
            count,
        }),
    }
}

/// Builds the packages without compiling them. This fails if a file named in a manifest is
/// missing or a dependency has no version.
fn build(packages: &[Package]) -> Cargo {
    let names = packages.iter();
    let names = names.flat_map(|package| ["-p".to_owned(), package.name.clone()]);
    // What is not committed yet is packaged, too.
    Cargo::new("package --locked --quiet --allow-dirty --no-verify").arguments(names)
}

fn unpack(packages: &[Package], folder: &Path) -> Result<()> {
    let failed = |source| Error::unreadable(folder, source);
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for package in packages {
        let file = format!("package/{}-{}.crate", package.name, package.version);
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(workspace::target().join(file));
        run_process(tar.arg("-C").arg(folder))?;
    }
    let root = workspace::root();
    let profiles = fs::read_to_string(root.join("Cargo.toml")).map_err(failed)?;
    fs::write(folder.join("Cargo.toml"), manifest(packages, &profiles)).map_err(failed)?;
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).map_err(failed)?;
    Ok(())
}

/// The manifest of the workspace of unpacked packages. It has the profiles of the project's
/// workspace, so dependencies are compiled once for both; the profile of xtask comes
/// first there and is left out.
fn manifest(packages: &[Package], ours: &str) -> String {
    let profiles = ours
        .find("[profile.dev]")
        .map_or("", |start| &ours[start..]);
    let patch = |package: &Package| {
        let Package { name, version, .. } = package;
        format!("{name} = {{ path = \"{name}-{version}\" }}\n")
    };
    let patches: String = packages.iter().map(patch).collect();
    format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n[patch.crates-io]\n{patches}\n{profiles}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_the_packages_and_keeps_the_profiles() {
        let package = Package {
            name: "a".to_owned(),
            version: "0.1.0".to_owned(),
            features: Vec::new(),
            has_library: true,
            has_benchmarks: false,
            is_public: true,
            missing: Vec::new(),
        };
        let ours = "[workspace]\nmembers = []\n\n[profile.dev.package.xtask]\nopt-level = 0\n\n\
            [profile.dev]\nopt-level = 3\n";
        assert_eq!(
            manifest(&[package], ours),
            "[workspace]\nresolver = \"3\"\nmembers = [\"*-*\"]\n\n\
             [patch.crates-io]\na = { path = \"a-0.1.0\" }\n\n\
             [profile.dev]\nopt-level = 3\n"
        );
    }
}
