//! A check of a run, and its result.

use serde::Serialize;

use super::case::Case;

/// A check of a run.
pub(super) struct Check {
    /// The problem that it finds, as a heading.
    pub(super) name: &'static str,
    pub(super) find: fn(&Case) -> Finding,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// No problem, with the evidence.
    Ok(String),
    /// A problem, with the evidence and what to try, best first.
    Problem(String, Vec<Suggestion>),
    /// Not checked, with the reason.
    NotChecked(String),
}

/// Something to try against a problem.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// Flags of `nn train`; empty where no flag helps.
    pub flags: String,
    /// Their effect, or what to do instead.
    pub what: String,
}

impl Suggestion {
    pub(super) fn flags(flags: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            flags: flags.into(),
            what: what.into(),
        }
    }

    pub(super) fn advice(what: impl Into<String>) -> Self {
        Self::flags("", what)
    }
}
