//! The result of a check, with suggested changes of settings.

use std::borrow::Cow;

use nn_train::command_line::quoted;

/// The result of a check.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// No problem, with the evidence.
    Ok(String),
    /// A problem, with the evidence and the changes to try, best first.
    Problem(String, Vec<Suggestion>),
    /// Not checked, with the reason.
    NotChecked(String),
}

/// A change to try against a problem.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// Names and values of the settings of `nn train` to change; empty if no
    /// setting helps.
    pub settings: Vec<(&'static str, String)>,
    /// The effect of the settings, or the advice if there are no settings.
    pub what: Cow<'static, str>,
}

impl Suggestion {
    pub(super) fn set(
        name: &'static str,
        value: impl Into<String>,
        what: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::advice(what).and(name, value)
    }

    /// Changes another setting as well.
    pub(super) fn and(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    pub(super) fn advice(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            settings: Vec::new(),
            what: what.into(),
        }
    }

    /// Whether both change the same setting, so that only one of them can be tried.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let mut names = self.settings.iter().map(|(name, _)| name);
        names.any(|name| other.settings.iter().any(|(other, _)| name == other))
    }

    /// The flags of `nn train`, such as `--lr 0.01`.
    pub fn flags(&self) -> String {
        let flag = |(name, value): &(&str, String)| match value.as_str() {
            "true" => format!("--{name}"),
            value => format!("--{name} {}", quoted(value)),
        };
        let flags: Vec<String> = self.settings.iter().map(flag).collect();
        flags.join(" ")
    }
}

/// `a, b, c`, with at most five of the names.
pub(super) fn listed(names: &[&str]) -> String {
    const MOST: usize = 5;
    let shown = names[..names.len().min(MOST)].join(", ");
    match names.len().checked_sub(MOST + 1) {
        Some(_) => format!("{shown} and {} more", names.len() - MOST),
        None => shown,
    }
}

/// `1 epoch` or `2 epochs`
pub(super) fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// `12.34 %`
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_as_they_are_typed() {
        let several = Suggestion::set("loss", "mse", "").and("ignore", "a b");
        assert_eq!(several.flags(), "--loss mse --ignore 'a b'");
        assert_eq!(
            Suggestion::set("batch-norm", "true", "").flags(),
            "--batch-norm"
        );
        assert_eq!(Suggestion::advice("look").flags(), "");
    }

    #[test]
    fn numbers_and_lists_of_names() {
        assert_eq!([1, 2].map(|n| counted(n, "epoch")), ["1 epoch", "2 epochs"]);
        assert_eq!(listed(&["a", "b"]), "a, b");
        assert_eq!(listed(&["a"; 7]), "a, a, a, a, a and 2 more");
    }

    #[test]
    fn two_values_of_a_setting_exclude_each_other() {
        let [low, high] = ["0.1", "10"].map(|rate| Suggestion::set("lr", rate, ""));
        assert!(low.excludes(&high));
        assert!(!low.excludes(&Suggestion::set("l2", "0.1", "")));
        assert!(!Suggestion::advice("a").excludes(&Suggestion::advice("b")));
    }
}
