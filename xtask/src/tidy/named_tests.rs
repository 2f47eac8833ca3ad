//! The tests that `docs/src/reliability.md` names must exist.
//!
//! A name is `test` or `file::test` between backquotes: in the last column of a table, or,
//! with its file, anywhere else.

use std::collections::{BTreeMap, BTreeSet};

use super::project::File;
use super::violation::Violation;

const PAGE: &str = "docs/src/reliability.md";

/// The placeholder of the page's explanation.
const EXAMPLE: &str = "file::test";

/// Checks that every test of the page exists.
pub(super) fn exist(files: &[File]) -> Vec<Violation> {
    let Some(page) = files.iter().find(|file| file.path == PAGE) else {
        return Vec::new();
    };
    let functions = functions(files);
    let mut violations = Vec::new();
    for (index, line) in page.text.lines().enumerate() {
        for name in names(line).filter(|name| !is_there(name, &functions)) {
            let rule = format!("the test `{name}` must exist");
            violations.push(Violation::new(page, index + 1, rule));
        }
    }
    violations
}

/// The functions of each file, by the name of the file without `.rs`.
fn functions(files: &[File]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut functions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for file in files {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let Some(stem) = name.strip_suffix(".rs") else {
            continue;
        };
        let words = file.code.split("fn ").skip(1);
        let names = words.filter_map(|rest| rest.split(|c| !is_of_name(c)).next());
        functions.entry(stem).or_default().extend(names);
    }
    functions
}

fn is_there(name: &str, functions: &BTreeMap<&str, BTreeSet<&str>>) -> bool {
    match name.split_once("::") {
        Some((file, "*")) => functions.contains_key(file),
        Some((file, test)) => functions.get(file).is_some_and(|of| of.contains(test)),
        // A file of tests, or a test of any file.
        None => functions.contains_key(name) || functions.values().any(|of| of.contains(name)),
    }
}

/// The names of tests in a line.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let is_row = line.starts_with('|');
    let (others, last) = match line.trim_end_matches(['|', ' ']).rsplit_once('|') {
        Some((others, last)) if is_row => (others, last),
        _ => (line, ""),
    };
    let others = quoted(others).filter(|name| name.contains("::"));
    let last = quoted(last).filter(|name| name.contains('_') || name.contains("::"));
    others.chain(last).filter(|name| *name != EXAMPLE)
}

/// Texts between backquotes that are `test`, `file::test` or `file::*`.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2).filter(|name| {
        let (file, test) = name.split_once("::").unwrap_or(("", name));
        let is_name = |text: &str| text.chars().all(is_of_name);
        is_name(file) && (test == "*" || !test.is_empty() && is_name(test))
    })
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::super::project;
    use super::super::violation::places;
    use super::*;

    fn found(page: &str) -> Vec<String> {
        let code = "fn a_run_is_saved() {}\nfn b_c<T>() {}\n// fn not_code() {}\n";
        places(exist, &[(PAGE, page), ("crates/nn/tests/it/runs.rs", code)])
    }

    #[test]
    fn a_test_that_does_not_exist_is_found() {
        for page in [
            "| fault | saves | `a_run_is_lost` |",
            "| fault | saves | see `b_c`, nn `runs::not_code` |",
            "Text with `runs::a_run`.",
            "| fault | `other::b_c` | `runs::*` |",
        ] {
            assert_eq!(found(page), ["docs/src/reliability.md:1"], "{page}");
        }
    }

    #[test]
    fn other_words_are_no_tests() {
        for page in [
            "| fault | `a_b` | `a_run_is_saved`, `runs::b_c`, `runs::*`, `scripts/a_b` |",
            "Text with `some_thing` and `file::test`, `Network::predict`, `x`.",
        ] {
            assert!(found(page).is_empty(), "{page}");
        }
    }

    #[test]
    fn all_tests_of_the_page_exist() {
        let files = project::files().expect("the project's files are readable");
        let page = files.iter().find(|file| file.path == PAGE);
        let n_names = page.map_or(0, |page| page.text.lines().flat_map(names).count());
        assert!(n_names > 100, "{n_names} names");
        assert_eq!(exist(&files), []);
    }
}
