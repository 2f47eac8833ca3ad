//! Expected improvement (EI) over the lowest value so far.
//!
//! ```text
//! EI(μ, σ) = E max(0, f* − Y) = (f* − μ)·Φ(z) + σ·φ(z)     z = (f* − μ)/σ
//! ```
//!
//! for a normally distributed `Y` with mean μ and standard deviation σ, where Φ and φ are
//! the distribution function and the density of the standard normal distribution (Močkus
//! 1975; Jones, Schonlau & Welch 1998, equation 15; Snoek, Larochelle & Adams 2012,
//! equation 2).
//!
//! If trials have noise of standard deviation τ, one more trial near a known point gives little
//! information, and EI would repeat the best point forever. The augmented expected improvement is
//! the expected improvement (EI), multiplied by the following factor:
//!
//! ```text
//! 1 − τ/√(σ² + τ²)
//! ```
//!
//! The factor is the fraction of the uncertainty that a trial would remove (Huang, Allen,
//! Notz & Zeng 2006, equation 10).

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Expected improvement below `lowest`.
pub(crate) fn expected_improvement(lowest: f64, mean: f64, std: f64) -> f64 {
    let gain = lowest - mean;
    if std <= 0.0 {
        return gain.max(0.0);
    }
    let z = gain / std;
    let distribution = 0.5 * libm::erfc(-z * FRAC_1_SQRT_2);
    let density = libm::exp(-0.5 * z * z) / (2.0 * PI).sqrt();
    // Far above the lowest value, the terms nearly cancel.
    (gain * distribution + std * density).max(0.0)
}

/// Augmented expected improvement for noise of standard deviation `noise`.
pub(crate) fn augmented_expected_improvement(lowest: f64, mean: f64, std: f64, noise: f64) -> f64 {
    let total = (std * std + noise * noise).sqrt();
    let fraction = if total > 0.0 {
        1.0 - noise / total
    } else {
        1.0
    };
    fraction * expected_improvement(lowest, mean, std)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Simpson's rule over ten standard deviations.
    fn integrated(lowest: f64, mean: f64, std: f64) -> f64 {
        const N: u32 = 200_000;
        let (low, high) = (mean - 10.0 * std, lowest.min(mean + 10.0 * std));
        let width = (high - low).max(0.0) / f64::from(N);
        let improvement = |y: f64| {
            let z = (y - mean) / std;
            (lowest - y) * (-0.5 * z * z).exp() / (std * (2.0 * PI).sqrt())
        };
        let terms = (0..=N).map(|i| {
            let weight = match i {
                0 | N => 1.0,
                i if i % 2 == 1 => 4.0,
                _ => 2.0,
            };
            weight * improvement(low + f64::from(i) * width)
        });
        terms.sum::<f64>() * width / 3.0
    }

    #[test]
    fn formula_agrees_with_the_integral() {
        for (lowest, mean, std) in [
            (0.0, 0.0, 1.0),
            (1.0, 0.5, 0.2),
            (-1.0, 2.0, 1.5),
            (0.3, -4.0, 0.7),
            (0.0, 5.0, 1.0),
        ] {
            let (formula, integral) = (
                expected_improvement(lowest, mean, std),
                integrated(lowest, mean, std),
            );
            assert!(
                (formula - integral).abs() <= 1e-9 * integral,
                "{formula} against {integral} for {lowest}, {mean}, {std}"
            );
        }
    }

    #[test]
    fn noise_takes_away_what_a_repetition_would_not_teach() {
        let augmented = |std, noise| augmented_expected_improvement(1.0, 0.5, std, noise);
        assert_eq!(augmented(0.3, 0.0), expected_improvement(1.0, 0.5, 0.3));
        let two_fifths = 0.4 * expected_improvement(1.0, 0.5, 4.0);
        assert!((augmented(4.0, 3.0) - two_fifths).abs() < 1e-12);
        assert_eq!(augmented(0.0, 3.0), 0.0);
        assert_eq!(augmented(0.0, 0.0), 0.5);
    }

    #[test]
    fn without_doubt_it_is_the_plain_improvement() {
        assert_eq!(expected_improvement(1.0, 0.25, 0.0), 0.75);
        assert_eq!(expected_improvement(1.0, 2.0, 0.0), 0.0);
        assert!(expected_improvement(0.0, 30.0, 1.0) > 0.0);
        assert_eq!(expected_improvement(0.0, 1e9, 1.0), 0.0);
    }
}
