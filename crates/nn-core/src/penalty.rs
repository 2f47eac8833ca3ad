//! Penalties on large weights.
//!
//! ```text
//! P(w)     = λ₁ Σ|w| + ½·λ₂ Σ w²
//! ∂P/∂w    = λ₁ sign(w) + λ₂ w
//! ```
//!
//! (newbies, section 5.2.10; both at once: the elastic net of Zou & Hastie
//! 2005.) Only weights are punished, not biases. The losses that training
//! reports are without the penalty.

use nn_tensor::{Kernel, Scalar, vectorize};

use crate::Result;
use crate::menu::Range;

/// How much large weights cost.
///
/// | Name | Default | Purpose | Range |
/// |---|---|---|---|
/// | `l1` | 0 | λ₁, drives weights to exactly 0 | 0 or above |
/// | `l2` | 0 | λ₂, keeps weights small | 0 or above |
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Penalty {
    /// λ₁
    pub l1: f64,
    /// λ₂
    pub l2: f64,
}

impl Penalty {
    /// Whether both factors can be used.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange).
    pub fn check(self) -> Result<()> {
        Range::NotNegative.check("l1", self.l1)?;
        Range::NotNegative.check("l2", self.l2)?;
        Ok(())
    }

    /// P(w)
    pub fn value<S: Scalar>(self, weights: &[S]) -> f64 {
        weights
            .iter()
            .map(|w| w.into_f64())
            .map(|w| self.l1 * w.abs() + 0.5 * self.l2 * w * w)
            .sum()
    }

    /// `gradient ← gradient + ∂P/∂w`
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn add_gradient<S: Scalar>(self, weights: &[S], gradient: &mut [S]) {
        assert_eq!(weights.len(), gradient.len(), "one gradient a weight");
        if self != Self::default() {
            vectorize(AddGradient {
                l1: S::from_f64(self.l1),
                l2: S::from_f64(self.l2),
                weights,
                gradient,
            });
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
            let sign = if w > S::zero() {
                S::one()
            } else if w < S::zero() {
                -S::one()
            } else {
                S::zero()
            };
            *gradient += self.l1 * sign + self.l2 * w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradient_is_the_derivative() {
        let penalty = Penalty { l1: 0.3, l2: 0.7 };
        let weights = [-2.0_f64, -0.1, 0.4, 3.0];
        let mut gradient = [1.0; 4];
        penalty.add_gradient(&weights, &mut gradient);
        for i in 0..weights.len() {
            let shifted = |by: f64| {
                let mut weights = weights;
                weights[i] += by;
                penalty.value(&weights)
            };
            let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
            assert!((gradient[i] - 1.0 - numeric).abs() < 1e-8);
        }
    }

    #[test]
    fn zero_weights_are_left_alone() {
        let mut gradient = [0.0_f32];
        Penalty { l1: 1.0, l2: 1.0 }.add_gradient(&[0.0], &mut gradient);
        assert_eq!(gradient, [0.0]);
    }

    #[test]
    fn negative_factors_are_refused() {
        let error = Penalty { l1: 0.0, l2: -1.0 }.check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "l2: expected a number not below 0, found -1"
        );
    }
}
