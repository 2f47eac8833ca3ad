//! L1 and L2 regularization of the weights.
//!
//! ```text
//! P(w)     = λ₁ Σ|w| + ½·λ₂ Σ w²
//! ∂P/∂w    = λ₁ sign(w) + λ₂ w
//! ```
//!
//! The regularization term P applies to weights, not to biases; reported losses do not
//! include it. Sources: newbies, section 5.2.10; Zou & Hastie 2005 for L1 and L2 together
//! (elastic net).
//!
//! |w| has a kink at 0, around which gradient steps would oscillate. Two rules of
//! OWL-QN (Andrew & Gao 2007, section 3.1) make weights exactly 0 and keep them
//! there. With g, the gradient of the loss,
//!
//! ```text
//! ∂P/∂w at 0 is −clamp(g, ±λ₁)         w leaves 0 only if |g| > λ₁
//! a step ends at 0 if it would cross 0, or leave 0 in a direction other than
//! −(g + ∂P/∂w)
//! ```
//!
//! With plain gradient descent, the two rules are nearly equivalent to soft thresholding by η·λ₁,
//! as in ISTA. With a different optimizer, soft thresholding after each step would change the
//! effective λ₁: to (1 − γ)·λ₁ with momentum, and with Adam to a value that depends on the size of
//! g. The two rules leave the step size to the optimizer, and every optimizer converges to a
//! minimum of the loss plus P.

use nn_error::Result;
use nn_tensor::{Kernel, Scalar, vectorize};

use crate::loss::clamp;

use crate::menu::Range;

/// L1 and L2 regularization of the weights.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `l1` | 0 | λ₁; weights become exactly 0 where the gradient of the loss is at most λ₁ in magnitude | 0 or above |
/// | `l2` | 0 | λ₂; keeps weights small | 0 or above |
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Regularization {
    /// λ₁, the strength of L1 regularization.
    pub l1: f64,
    /// λ₂, the strength of L2 regularization.
    pub l2: f64,
}

impl Regularization {
    /// Checks that λ₁ and λ₂ are in range.
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`](nn_error::Error::OutOfRange) if λ₁ or λ₂ is out of range.
    pub fn check(self) -> Result<()> {
        Range::NotNegative.check("l1", self.l1)?;
        Range::NotNegative.check("l2", self.l2)?;
        Ok(())
    }

    /// Computes the regularization term P(w).
    pub fn value<S: Scalar>(self, weights: &[S]) -> f64 {
        weights
            .iter()
            .map(|w| w.into_f64())
            .map(|w| self.l1 * w.abs() + 0.5 * self.l2 * w * w)
            .sum()
    }

    /// Adds ∂P/∂w to the gradient of the loss, `gradient ← gradient + ∂P/∂w`.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub fn add_gradient<S: Scalar>(self, weights: &[S], gradient: &mut [S]) {
        assert_eq!(weights.len(), gradient.len(), "one gradient per weight");
        if self != Self::default() {
            vectorize(AddGradient {
                l1: S::from_f64(self.l1),
                l2: S::from_f64(self.l2),
                weights,
                gradient,
            });
        }
    }

    /// Sets weights to 0 if a step with L1 regularization has moved them across 0.
    ///
    /// # Shapes
    /// `before [n]` are the weights before the step, `weights [n]` the weights
    /// after it, and `gradient [n]` is the result of
    /// [`add_gradient`](Self::add_gradient).
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub fn stop_at_zero<S: Scalar>(self, before: &[S], gradient: &[S], weights: &mut [S]) {
        assert!(
            before.len() == weights.len() && gradient.len() == weights.len(),
            "slices differ in length"
        );
        if self.l1 > 0.0 {
            vectorize(StopAtZero {
                before,
                gradient,
                weights,
            });
        }
    }
}

struct StopAtZero<'a, S> {
    before: &'a [S],
    gradient: &'a [S],
    weights: &'a mut [S],
}

impl<S: Scalar> Kernel for StopAtZero<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let zero = S::zero();
        let from = self.before.iter().zip(self.gradient);
        for (w, (&before, &gradient)) in self.weights.iter_mut().zip(from) {
            // The side of 0 on which the weight may be.
            let side = if before == zero { -gradient } else { before };
            let is_across = (side > zero && *w < zero) || (side < zero && *w > zero);
            *w = if is_across || side == zero { zero } else { *w };
        }
    }
}

struct AddGradient<'a, S> {
    l1: S,
    l2: S,
    weights: &'a [S],
    gradient: &'a mut [S],
}

impl<S: Scalar> Kernel for AddGradient<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (gradient, &w) in self.gradient.iter_mut().zip(self.weights) {
            let l1 = if w > S::zero() {
                self.l1
            } else if w < S::zero() {
                -self.l1
            } else {
                -clamp(*gradient, self.l1)
            };
            *gradient += l1 + self.l2 * w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_agrees_with_difference_quotients() {
        let regularization = Regularization { l1: 0.3, l2: 0.7 };
        let weights = [-2.0_f64, -0.1, 0.4, 3.0];
        let mut gradient = [1.0; 4];
        regularization.add_gradient(&weights, &mut gradient);
        for i in 0..weights.len() {
            let shifted = |by: f64| {
                let mut weights = weights;
                weights[i] += by;
                regularization.value(&weights)
            };
            let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
            assert!((gradient[i] - 1.0 - numeric).abs() < 1e-8);
        }
    }

    #[test]
    fn a_weight_of_0_without_gradient_stays_0() {
        let mut gradient = [0.0_f32];
        Regularization { l1: 1.0, l2: 1.0 }.add_gradient(&[0.0], &mut gradient);
        assert_eq!(gradient, [0.0]);
    }

    #[test]
    fn a_weight_of_0_moves_only_if_its_gradient_exceeds_l1() {
        let mut gradient = [0.4_f64, -0.5, 0.75, -2.0, f64::NAN];
        Regularization { l1: 0.5, l2: 1.0 }.add_gradient(&[0.0; 5], &mut gradient);
        assert_eq!(gradient[..4], [0.0, 0.0, 0.25, -1.5]);
        assert!(gradient[4].is_nan());
    }

    #[test]
    fn a_weight_stops_at_0() {
        let (before, gradient) = (
            [1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0],
            [3.0, 3.0, -3.0, 0.0, 1.0, 1.0, -1.0],
        );
        let mut weights = [0.5_f32, -0.5, 0.5, 0.1, -0.2, 0.2, 0.3];
        Regularization { l1: 0.1, l2: 0.0 }.stop_at_zero(&before, &gradient, &mut weights);
        assert_eq!(weights, [0.5, 0.0, 0.0, 0.0, -0.2, 0.0, 0.3]);
        let mut weights = [-0.5_f32, f32::NAN];
        Regularization::default().stop_at_zero(&[1.0; 2], &[1.0; 2], &mut weights);
        assert_eq!(weights[0], -0.5);
        Regularization { l1: 0.1, l2: 0.0 }.stop_at_zero(&[1.0; 2], &[1.0; 2], &mut weights);
        assert!(weights[0] == 0.0 && weights[1].is_nan());
    }

    #[test]
    fn negative_factors_are_refused() {
        let error = Regularization { l1: 0.0, l2: -1.0 }.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "l2: expected a number of 0 or above, found -1"
        );
    }
}
