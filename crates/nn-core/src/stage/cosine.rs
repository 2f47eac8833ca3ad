//! Cosine and sine with the same bits on every platform.
//!
//! The functions of the C library are scalar and may round differently on each platform.
//! These use additions and multiplications only, so the compiler vectorizes them:
//!
//! ```text
//! r = t − round t,  |r| ≤ ½,  s = sin πr,  c = cos πr    (Taylor series)
//! cos 2πt = 1 − 2s²           sin 2πt = 2sc
//! ```
//!
//! # Precision
//! The absolute error is below 1e-13 in double precision, not counting the rounding of t.

use std::f64::consts::PI;

use nn_tensor::Scalar;

/// Coefficients of the series of sin y / y and of cos y in y².
const SINE: [f64; 10] = series(1);
const COSINE: [f64; 11] = series(0);

/// (−1)ⁿ/(2n + first)! for n = 0, 1, 2, ...
const fn series<const N: usize>(first: usize) -> [f64; N] {
    let mut terms = [1.0; N];
    let mut n = 1;
    while n < N {
        let k = 2 * n + first;
        terms[n] = -terms[n - 1] / ((k - 1) * k) as f64;
        n += 1;
    }
    terms
}

/// `cos 2πt` and `sin 2πt`; NaN if `t` is NaN or infinite.
#[inline(always)]
pub(super) fn cos_sin_of_turns<S: Scalar>(t: S) -> (S, S) {
    // Adding 1.5·2^m, where m is the number of mantissa bits, rounds to a whole number.
    let rounding = S::from_f64(1.5) / S::epsilon();
    let r = t - ((t + rounding) - rounding);
    let y = r * S::from_f64(PI);
    let square = y * y;
    let sine = y * horner(&SINE, square);
    let cosine = horner(&COSINE, square);
    let two = S::from_f64(2.0);
    (S::one() - two * sine * sine, two * sine * cosine)
}

/// The polynomial with these coefficients, lowest first.
#[inline(always)]
fn horner<S: Scalar, const N: usize>(coefficients: &[f64; N], x: S) -> S {
    let mut sum = S::from_f64(coefficients[N - 1]);
    for &coefficient in coefficients[..N - 1].iter().rev() {
        sum = sum * x + S::from_f64(coefficient);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_standard_library() {
        for step in -4000..4000 {
            let t = f64::from(step) * 0.00137;
            let (cosine, sine) = cos_sin_of_turns(t);
            let expected = ((2.0 * PI * t).cos(), (2.0 * PI * t).sin());
            assert!((cosine - expected.0).abs() < 1e-13, "{t}: {cosine}");
            assert!((sine - expected.1).abs() < 1e-13, "{t}: {sine}");
            let t = t as f32;
            let (single, _) = cos_sin_of_turns(t);
            let expected = (2.0 * PI * f64::from(t)).cos();
            assert!((f64::from(single) - expected).abs() < 1e-6, "{t}: {single}");
        }
        assert!(cos_sin_of_turns(f64::NAN).0.is_nan());
        assert!(cos_sin_of_turns(f64::INFINITY).0.is_nan());
    }
}
