//! Rules for names, places and sizes of files.

use super::project::File;
use super::violation::Violation;

/// File names that do not describe the contents.
const EMPTY_NAMES: [&str; 7] = [
    "common",
    "helper",
    "helpers",
    "misc",
    "util",
    "utils",
    "utilities",
];

/// Maximum size of a file in the repository, in bytes.
const LARGEST: u64 = 1 << 20;

/// Folders with generated files, which must not be committed.
const GENERATED: [&str; 3] = ["datasets/", "runs/", "target/"];

/// Checks that files have descriptive names, are in the right folder and are not too large.
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
        (name == "mod.rs").then(|| "use `folder.rs` instead of `folder/mod.rs`".to_owned()),
        empty_name.map(|stem| format!("use a descriptive name instead of `{stem}`")),
        (file.length > LARGEST)
            .then(|| format!("expected at most {LARGEST} bytes, found {}", file.length)),
        folder
            .filter(|_| file.path != "datasets/README.md")
            .map(|folder| format!("files in {folder} must not be committed")),
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
