//! Exponential, logistic sigmoid and hyperbolic tangent of slices, vectorized
//! and bit-for-bit reproducible.
//!
//! The compiler vectorizes these functions, and every platform gives the same bits,
//! because they are computed from the `exp` and `exp − 1` of [`Exponential`], which use
//! additions, multiplications and divisions only.
//!
//! # Precision
//! Results are within 3 units in the last place (ULP) of the exact value. Results below
//! the smallest normal number are 0.

use crate::native::{Kernel, vectorize};
use crate::scalar::Scalar;

pub use crate::exponential::Exponential;

/// Computes `x ← exp x` for every element.
pub fn exp<S: Scalar>(values: &mut [S]) {
    vectorize(Map(values, S::exp_value));
}

/// Computes the logistic sigmoid `x ← σ(x) = 1 / (1 + exp(−x))` for every element.
pub fn sigmoid<S: Scalar>(values: &mut [S]) {
    vectorize(Map(values, sigmoid_value));
}

/// Computes `x ← tanh x` for every element.
pub fn tanh<S: Scalar>(values: &mut [S]) {
    vectorize(Map(values, tanh_value));
}

/// The logistic sigmoid `σ(x) = 1 / (1 + exp(−x))` of one value.
#[inline(always)]
pub fn sigmoid_value<S: Scalar>(x: S) -> S {
    flushed(S::one() / (S::one() + (-x).exp_value()))
}

/// Flushes a subnormal value to 0.
///
/// Arithmetic with subnormal numbers can be a hundred times slower. A value that decays by a
/// factor per step would become subnormal and never reach 0, since 0.9·1.4e-45 rounds to
/// 1.4e-45. Unlike the processor's flush-to-zero mode, this function gives the same bits on
/// every machine. NaN stays NaN.
///
/// ```
/// use nn_tensor::function::flushed;
///
/// assert_eq!([1e-39_f32, -1e-39, 1e-37].map(flushed), [0.0, 0.0, 1e-37]);
/// ```
#[inline(always)]
pub fn flushed<S: Scalar>(x: S) -> S {
    x.flushed()
}

/// Flushes every subnormal element to 0, like [`flushed`].
pub fn flush<S: Scalar>(values: &mut [S]) {
    vectorize(Map(values, S::flushed));
}

/// Updates exponential moving averages: `averages ← averages + rate·(values − averages)`.
///
/// An average is set to 0 if `rate·average` would be subnormal.
///
/// # Panics
/// Panics if the slices differ in length.
pub fn update_averages<S: Scalar>(averages: &mut [S], values: &[S], rate: S) {
    assert_eq!(averages.len(), values.len(), "slices differ in length");
    vectorize(UpdateAverages {
        averages,
        values,
        rate,
    });
}

struct UpdateAverages<'a, S> {
    averages: &'a mut [S],
    values: &'a [S],
    rate: S,
}

impl<S: Scalar> Kernel for UpdateAverages<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let least = S::min_positive_value() / self.rate;
        for (average, &value) in self.averages.iter_mut().zip(self.values) {
            let moved = *average + self.rate * (value - *average);
            *average = if moved.abs() < least {
                S::zero()
            } else {
                moved
            };
        }
    }
}

/// The hyperbolic tangent of one value: `tanh x = e / (e + 2)` with `e = exp(2x) − 1`.
#[inline(always)]
pub fn tanh_value<S: Scalar>(x: S) -> S {
    let two = S::from_f64(2.0);
    // Beyond 20, tanh is ±1 in double precision too, and exp must not overflow.
    let limit = S::from_f64(20.0);
    let clamped = if x > limit {
        limit
    } else if x < -limit {
        -limit
    } else {
        x
    };
    let e = (two * clamped).exp_m1_bounded();
    e / (e + two)
}

/// The error function `erf x = 2/√π ∫₀ˣ exp(−t²) dt` of one value.
pub fn erf<S: Scalar>(x: S) -> S {
    S::from_f64(libm::erf(x.into_f64()))
}

struct Map<'a, S, F>(&'a mut [S], F);

impl<S: Scalar, F: Fn(S) -> S> Kernel for Map<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for value in self.0 {
            *value = self.1(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Streams};

    /// Maximum error in units in the last place over random arguments.
    fn max_ulps<S: Scalar>(function: fn(&mut [S]), exact: fn(f64) -> f64, range: f64) -> f64 {
        let mut stream = Streams::new(2).stream(Purpose::Test, 0);
        let spread = |u: f64| range * u * u * u;
        let arguments: Vec<S> = (0..200_000)
            .map(|_| S::from_f64(spread(stream.uniform_in(-1.0, 1.0))))
            .collect();
        let mut values = arguments.clone();
        function(&mut values);
        arguments
            .iter()
            .zip(values)
            .map(|(x, value)| {
                let exact = exact(x.into_f64());
                let unit = S::epsilon().into_f64() * exact.abs();
                ((value.into_f64() - exact) / unit).abs()
            })
            .fold(0.0, f64::max)
    }

    #[test]
    fn single_precision_is_within_three_units() {
        let sigmoid_exact = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!(max_ulps::<f32>(exp, f64::exp, 87.0) < 3.0);
        assert!(max_ulps::<f32>(sigmoid, sigmoid_exact, 87.0) < 3.0);
        assert!(max_ulps::<f32>(tanh, f64::tanh, 30.0) < 3.0);
    }

    #[test]
    fn double_precision_is_within_three_units() {
        let sigmoid_exact = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert!(max_ulps::<f64>(exp, f64::exp, 700.0) < 3.0);
        assert!(max_ulps::<f64>(sigmoid, sigmoid_exact, 700.0) < 4.0);
        assert!(max_ulps::<f64>(tanh, f64::tanh, 30.0) < 4.0);
    }

    fn check_infinities<S: Scalar>() {
        let [infinity, nan, zero, one] = [S::infinity(), S::nan(), S::zero(), S::one()];
        let mut values = [-infinity, zero, infinity, nan];
        exp(&mut values);
        assert_eq!(values[..3], [zero, one, infinity]);
        assert!(values[3].is_nan());
        let mut values = [-infinity, zero, infinity, nan];
        sigmoid(&mut values);
        assert_eq!(values[..3], [zero, S::from_f64(0.5), one]);
        assert!(values[3].is_nan());
        let mut values = [-infinity, zero, infinity, nan];
        tanh(&mut values);
        assert_eq!(values[..3], [-one, zero, one]);
        assert!(values[3].is_nan());
    }

    #[test]
    fn infinities_and_nan() {
        check_infinities::<f32>();
        check_infinities::<f64>();
        assert!((88.7_f32.exp_value() - 88.7_f32.exp()).abs() < 1e-5 * 88.7_f32.exp());
        assert_eq!((-87.4_f32).exp_value(), 0.0);
    }

    fn check_small_results<S: Scalar>(lowest: f64) {
        let mut arguments: Vec<S> = (0..2000)
            .map(|step| S::from_f64(lowest * (0.95 + 0.05 * f64::from(step) / 1000.0)))
            .collect();
        sigmoid(&mut arguments);
        let is_normal = |x: &S| *x == S::zero() || *x >= S::min_positive_value();
        assert!(arguments.iter().all(is_normal));
        assert!(arguments.contains(&S::zero()) && arguments[0] > S::zero());
    }

    #[test]
    fn a_sigmoid_is_normal_or_0() {
        check_small_results::<f32>(-88.0);
        check_small_results::<f64>(-709.0);
    }

    #[test]
    fn moving_averages_reach_their_values_and_0() {
        let mut averages = [1.0_f32, 5.0, f32::NAN];
        update_averages(&mut averages, &[2.0, 1.0, 0.0], 0.25);
        assert_eq!(averages[..2], [1.25, 4.0]);
        assert!(averages[2].is_nan());
        let mut averages = [1e-30_f32];
        (0..100_000).for_each(|_| {
            update_averages(&mut averages, &[0.0], 0.001);
            assert!(!(0.001 * averages[0]).is_subnormal());
        });
        assert_eq!(averages, [0.0]);
    }

    #[test]
    fn error_function() {
        // Abramowitz & Stegun 1964, table 7.1.
        assert!((erf(0.5_f64) - 0.520_499_877_8).abs() < 1e-10);
        assert!((erf(-1.0_f64) + 0.842_700_792_9).abs() < 1e-10);
    }
}
