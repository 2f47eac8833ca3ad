//! The places where `unsafe` is allowed. Clippy checks that each block has a `// SAFETY:`
//! comment.

use super::project::File;
use super::source::{find_word, line_of};
use super::violation::Violation;

/// The only crate with `unsafe` code, and the module that contains it.
const CRATE: &str = "crates/nn-tensor";
const MODULE: &str = "crates/nn-tensor/src/native";

/// Checks that every other crate forbids `unsafe` in its root.
pub(super) fn forbidden_outside_nn_tensor(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| is_crate_root(file) && !file.code.contains("#![forbid(unsafe_code)]"))
        .map(|file| Violation::new(file, 1, "a crate root must have `#![forbid(unsafe_code)]`"))
        .collect()
}

fn is_crate_root(file: &File) -> bool {
    file.source_path()
        .is_some_and(|(folder, path)| folder != CRATE && matches!(path, "lib.rs" | "main.rs"))
}

/// Checks that `unsafe` occurs in one module only.
pub(super) fn only_in_native(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !is_in_native(&file.path)) {
        for offset in find_word(&file.code, "unsafe") {
            let line = line_of(&file.code, offset);
            violations.push(Violation::new(
                file,
                line,
                format!("`unsafe` is allowed in {MODULE} only"),
            ));
        }
    }
    violations
}

fn is_in_native(path: &str) -> bool {
    path.strip_prefix(MODULE)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    const NATIVE: &str = "crates/nn-tensor/src/native/pool.rs";

    #[test]
    fn a_crate_root_that_allows_unsafe_is_found() {
        let files = [
            (
                "crates/nn-core/src/lib.rs",
                "//! A.\n#![forbid(unsafe_code)]\n",
            ),
            ("crates/nn-data/src/lib.rs", "//! #![forbid(unsafe_code)]\n"),
            ("crates/nn-tensor/src/lib.rs", "//! A.\n"),
            ("crates/nn-core/src/layer.rs", "//! A.\n"),
            ("xtask/src/main.rs", "//! A.\n"),
        ];
        assert_eq!(
            places(forbidden_outside_nn_tensor, &files),
            ["crates/nn-data/src/lib.rs:1", "xtask/src/main.rs:1"]
        );
    }

    #[test]
    fn unsafe_outside_native_is_found() {
        let files = [
            ("crates/nn-tensor/src/native.rs", "unsafe { a() }"),
            (NATIVE, "unsafe { a() }"),
            ("crates/nn-tensor/src/native_like.rs", "\nunsafe { a() }"),
            (
                "crates/nn-core/src/layer.rs",
                "// unsafe\n#![forbid(unsafe_code)]\nunsafe fn a() {}",
            ),
        ];
        assert_eq!(
            places(only_in_native, &files),
            [
                "crates/nn-tensor/src/native_like.rs:2",
                "crates/nn-core/src/layer.rs:3"
            ]
        );
    }
}
