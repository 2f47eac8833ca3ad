//! `cargo xtask tidy`: the project's rules as code.
//!
//! Each rule looks at every file that git tracks or would add, and reports
//! violations as `path:line: rule`. `CONTRIBUTING.md` says why the rules exist.

mod source;
mod project;
mod style;
mod unsafe_code;
mod module_tree;
mod module_order;
mod crate_graph;
mod placement;
mod changelog;

use std::fmt;

use crate::error::{Error, Result, expect_no_arguments};
use project::File;

/// A rule: from the project's files to what is wrong with them.
type Rule = fn(&[File]) -> Vec<Violation>;

/// Every rule.
const RULES: [Rule; 10] = [
    style::opens_with_doc,
    style::no_placeholders,
    style::no_stray_white_space,
    unsafe_code::forbidden_outside_nn_tensor,
    unsafe_code::only_in_native,
    unsafe_code::says_why_it_is_sound,
    module_order::only_modules_above,
    crate_graph::only_allowed_directions,
    placement::files_are_where_they_belong,
    changelog::names_the_version,
];

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    /// Counted from 1.
    line: usize,
    rule: String,
}

impl Violation {
    fn new(file: &File, line: usize, rule: impl Into<String>) -> Self {
        Self {
            path: file.path.clone(),
            line,
            rule: rule.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.rule)
    }
}

/// Checks the project's rules.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    expect_no_arguments("tidy", arguments)?;
    check()
}

/// Prints every violation.
///
/// # Errors
/// [`Error::Broken`] if there is one.
pub(crate) fn check() -> Result<()> {
    let files = project::files()?;
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(&files)).collect();
    violations.sort();
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => {
            println!(
                "tidy: {} files, {} rules, all kept",
                files.len(),
                RULES.len()
            );
            Ok(())
        }
        count => Err(Error::Broken {
            what: "rule",
            count,
        }),
    }
}

/// What `rule` says about files given as path and text: `path:line`.
#[cfg(test)]
fn places(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
    let files: Vec<File> = files
        .iter()
        .map(|(path, text)| File::new(path, text))
        .collect();
    rule(&files)
        .iter()
        .map(|violation| format!("{}:{}", violation.path, violation.line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_shown_as_a_place_and_a_rule() {
        let violation = Violation::new(&File::new("a/b.rs", ""), 7, "no");
        assert_eq!(violation.to_string(), "a/b.rs:7: no");
    }
}
