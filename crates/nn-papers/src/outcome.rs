//! The outcome of a claim: the verdict, the compared values, and the commands of the training runs.

use serde::{Deserialize, Serialize};

use crate::figure::Figure;

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A run with the paper's setup gives the printed value.
    Reproduced,
    /// The printed value is impossible, and a run shows why.
    Explained,
    /// No run gives the printed value; the outcome lists the runs that were tried.
    NotReproduced,
    /// The data set differs from the data set of the paper.
    NotJudged,
}

impl Verdict {
    /// All verdicts, from *reproduced* to *not judged*.
    pub const ALL: [Self; 4] = [
        Self::Reproduced,
        Self::Explained,
        Self::NotReproduced,
        Self::NotJudged,
    ];

    /// The verdict in words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Explained => "explained",
            Self::NotReproduced => "not reproduced",
            Self::NotJudged => "not judged",
        }
    }
}

/// A printed value and the measured one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The quantity, with its unit in brackets.
    pub quantity: String,
    /// The value as the paper prints it; empty if the paper prints none.
    pub printed: String,
    /// The value measured with `nn`.
    pub ours: String,
    /// The tolerance; empty if the row is not judged.
    pub expected: String,
    /// Whether the measured value is as expected; `None` if the row is not judged.
    pub is_within: Option<bool>,
}

impl Row {
    /// A row that is not judged.
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

    /// A statement that is true or false.
    pub(crate) fn holds(
        quantity: impl Into<String>,
        printed: impl Into<String>,
        ours: impl Into<String>,
        holds: bool,
    ) -> Self {
        Self {
            is_within: Some(holds),
            ..Self::note(quantity, printed, ours)
        }
    }

    /// A printed number and ours, judged by their difference. Ours is shown with
    /// `digits` decimals.
    pub(crate) fn near(
        quantity: impl Into<String>,
        printed: f64,
        ours: f64,
        tolerance: f64,
        digits: usize,
    ) -> Self {
        // Decimal tolerances are not exact in binary.
        let is_near = (printed - ours).abs() <= tolerance + 1e-9;
        let ours = format!("{ours:.digits$}");
        Self::holds(quantity, printed.to_string(), ours, is_near)
            .with_expected(format!("± {tolerance}"))
    }

    /// A number that must not exceed `limit`.
    pub(crate) fn at_most(quantity: impl Into<String>, ours: f64, limit: f64) -> Self {
        Self::holds(quantity, "", short(ours), ours <= limit)
            .with_expected(format!("at most {}", short(limit)))
    }

    /// Sets the text that says what is expected.
    pub(crate) fn with_expected(self, expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
            ..self
        }
    }
}

/// The outcome of a claim.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether the claim was reproduced.
    pub verdict: Verdict,
    /// The setup, and the meaning of the rows.
    pub explanation: String,
    /// Printed and measured values.
    pub rows: Vec<Row>,
    /// Commands that repeat the training runs.
    pub commands: Vec<Command>,
    pub(crate) figures: Vec<Figure>,
}

/// A training run that an outcome is based on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// The `nn train` command of the run.
    pub command: String,
    /// Seed of the run.
    pub seed: u64,
    /// SHA-256 of the trained parameters.
    pub weights_sha256: String,
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

/// A number with few digits: `0.0123`, `1.2e-13`.
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
    fn numbers_have_few_digits() {
        assert_eq!([short(0.25), short(1.0), short(0.0)], ["0.25", "1", "0"]);
        assert_eq!(short(1.234e-13), "1.2e-13");
    }
}
