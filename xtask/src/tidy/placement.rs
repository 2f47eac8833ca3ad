//! Rules about names, places and sizes of files.

use super::project::File;
use super::violation::Violation;

/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 7] = [
    "common",
    "helper",
    "helpers",
    "misc",
    "util",
    "utils",
    "utilities",
];

/// The largest file that belongs in a repository, in bytes.
const LARGEST: u64 = 1 << 20;

/// Folders that programs fill: nothing in them is committed.
const GENERATED: [&str; 3] = ["datasets/", "runs/", "target/"];

/// Files have names that say something, fit their folder and are not too big.
pub(super) fn files_are_where_they_belong(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        violations.extend(objections(file).map(|rule| Violation::new(file, 1, rule)));
    }
    violations
}

fn objections(file: &File) -> impl Iterator<Item = String> {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let folder = GENERATED
        .into_iter()
        .find(|folder| file.path.starts_with(folder));
    let empty_name = file
        .path
        .split('/')
        .map(|part| part.split('.').next().unwrap_or(part))
        .find(|stem| EMPTY_NAMES.contains(stem));
    [
        (name == "mod.rs").then(|| "`folder.rs` instead of `folder/mod.rs`".to_owned()),
        empty_name.map(|stem| format!("a name that says what is inside instead of `{stem}`")),
        (file.length > LARGEST).then(|| format!("{} bytes, more than {LARGEST}", file.length)),
        folder
            .filter(|_| file.path != "datasets/README.md")
            .map(|folder| format!("nothing in {folder} is committed")),
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn misplaced_and_badly_named_files_are_found() {
        let bad = [
            "crates/nn-core/src/layer/mod.rs",
            "crates/nn-core/src/utils.rs",
            "crates/nn-core/src/helpers/a.rs",
            "scripts/common.py",
            "datasets/mnist/train-images-idx3-ubyte.gz",
            "runs/first/config.toml",
            "target/debug/nn",
        ];
        for path in bad {
            let found = places(files_are_where_they_belong, &[(path, "")]);
            assert_eq!(found, [format!("{path}:1")]);
        }
    }

    #[test]
    fn a_file_above_one_mebibyte_is_found() {
        let (largest, larger) = ("a".repeat(1 << 20), "a".repeat((1 << 20) + 1));
        let files = [
            ("largest.md", largest.as_str()),
            ("larger.md", larger.as_str()),
        ];
        assert_eq!(places(files_are_where_they_belong, &files), ["larger.md:1"]);
    }

    #[test]
    fn ordinary_files_are_free() {
        let good = [
            "datasets/README.md",
            "crates/nn-core/src/layer.rs",
            "model.rs",
            "commonly.rs",
        ];
        for path in good {
            assert!(
                places(files_are_where_they_belong, &[(path, "")]).is_empty(),
                "{path}"
            );
        }
    }
}
