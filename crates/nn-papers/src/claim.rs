//! Claims of papers, and errors in the text of papers.

use nn_train::Result;

use crate::context::Context;
use crate::outcome::Outcome;

/// A statement of a paper that an experiment can test.
#[derive(Debug)]
pub struct Claim {
    /// Identifier of the claim, such as `B1`.
    pub id: &'static str,
    /// The claim in a few words.
    pub title: &'static str,
    /// The statement of the paper, quoted or summarized.
    pub statement: &'static str,
    /// Difference between the quick and the full experiment; empty if there is no quick one.
    pub quick_form: &'static str,
    /// Whether the printed values were measured on MNIST, so that a run with other data is not
    /// judged.
    pub needs_mnist: bool,
    /// Version of the experiment: results of other versions are out of date.
    pub(crate) version: u32,
    /// The experiment.
    pub(crate) run: fn(&Context<'_>) -> Result<Outcome>,
}

impl Claim {
    /// Whether the claim has a quick experiment.
    pub fn has_quick_form(&self) -> bool {
        !self.quick_form.is_empty()
    }
}

/// An error in the text of a paper.
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
    /// A separate check: returns its result as text, or fails.
    Check(fn() -> Result<String>),
}
