//! The list of the five papers, with their claims and errata.

use nn_train::{Error, Result};

use crate::claim::{Claim, Erratum};
use crate::{bordeaux, gultekin, how_they_work, newbies, schoofs};

/// One of the five papers. The variants are in the recommended reading order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paper {
    /// *Neural Networks for Newbies*, Orihuela Contreras.
    Newbies,
    /// *Artificial Neural Networks*, Schoofs.
    Schoofs,
    /// *Implementing a Neural Network from Scratch*, Gebreamlak and Cajas Ordoñez.
    Bordeaux,
    /// *How Neural Networks Work*, author not named.
    HowTheyWork,
    /// *Exploring Neural Networks through a Mathematical Approach*, Gultekin.
    Gultekin,
}

impl Paper {
    /// All papers, in the recommended reading order.
    pub const ALL: [Self; 5] = [
        Self::Newbies,
        Self::Schoofs,
        Self::Bordeaux,
        Self::HowTheyWork,
        Self::Gultekin,
    ];

    /// The short name, such as `schoofs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Newbies => "newbies",
            Self::Schoofs => "schoofs",
            Self::Bordeaux => "bordeaux",
            Self::HowTheyWork => "how-they-work",
            Self::Gultekin => "gultekin",
        }
    }

    /// Title and authors of the paper.
    pub fn title(self) -> &'static str {
        match self {
            Self::Newbies => newbies::TITLE,
            Self::Schoofs => schoofs::TITLE,
            Self::Bordeaux => bordeaux::TITLE,
            Self::HowTheyWork => how_they_work::TITLE,
            Self::Gultekin => gultekin::TITLE,
        }
    }

    /// The claims from this paper.
    pub fn claims(self) -> &'static [Claim] {
        match self {
            Self::Newbies => newbies::CLAIMS,
            Self::Schoofs => schoofs::CLAIMS,
            Self::Bordeaux => bordeaux::CLAIMS,
            Self::HowTheyWork => how_they_work::CLAIMS,
            Self::Gultekin => gultekin::CLAIMS,
        }
    }

    /// Errors found in the text of the paper.
    pub fn errata(self) -> &'static [Erratum] {
        match self {
            Self::Newbies => newbies::ERRATA,
            Self::Schoofs => schoofs::ERRATA,
            Self::Bordeaux => bordeaux::ERRATA,
            Self::HowTheyWork => how_they_work::ERRATA,
            Self::Gultekin => gultekin::ERRATA,
        }
    }

    /// The paper with the given short name.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](nn_train::ErrorKind::Usage) if no paper has this name.
    pub fn find(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|paper| paper.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::usage(format!(
                "unknown paper \"{}\"; expected all or one of: {names}",
                name.escape_debug()
            ))
            .with_help("`nn papers list` shows the papers")
        })
    }
}

/// The claims of the given papers: all of them, or only the claims with the given ids.
///
/// ```
/// use nn_papers::{Paper, claims};
///
/// let claims = claims(&Paper::ALL, &["b1".to_owned()])?;
/// assert_eq!((claims[0].0, claims[0].1.id), (Paper::Bordeaux, "B1"));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// Returns [`ErrorKind::Usage`](nn_train::ErrorKind::Usage) if an id in `ids` does not belong
/// to a claim of `papers`.
pub fn claims(papers: &[Paper], ids: &[String]) -> Result<Vec<(Paper, &'static Claim)>> {
    let offered = || all_claims().filter(|(paper, _)| papers.contains(paper));
    let is = |claim: &Claim, id: &String| claim.id.eq_ignore_ascii_case(id);
    if let Some(unknown) = ids
        .iter()
        .find(|id| !offered().any(|(_, claim)| is(claim, id)))
    {
        let known: Vec<_> = offered().map(|(_, claim)| claim.id).collect();
        return Err(Error::usage(format!(
            "expected one of {}, found \"{}\"",
            known.join(", "),
            unknown.escape_debug()
        )));
    }
    let is_asked = |claim: &Claim| ids.is_empty() || ids.iter().any(|id| is(claim, id));
    Ok(offered().filter(|(_, claim)| is_asked(claim)).collect())
}

/// All claims of all papers.
pub(crate) fn all_claims() -> impl Iterator<Item = (Paper, &'static Claim)> {
    Paper::ALL
        .into_iter()
        .flat_map(|paper| paper.claims().iter().map(move |claim| (paper, claim)))
}

/// The key of the evidence for an erratum in the results.
pub(crate) fn erratum_key(paper: Paper, index: usize) -> String {
    format!("{}-{}", paper.name(), index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Evidence;

    #[test]
    fn names_and_ids_are_unique() {
        let mut ids: Vec<_> = all_claims().map(|(_, claim)| claim.id).collect();
        let mut names = Paper::ALL.map(Paper::name).to_vec();
        let n = ids.len();
        assert_eq!(n, 21);
        ids.sort_unstable();
        ids.dedup();
        names.sort_unstable();
        names.dedup();
        assert_eq!((ids.len(), names.len()), (n, 5));
        assert!(
            Paper::ALL
                .into_iter()
                .all(|paper| Paper::find(paper.name()).is_ok())
        );
        assert!(Paper::find("nobody").is_err());
    }

    #[test]
    fn errata_name_claims_that_exist_and_their_checks_pass() {
        for erratum in Paper::ALL.into_iter().flat_map(Paper::errata) {
            match erratum.evidence {
                Evidence::Claim(id) => {
                    assert!(all_claims().any(|(_, claim)| claim.id == id), "{id}");
                }
                Evidence::Check(check) => assert!(check().is_ok(), "{}", erratum.place),
            }
        }
    }
}
