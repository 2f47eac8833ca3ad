//! The outcome of a claim: the verdict, the compared values, and the commands of the training runs.

use serde::{Deserialize, Serialize};

use crate::figure::Figure;
use crate::interval::{Expected, Interval};
use crate::judgment::Judgment;

/// The verdict on a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A run with the paper's setup gives the printed value.
    Reproduced,
    /// The printed value is impossible, and a run shows why.
    Explained,
    /// More seeds are needed, because the confidence interval of a value lies only partly within
    /// the tolerance.
    Undecided,
    /// No run gives the printed value; the outcome lists the runs that were tried.
    NotReproduced,
    /// The data set differs from the data set of the paper.
    NotJudged,
}

impl Verdict {
    /// All verdicts, from *reproduced* to *not judged*.
    pub const ALL: [Self; 5] = [
        Self::Reproduced,
        Self::Explained,
        Self::Undecided,
        Self::NotReproduced,
        Self::NotJudged,
    ];

    /// The verdict as text, such as `not reproduced`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Explained => "explained",
            Self::Undecided => "undecided",
            Self::NotReproduced => "not reproduced",
            Self::NotJudged => "not judged",
        }
    }
}

/// A value reported in the paper, and the value measured here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The quantity, with its unit in parentheses.
    pub quantity: String,
    /// The value as the paper prints it; empty if the paper prints none.
    pub printed: String,
    /// The value measured with `nn`.
    pub ours: String,
    /// The tolerance; empty if the row is not judged.
    pub expected: String,
    /// Whether the measured value is as expected; `None` if the row is not judged.
    pub judgment: Option<Judgment>,
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
            judgment: None,
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
            judgment: Some(Judgment::of(holds)),
            ..Self::note(quantity, printed, ours)
        }
    }

    /// A printed number and ours, which does not depend on the seed, judged by their
    /// difference. Ours is shown with `digits` decimals.
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

    /// A value that depends on the seed, measured once per seed, judged by its
    /// confidence interval ([`Interval::judge`]). It is shown with `digits` decimals.
    pub(crate) fn over_seeds(
        quantity: impl Into<String>,
        printed: impl Into<String>,
        values: &[f64],
        expected: Expected,
        digits: usize,
    ) -> Self {
        let interval = Interval::of(values);
        Self {
            judgment: Some(interval.judge(expected)),
            expected: expected.text(),
            ..Self::note(quantity, printed, interval.text(digits))
        }
    }

    /// A value that depends on the seed, with its confidence interval; not judged.
    pub(crate) fn note_over_seeds(
        quantity: impl Into<String>,
        printed: impl Into<String>,
        values: &[f64],
        digits: usize,
    ) -> Self {
        Self::note(quantity, printed, Interval::of(values).text(digits))
    }

    /// A number that does not depend on the seed and must not exceed `limit`.
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
        let judgments = rows.iter().filter_map(|row| row.judgment);
        Self {
            verdict: match Judgment::of_all(judgments) {
                Judgment::Holds => Verdict::Reproduced,
                Judgment::Undecided => Verdict::Undecided,
                Judgment::Fails => Verdict::NotReproduced,
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
        let near = |ours| Row::near("a", 90.2, ours, 0.1, 2).judgment;
        assert_eq!(near(90.1), Some(Judgment::Holds));
        assert_eq!(near(90.08), Some(Judgment::Fails));
        assert_eq!(near(f64::NAN), Some(Judgment::Fails));
        let at_most = Row::at_most("a", f64::NAN, 1.0);
        assert_eq!(at_most.judgment, Some(Judgment::Fails));
    }

    #[test]
    fn one_row_outside_is_enough() {
        let rows = |ours| vec![Row::note("n", "", "1"), Row::near("a", 1.0, ours, 0.1, 2)];
        let judged = |ours| Outcome::judged(rows(ours), "").verdict;
        let explained = |ours| Outcome::explained(rows(ours), "").verdict;
        assert_eq!(judged(1.0), Verdict::Reproduced);
        assert_eq!(judged(2.0), Verdict::NotReproduced);
        assert_eq!(explained(1.0), Verdict::Explained);
        assert_eq!(explained(2.0), Verdict::NotReproduced);
    }

    /// A difference of one standard error is not enough.
    #[test]
    fn rows_over_seeds_follow_the_interval() {
        let verdict = |values: &[f64]| {
            let row = Row::over_seeds("difference", "better", values, Expected::Positive, 2);
            Outcome::judged(vec![row], "").verdict
        };
        assert_eq!(verdict(&[0.3, 0.4, 0.35]), Verdict::Reproduced);
        assert_eq!(verdict(&[0.5, -0.1, 0.2]), Verdict::Undecided);
        assert_eq!(verdict(&[-0.3, -0.4, -0.35]), Verdict::NotReproduced);
        assert_eq!(verdict(&[0.3]), Verdict::Undecided);
    }

    #[test]
    fn numbers_have_few_digits() {
        assert_eq!([short(0.25), short(1.0), short(0.0)], ["0.25", "1", "0"]);
        assert_eq!(short(1.234e-13), "1.2e-13");
    }
}
