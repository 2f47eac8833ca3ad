//! Claims of papers, and errors in their text.

use nn_train::Result;

use crate::context::Context;
use crate::outcome::Outcome;

/// A statement of a paper that an experiment can test.
#[derive(Debug)]
pub struct Claim {
    /// Such as `B1`.
    pub id: &'static str,
    /// The claim in a few words.
    pub title: &'static str,
    /// The statement of the paper, quoted or summarized.
    pub statement: &'static str,
    /// Difference between the quick form and the full one; empty without a quick form.
    pub quick_form: &'static str,
    /// Whether the printed values are about MNIST, so that a run with other data is
    /// not judged.
    pub needs_mnist: bool,
    /// Version of the experiment: results of other versions are out of date.
    pub(crate) version: u32,
    /// The experiment.
    pub(crate) run: fn(&Context<'_>) -> Result<Outcome>,
}

impl Claim {
    /// Whether there is a quick form.
    pub fn has_quick_form(&self) -> bool {
        !self.quick_form.is_empty()
    }
}

/// An error in a paper's text.
#[derive(Debug)]
pub struct Erratum {
    /// The place in the paper.
    pub place: &'static str,
    /// The printed text.
    pub printed: &'static str,
    /// The correct text.
    pub correct: &'static str,
    /// Format of the error.
    pub(crate) evidence: Evidence,
}

/// The evidence for an erratum.
#[derive(Debug)]
pub(crate) enum Evidence {
    /// The rows of the claim with this id.
    Claim(&'static str),
    /// A check of its own: returns what it found, or fails.
    Check(fn() -> Result<String>),
}
