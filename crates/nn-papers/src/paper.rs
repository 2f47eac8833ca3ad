//! The five papers, with their claims and errata.

use crate::claim::{Claim, Erratum};
use crate::{bordeaux, gultekin, how_they_work, newbies, schoofs};
use crate::terminal;
use nn_train::{Error, Result};

/// The papers, in the order in which to read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paper {
    /// Orihuela Contreras.
    Newbies,
    /// Schoofs.
    Schoofs,
    /// Gebreamlak and Cajas Ordoñez.
    Bordeaux,
    /// No author is named.
    HowTheyWork,
    /// Gultekin.
    Gultekin,
}

impl Paper {
    pub(crate) const ALL: [Self; 5] = [
        Self::Newbies,
        Self::Schoofs,
        Self::Bordeaux,
        Self::HowTheyWork,
        Self::Gultekin,
    ];

    /// On the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Newbies => "newbies",
            Self::Schoofs => "schoofs",
            Self::Bordeaux => "bordeaux",
            Self::HowTheyWork => "how-they-work",
            Self::Gultekin => "gultekin",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Newbies => newbies::TITLE,
            Self::Schoofs => schoofs::TITLE,
            Self::Bordeaux => bordeaux::TITLE,
            Self::HowTheyWork => how_they_work::TITLE,
            Self::Gultekin => gultekin::TITLE,
        }
    }

    pub(crate) fn claims(self) -> &'static [Claim] {
        match self {
            Self::Newbies => newbies::CLAIMS,
            Self::Schoofs => schoofs::CLAIMS,
            Self::Bordeaux => bordeaux::CLAIMS,
            Self::HowTheyWork => how_they_work::CLAIMS,
            Self::Gultekin => gultekin::CLAIMS,
        }
    }

    pub(crate) fn errata(self) -> &'static [Erratum] {
        match self {
            Self::Newbies => newbies::ERRATA,
            Self::Schoofs => schoofs::ERRATA,
            Self::Bordeaux => bordeaux::ERRATA,
            Self::HowTheyWork => how_they_work::ERRATA,
            Self::Gultekin => gultekin::ERRATA,
        }
    }

    pub(crate) fn find(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|paper| paper.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::usage(format!(
                "unknown paper \"{}\"; expected all or one of: {names}",
                name.escape_debug()
            ))
            .with_help(format!("`{} papers list` shows them", terminal::program()))
        })
    }
}

/// Every claim of every paper.
pub(crate) fn all_claims() -> impl Iterator<Item = (Paper, &'static Claim)> {
    Paper::ALL
        .into_iter()
        .flat_map(|paper| paper.claims().iter().map(move |claim| (paper, claim)))
}

/// The key of the evidence for an erratum in the store.
pub(crate) fn erratum_key(paper: Paper, index: usize) -> String {
    format!("{}-{}", paper.name(), index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Shown;

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
            match erratum.shown {
                Shown::By(id) => assert!(all_claims().any(|(_, claim)| claim.id == id), "{id}"),
                Shown::Check(check) => assert!(check().is_ok(), "{}", erratum.place),
            }
        }
    }
}
