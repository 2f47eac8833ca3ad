//! The judgment of a measured value: as expected, not as expected, or undecided.

use serde::{Deserialize, Serialize};

/// The judgment of a measured value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgment {
    /// The value is as expected.
    Holds,
    /// The value is not as expected.
    Fails,
    /// More seeds are needed to decide whether the value is as expected.
    Undecided,
}

impl Judgment {
    /// The judgment of a statement that is true or false.
    pub(crate) fn of(holds: bool) -> Self {
        if holds { Self::Holds } else { Self::Fails }
    }

    /// The judgment of several statements together: fails if one of them fails, and
    /// holds if all of them hold.
    pub(crate) fn of_all(judgments: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Holds;
        for judgment in judgments {
            match judgment {
                Self::Holds => {}
                Self::Fails => return Self::Fails,
                Self::Undecided => all = Self::Undecided,
            }
        }
        all
    }

    /// The judgment in one word, below the heading "holds".
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Holds => "yes",
            Self::Fails => "no",
            Self::Undecided => "undecided",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Judgment::{self, Fails, Holds, Undecided};

    #[test]
    fn a_failure_counts_more_than_an_open_question() {
        assert_eq!(Judgment::of_all([]), Holds);
        assert_eq!(Judgment::of_all([Holds, Holds]), Holds);
        assert_eq!(Judgment::of_all([Holds, Undecided, Holds]), Undecided);
        assert_eq!(Judgment::of_all([Undecided, Fails, Holds]), Fails);
    }
}
