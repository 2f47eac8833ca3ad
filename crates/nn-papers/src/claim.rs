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
    /// Whether the printed values were measured on MNIST. Runs of such a claim with other data
    /// are not judged.
    pub needs_mnist: bool,
    /// Version of the experiment: results of other versions are out of date.
    pub(crate) version: u32,
    /// Runs the experiment and judges the claim.
    pub(crate) run: fn(&Context<'_>) -> Result<Outcome>,
}

impl Claim {
    /// Returns `true` if the claim has a quick experiment.
    pub fn has_quick_form(&self) -> bool {
        !self.quick_form.is_empty()
    }
}

/// An error in the text of a paper.
#[derive(Debug)]
pub struct Erratum {
    /// Section, equation or table that contains the error.
    pub place: &'static str,
    /// The text as the paper prints it.
    pub printed: &'static str,
    /// The corrected text.
    pub correct: &'static str,
    /// The claim or check that shows the error.
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
