//! Confidence intervals.

/// The 97.5 % quantile of the standard normal distribution.
pub(crate) const Z: f64 = 1.959_963_984_540_054;

/// Wilson's 95 % confidence interval of a fraction that was measured on `n` samples,
/// such as an accuracy. Without samples, the interval is 0 to 1.
///
/// ```text
/// (p + z²/2n ± z·√(p(1 − p)/n + z²/4n²)) / (1 + z²/n),  z = 1.96
/// ```
///
/// Unlike p ± z·√(p(1 − p)/n), Wilson's interval stays within 0 and 1 and has a width
/// above 0 if p is 0 or 1.
///
/// ```
/// use nn_metrics::wilson_interval;
///
/// let (low, high) = wilson_interval(1.0, 20);
/// assert!((low - 0.8389).abs() < 1e-4);
/// assert_eq!(high, 1.0);
/// ```
pub fn wilson_interval(fraction: f64, n: usize) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let (p, n) = (fraction, n as f64);
    let scale = 1.0 + Z * Z / n;
    let center = (p + Z * Z / (2.0 * n)) / scale;
    let half = Z / scale * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((center - half).max(0.0), (center + half).min(1.0))
}
