//! Rules about `unsafe`: where it may stand, and that it says why.

use super::project::File;
use super::source::{find_word, line_of};
use super::violation::Violation;

/// The only crate with `unsafe`, and the module in it.
const CRATE: &str = "crates/nn-tensor";
const MODULE: &str = "crates/nn-tensor/src/native";

/// Every other crate forbids `unsafe` in its root.
pub(super) fn forbidden_outside_nn_tensor(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| is_crate_root(file) && !file.code.contains("#![forbid(unsafe_code)]"))
        .map(|file| Violation::new(file, 1, "a crate root has `#![forbid(unsafe_code)]`"))
        .collect()
}

fn is_crate_root(file: &File) -> bool {
    file.source_path()
        .is_some_and(|(folder, path)| folder != CRATE && matches!(path, "lib.rs" | "main.rs"))
}

/// `unsafe` stands in one module only.
pub(super) fn only_in_native(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| !is_in_native(&file.path)) {
        for offset in find_word(&file.code, "unsafe") {
            let line = line_of(&file.code, offset);
            violations.push(Violation::new(
                file,
                line,
                format!("`unsafe` only in {MODULE}"),
            ));
        }
    }
    violations
}

fn is_in_native(path: &str) -> bool {
    path.strip_prefix(MODULE)
        .is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// Every `unsafe` block and `unsafe impl` has its reason above it.
pub(super) fn says_why_it_is_sound(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for offset in find_word(&file.code, "unsafe") {
            let line = line_of(&file.code, offset);
            if needs_reason(&file.code[offset..]) && !has_reason_above(file, line) {
                let rule = "an `unsafe` block has a `// SAFETY:` comment above it";
                violations.push(Violation::new(file, line, rule));
            }
        }
    }
    violations
}

/// Whether the `unsafe` at the start of `code` makes a promise itself; that of
/// a function asks its callers for one.
fn needs_reason(code: &str) -> bool {
    let after = code["unsafe".len()..].trim_start();
    after.starts_with('{') || after.starts_with("impl")
}

/// Looks up from `line` over attributes and the earlier lines of the same
/// statement to the comment, and through the comment.
fn has_reason_above(file: &File, line: usize) -> bool {
    let text: Vec<&str> = file.text.lines().take(line - 1).map(str::trim).collect();
    let code: Vec<&str> = file.code.lines().map(str::trim).collect();
    let is_comment = |index: &usize| text[*index].starts_with("//");
    let is_above_statement = |index: &usize| {
        is_comment(index) || !(text[*index].starts_with("#[") || is_continued(code[*index]))
    };
    let Some(last) = (0..text.len()).rev().find(is_above_statement) else {
        return false;
    };
    (0..=last)
        .rev()
        .take_while(is_comment)
        .any(|index| text[index].starts_with("// SAFETY:"))
}

/// Whether the statement of this line of code goes on in the next.
fn is_continued(code: &str) -> bool {
    !code.is_empty() && !code.ends_with([';', '{', '}', ','])
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

    #[test]
    fn an_unsafe_block_without_its_reason_is_found() {
        let bad = [
            "unsafe { a() }",
            "// because\nunsafe { a() }",
            "// SAFETY: b.\nb();\nunsafe { a() }",
            "// SAFETY: b.\n\nunsafe { a() }",
            "// SAFETY: b.\nunsafe { b() };\nunsafe { a() }",
            "unsafe impl Send for A {}",
            "let a = \"// SAFETY: no comment\";\nunsafe { a() }",
        ];
        for text in bad {
            let last_line = text.lines().count();
            assert_eq!(
                places(says_why_it_is_sound, &[(NATIVE, text)]),
                [format!("{NATIVE}:{last_line}")],
                "{text}"
            );
        }
    }

    #[test]
    fn a_reason_may_have_lines_attributes_and_a_statement_below_it() {
        let good = [
            "// SAFETY: a.\nunsafe { a() }",
            "// SAFETY: a,\n// and b.\nunsafe { a() }",
            "// SAFETY: a.\n#[cfg(unix)]\nA => unsafe { a() },",
            "// SAFETY: a.\nlet a =\n    unsafe { a() };",
            "// SAFETY: a.\nunsafe impl Send for A {}",
            "/// # Safety\n/// Ask.\nunsafe fn a() {}",
            "type A = unsafe fn();",
        ];
        for text in good {
            let none: [String; 0] = [];
            assert_eq!(
                places(says_why_it_is_sound, &[(NATIVE, text)]),
                none,
                "{text}"
            );
        }
    }
}
