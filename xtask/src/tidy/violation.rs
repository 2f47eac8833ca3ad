//! A place where a rule is broken.

use std::fmt;

use super::project::File;

/// A rule: finds every violation in the project's files.
pub(super) type Rule = fn(&[File]) -> Vec<Violation>;

/// A place where a rule is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    pub path: String,
    /// Counted from 1.
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

/// What `rule` says about files given as path and text: `path:line`.
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
