//! Activation functions and their derivatives.
//!
//! | name | φ(z) | φ′(z) |
//! |---|---|---|
//! | `identity` | z | 1 |
//! | `relu` | max(0, z) | 1 if z > 0, else 0 |
//! | `leaky-relu:slope=0.01` | z if z > 0, else slope·z | 1 if z > 0, else slope |
//! | `sigmoid` | σ(z) = 1/(1 + e⁻ᶻ) | φ·(1 − φ) |
//! | `tanh` | tanh z | 1 − φ² |
//! | `softmax` | eᶻⁱ/Σₖeᶻᵏ over a row | φᵢ·(δᵢⱼ − φⱼ), output layer only |
//! | `swish` | z·σ(z) | σ(z)·(1 + z·(1 − σ(z))) |
//! | `elu:alpha=1` | z if z > 0, else α·(eᶻ − 1) | 1 if z > 0, else φ + α |
//! | `selu` | λ·z if z > 0, else λ·α·(eᶻ − 1) | λ if z > 0, else φ + λ·α |
//! | `gelu` | z·Φ(z) | Φ(z) + z·e^(−z²/2)/√(2π) |
//! | `mish` | z·t, t = tanh(ln(1 + eᶻ)) | t + z·σ(z)·(1 − t²) |
//! | `softplus` | ln(1 + eᶻ) | σ(z) |
//! | `hard-sigmoid` | min(1, max(0, z/6 + ½)) | 1/6 if \|z\| < 3, else 0 |
//! | `hard-tanh` | min(1, max(−1, z)) | 1 if \|z\| < 1, else 0 |
//!
//! Sources: newbies, section 5.1 (relu to swish); Clevert et al. 2016 (elu); Klambauer et al. 2017,
//! equation 2 and appendix A1 (selu, with λ ≈ 1.0507 and α ≈ 1.6733); Hendrycks & Gimpel 2016
//! (gelu, exact form); Misra 2019 (mish); Dugas et al. 2001 (softplus); Courbariaux et al. 2015
//! (hard-sigmoid and hard-tanh, here with PyTorch's slope of 1/6). At a kink, the derivative
//! follows PyTorch: it is the left derivative, except that it is 0 at both kinks of `hard-sigmoid`
//! and `hard-tanh`. φ(NaN) and φ′(NaN) are NaN, except that φ′ of `identity` is always 1.

use nn_tensor::function::{self, sigmoid_value};
use nn_tensor::softmax::softmax_rows;
use nn_tensor::{Kernel, Scalar, vectorize};

use crate::menu::{Menu, Parameter, Range, menu_text};

/// The activation function of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// Identity: φ(z) = z.
    Identity,
    /// Rectified linear unit (ReLU): φ(z) = max(0, z).
    Relu,
    /// Leaky ReLU: φ(z) = max(slope·z, z).
    LeakyRelu {
        /// Derivative for negative z.
        slope: f64,
    },
    /// Logistic sigmoid: φ(z) = 1/(1 + e⁻ᶻ).
    Sigmoid,
    /// Hyperbolic tangent: φ(z) = tanh z.
    Tanh,
    /// Softmax, for the output layer only: φ(z)ᵢ = eᶻⁱ/Σₖeᶻᵏ.
    Softmax,
    /// Swish, also called SiLU: φ(z) = z·σ(z).
    Swish,
    /// Exponential linear unit (ELU): φ(z) = z if z > 0, else α·(eᶻ − 1).
    Elu {
        /// α: φ(z) approaches −α as z → −∞.
        alpha: f64,
    },
    /// Scaled exponential linear unit (SELU): φ(z) = λ·z if z > 0, else λ·α·(eᶻ − 1).
    ///
    /// Outputs tend to mean 0 and variance 1 if the weights have variance 1/n_in
    /// (`Init::Lecun`).
    Selu,
    /// Gaussian error linear unit (GELU): φ(z) = z·Φ(z), where Φ is the normal
    /// distribution function.
    Gelu,
    /// Mish: φ(z) = z·tanh(ln(1 + eᶻ)).
    Mish,
    /// Softplus: φ(z) = ln(1 + eᶻ).
    Softplus,
    /// Hard sigmoid: φ(z) = min(1, max(0, z/6 + ½)).
    HardSigmoid,
    /// Hard tanh: φ(z) = min(1, max(−1, z)).
    HardTanh,
}

impl Menu for Activation {
    const KIND: &'static str = "activation";

    const ALL: &'static [Self] = &[
        Self::Identity,
        Self::Relu,
        Self::LeakyRelu { slope: 0.01 },
        Self::Sigmoid,
        Self::Tanh,
        Self::Softmax,
        Self::Swish,
        Self::Elu { alpha: 1.0 },
        Self::Selu,
        Self::Gelu,
        Self::Mish,
        Self::Softplus,
        Self::HardSigmoid,
        Self::HardTanh,
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky-relu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softmax => "softmax",
            Self::Swish => "swish",
            Self::Elu { .. } => "elu",
            Self::Selu => "selu",
            Self::Gelu => "gelu",
            Self::Mish => "mish",
            Self::Softplus => "softplus",
            Self::HardSigmoid => "hard-sigmoid",
            Self::HardTanh => "hard-tanh",
        }
    }

    fn formula(&self) -> &'static str {
        let [value, _] = self.formulas();
        value
    }

    fn source(&self) -> &'static str {
        match self {
            Self::Identity | Self::Sigmoid | Self::Tanh | Self::Softmax => "",
            Self::Relu | Self::LeakyRelu { .. } | Self::Swish => "newbies, section 5.1",
            Self::Elu { .. } => "Clevert et al. 2016",
            Self::Selu => "Klambauer et al. 2017, equation 2",
            Self::Gelu => "Hendrycks & Gimpel 2016",
            Self::Mish => "Misra 2019",
            Self::Softplus => "Dugas et al. 2001",
            Self::HardSigmoid | Self::HardTanh => "Courbariaux et al. 2015",
        }
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["linear", "none"],
            Self::Sigmoid => &["logistic"],
            Self::Swish => &["silu"],
            _ => &[],
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::LeakyRelu { slope } => vec![Parameter::new("slope", slope, Range::Positive)],
            Self::Elu { alpha } => vec![Parameter::new("alpha", alpha, Range::Positive)],
            _ => Vec::new(),
        }
    }
}

menu_text!(Activation);

impl Activation {
    /// Applies the activation function, `z ← φ(z)`, in place.
    ///
    /// # Shapes
    /// `values [batch, width]` in row-major order; only softmax uses `width`.
    ///
    /// # Panics
    /// Panics for softmax if `width` does not divide the number of values.
    pub fn apply<S: Scalar>(self, values: &mut [S], width: usize) {
        match self {
            Self::Identity => {}
            Self::Softmax => softmax_rows(values, width),
            Self::Sigmoid => function::sigmoid(values),
            Self::Tanh => function::tanh(values),
            _ => vectorize(Apply {
                activation: self,
                values,
            }),
        }
    }

    /// Multiplies δ by the derivative, `δ ← δ ⊙ φ′(z)`, in place.
    ///
    /// Backpropagates the error of a layer from its outputs to its weighted sums (newbies
    /// 4.5; Schoofs equation 13).
    ///
    /// # Shapes
    /// `z`, `a = φ(z)` and `delta` are `[batch, width]`. If
    /// [`needs_pre_activations`](Self::needs_pre_activations) is false, `z` is not read
    /// and `a` may be passed instead.
    ///
    /// # Panics
    /// Panics if the slices differ in length.
    pub fn backward<S: Scalar>(self, z: &[S], a: &[S], delta: &mut [S], width: usize) {
        assert!(
            z.len() == delta.len() && a.len() == delta.len(),
            "slices differ in length"
        );
        match self {
            Self::Identity => {}
            Self::Softmax => softmax_backward(a, delta, width),
            _ => vectorize(Backward {
                activation: self,
                z,
                a,
                delta,
            }),
        }
    }

    /// The formulas of φ(z) and φ′(z) as text.
    pub fn formulas(self) -> [&'static str; 2] {
        match self {
            Self::Identity => ["z", "1"],
            Self::Relu => ["max(0, z)", "1 if z > 0, else 0"],
            Self::LeakyRelu { .. } => ["z if z > 0, else slope·z", "1 if z > 0, else slope"],
            Self::Sigmoid => ["1/(1 + e⁻ᶻ)", "a·(1 − a)"],
            Self::Tanh => ["tanh z", "1 − a²"],
            Self::Softmax => ["eᶻ/Σeᶻ", "aᵢ·(δᵢⱼ − aⱼ)"],
            Self::Swish => ["z·σ(z)", "σ(z)·(1 + z·(1 − σ(z)))"],
            Self::Elu { .. } => ["z if z > 0, else α·(eᶻ − 1)", "1 if z > 0, else a + α"],
            Self::Selu => [
                "λ·z if z > 0, else λ·α·(eᶻ − 1)",
                "λ if z > 0, else a + λ·α",
            ],
            Self::Gelu => ["z·Φ(z)", "Φ(z) + z·e^(−z²/2)/√(2π)"],
            Self::Mish => ["z·t, t = tanh(ln(1 + eᶻ))", "t + z·σ(z)·(1 − t²)"],
            Self::Softplus => ["ln(1 + eᶻ)", "σ(z)"],
            Self::HardSigmoid => ["min(1, max(0, z/6 + ½))", "1/6 if |z| < 3, else 0"],
            Self::HardTanh => ["min(1, max(−1, z))", "1 if |z| < 1, else 0"],
        }
    }

    /// Returns `true` if the derivative is computed from z rather than from φ(z).
    pub fn needs_pre_activations(self) -> bool {
        matches!(self, Self::Swish | Self::Gelu | Self::Mish | Self::Softplus)
    }

    /// Returns `true` if He initialization suits the function better than Xavier initialization.
    pub fn is_rectifier(self) -> bool {
        matches!(
            self,
            Self::Relu
                | Self::LeakyRelu { .. }
                | Self::Swish
                | Self::Elu { .. }
                | Self::Gelu
                | Self::Mish
                | Self::Softplus
        )
    }
}

struct Apply<'a, S> {
    activation: Activation,
    values: &'a mut [S],
}

impl<S: Scalar> Kernel for Apply<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [zero, half, one] = [S::zero(), S::from_f64(0.5), S::one()];
        let each = self.values;
        match self.activation {
            // With the operands in this order, NaN stays NaN.
            Activation::Relu => map(each, |z| if zero > z { zero } else { z }),
            Activation::LeakyRelu { slope } => {
                let slope = S::from_f64(slope);
                map(each, |z| if z > zero { z } else { slope * z });
            }
            Activation::Swish => map(each, |z| z * sigmoid_value(z)),
            Activation::Elu { alpha } => {
                let alpha = S::from_f64(alpha);
                map(each, |z| {
                    if z > zero {
                        z
                    } else {
                        alpha * z.exp_m1_value()
                    }
                });
            }
            Activation::Selu => {
                let [lambda, lambda_alpha] = selu_factors::<S>();
                map(each, |z| {
                    if z > zero {
                        lambda * z
                    } else {
                        lambda_alpha * z.exp_m1_value()
                    }
                });
            }
            Activation::Gelu => map(each, |z| z * normal_cdf(z)),
            Activation::Mish => map(each, mish),
            // ln(1 + eᶻ) = max(z, 0) + ln(1 + e^−|z|), which cannot overflow.
            Activation::Softplus => map(each, |z| {
                (if z > zero { z } else { zero }) + (-z.abs()).exp_value().ln_1p()
            }),
            Activation::HardSigmoid => {
                let sixth = S::from_f64(1.0 / 6.0);
                map(each, |z| clamp(z * sixth + half, zero, one));
            }
            Activation::HardTanh => map(each, |z| clamp(z, -one, one)),
            Activation::Identity | Activation::Sigmoid | Activation::Tanh | Activation::Softmax => {
                unreachable!("computed elsewhere")
            }
        }
    }
}

struct Backward<'a, S> {
    activation: Activation,
    z: &'a [S],
    a: &'a [S],
    delta: &'a mut [S],
}

impl<S: Scalar> Kernel for Backward<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [zero, one] = [S::zero(), S::one()];
        let Self {
            activation,
            z,
            a,
            delta,
        } = self;
        match activation {
            // If a is not above 0, it is 0 or NaN.
            Activation::Relu => scale(delta, a, |a| if a > zero { one } else { a }),
            Activation::LeakyRelu { slope } => {
                let slope = S::from_f64(slope);
                scale(delta, a, |a| nan_or(a, if a > zero { one } else { slope }));
            }
            Activation::Sigmoid => scale(delta, a, |a| a * (one - a)),
            Activation::Tanh => scale(delta, a, |a| one - a * a),
            Activation::Swish => scale(delta, z, |z| {
                let sigmoid = sigmoid_value(z);
                sigmoid * (one + z * (one - sigmoid))
            }),
            Activation::Elu { alpha } => {
                let alpha = S::from_f64(alpha);
                scale(delta, a, |a| if a > zero { one } else { a + alpha });
            }
            Activation::Selu => {
                let [lambda, lambda_alpha] = selu_factors::<S>();
                scale(
                    delta,
                    a,
                    |a| if a > zero { lambda } else { a + lambda_alpha },
                );
            }
            Activation::Mish => scale(delta, z, mish_derivative),
            Activation::Gelu => scale(delta, z, |z| normal_cdf(z) + z * normal_density(z)),
            Activation::Softplus => scale(delta, z, sigmoid_value),
            Activation::HardSigmoid => {
                let sixth = S::from_f64(1.0 / 6.0);
                scale(delta, a, |a| {
                    nan_or(a, if a > zero && a < one { sixth } else { zero })
                });
            }
            Activation::HardTanh => scale(delta, a, |a| {
                nan_or(a, if a.abs() < one { one } else { zero })
            }),
            Activation::Identity | Activation::Softmax => unreachable!("computed elsewhere"),
        }
    }
}

/// `δᵢ ← Σⱼ δⱼ·∂φⱼ/∂zᵢ = φᵢ·(δᵢ − Σⱼ δⱼφⱼ)` for every row.
fn softmax_backward<S: Scalar>(a: &[S], delta: &mut [S], width: usize) {
    for (a, delta) in a.chunks_exact(width).zip(delta.chunks_exact_mut(width)) {
        let mean = a
            .iter()
            .zip(&*delta)
            .fold(S::zero(), |sum, (&a, &d)| sum + a * d);
        for (&a, delta) in a.iter().zip(delta) {
            *delta = (a * (*delta - mean)).flushed_root();
        }
    }
}

#[inline(always)]
fn map<S: Scalar>(values: &mut [S], function: impl Fn(S) -> S) {
    for value in values {
        *value = function(*value);
    }
}

/// Multiplies δ by a derivative. A result becomes 0 if its square would be subnormal: with
/// saturated neurons, δ and its products with the inputs would be subnormal, and arithmetic
/// with subnormal numbers is many times slower.
#[inline(always)]
fn scale<S: Scalar>(delta: &mut [S], of: &[S], derivative: impl Fn(S) -> S) {
    for (delta, &x) in delta.iter_mut().zip(of) {
        *delta = (*delta * derivative(x)).flushed_root();
    }
}

/// `value`, or NaN if `x` is NaN.
#[inline(always)]
fn nan_or<S: Scalar>(x: S, value: S) -> S {
    if x.is_nan() { x } else { value }
}

#[inline(always)]
fn clamp<S: Scalar>(x: S, low: S, high: S) -> S {
    if x > high {
        high
    } else if x < low {
        low
    } else {
        x
    }
}

/// λ and λ·α, for which mean 0 and variance 1 are a fixed point.
fn selu_factors<S: Scalar>() -> [S; 2] {
    const LAMBDA: f64 = 1.050_700_987_355_480_5;
    const ALPHA: f64 = 1.673_263_242_354_377_3;
    [S::from_f64(LAMBDA), S::from_f64(LAMBDA * ALPHA)]
}

/// The z above which tanh(ln(1 + eᶻ)) is 1 even in double precision.
const MISH_LINEAR: f64 = 20.0;

/// `z·tanh(ln(1 + eᶻ)) = z·n/(n + 2)` with `n = e·(e + 2)` and `e = eᶻ`
#[inline(always)]
fn mish<S: Scalar>(z: S) -> S {
    let [limit, two] = [S::from_f64(MISH_LINEAR), S::from_f64(2.0)];
    let e = (if z > limit { limit } else { z }).exp_value();
    let n = e * (e + two);
    z * (n / (n + two))
}

/// `t + z·σ(z)·(1 − t²) = n/(n + 2) + 4z·e·(e + 1)/(n + 2)²`, as in [`mish`]
#[inline(always)]
fn mish_derivative<S: Scalar>(z: S) -> S {
    let [limit, one, two] = [S::from_f64(MISH_LINEAR), S::one(), S::from_f64(2.0)];
    let z = if z > limit { limit } else { z };
    let e = z.exp_value();
    let n = e * (e + two);
    let inverse = one / (n + two);
    n * inverse + (two + two) * z * (e * inverse) * ((e + one) * inverse)
}

/// `Φ(z) = ½·(1 + erf(z/√2))`
fn normal_cdf<S: Scalar>(z: S) -> S {
    let erf = function::erf(z * S::from_f64(std::f64::consts::FRAC_1_SQRT_2));
    S::from_f64(0.5) * (S::one() + erf)
}

/// `e^(−z²/2)/√(2π)`
#[inline(always)]
fn normal_density<S: Scalar>(z: S) -> S {
    const INVERSE_SQRT_TWO_PI: f64 = 0.398_942_280_401_432_7;
    S::from_f64(INVERSE_SQRT_TWO_PI) * (S::from_f64(-0.5) * z * z).exp_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menu() {
        crate::menu::tests::check::<Activation>();
    }

    /// Values of z without a kink.
    #[test]
    fn backward_agrees_with_difference_quotients() {
        let z = [-4.1, -2.2, -0.7, -0.2, 0.3, 0.8, 1.9, 3.7];
        for &activation in Activation::ALL {
            let value = |shift: f64, at: usize| {
                let mut values = z;
                values[at] += shift;
                activation.apply(&mut values, 4);
                values
            };
            let a = value(0.0, 0);
            for at in 0..z.len() {
                let (above, below) = (value(1e-6, at), value(-1e-6, at));
                let weights = [0.5, -1.0, 2.0, 0.3, 1.0, 1.5, -0.4, 0.9];
                let expected: f64 = (0..z.len())
                    .map(|j| weights[j] * (above[j] - below[j]) / 2e-6)
                    .sum();
                let mut delta = weights;
                activation.backward(&z, &a, &mut delta, 4);
                assert!(
                    (delta[at] - expected).abs() < 1e-8,
                    "{activation} at {}",
                    z[at]
                );
            }
        }
    }

    #[test]
    fn backward_ignores_z_unless_it_needs_pre_activations() {
        for &activation in Activation::ALL {
            if activation.needs_pre_activations() {
                continue;
            }
            let z = [-1.5_f64, -0.4, 0.6, 2.0];
            let mut a = z;
            activation.apply(&mut a, 4);
            let (mut with_z, mut without) = ([1.0; 4], [1.0; 4]);
            activation.backward(&z, &a, &mut with_z, 4);
            activation.backward(&a, &a, &mut without, 4);
            assert_eq!(with_z, without, "{activation}");
        }
    }

    /// Covers every lane of a vector register and the remainder.
    #[test]
    fn nan_stays_nan() {
        fn check<S: Scalar>(activation: Activation, width: usize, place: usize) {
            let mut z = vec![S::from_f64(0.25); 2 * width];
            z[place] = S::nan();
            let mut a = z.clone();
            activation.apply(&mut a, width);
            let mut delta = vec![S::one(); 2 * width];
            activation.backward(&z, &a, &mut delta, width);
            let is_row = activation == Activation::Softmax;
            for index in 0..2 * width {
                let expected = index == place || is_row && index / width == place / width;
                let what = format!("{activation} at {index} of {z:?}");
                assert_eq!(a[index].is_nan(), expected, "value of {what}");
                let expected = expected && activation != Activation::Identity;
                assert_eq!(delta[index].is_nan(), expected, "derivative of {what}");
            }
        }
        for &activation in Activation::ALL {
            for place in 0..74 {
                check::<f32>(activation, 37, place);
                check::<f64>(activation, 37, place);
            }
        }
    }

    #[test]
    fn errors_are_zero_or_have_a_normal_square() {
        for &activation in Activation::ALL
            .iter()
            .filter(|it| **it != Activation::Identity)
        {
            let z = [-3.0_f32, -0.3, 0.4, 2.0];
            let mut a = z;
            activation.apply(&mut a, 4);
            for tiny in [1.2e-38_f32, 1e-30, 1.2e-19, 1e-18] {
                let mut delta = [tiny, -tiny, tiny, -tiny];
                activation.backward(&z, &a, &mut delta, 4);
                assert!(
                    delta.iter().all(|&d| d == 0.0 || (d * d).is_normal()),
                    "{activation}: {delta:?}"
                );
            }
        }
    }

    #[test]
    fn outputs_of_extreme_sums_are_finite() {
        for &activation in Activation::ALL {
            let mut values = [-1000.0_f32, -50.0, 50.0, 1000.0];
            activation.apply(&mut values, 4);
            assert!(
                values.iter().all(|value| value.is_finite()),
                "{activation}: {values:?}"
            );
        }
    }
}
