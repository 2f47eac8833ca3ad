//! Violations of rules.

use std::fmt;

use super::project::File;

/// A rule: returns all violations in the files of the project.
pub(super) type Rule = fn(&[File]) -> Vec<Violation>;

/// A violation of a rule, with its place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    pub path: String,
    /// Line number, counted from 1.
    pub line: usize,
    rule: String,
}

impl Violation {
    pub(super) fn new(file: &File, line: usize, rule: impl Into<String>) -> Self {
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

/// Applies `rule` to files given as path and text; returns the places as `path:line`.
#[cfg(test)]
pub(super) fn places(rule: Rule, files: &[(&str, &str)]) -> Vec<String> {
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
