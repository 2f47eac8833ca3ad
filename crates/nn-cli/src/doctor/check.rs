//! A check of a run, and its result.

use serde::Serialize;

use super::case::Case;

/// A check of a run.
pub(super) struct Check {
    /// The problem that it finds, as a heading.
    pub(super) name: &'static str,
    pub(super) look: fn(&Case) -> Look,
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    /// No problem, with the evidence.
    Well(String),
    /// A problem, with the evidence and what to try, best first.
    Ill(String, Vec<Try>),
    /// Not checked, with the reason.
    Unknown(String),
}

/// Something to try against a problem.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Try {
    /// Flags of `nn train`; empty where no flag helps.
    pub(super) flags: String,
    /// Their effect, or what to do instead.
    pub(super) what: String,
}

impl Try {
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
