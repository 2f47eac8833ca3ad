//! The regularized incomplete beta function, from which the probabilities of Student's t and
//! of the binomial distribution follow.
//!
//! ```text
//! I_x(a, b) = 1/B(a, b) · ∫₀ˣ t^(a−1) (1 − t)^(b−1) dt
//! ```

/// The continued fraction has converged if a step changes it by less than this factor.
const TOLERANCE: f64 = 1e-16;

/// Maximum number of steps of the continued fraction; about √max(a, b) are needed.
const MAX_STEPS: usize = 100_000;

/// Replaces a denominator of 0 in Lentz's algorithm.
const TINY: f64 = 1e-300;

/// Computes I_x(a, b) for a, b > 0 and x from 0 to 1 by the continued fraction of the
/// [Digital Library of Mathematical Functions](https://dlmf.nist.gov/8.17#v), equation
/// 8.17.22. The fraction converges fast for x < (a + 1) / (a + b + 2); otherwise
/// I_x(a, b) = 1 − I_(1−x)(b, a).
pub(crate) fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    if x < (a + 1.0) / (a + b + 2.0) {
        lower_part(x, a, b)
    } else {
        1.0 - lower_part(1.0 - x, b, a)
    }
}

/// x^a (1 − x)^b / (a B(a, b)) times the continued fraction.
fn lower_part(x: f64, a: f64, b: f64) -> f64 {
    let ln_beta = ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b);
    let factor = (a * x.ln() + b * (-x).ln_1p() - ln_beta).exp() / a;
    factor * continued_fraction(x, a, b)
}

/// 1 / (1 + d₁ / (1 + d₂ / (1 + …))) by Lentz's algorithm, with
///
/// ```text
/// d_2m     = m (b − m) x / ((a + 2m − 1)(a + 2m))
/// d_(2m+1) = −(a + m)(a + b + m) x / ((a + 2m)(a + 2m + 1))
/// ```
fn continued_fraction(x: f64, a: f64, b: f64) -> f64 {
    let nonzero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut numerator, mut denominator) = (1.0, 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = denominator;
    for step in 1..MAX_STEPS {
        let m = step as f64;
        let place = a + 2.0 * m;
        let even = m * (b - m) * x / ((place - 1.0) * place);
        let odd = -(a + m) * (a + b + m) * x / (place * (place + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            denominator = 1.0 / nonzero(1.0 + term * denominator);
            numerator = nonzero(1.0 + term / numerator);
            change = numerator * denominator;
            fraction *= change;
        }
        if (change - 1.0).abs() < TOLERANCE {
            break;
        }
    }
    fraction
}

/// ln Γ(x) for x > 0 by Stirling's series
/// ([DLMF 5.11.1](https://dlmf.nist.gov/5.11#E1)), which is accurate to 1e-16 from x = 12;
/// smaller x are increased with Γ(x + 1) = x Γ(x).
fn ln_gamma(x: f64) -> f64 {
    const LARGE: f64 = 12.0;
    /// B_2k / (2k (2k − 1)) for k from 1.
    const SERIES: [f64; 7] = [
        1.0 / 12.0,
        -1.0 / 360.0,
        1.0 / 1260.0,
        -1.0 / 1680.0,
        1.0 / 1188.0,
        -691.0 / 360_360.0,
        1.0 / 156.0,
    ];
    let (mut large, mut product) = (x, 1.0);
    while large < LARGE {
        product *= large;
        large += 1.0;
    }
    let square = 1.0 / (large * large);
    let series = SERIES.iter().rev().fold(0.0, |sum, c| sum * square + c) / large;
    let half_ln_tau = 0.5 * std::f64::consts::TAU.ln();
    (large - 0.5) * large.ln() - large + half_ln_tau + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln Γ(n) = ln (n − 1)!, and Γ(1/2) = √π.
    #[test]
    fn gamma_is_the_factorial() {
        assert!(ln_gamma(1.0).abs() < 1e-14);
        assert!((ln_gamma(11.0) - 3_628_800_f64.ln()).abs() < 1e-13);
        assert!((ln_gamma(0.5) - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-14);
    }

    /// I_x(1, b) = 1 − (1 − x)^b, and I_x(a, 1) = x^a.
    #[test]
    fn closed_forms() {
        for x in [0.0_f64, 0.1, 0.5, 0.9, 1.0] {
            for n in [1, 3, 50] {
                let n_real = f64::from(n);
                let powers = [1.0 - (1.0 - x).powi(n), x.powi(n)];
                let found = [
                    incomplete_beta(x, 1.0, n_real),
                    incomplete_beta(x, n_real, 1.0),
                ];
                for (found, expected) in found.iter().zip(powers) {
                    assert!((found - expected).abs() < 1e-14, "{x}, {n}: {found}");
                }
            }
        }
    }
}
