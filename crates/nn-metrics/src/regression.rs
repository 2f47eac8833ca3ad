//! Regression metrics.

/// Regression errors of each output, and their means over the outputs (the
/// `uniform_average` of scikit-learn).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RegressionErrors {
    /// Mean absolute error, averaged over the outputs.
    pub mean_absolute: f64,
    /// Root mean square error, averaged over the outputs.
    pub root_mean_square: f64,
    /// R², averaged over the outputs; `None` for fewer than 2 rows.
    pub r_squared: Option<f64>,
    /// Regression errors of each output.
    pub outputs: Vec<OutputErrors>,
}

/// Regression errors of one output.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OutputErrors {
    /// Mean absolute error, the mean of |a − y|.
    pub mean_absolute: f64,
    /// Root mean square error, the root of the mean of (a − y)².
    pub root_mean_square: f64,
    /// R² = 1 − Σ(a − y)²/Σ(y − ȳ)², the fraction of explained variance. A constant
    /// target has R² = 1 if every prediction is exact, otherwise 0 (as in
    /// scikit-learn). `None` for fewer than 2 rows.
    pub r_squared: Option<f64>,
}

/// R² of predictions and their targets, as in [`OutputErrors::r_squared`].
///
/// ```
/// let pairs = [(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)];
/// let r_squared = nn_metrics::r_squared(pairs).expect("there are 2 rows");
/// assert!((r_squared - 0.9486).abs() < 1e-4);
/// assert_eq!(nn_metrics::r_squared([(1.0, 1.0)]), None);
/// ```
pub fn r_squared(pairs: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    OutputErrors::of_pairs(pairs).r_squared
}

impl OutputErrors {
    /// Computes the errors of predictions and their targets.
    pub fn of_pairs(pairs: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut sums = ErrorSums::default();
        for (predicted, target) in pairs {
            sums.add(predicted, target);
        }
        sums.errors()
    }
}

/// Running sums over the rows of one output, from which its [`OutputErrors`] are computed.
///
/// ```
/// use nn_metrics::ErrorSums;
///
/// let mut sums = ErrorSums::default();
/// for (predicted, target) in [(1.0, 2.0), (5.0, 2.0)] {
///     sums.add(predicted, target);
/// }
/// assert_eq!(sums.errors().mean_absolute, 2.0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorSums {
    n: f64,
    absolute: f64,
    squared: f64,
    /// ȳ of the rows so far.
    target_mean: f64,
    /// Σ(y − ȳ)² of the rows so far.
    target_variation: f64,
}

impl ErrorSums {
    /// Adds the prediction `a` for the target `y`.
    ///
    /// Each row updates Σ(y − ȳ)² (Welford 1962), because the difference Σy² − n·ȳ² loses
    /// all digits if the mean is large.
    #[inline]
    pub fn add(&mut self, a: f64, y: f64) {
        self.n += 1.0;
        self.absolute += (a - y).abs();
        self.squared += (a - y) * (a - y);
        let from_old_mean = y - self.target_mean;
        self.target_mean += from_old_mean / self.n;
        self.target_variation += from_old_mean * (y - self.target_mean);
    }

    /// The errors of the rows added so far; NaN without rows.
    pub fn errors(self) -> OutputErrors {
        OutputErrors {
            mean_absolute: self.absolute / self.n,
            root_mean_square: (self.squared / self.n).sqrt(),
            r_squared: (self.n >= 2.0).then(|| self.r_squared()),
        }
    }

    fn r_squared(self) -> f64 {
        if self.target_variation > 0.0 {
            1.0 - self.squared / self.target_variation
        } else if self.squared == 0.0 {
            1.0
        } else {
            0.0
        }
    }
}

impl RegressionErrors {
    /// Averages the errors of the outputs.
    pub fn new(outputs: Vec<OutputErrors>) -> Self {
        let n_outputs = outputs.len() as f64;
        let mean =
            |value: fn(&OutputErrors) -> f64| outputs.iter().map(value).sum::<f64>() / n_outputs;
        let r_squared: Option<f64> = outputs.iter().map(|output| output.r_squared).sum();
        Self {
            mean_absolute: mean(|output| output.mean_absolute),
            root_mean_square: mean(|output| output.root_mean_square),
            r_squared: r_squared.map(|sum| sum / n_outputs),
            outputs,
        }
    }

    /// Converts the errors to different units, with one factor per output. R² has no
    /// unit.
    #[must_use]
    pub fn scaled(&self, scales: &[f64]) -> Self {
        let outputs = self.outputs.iter().zip(scales);
        let scaled = |(output, scale): (&OutputErrors, &f64)| OutputErrors {
            mean_absolute: scale * output.mean_absolute,
            root_mean_square: scale * output.root_mean_square,
            r_squared: output.r_squared,
        };
        Self::new(outputs.map(scaled).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(pairs: &[(f64, f64)]) -> OutputErrors {
        OutputErrors::of_pairs(pairs.iter().copied())
    }

    #[test]
    fn errors_agree_with_a_hand_calculation() {
        // The errors are -0.5, 0.5, 0 and 1, and the mean of the targets is 2.875.
        let found = errors(&[(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)]);
        assert_eq!(found.mean_absolute, 0.5);
        assert_eq!(found.root_mean_square, 0.375_f64.sqrt());
        let expected = 1.0 - 1.5 / 29.1875;
        assert!((found.r_squared.expect("4 rows") - expected).abs() < 1e-15);
        let of_pairs = r_squared([(2.5, 3.0), (0.0, -0.5), (2.0, 2.0), (8.0, 7.0)]);
        assert_eq!(of_pairs, found.r_squared);
    }

    #[test]
    fn a_constant_target_is_explained_or_not() {
        assert_eq!(errors(&[(1.0, 3.0), (3.0, 3.0)]).r_squared, Some(0.0));
        assert_eq!(errors(&[(3.0, 3.0), (3.0, 3.0)]).r_squared, Some(1.0));
        assert_eq!(errors(&[(3.0, 3.0)]).r_squared, None);
    }

    #[test]
    fn errors_are_averaged_and_scaled_per_output() {
        let outputs = vec![
            errors(&[(1.0, 2.0), (4.0, 4.0)]),
            errors(&[(5.0, 1.0), (1.0, 5.0)]),
        ];
        let both = RegressionErrors::new(outputs);
        // R² is 1 - 1/2 and 1 - 32/8.
        assert_eq!(both.r_squared, Some((0.5 - 3.0) / 2.0));
        assert_eq!(both.mean_absolute, (0.5 + 4.0) / 2.0);
        let scaled = both.scaled(&[2.0, 0.25]);
        assert_eq!(scaled.mean_absolute, (1.0 + 1.0) / 2.0);
        assert_eq!(scaled.outputs[1].root_mean_square, 1.0);
        assert_eq!(scaled.r_squared, both.r_squared);
    }
}
