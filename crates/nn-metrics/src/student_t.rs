//! Quantiles of Student's t-distribution.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use crate::incomplete_beta::incomplete_beta;

/// The closed form has a term for every second degree of freedom, so that the incomplete beta
/// function is faster above this number.
const MANY: usize = 10_000;

/// The two-sided quantile of Student's t-distribution: a random number with this
/// distribution lies between -t and t with the given `probability`. The confidence interval
/// of the mean of n values is mean ± t · standard error, with n - 1 degrees of freedom.
///
/// ```
/// use nn_metrics::student_t_quantile;
///
/// assert!((student_t_quantile(0.95, 4) - 2.7764).abs() < 1e-4);
/// ```
///
/// For a whole number of degrees of freedom, the probability has a closed form (Abramowitz
/// and Stegun, equations 26.7.3 and 26.7.4), which is inverted by bisection.
pub fn student_t_quantile(probability: f64, degrees_of_freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if two_sided_probability(middle, degrees_of_freedom) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    (degrees_of_freedom as f64).sqrt() * low.tan()
}

/// The probability between -t and t, where t = √n·tan(angle) for n degrees of freedom.
fn two_sided_probability(angle: f64, degrees_of_freedom: usize) -> f64 {
    let (sin, cos) = angle.sin_cos();
    if degrees_of_freedom > MANY {
        // n / (n + t²) = cos²
        return 1.0 - incomplete_beta(cos * cos, degrees_of_freedom as f64 / 2.0, 0.5);
    }
    let is_odd = degrees_of_freedom % 2 == 1;
    let (mut term, mut sum) = if is_odd { (cos, 0.0) } else { (1.0, 0.0) };
    let mut factor = if is_odd { 2.0 } else { 1.0 };
    for _ in 0..degrees_of_freedom / 2 {
        sum += term;
        term *= cos * cos * factor / (factor + 1.0);
        factor += 2.0;
    }
    if is_odd {
        FRAC_2_PI * (angle + sin * sum)
    } else {
        sin * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 97.5 % quantiles of a printed table.
    #[test]
    fn quantiles_are_those_of_the_table() {
        for (degrees_of_freedom, t) in [
            (1, 12.7062),
            (2, 4.3027),
            (3, 3.1824),
            (4, 2.7764),
            (9, 2.2622),
            (10, 2.2281),
            (30, 2.0423),
            (120, 1.9799),
        ] {
            let found = student_t_quantile(0.95, degrees_of_freedom);
            assert!((found - t).abs() < 5.1e-5, "{degrees_of_freedom}: {found}");
        }
    }
}
