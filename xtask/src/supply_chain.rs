//! `cargo xtask supply-chain`: what all the crates that are built here may be.
//!
//! | rule | why |
//! |---|---|
//! | a licence of the list | whoever uses this project owes no more than names |
//! | from crates.io, with a checksum | what was looked at is what is built |
//! | one version of a crate, or a reason | two are built, and kept up, twice |
//!
//! Sources and versions are those of Cargo.lock, for all systems; licences are
//! those that cargo finds in the crates that are on this machine. No network is
//! used, and nothing is known of advisories: that is what `cargo audit` is for.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::command::Cargo;
use crate::error::{Error, Result};
use crate::workspace;

/// Licences that ask for nothing but to be named. One side of every `OR` has
/// to be among them, and both of every `AND`.
const LICENCES: [&str; 9] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that are there in several versions: how many, and why.
const DUPLICATES: [(&str, usize, &str); 8] = [
    (
        "getrandom",
        3,
        "0.2 ring, on other processors than x86-64 and aarch64; 0.3 rand_core 0.9; 0.4 graviola",
    ),
    (
        "hashbrown",
        2,
        "0.16 safetensors; 0.17 indexmap, locked and not built",
    ),
    ("miniz_oxide", 2, "0.8 png; 0.9 flate2"),
    ("r-efi", 2, "of getrandom 0.3 and 0.4, on UEFI"),
    ("rand", 2, "0.9 ndarray-rand; 0.10 proptest, in tests alone"),
    ("rand_core", 2, "of rand 0.9 and 0.10"),
    ("syn", 2, "2 divan, in benchmarks alone; 3 serde and others"),
    ("windows-sys", 2, "0.52 ring, 0.61 all others, on Windows"),
];

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Prints every violation.
///
/// # Errors
/// [`Error::Broken`] if there is one.
pub(crate) fn check() -> Result<()> {
    let path = workspace::root().join("Cargo.lock");
    let lock = fs::read_to_string(&path).map_err(|source| Error::unreadable(&path, source))?;
    let packages = packages(&lock);
    let tree = licence_tree()?;
    let mut violations = wrong_sources(&packages);
    violations.extend(unexplained_duplicates(&packages));
    violations.extend(wrong_licences(&tree));
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            println!(
                "supply chain: {} crates, {} of them in several versions, all with a reason",
                packages.len(),
                DUPLICATES.len()
            );
            Ok(())
        }
        count => Err(Error::Broken {
            what: "rule of the supply chain",
            count,
        }),
    }
}

/// `name version|licence` lines, of all systems' crates if they are here.
fn licence_tree() -> Result<String> {
    let tree = Cargo::new(
        "tree --workspace --locked --offline -e normal,build,dev --prefix none --format {p}|{l}",
    );
    let of_all_systems = tree.clone().arguments(["--target=all".to_owned()]);
    of_all_systems.output().or_else(|_| {
        println!("crates of other systems are not on this machine: their licences are not seen");
        tree.output()
    })
}

/// A package of Cargo.lock.
#[derive(Debug, Default, PartialEq)]
struct Package {
    name: String,
    version: String,
    /// None for those of this workspace.
    source: Option<String>,
    has_checksum: bool,
}

fn packages(lock: &str) -> Vec<Package> {
    let mut packages: Vec<Package> = Vec::new();
    for line in lock.lines() {
        if line == "[[package]]" {
            packages.push(Package::default());
        }
        let (Some(package), Some((key, value))) = (packages.last_mut(), line.split_once(" = "))
        else {
            continue;
        };
        let text = value.trim_matches('"').to_owned();
        match key {
            "name" => package.name = text,
            "version" => package.version = text,
            "source" => package.source = Some(text),
            "checksum" => package.has_checksum = true,
            _ => {}
        }
    }
    packages
}

fn wrong_sources(packages: &[Package]) -> Vec<String> {
    let is_wrong = |package: &&Package| match package.source.as_deref() {
        None => false,
        Some(source) => source != REGISTRY || !package.has_checksum,
    };
    let tell = |package: &Package| {
        format!(
            "{} {}: expected crates.io and a checksum, found {}",
            package.name,
            package.version,
            package.source.as_deref().unwrap_or_default()
        )
    };
    packages.iter().filter(is_wrong).map(tell).collect()
}

fn unexplained_duplicates(packages: &[Package]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions
            .entry(&package.name)
            .or_default()
            .push(&package.version);
    }
    let accepted: BTreeMap<&str, usize> = DUPLICATES
        .iter()
        .map(|&(name, count, _)| (name, count))
        .collect();
    let mut violations = Vec::new();
    for (name, versions) in &versions {
        let expected = accepted.get(name).copied().unwrap_or(1);
        if versions.len() > expected {
            violations.push(format!(
                "{name}: {} versions ({}), expected {expected}: unite them, or give the reason in \
                 xtask/src/supply_chain.rs",
                versions.len(),
                versions.join(", ")
            ));
        }
    }
    for (name, count) in accepted {
        let found = versions.get(name).map_or(0, Vec::len);
        if found < count {
            violations.push(format!(
                "{name}: {found} versions, {count} are accepted: the reason is gone, take it out"
            ));
        }
    }
    violations
}

fn wrong_licences(tree: &str) -> Vec<String> {
    let crates: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(package, licence)| (package, licence.trim_end_matches(" (*)")))
        .collect();
    crates
        .into_iter()
        .filter(|(_, licence)| !is_permissive(licence))
        .map(|(package, licence)| {
            let licence = if licence.is_empty() { "none" } else { licence };
            format!("{package}: licence {licence}")
        })
        .collect()
}

/// Whether a licence expression allows one of [`LICENCES`]. Parentheses, where
/// there are any, hold alternatives.
fn is_permissive(expression: &str) -> bool {
    let allows = |alternatives: &str| {
        let mut names = alternatives
            .split(['/', '(', ')'])
            .flat_map(|part| part.split(" OR "));
        names.any(|name| LICENCES.contains(&name.trim()))
    };
    expression.split(" AND ").all(allows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_side_of_every_choice_has_to_be_permissive() {
        for good in [
            "MIT",
            "MIT OR Apache-2.0",
            "MIT/Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT",
            "MIT OR Apache-2.0 OR LGPL-2.1-or-later",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 AND ISC",
        ] {
            assert!(is_permissive(good), "{good}");
        }
        for bad in [
            "",
            "GPL-3.0",
            "MPL-2.0",
            "MIT AND GPL-2.0",
            "(MIT OR Apache-2.0) AND MPL-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert!(!is_permissive(bad), "{bad}");
        }
        assert_eq!(
            wrong_licences("a v1.0.0|MIT\nb v2.0.0|MIT (*)\nc v3.0.0|AGPL-3.0\nd v1.0.0|\n"),
            ["c v3.0.0: licence AGPL-3.0", "d v1.0.0: licence none"]
        );
    }

    fn lock(extra: &str) -> Vec<Package> {
        packages(&format!(
            "version = 4\n\n[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n\
             dependencies = [\n \"a\",\n]\n\n{extra}"
        ))
    }

    fn package(name: &str, version: &str, source: &str, rest: &str) -> String {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{source}\"\n{rest}\n"
        )
    }

    #[test]
    fn sources_other_than_the_registry_are_found() {
        let sum = "checksum = \"00\"";
        let good = lock(&package("a", "1.0.0", REGISTRY, sum));
        assert_eq!(good.len(), 2);
        assert!(wrong_sources(&good).is_empty());
        for bad in [
            package("a", "1.0.0", "git+https://example.org/a#0", ""),
            package("a", "1.0.0", "registry+https://example.org/index", sum),
            package("a", "1.0.0", REGISTRY, ""),
        ] {
            assert_eq!(wrong_sources(&lock(&bad)).len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_version_too_many_and_a_reason_too_many_are_found() {
        let known: String = DUPLICATES
            .iter()
            .flat_map(|&(name, count, _)| {
                (0..count).map(move |i| package(name, &format!("{i}.0.0"), REGISTRY, ""))
            })
            .collect();
        assert!(unexplained_duplicates(&lock(&known)).is_empty());
        let more = [0, 1].map(|i| package("a", &format!("{i}.0.0"), REGISTRY, ""));
        let found = unexplained_duplicates(&lock(&format!("{known}{}", more.concat())));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("a: 2 versions (0.0.0, 1.0.0), expected 1"),
            "{found:?}"
        );
        assert_eq!(unexplained_duplicates(&lock("")).len(), DUPLICATES.len());
    }
}
