//! Loss functions and their derivatives.
//!
//! With outputs a = φ(z), targets y and K outputs per row, the loss C of a row
//! and its derivative with respect to the weighted sums z of the output layer are
//!
//! | name | C | output layer | δ = ∂C/∂z |
//! |---|---|---|---|
//! | `cross-entropy` | −Σ yᵢ ln aᵢ | softmax | a·Σy − y |
//! | `binary-cross-entropy` | −Σ [yᵢ ln aᵢ + (1 − yᵢ) ln(1 − aᵢ)] | sigmoid | a − y |
//! | `kl` | Σ yᵢ ln(yᵢ/aᵢ) | softmax | a·Σy − y |
//! | `mse` | (1/K) Σ (aᵢ − yᵢ)² | any | (2/K)(a − y) ⊙ φ′(z) |
//! | `sum-of-squares` | Σ (aᵢ − yᵢ)² | any | 2(a − y) ⊙ φ′(z) |
//! | `quadratic` | ½ Σ (aᵢ − yᵢ)² | any | (a − y) ⊙ φ′(z) |
//! | `mae` | (1/K) Σ \|aᵢ − yᵢ\| | any | (1/K) sign(a − y) ⊙ φ′(z) |
//! | `huber:delta=1` | (1/K) Σ h(aᵢ − yᵢ) | any | (1/K) clamp(a − y, ±delta) ⊙ φ′(z) |
//! | `hinge` | max(0, 1 + maxⱼ≠c zⱼ − z_c); one output: max(0, 1 − t·z), t = ±1 | identity | ±1 at the two margins |
//!
//! with h(e) = ½e² for |e| ≤ delta, and h(e) = delta·(|e| − ½·delta) for larger |e|.
//!
//! The two cross-entropies and `kl` are computed from z, so they stay exact where a
//! rounds to 0 or 1: −ln softmax(z)ᵢ = ln Σₖ exp zₖ − zᵢ, and −ln σ(z) = max(0, −z) +
//! ln(1 + e^−|z|). With these losses, learning does not slow down when output neurons
//! saturate, because δ does not contain φ′ (Schoofs, section 3.2).
//!
//! Sources: newbies, section 5.2 (`mse`, both cross-entropies, `hinge`, `kl`);
//! how-they-work (`sum-of-squares`); Nielsen 2015, equation 6 (`quadratic`,
//! Schoofs' cost); Huber 1964; Crammer & Singer 2001 (several outputs of
//! `hinge`). Logarithmic losses are in nats.

use nn_error::{Error, Result};
use nn_tensor::reduce::argmax;
use nn_tensor::softmax::log_sum_exp;
use nn_tensor::{Kernel, Scalar, vectorize};

use crate::activation::Activation;
use crate::menu::{Menu, Parameter, Range, menu_text};

/// The loss function that training minimizes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// Categorical cross-entropy over a softmax: −Σ yᵢ ln aᵢ.
    CrossEntropy,
    /// Binary cross-entropy over sigmoids: −Σ [yᵢ ln aᵢ + (1 − yᵢ) ln(1 − aᵢ)].
    BinaryCrossEntropy,
    /// Mean squared error over the outputs.
    Mse,
    /// Sum of squared errors over the outputs.
    SumOfSquares,
    /// Half the sum of squared errors over the outputs.
    Quadratic,
    /// Mean absolute error over the outputs.
    Mae,
    /// Huber loss: quadratic for errors up to `delta`, linear beyond.
    Huber {
        /// Largest error with a quadratic loss.
        delta: f64,
    },
    /// Hinge loss: the margin between the true class and the best wrong class.
    Hinge,
    /// Kullback–Leibler divergence over a softmax: Σ yᵢ ln(yᵢ/aᵢ).
    Kl,
}

impl Menu for Loss {
    const KIND: &'static str = "loss";

    const ALL: &'static [Self] = &[
        Self::CrossEntropy,
        Self::BinaryCrossEntropy,
        Self::Mse,
        Self::SumOfSquares,
        Self::Quadratic,
        Self::Mae,
        Self::Huber { delta: 1.0 },
        Self::Hinge,
        Self::Kl,
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::BinaryCrossEntropy => "binary-cross-entropy",
            Self::Mse => "mse",
            Self::SumOfSquares => "sum-of-squares",
            Self::Quadratic => "quadratic",
            Self::Mae => "mae",
            Self::Huber { .. } => "huber",
            Self::Hinge => "hinge",
            Self::Kl => "kl",
        }
    }

    fn formula(&self) -> &'static str {
        let [loss, _] = self.formulas();
        loss
    }

    fn source(&self) -> &'static str {
        match self {
            Self::CrossEntropy | Self::BinaryCrossEntropy | Self::Mse | Self::Kl => {
                "newbies, section 5.2"
            }
            Self::SumOfSquares => "how-they-work",
            Self::Quadratic => "Nielsen 2015, equation 6",
            Self::Mae => "",
            Self::Huber { .. } => "Huber 1964",
            Self::Hinge => "Crammer & Singer 2001",
        }
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self {
            Self::CrossEntropy => &["categorical-cross-entropy", "ce"],
            Self::BinaryCrossEntropy => &["bce"],
            Self::Mse => &["mean-squared-error"],
            Self::Mae => &["mean-absolute-error", "l1"],
            Self::Kl => &["kl-divergence"],
            _ => &[],
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::Huber { delta } => vec![Parameter::new("delta", delta, Range::Positive)],
            _ => Vec::new(),
        }
    }
}

menu_text!(Loss);

/// Rows of a batch, each with `width` outputs, for [`Loss::of_rows`].
///
/// # Shapes
/// The weighted sums `z`, the outputs `a = φ(z)`, the targets `y` and `error` are all
/// `[n_rows, width]`, row-major.
#[derive(Debug)]
pub struct LossRows<'r, S> {
    /// Number of outputs.
    pub width: usize,
    /// Weighted sums.
    pub z: &'r [S],
    /// Outputs.
    pub a: &'r [S],
    /// Targets.
    pub y: &'r [S],
    /// ∂C/∂z, to be written.
    pub error: &'r mut [S],
}

impl<S> LossRows<'_, S> {
    /// Writes `of_row(z, a, y, error)` of each row to `losses`.
    pub fn each(self, losses: &mut [S], of_row: impl Fn(&[S], &[S], &[S], &mut [S]) -> S) {
        let width = self.width;
        let outputs = self.z.chunks_exact(width).zip(self.a.chunks_exact(width));
        let targets = self.y.chunks_exact(width);
        let targets = targets.zip(self.error.chunks_exact_mut(width));
        for ((loss, (z, a)), (y, error)) in losses.iter_mut().zip(outputs).zip(targets) {
            *loss = of_row(z, a, y, error);
        }
    }

    fn reborrow(&mut self) -> LossRows<'_, S> {
        LossRows {
            error: self.error,
            ..*self
        }
    }
}

impl Loss {
    /// The activation that the loss requires in the output layer, if any.
    pub fn required_output(self) -> Option<Activation> {
        match self {
            Self::CrossEntropy | Self::Kl => Some(Activation::Softmax),
            Self::BinaryCrossEntropy => Some(Activation::Sigmoid),
            Self::Hinge => Some(Activation::Identity),
            Self::Mse | Self::SumOfSquares | Self::Quadratic | Self::Mae | Self::Huber { .. } => {
                None
            }
        }
    }

    /// Checks that the loss accepts the outputs of `activation`.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if the loss does not accept the outputs, and the errors of
    /// [`Menu::check`] for the loss and the activation.
    pub fn check_output(self, activation: Activation) -> Result<()> {
        self.check()?;
        activation.check()?;
        match self.required_output() {
            Some(required) if required != activation => Err(Error::Conflict {
                what: format!("loss {self}"),
                problem: format!("needs {required} in the output layer, not {activation}"),
            }),
            _ => Ok(()),
        }
    }

    /// Computes the loss C of one row and writes ∂C/∂z to `error`.
    ///
    /// # Shapes
    /// `z`, `a = φ(z)`, `y` and `error` are all `[n_outputs]`. The pair of loss
    /// and activation must have passed [`check_output`](Self::check_output).
    pub fn of_row<S: Scalar>(
        self,
        output: Activation,
        z: &[S],
        a: &[S],
        y: &[S],
        error: &mut [S],
    ) -> S {
        let two = S::from_f64(2.0);
        match self {
            Self::CrossEntropy => {
                let total = y.iter().fold(S::zero(), |sum, &y| sum + y);
                each(error, a, y, |a, y| a * total - y);
                cross_entropy(z, a, y)
            }
            Self::Kl => {
                let total = y.iter().fold(S::zero(), |sum, &y| sum + y);
                each(error, a, y, |a, y| a * total - y);
                cross_entropy(z, a, y) - entropy(y)
            }
            Self::BinaryCrossEntropy => {
                each(error, a, y, |a, y| a - y);
                sum(z, y, binary_cross_entropy)
            }
            Self::Mse | Self::SumOfSquares | Self::Quadratic | Self::Mae | Self::Huber { .. } => {
                let mut losses = [S::zero()];
                let rows = LossRows {
                    width: z.len(),
                    z,
                    a,
                    y,
                    error,
                };
                self.of_regression_rows(output, rows, &mut losses);
                losses[0]
            }
            Self::Hinge if z.len() == 1 => {
                // y = 0 or 1 becomes t = −1 or 1.
                let t = two * y[0] - S::one();
                let loss = positive_part(S::one() - t * z[0]);
                error[0] = if loss > S::zero() { -t } else { loss };
                loss
            }
            Self::Hinge => crammer_singer(z, argmax(y), error),
        }
    }

    /// Computes the loss of each row of a block, and writes ∂C/∂z to `rows.error`, with the
    /// same bits as [`of_row`](Self::of_row).
    pub fn of_rows<S: Scalar>(self, output: Activation, rows: LossRows<'_, S>, losses: &mut [S]) {
        match self {
            Self::Mse | Self::SumOfSquares | Self::Quadratic | Self::Mae | Self::Huber { .. } => {
                self.of_regression_rows(output, rows, losses);
            }
            Self::CrossEntropy | Self::Kl | Self::BinaryCrossEntropy | Self::Hinge => {
                rows.each(losses, |z, a, y, error| self.of_row(output, z, a, y, error));
            }
        }
    }

    /// [`of_rows`](Self::of_rows) for a loss that is a sum over the outputs.
    fn of_regression_rows<S: Scalar>(
        self,
        output: Activation,
        mut rows: LossRows<'_, S>,
        losses: &mut [S],
    ) {
        vectorize(RegressionRows {
            loss: self,
            rows: rows.reborrow(),
            losses,
        });
        output.backward(rows.z, rows.a, rows.error, rows.width);
    }

    /// Returns `true` if the loss can be computed from class labels instead of targets: a
    /// row of class c has the loss [`of_class`](Self::of_class) and δ = a − e_c, where e_c
    /// is one-hot.
    pub fn takes_classes(self) -> bool {
        matches!(self, Self::CrossEntropy | Self::Kl)
    }

    /// Computes the loss −ln a_c of a row of class c. The result is bitwise equal to the result of
    /// [`of_row`](Self::of_row) with y = e_c. Call this method only for losses with
    /// [`takes_classes`](Self::takes_classes).
    pub fn of_class<S: Scalar>(self, z: &[S], a: &[S], class: usize) -> S {
        debug_assert!(self.takes_classes());
        minus_ln(z, a, class)
    }

    /// The formulas of C and δ = ∂C/∂z as text.
    pub fn formulas(self) -> [&'static str; 2] {
        match self {
            Self::CrossEntropy => ["−Σ y·ln a", "a·Σy − y"],
            Self::BinaryCrossEntropy => ["−Σ [y·ln a + (1 − y)·ln(1 − a)]", "a − y"],
            Self::Kl => ["Σ y·ln(y/a)", "a·Σy − y"],
            Self::Mse => ["(1/K)·Σ (a − y)²", "(2/K)·(a − y)·φ′(z)"],
            Self::SumOfSquares => ["Σ (a − y)²", "2·(a − y)·φ′(z)"],
            Self::Quadratic => ["½·Σ (a − y)²", "(a − y)·φ′(z)"],
            Self::Mae => ["(1/K)·Σ |a − y|", "(1/K)·sign(a − y)·φ′(z)"],
            Self::Huber { .. } => ["(1/K)·Σ h(a − y)", "(1/K)·clamp(a − y, ±delta)·φ′(z)"],
            Self::Hinge => [
                "max(0, 1 + max wrong z − true z); one output: max(0, 1 − t·z), t = ±1",
                "±1 at the two margins, else 0",
            ],
        }
    }

    /// The class predicted by a row of outputs.
    pub fn predicted_class<S: Scalar>(self, a: &[S]) -> usize {
        match (a, self) {
            ([a], Self::Hinge) => usize::from(*a > S::zero()),
            ([a], _) => usize::from(*a > S::from_f64(0.5)),
            _ => argmax(a),
        }
    }

    /// The true class of a row of targets.
    pub fn target_class<S: Scalar>(self, y: &[S]) -> usize {
        match y {
            [y] => usize::from(*y > S::from_f64(0.5)),
            _ => argmax(y),
        }
    }
}

/// `errorᵢ ← f(aᵢ, yᵢ)`
#[inline(always)]
fn each<S: Scalar>(error: &mut [S], a: &[S], y: &[S], f: impl Fn(S, S) -> S) {
    for ((error, &a), &y) in error.iter_mut().zip(a).zip(y) {
        *error = f(a, y);
    }
}

/// The losses and ∂C/∂a of a block of rows.
struct RegressionRows<'r, 'l, S> {
    loss: Loss,
    rows: LossRows<'r, S>,
    losses: &'l mut [S],
}

impl<S: Scalar> RegressionRows<'_, '_, S> {
    /// Computes ∂C/∂a = derivative(a, y), and C = factor·Σ value(a, y).
    #[inline(always)]
    fn with(self, derivative: impl Fn(S, S) -> S, factor: S, value: impl Fn(S, S) -> S) {
        let LossRows {
            width, a, y, error, ..
        } = self.rows;
        each(error, a, y, derivative);
        let rows = a.chunks_exact(width).zip(y.chunks_exact(width));
        for (loss, (a, y)) in self.losses.iter_mut().zip(rows) {
            *loss = factor * sum(a, y, &value);
        }
    }
}

impl<S: Scalar> Kernel for RegressionRows<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mean = S::one() / S::from_f64(self.rows.width as f64);
        let [half, two] = [S::from_f64(0.5), S::from_f64(2.0)];
        let square = |a: S, y: S| (a - y) * (a - y);
        match self.loss {
            Loss::Mse => self.with(|a, y| two * mean * (a - y), mean, square),
            Loss::SumOfSquares => self.with(|a, y| two * (a - y), S::one(), square),
            Loss::Quadratic => self.with(|a, y| a - y, half, square),
            Loss::Mae => self.with(|a, y| mean * sign(a - y), mean, |a, y| (a - y).abs()),
            Loss::Huber { delta } => {
                let delta = S::from_f64(delta);
                let value = |a, y| huber(a - y, delta);
                self.with(|a, y| mean * clamp(a - y, delta), mean, value);
            }
            Loss::CrossEntropy | Loss::Kl | Loss::BinaryCrossEntropy | Loss::Hinge => {
                unreachable!("not a sum over the outputs")
            }
        }
    }
}

/// `Σ f(aᵢ, yᵢ)`
#[inline(always)]
fn sum<S: Scalar>(a: &[S], y: &[S], f: impl Fn(S, S) -> S) -> S {
    a.iter()
        .zip(y)
        .fold(S::zero(), |sum, (&a, &y)| sum + f(a, y))
}

/// `−Σ yᵢ ln aᵢ`
fn cross_entropy<S: Scalar>(z: &[S], a: &[S], y: &[S]) -> S {
    let mut value = S::zero();
    for (index, &y) in y.iter().enumerate() {
        if y != S::zero() {
            value += y * minus_ln(z, a, index);
        }
    }
    value
}

/// `−ln aᵢ`, computed from z where a is too small for an exact logarithm.
fn minus_ln<S: Scalar>(z: &[S], a: &[S], index: usize) -> S {
    let smallest_exact = S::from_f64(1e-30);
    if a[index] > smallest_exact {
        -a[index].ln()
    } else {
        log_sum_exp(z) - z[index]
    }
}

/// `−Σ yᵢ ln yᵢ`
fn entropy<S: Scalar>(y: &[S]) -> S {
    y.iter()
        .filter(|&&y| y > S::zero())
        .fold(S::zero(), |sum, &y| sum - y * y.ln())
}

/// `−y ln σ(z) − (1 − y) ln(1 − σ(z)) = max(z, 0) − z·y + ln(1 + e^−|z|)`
fn binary_cross_entropy<S: Scalar>(z: S, y: S) -> S {
    positive_part(z) - z * y + (-z.abs()).exp().ln_1p()
}

fn huber<S: Scalar>(e: S, delta: S) -> S {
    let half = S::from_f64(0.5);
    if e.abs() <= delta {
        half * e * e
    } else {
        delta * (e.abs() - half * delta)
    }
}

fn sign<S: Scalar>(x: S) -> S {
    if x > S::zero() {
        S::one()
    } else if x < S::zero() {
        -S::one()
    } else {
        // 0, or NaN.
        x
    }
}

/// `max(0, x)`; NaN stays NaN.
fn positive_part<S: Scalar>(x: S) -> S {
    if S::zero() > x { S::zero() } else { x }
}

/// `x` clamped to ±limit; NaN stays NaN.
pub fn clamp<S: Scalar>(x: S, limit: S) -> S {
    if x > limit {
        limit
    } else if x < -limit {
        -limit
    } else {
        x
    }
}

/// `max(0, 1 + maxⱼ≠c zⱼ − z_c)`
fn crammer_singer<S: Scalar>(z: &[S], class: usize, error: &mut [S]) -> S {
    let mut wrong = usize::from(class == 0);
    for (index, &value) in z.iter().enumerate() {
        if index != class && (value > z[wrong] || value.is_nan()) {
            wrong = index;
        }
    }
    let loss = positive_part(S::one() + z[wrong] - z[class]);
    error.fill(S::zero());
    if loss > S::zero() {
        error[wrong] = S::one();
        error[class] = -S::one();
    }
    loss
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn menu() {
        crate::menu::tests::check::<Loss>();
    }

    fn value(loss: Loss, output: Activation, z: &[f64], y: &[f64]) -> (f64, Vec<f64>) {
        let mut a = z.to_vec();
        output.apply(&mut a, z.len());
        let mut error = vec![f64::NAN; z.len()];
        let value = loss.of_row(output, z, &a, y, &mut error);
        (value, error)
    }

    /// Covers every loss with every output activation that it accepts.
    #[test]
    fn errors_agree_with_difference_quotients() {
        let z = [0.3, -0.8, 1.1, 0.25];
        for y in [[0.0, 1.0, 0.0, 0.0], [0.5, 1.0, 0.0, 0.75]] {
            check_errors(z, y);
        }
    }

    fn check_errors(z: [f64; 4], y: [f64; 4]) {
        for &loss in Loss::ALL {
            for &output in Activation::ALL {
                if loss.check_output(output).is_err() {
                    continue;
                }
                let (_, error) = value(loss, output, &z, &y);
                for i in 0..z.len() {
                    let shifted = |by: f64| {
                        let mut z = z;
                        z[i] += by;
                        value(loss, output, &z, &y).0
                    };
                    let numeric = (shifted(1e-6) - shifted(-1e-6)) / 2e-6;
                    assert!(
                        (error[i] - numeric).abs() < 1e-8,
                        "{loss} over {output}, output {i}"
                    );
                }
            }
        }
    }

    /// Training stops at a NaN loss, so no loss may hide a NaN output.
    #[test]
    fn the_loss_of_nan_is_nan() {
        for &loss in Loss::ALL {
            for &output in Activation::ALL {
                for place in 0..3 {
                    let mut z = [0.3, -0.8, 1.1];
                    z[place] = f64::NAN;
                    if loss.check_output(output).is_ok() {
                        let (found, _) = value(loss, output, &z, &[0.0, 1.0, 0.0]);
                        assert!(found.is_nan(), "{loss} over {output}, {z:?}: {found}");
                        let (found, _) = value(loss, output, &[f64::NAN], &[1.0]);
                        assert!(found.is_nan(), "{loss} over one {output}: {found}");
                    }
                }
            }
        }
    }

    #[test]
    fn cross_entropy_of_logits_agrees_with_the_definition() {
        let (z, y) = ([0.5, 2.0, -1.0], [0.2, 0.5, 0.3]);
        let mut a = z;
        Activation::Softmax.apply(&mut a, 3);
        let defined: f64 = -y
            .iter()
            .zip(a)
            .map(|(y, a): (&f64, f64)| y * a.ln())
            .sum::<f64>();
        assert!((value(Loss::CrossEntropy, Activation::Softmax, &z, &y).0 - defined).abs() < 1e-15);
        let entropy: f64 = -y.iter().map(|y: &f64| y * y.ln()).sum::<f64>();
        let kl = value(Loss::Kl, Activation::Softmax, &z, &y).0;
        assert!((kl - (defined - entropy)).abs() < 1e-15);
    }

    #[test]
    fn losses_of_extreme_logits_are_exact() {
        let softmax = Activation::Softmax;
        assert_eq!(
            value(Loss::CrossEntropy, softmax, &[1000.0, -1000.0], &[0.0, 1.0]).0,
            2000.0
        );
        assert_eq!(
            value(Loss::CrossEntropy, softmax, &[1000.0, -1000.0], &[1.0, 0.0]).0,
            0.0
        );
        let sigmoid = Activation::Sigmoid;
        assert_eq!(
            value(Loss::BinaryCrossEntropy, sigmoid, &[1000.0], &[0.0]).0,
            1000.0
        );
        assert_eq!(
            value(Loss::BinaryCrossEntropy, sigmoid, &[-1000.0], &[1.0]).0,
            1000.0
        );
        assert_eq!(
            value(Loss::BinaryCrossEntropy, sigmoid, &[-1000.0], &[0.0]).0,
            0.0
        );
    }

    #[test]
    fn hinge_agrees_with_a_hand_calculation() {
        let identity = Activation::Identity;
        assert_eq!(
            value(Loss::Hinge, identity, &[0.4], &[1.0]),
            (0.6, vec![-1.0])
        );
        assert_eq!(
            value(Loss::Hinge, identity, &[2.0], &[1.0]),
            (0.0, vec![0.0])
        );
        assert_eq!(
            value(Loss::Hinge, identity, &[0.5], &[0.0]),
            (1.5, vec![1.0])
        );
        let (loss, error) = value(Loss::Hinge, identity, &[1.0, 0.5, 0.25], &[0.0, 1.0, 0.0]);
        assert_eq!((loss, error), (1.5, vec![1.0, -1.0, 0.0]));
        // Of two equal wrong outputs, the first counts.
        let (loss, error) = value(Loss::Hinge, identity, &[1.0, 0.5, 1.0], &[0.0, 1.0, 0.0]);
        assert_eq!((loss, error), (1.5, vec![1.0, -1.0, 0.0]));
    }

    #[test]
    fn a_block_has_the_bits_of_its_rows() {
        let (z, y) = ([0.3, -0.8, 1.1, 0.25], [0.0, 1.0, 1.0, 0.0]);
        for &loss in Loss::ALL {
            let output = loss.required_output().unwrap_or(Activation::Identity);
            let mut a = z;
            output.apply(&mut a, 2);
            let (mut error, mut losses) = ([f64::NAN; 4], [f64::NAN; 2]);
            let rows = LossRows {
                width: 2,
                z: &z,
                a: &a,
                y: &y,
                error: &mut error,
            };
            loss.of_rows(output, rows, &mut losses);
            for (place, found) in [0..2, 2..4].into_iter().zip(losses) {
                let (expected, errors) = value(loss, output, &z[place.clone()], &y[place.clone()]);
                assert_eq!((found, &error[place]), (expected, &errors[..]), "{loss}");
            }
        }
    }

    #[test]
    fn at_a_kink_the_error_is_zero() {
        let identity = Activation::Identity;
        let at_target = value(Loss::Mae, identity, &[0.5, 1.0], &[0.5, 1.0]);
        assert_eq!(at_target, (0.0, vec![0.0, 0.0]));
        let at_margin = value(Loss::Hinge, identity, &[1.0, 0.0], &[1.0, 0.0]);
        assert_eq!(at_margin, (0.0, vec![0.0, 0.0]));
    }

    #[test]
    fn classes_of_outputs_and_targets() {
        for (outputs, expected) in [
            (&[0.6][..], 1),
            (&[0.5], 0),
            (&[0.4], 0),
            (&[0.1, 0.7, 0.2], 1),
        ] {
            assert_eq!(Loss::BinaryCrossEntropy.predicted_class(outputs), expected);
            assert_eq!(Loss::Mse.target_class(outputs), expected);
        }
        assert_eq!(Loss::Hinge.predicted_class(&[0.4]), 1);
        assert_eq!(Loss::Hinge.predicted_class(&[0.0]), 0);
        assert_eq!(Loss::Hinge.predicted_class(&[-0.4]), 0);
    }

    #[test]
    fn the_loss_of_a_class_is_that_of_its_one_hot_targets() {
        let losses = Loss::ALL.iter().filter(|loss| loss.takes_classes());
        let names: Vec<&str> = losses.clone().map(Menu::name).collect();
        assert_eq!(names, ["cross-entropy", "kl"]);
        let z = [0.5, 2.0, -1.0];
        let mut a = z;
        Activation::Softmax.apply(&mut a, 3);
        for loss in losses {
            let (expected, _) = value(*loss, Activation::Softmax, &z, &[0.0, 0.0, 1.0]);
            assert_eq!(loss.of_class(&z, &a, 2), expected, "{loss}");
        }
    }

    #[test]
    fn aliases_name_the_same_loss() {
        for (alias, loss) in [
            ("categorical-cross-entropy", Loss::CrossEntropy),
            ("ce", Loss::CrossEntropy),
            ("bce", Loss::BinaryCrossEntropy),
            ("mean-squared-error", Loss::Mse),
            ("mean-absolute-error", Loss::Mae),
            ("l1", Loss::Mae),
            ("kl-divergence", Loss::Kl),
        ] {
            assert_eq!(alias.parse::<Loss>().expect(alias), loss);
        }
    }

    #[test]
    fn the_formula_in_the_list_is_that_of_the_loss() {
        assert_eq!(Loss::Quadratic.formula(), "½·Σ (a − y)²");
        let derivative = "(a − y)·φ′(z)";
        assert_eq!(Loss::Quadratic.formulas(), ["½·Σ (a − y)²", derivative]);
    }

    #[test]
    fn delta_of_huber_can_be_set() {
        let loss: Loss = "huber:delta=2".parse().expect("valid");
        let (found, error) = value(loss, Activation::Identity, &[3.0], &[0.0]);
        assert_eq!((found, error), (4.0, vec![2.0]));
    }

    #[test]
    fn an_incompatible_output_activation_is_refused() {
        let error = Loss::CrossEntropy
            .check_output(Activation::Relu)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "loss cross-entropy: needs softmax in the output layer, not relu"
        );
    }
}
