//! Comparison of two classifiers on the same test rows.

use crate::incomplete_beta::incomplete_beta;
use crate::interval::Z;

/// The test rows on which only one of two classifiers is correct. Rows on which both are
/// correct, or neither is, say nothing about their difference.
///
/// ```
/// use nn_metrics::PairedClasses;
///
/// let pairs = PairedClasses { only_first: 2, only_second: 10, n: 200 };
/// assert_eq!(pairs.difference(), 0.04);
/// assert!((pairs.p_value() - 0.0386).abs() < 1e-4);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PairedClasses {
    /// Number of rows on which only the first classifier is correct.
    pub only_first: usize,
    /// Number of rows on which only the second classifier is correct.
    pub only_second: usize,
    /// Number of all test rows.
    pub n: usize,
}

impl PairedClasses {
    /// Counts the rows; each element says whether a classifier is correct on this row.
    ///
    /// # Panics
    /// Panics if the lengths differ.
    pub fn new(first: &[bool], second: &[bool]) -> Self {
        assert_eq!(first.len(), second.len(), "both have the same test rows");
        let count = |wanted| {
            let pairs = first.iter().copied().zip(second.iter().copied());
            pairs.filter(|pair| *pair == wanted).count()
        };
        Self {
            only_first: count((true, false)),
            only_second: count((false, true)),
            n: first.len(),
        }
    }

    /// The accuracy of the second classifier minus that of the first.
    pub fn difference(&self) -> f64 {
        (self.only_second as f64 - self.only_first as f64) / self.n.max(1) as f64
    }

    /// The p-value of McNemar's exact test that both classifiers have the same accuracy
    /// (McNemar, *Note on the sampling error of the difference between correlated proportions
    /// or percentages*, 1947; Dietterich, *Approximate statistical tests for comparing
    /// supervised classification learning algorithms*, 1998). The number of rows on which only
    /// the first is correct then has a binomial distribution with probability 1/2:
    ///
    /// ```text
    /// p = 2 · P(X ≤ min(b, c)) = 2 · I_½(m − min, min + 1),  m = b + c
    /// ```
    pub fn p_value(&self) -> f64 {
        let fewer = self.only_first.min(self.only_second) as f64;
        let discordant = (self.only_first + self.only_second) as f64;
        if discordant == 2.0 * fewer {
            return 1.0;
        }
        (2.0 * incomplete_beta(0.5, discordant - fewer, fewer + 1.0)).min(1.0)
    }

    /// The 95 % confidence interval of the difference: Wald's interval after half a row is
    /// added to each of the four counts (Agresti & Min, *Simple improved confidence intervals
    /// for comparing matched proportions*, 2005).
    ///
    /// ```text
    /// d ± z · √(b + c − (c − b)²/n) / n,  b, c plus ½,  n plus 2,  d = (c − b) / n
    /// ```
    pub fn interval(&self) -> (f64, f64) {
        let first = self.only_first as f64 + 0.5;
        let second = self.only_second as f64 + 0.5;
        let n = self.n as f64 + 2.0;
        let difference = (second - first) / n;
        let variance = first + second - (second - first).powi(2) / n;
        let half = Z * variance.sqrt() / n;
        ((difference - half).max(-1.0), (difference + half).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted() {
        let first = [true, true, false, false, true];
        let second = [true, false, true, false, false];
        let expected = PairedClasses {
            only_first: 2,
            only_second: 1,
            n: 5,
        };
        assert_eq!(PairedClasses::new(&first, &second), expected);
    }

    /// Four rows, all in favor of the second: p = 2 / 2⁴.
    #[test]
    fn few_rows_are_tested_exactly() {
        let pairs = |only_first, only_second| PairedClasses {
            only_first,
            only_second,
            n: 100,
        };
        assert!((pairs(0, 4).p_value() - 0.125).abs() < 1e-14);
        assert_eq!(pairs(0, 4).p_value(), pairs(4, 0).p_value());
        assert_eq!([pairs(0, 0).p_value(), pairs(3, 3).p_value()], [1.0, 1.0]);
    }
}
