//! Estimates of a mean from few measurements, such as the test accuracies of several
//! training runs, or their differences to those of another configuration.

use crate::incomplete_beta::incomplete_beta;
use crate::student_t::student_t_quantile;

/// Probability of the interval of a mean.
const CONFIDENCE: f64 = 0.95;

/// The mean of at least two measurements, with its confidence interval.
///
/// ```text
/// interval:  mean ± t · standard error,   t = 97.5 % quantile of Student's t-distribution
/// standard error:  s · √(1/n)             independent measurements
///                  s · √(1/n + r)         folds of a cross-validation
/// ```
///
/// s is the sample standard deviation, with n − 1 degrees of freedom. The test accuracies of
/// the K folds of a cross-validation are not independent, because their training rows
/// overlap. The correction of Nadeau & Bengio (*Inference for the generalization error*,
/// Machine Learning 52, 2003) adds r, the number of test rows divided by the number of training
/// rows, which is 1/(K − 1) for K folds.
///
/// ```
/// use nn_metrics::MeanEstimate;
///
/// let accuracies = [0.91, 0.93, 0.95];
/// let seeds = MeanEstimate::of_independent(&accuracies).unwrap();
/// assert!((seeds.mean - 0.93).abs() < 1e-12 && (seeds.std - 0.02).abs() < 1e-12);
///
/// let folds = MeanEstimate::of_folds(&accuracies).unwrap();
/// assert!(folds.interval.0 < seeds.interval.0);
/// assert_eq!(MeanEstimate::of_folds(&[0.91]), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanEstimate {
    /// Number of measurements.
    pub n: usize,
    /// The mean.
    pub mean: f64,
    /// Sample standard deviation of the measurements (the sum of squares is divided by n - 1).
    pub std: f64,
    /// Standard error of the mean.
    pub standard_error: f64,
    /// 95 % confidence interval of the mean.
    pub interval: (f64, f64),
}

impl MeanEstimate {
    /// Estimates the mean of independent measurements; `None` for fewer than two.
    pub fn of_independent(values: &[f64]) -> Option<Self> {
        Self::new(values, 0.0)
    }

    /// Estimates the mean over all folds of a cross-validation, with the correction of Nadeau
    /// and Bengio; `None` for fewer than two folds.
    pub fn of_folds(values: &[f64]) -> Option<Self> {
        Self::new(values, 1.0 / (values.len() as f64 - 1.0))
    }

    fn new(values: &[f64], test_per_training_row: f64) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let std = (squares / (n - 1.0)).sqrt();
        let standard_error = std * (1.0 / n + test_per_training_row).sqrt();
        let half = student_t_quantile(CONFIDENCE, values.len() - 1) * standard_error;
        Some(Self {
            n: values.len(),
            mean,
            std,
            standard_error,
            interval: (mean - half, mean + half),
        })
    }

    /// The p-value of the two-sided t-test that the true mean is 0. For the differences of
    /// paired measurements, this is the paired t-test.
    ///
    /// ```text
    /// p = I_x(ν/2, 1/2),  x = ν / (ν + t²),  t = mean / standard error,  ν = n − 1
    /// ```
    pub fn p_value(&self) -> f64 {
        if self.standard_error == 0.0 {
            return if self.mean == 0.0 { 1.0 } else { 0.0 };
        }
        let t = self.mean / self.standard_error;
        let degrees_of_freedom = (self.n - 1) as f64;
        let x = degrees_of_freedom / (degrees_of_freedom + t * t);
        incomplete_beta(x, degrees_of_freedom / 2.0, 0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values 1, 2, 3, 4, 5: mean 3, variance 10 / 4, t = 2.7764 for 4 degrees of freedom.
    #[test]
    fn means_have_an_interval() {
        let estimate = MeanEstimate::of_independent(&[5.0, 1.0, 2.0, 4.0, 3.0]);
        let estimate = estimate.expect("five values");
        assert_eq!(estimate.mean, 3.0);
        assert!((estimate.std - 2.5_f64.sqrt()).abs() < 1e-12);
        // 2.7764 · √2.5 / √5 = 1.9632
        let (low, high) = estimate.interval;
        assert!((low - 1.0368).abs() < 1e-4 && (high - 4.9632).abs() < 1e-4);
    }

    /// For K folds, 1/K + 1/(K − 1): with five folds, the interval is √(9/4) times wider.
    #[test]
    fn folds_have_a_wider_interval() {
        let values = [5.0, 1.0, 2.0, 4.0, 3.0];
        let half = |estimate: Option<MeanEstimate>| {
            let (low, high) = estimate.expect("five values").interval;
            (high - low) / 2.0
        };
        let ratio =
            half(MeanEstimate::of_folds(&values)) / half(MeanEstimate::of_independent(&values));
        assert!((ratio - 1.5).abs() < 1e-12, "{ratio}");
    }

    #[test]
    fn equal_measurements_have_no_spread() {
        let equal = |value| MeanEstimate::of_independent(&[value; 3]).expect("three values");
        assert_eq!(equal(0.5).interval, (0.5, 0.5));
        assert_eq!([equal(0.5).p_value(), equal(0.0).p_value()], [0.0, 1.0]);
    }
}
