//! Rules for the text of single files.

use super::project::File;
use super::violation::Violation;

/// Checks that every Rust file begins with a `//!` comment.
pub(super) fn opens_with_doc(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.is_rust() && !has_opening_doc(&file.text))
        .map(|file| {
            Violation::new(
                file,
                1,
                "a file must begin with a `//!` comment about its contents",
            )
        })
        .collect()
}

fn has_opening_doc(text: &str) -> bool {
    let first_line = text.lines().next().unwrap_or_default();
    first_line
        .strip_prefix("//!")
        .is_some_and(|doc| !doc.trim().is_empty())
}

/// Checks that there are no tabs, trailing spaces or carriage returns.
pub(super) fn no_stray_white_space(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        for (index, line) in file.text.split('\n').enumerate() {
            if line.contains('\t') {
                violations.push(Violation::new(file, index + 1, "no tabs"));
            }
            if line.ends_with([' ', '\t', '\r']) {
                violations.push(Violation::new(
                    file,
                    index + 1,
                    "no white space at the end of a line",
                ));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::super::violation::places;
    use super::*;

    #[test]
    fn a_file_without_an_opening_doc_is_found() {
        let files = [
            ("good.rs", "//! Good.\nfn a() {}\n"),
            ("late.rs", "fn a() {}\n//! Late.\n"),
            ("empty_doc.rs", "//!\n"),
            ("empty.rs", ""),
            ("notes.md", "# Notes\n"),
        ];
        assert_eq!(
            places(opens_with_doc, &files),
            ["late.rs:1", "empty_doc.rs:1", "empty.rs:1"]
        );
    }

    #[test]
    fn stray_white_space_is_found() {
        let files = [
            ("a.md", "fine\ntab\there\nend \n"),
            ("b.rs", "dos\r\nfine\n"),
            ("c.toml", "last line\t"),
        ];
        assert_eq!(
            places(no_stray_white_space, &files),
            ["a.md:2", "a.md:3", "b.rs:1", "c.toml:1", "c.toml:1"]
        );
    }
}
