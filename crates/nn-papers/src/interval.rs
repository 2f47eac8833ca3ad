//! Mean and 95 % confidence interval of a value over several seeds, and the rule that judges
//! values that depend on the seed.
//!
//! With the mean m and the standard deviation s of n runs that differ in their seed
//! only, Student's interval is
//!
//! ```text
//! m ± t(n − 1) s / √n
//! ```
//!
//! where t(n − 1) is the 97.5 % quantile of Student's t distribution with n − 1
//! degrees of freedom. The interval contains the mean over all seeds with a
//! probability of 95 % if the values are normally distributed.

use nn_train::nn_metrics::student_t_quantile;

use crate::judgment::Judgment;

/// Probability that the interval holds the mean over all seeds.
const CONFIDENCE: f64 = 0.95;

/// Differences below this are rounding errors of decimal tolerances.
const ROUNDING: f64 = 1e-9;

/// The values that a paper allows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Expected {
    /// A printed value with a tolerance.
    Near {
        /// The value that the paper prints.
        printed: f64,
        /// Largest allowed difference from the printed value.
        tolerance: f64,
    },
    /// No less than this value.
    AtLeast(f64),
    /// No more than this value.
    AtMost(f64),
    /// Above 0, such as the difference from a smaller value.
    Positive,
}

impl Expected {
    /// The smallest and the largest value.
    fn bounds(self) -> [f64; 2] {
        match self {
            Self::Near { printed, tolerance } => [
                printed - tolerance - ROUNDING,
                printed + tolerance + ROUNDING,
            ],
            Self::AtLeast(limit) => [limit, f64::INFINITY],
            Self::AtMost(limit) => [f64::NEG_INFINITY, limit],
            Self::Positive => [f64::MIN_POSITIVE, f64::INFINITY],
        }
    }

    /// The expectation in words.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Near { tolerance, .. } => format!("± {tolerance}"),
            Self::AtLeast(limit) => format!("at least {limit}"),
            Self::AtMost(limit) => format!("at most {limit}"),
            Self::Positive => "above 0".to_owned(),
        }
    }
}

/// The mean over several seeds with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    /// The mean over the seeds.
    pub(crate) mean: f64,
    /// Half the width of the interval; infinite for one seed.
    pub(crate) half_width: f64,
    n_seeds: usize,
}

impl Interval {
    /// The interval of these values, one per seed.
    pub(crate) fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let half_width = match values.len() {
            0 | 1 => f64::INFINITY,
            n_seeds => {
                student_t_quantile(CONFIDENCE, n_seeds - 1) * (squares / (n - 1.0) / n).sqrt()
            }
        };
        Self {
            mean,
            half_width,
            n_seeds: values.len(),
        }
    }

    /// The rule for values that depend on the seed: the claim holds if the whole
    /// interval is as expected, and fails if no part of it is. Otherwise the seeds do
    /// not decide, as with a single seed. A value that is not a number fails.
    pub(crate) fn judge(&self, expected: Expected) -> Judgment {
        let [low, high] = [self.mean - self.half_width, self.mean + self.half_width];
        let [lowest, highest] = expected.bounds();
        if self.mean.is_nan() || high < lowest || low > highest {
            Judgment::Fails
        } else if low >= lowest && high <= highest {
            Judgment::Holds
        } else {
            Judgment::Undecided
        }
    }

    /// The mean and half the width with `digits` decimals, such as `90.2 ± 0.1`.
    pub(crate) fn text(&self, digits: usize) -> String {
        let Self {
            mean, half_width, ..
        } = self;
        match self.n_seeds {
            1 => format!("{mean:.digits$} (1 seed)"),
            n => format!("{mean:.digits$} ± {half_width:.digits$} ({n} seeds)"),
        }
    }
}

/// The differences between two values for the same seeds, to compare two setups.
pub(crate) fn differences(values: &[f64], others: &[f64]) -> Vec<f64> {
    let pairs = values.iter().zip(others);
    pairs.map(|(value, other)| value - other).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integrates the density (1 + x²/ν)^(-(ν + 1)/2) with x = √ν tan u, where it
    /// becomes cos(u)^(ν - 1).
    #[test]
    fn ninety_five_percent_lie_between_the_quantiles() {
        for n_degrees in 1..=9 {
            let quantile = student_t_quantile(CONFIDENCE, n_degrees);
            let degrees = n_degrees as f64;
            let integral = |to: f64| {
                let n = 100_000;
                let middle = |step: i32| to * (f64::from(step) + 0.5) / f64::from(n);
                let values = (0..n).map(|step| middle(step).cos().powf(degrees - 1.0));
                values.sum::<f64>() * to / f64::from(n)
            };
            let inside = integral((quantile / degrees.sqrt()).atan());
            let probability = inside / integral(std::f64::consts::FRAC_PI_2);
            assert!(
                (probability - 0.95).abs() < 1e-5,
                "{degrees}: {probability}"
            );
        }
    }

    #[test]
    fn the_interval_is_students() {
        // 1, 2, 3: s = 1, t(2) / sqrt(3) = 2.484.
        let interval = Interval::of(&[1.0, 2.0, 3.0]);
        assert_eq!(interval.text(2), "2.00 ± 2.48 (3 seeds)");
        assert_eq!(Interval::of(&[5.0]).text(1), "5.0 (1 seed)");
        assert_eq!(Interval::of(&[5.0; 4]).half_width, 0.0);
    }

    #[test]
    fn the_whole_interval_decides() {
        let judge = |values: &[f64], expected| Interval::of(values).judge(expected);
        let near = |printed| Expected::Near {
            printed,
            tolerance: 3.0,
        };
        let values = [1.0, 2.0, 3.0]; // -0.48 to 4.48
        assert_eq!(judge(&values, near(2.0)), Judgment::Holds);
        assert_eq!(judge(&values, near(4.0)), Judgment::Undecided);
        assert_eq!(judge(&values, near(8.0)), Judgment::Fails);
        assert_eq!(judge(&values, Expected::AtLeast(-1.0)), Judgment::Holds);
        assert_eq!(judge(&values, Expected::AtLeast(0.0)), Judgment::Undecided);
        assert_eq!(judge(&values, Expected::AtMost(-1.0)), Judgment::Fails);
        assert_eq!(judge(&values, Expected::Positive), Judgment::Undecided);
    }

    #[test]
    fn a_single_seed_decides_nothing_and_equal_values_decide() {
        let judge = |values: &[f64], expected| Interval::of(values).judge(expected);
        assert_eq!(judge(&[99.0], Expected::AtLeast(1.0)), Judgment::Undecided);
        assert_eq!(judge(&[0.0; 3], Expected::AtMost(0.0)), Judgment::Holds);
        assert_eq!(judge(&[0.0; 3], Expected::Positive), Judgment::Fails);
        let undefined = [1.0, f64::NAN];
        assert_eq!(judge(&undefined, Expected::AtLeast(0.0)), Judgment::Fails);
        assert_eq!(judge(&[], Expected::AtLeast(0.0)), Judgment::Fails);
    }
}
