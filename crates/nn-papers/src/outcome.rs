//! The outcome of a claim: its verdict, and the rows and commands behind it.

use serde::{Deserialize, Serialize};

use crate::figure::Figure;

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Our run of the paper's set-up gives the printed value.
    Reproduced,
    /// The printed value is impossible, and a run of ours shows why.
    Explained,
    /// No run gives the printed value; the outcome lists what was tried.
    NotReproduced,
    /// The data set is not the paper's.
    NotJudged,
}

impl Verdict {
    pub(crate) const ALL: [Self; 4] = [
        Self::Reproduced,
        Self::Explained,
        Self::NotReproduced,
        Self::NotJudged,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Explained => "explained",
            Self::NotReproduced => "not reproduced",
            Self::NotJudged => "not judged",
        }
    }
}

/// A printed value and ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) quantity: String,
    /// As the paper prints it; empty if it does not.
    pub(crate) printed: String,
    pub(crate) ours: String,
    /// The tolerance; empty if the row is not judged.
    pub(crate) expected: String,
    pub(crate) is_within: Option<bool>,
}

impl Row {
    /// A printed number and ours, judged. Both are shown with `digits` after
    /// the point.
    pub(crate) fn near(
        quantity: impl Into<String>,
        printed: f64,
        ours: f64,
        tolerance: f64,
        digits: usize,
    ) -> Self {
        Self {
            quantity: quantity.into(),
            printed: printed.to_string(),
            ours: format!("{ours:.digits$}"),
            expected: format!("± {tolerance}"),
            // Half a unit of the last binary digits, for tolerances that are decimal.
            is_within: Some((printed - ours).abs() <= tolerance + 1e-9),
        }
    }

    /// A number that must not exceed `limit`.
    pub(crate) fn at_most(quantity: impl Into<String>, ours: f64, limit: f64) -> Self {
        Self {
            quantity: quantity.into(),
            printed: String::new(),
            ours: short(ours),
            expected: format!("at most {}", short(limit)),
            is_within: Some(ours <= limit),
        }
    }

    /// A statement that is true or false.
    pub(crate) fn holds(
        quantity: impl Into<String>,
        printed: impl Into<String>,
        ours: impl Into<String>,
        holds: bool,
    ) -> Self {
        Self {
            quantity: quantity.into(),
            printed: printed.into(),
            ours: ours.into(),
            expected: String::new(),
            is_within: Some(holds),
        }
    }

    /// The same row with its tolerance.
    pub(crate) fn expecting(self, expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            ..self
        }
    }

    /// A row beside the claim, which is not judged.
    pub(crate) fn note(
        quantity: impl Into<String>,
        printed: impl Into<String>,
        ours: impl Into<String>,
    ) -> Self {
        Self {
            quantity: quantity.into(),
            printed: printed.into(),
            ours: ours.into(),
            expected: String::new(),
            is_within: None,
        }
    }
}

/// The outcome of a claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) verdict: Verdict,
    pub(crate) explanation: String,
    pub(crate) rows: Vec<Row>,
    /// Commands that repeat it.
    pub(crate) commands: Vec<Command>,
    pub(crate) figures: Vec<Figure>,
}

/// A training run behind an outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Command {
    /// `nn train …`
    pub(crate) command: String,
    pub(crate) seed: u64,
    pub(crate) weights_sha256: String,
}

impl Outcome {
    /// Reproduced if every judged row is within its tolerance.
    pub(crate) fn judged(rows: Vec<Row>, explanation: impl Into<String>) -> Self {
        let all_within = rows.iter().all(|row| row.is_within != Some(false));
        Self {
            verdict: if all_within {
                Verdict::Reproduced
            } else {
                Verdict::NotReproduced
            },
            explanation: explanation.into(),
            rows,
            commands: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// Explained if every judged row is within its tolerance: these rows show why
    /// the printed values are impossible.
    pub(crate) fn explained(rows: Vec<Row>, explanation: impl Into<String>) -> Self {
        let judged = Self::judged(rows, explanation);
        match judged.verdict {
            Verdict::Reproduced => Self {
                verdict: Verdict::Explained,
                ..judged
            },
            _ => judged,
        }
    }

    pub(crate) fn with_figures(self, figures: Vec<Figure>) -> Self {
        Self { figures, ..self }
    }

    pub(crate) fn with_commands(self, commands: Vec<Command>) -> Self {
        Self { commands, ..self }
    }
}

/// `0.0123`, `1.2e-13`
pub(crate) fn short(number: f64) -> String {
    if number != 0.0 && (number.abs() < 1e-3 || number.abs() >= 1e5) {
        format!("{number:.1e}")
    } else {
        format!("{number:.4}")
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_judged_by_their_tolerance() {
        assert_eq!(Row::near("a", 90.2, 90.1, 0.1, 2).is_within, Some(true));
        assert_eq!(Row::near("a", 90.2, 90.08, 0.1, 2).is_within, Some(false));
        assert_eq!(Row::at_most("a", f64::NAN, 1.0).is_within, Some(false));
        assert_eq!(
            Row::near("a", 90.2, f64::NAN, 0.1, 2).is_within,
            Some(false)
        );
    }

    #[test]
    fn one_row_outside_is_enough() {
        let rows = |ours| vec![Row::note("n", "", "1"), Row::near("a", 1.0, ours, 0.1, 2)];
        assert_eq!(Outcome::judged(rows(1.0), "").verdict, Verdict::Reproduced);
        assert_eq!(
            Outcome::judged(rows(2.0), "").verdict,
            Verdict::NotReproduced
        );
        assert_eq!(
            Outcome::explained(rows(1.0), "").verdict,
            Verdict::Explained
        );
        assert_eq!(
            Outcome::explained(rows(2.0), "").verdict,
            Verdict::NotReproduced
        );
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([short(0.25), short(1.0), short(0.0)], ["0.25", "1", "0"]);
        assert_eq!(short(1.234e-13), "1.2e-13");
    }
}
