//! Claims of papers, and errors in their text.

use crate::context::Context;
use crate::outcome::Outcome;
use nn_train::Result;

/// One thing that a paper says and that can be tried.
#[derive(Debug)]
pub(crate) struct Claim {
    /// Such as `B1`.
    pub(crate) id: &'static str,
    /// What is claimed, in few words.
    pub(crate) title: &'static str,
    /// What the paper says, quoted or summed up.
    pub(crate) says: &'static str,
    /// What `--quick` leaves out; empty if nothing.
    pub(crate) quick: &'static str,
    /// Whether the printed figures mean anything on other data than MNIST.
    pub(crate) needs_mnist: bool,
    /// Counts the changes of what is run, so that old results are not taken
    /// for new ones.
    pub(crate) version: u32,
    pub(crate) run: fn(&Context<'_>) -> Result<Outcome>,
}

impl Claim {
    /// Whether `--quick` leaves something out.
    pub(crate) fn has_quick_form(&self) -> bool {
        !self.quick.is_empty()
    }
}

/// What is wrong in a paper's text.
#[derive(Debug)]
pub(crate) struct Erratum {
    /// Where it stands.
    pub(crate) place: &'static str,
    pub(crate) printed: &'static str,
    pub(crate) correct: &'static str,
    pub(crate) shown: Shown,
}

/// How it is known.
#[derive(Debug)]
pub(crate) enum Shown {
    /// By the rows of this claim.
    By(&'static str),
    /// By a check of its own, which says what it found, or fails.
    Check(fn() -> Result<String>),
}
