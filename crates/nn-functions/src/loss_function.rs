//! User-defined loss functions, accepted wherever a [`Loss`] is.

use std::fmt::Debug;

use nn_error::Result;
use nn_tensor::Scalar;
use nn_tensor::reduce::argmax;

use crate::activation::Activation;
use crate::loss::{Loss, LossRows};

/// A user-defined loss function, with its value and its derivative for one row.
///
/// This example implements the focal loss of Lin et al. 2017, equation 4, for sigmoid
/// outputs:
///
/// ```
/// use nn_functions::{Activation, LossFunction};
/// use nn_tensor::Scalar;
///
/// #[derive(Debug)]
/// struct Focal {
///     gamma: f64,
/// }
///
/// impl LossFunction for Focal {
///     fn name(&self) -> String {
///         format!("focal:gamma={}", self.gamma)
///     }
///
///     fn of_row<S: Scalar>(
///         &self,
///         output: Activation,
///         z: &[S],
///         a: &[S],
///         y: &[S],
///         error: &mut [S],
///     ) -> S {
///         let (gamma, one) = (S::from_f64(self.gamma), S::one());
///         let mut loss = S::zero();
///         for i in 0..a.len() {
///             // p is the predicted probability of the target; C = −(1 − p)^γ·ln p.
///             let is_true = y[i] > S::from_f64(0.5);
///             let p = if is_true { a[i] } else { one - a[i] };
///             let p = p.max(S::from_f64(1e-7));
///             loss -= (one - p).powf(gamma) * p.ln();
///             let derivative =
///                 gamma * (one - p).powf(gamma - one) * p.ln() - (one - p).powf(gamma) / p;
///             error[i] = if is_true { derivative } else { -derivative };
///         }
///         output.backward(z, a, error, a.len());
///         loss
///     }
/// }
/// ```
pub trait LossFunction: Debug + Send + Sync {
    /// The name in messages and checkpoints, including the parameters.
    fn name(&self) -> String;

    /// Checks that the loss accepts the outputs of `activation`.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`](nn_error::Error::Conflict) if the loss does not accept the
    /// outputs.
    fn check_output(&self, activation: Activation) -> Result<()> {
        let _ = activation;
        Ok(())
    }

    /// Computes the loss C of one row and writes ∂C/∂z to `error`.
    ///
    /// [`Activation::backward`] turns ∂C/∂a into ∂C/∂z.
    ///
    /// # Shapes
    /// The weighted sums `z`, the outputs `a = φ(z)`, the targets `y` and `error`
    /// are all `[n_outputs]`.
    fn of_row<S: Scalar>(
        &self,
        output: Activation,
        z: &[S],
        a: &[S],
        y: &[S],
        error: &mut [S],
    ) -> S;

    /// Computes the loss of each row of a block, and writes ∂C/∂z to `rows.error`.
    ///
    /// By default, [`of_row`](Self::of_row) computes row after row.
    fn of_rows<S: Scalar>(&self, output: Activation, rows: LossRows<'_, S>, losses: &mut [S]) {
        rows.each(losses, |z, a, y, error| self.of_row(output, z, a, y, error));
    }

    /// The class predicted by a row of outputs: the index of the largest output;
    /// for a single output, 1 if it is above ½.
    fn predicted_class<S: Scalar>(&self, a: &[S]) -> usize {
        match a {
            [a] => usize::from(*a > S::from_f64(0.5)),
            _ => argmax(a),
        }
    }
}

impl LossFunction for Loss {
    fn name(&self) -> String {
        self.to_string()
    }

    fn check_output(&self, activation: Activation) -> Result<()> {
        Self::check_output(*self, activation)
    }

    fn of_row<S: Scalar>(
        &self,
        output: Activation,
        z: &[S],
        a: &[S],
        y: &[S],
        error: &mut [S],
    ) -> S {
        Self::of_row(*self, output, z, a, y, error)
    }

    fn of_rows<S: Scalar>(&self, output: Activation, rows: LossRows<'_, S>, losses: &mut [S]) {
        Self::of_rows(*self, output, rows, losses);
    }

    fn predicted_class<S: Scalar>(&self, a: &[S]) -> usize {
        Self::predicted_class(*self, a)
    }
}

impl<L: LossFunction> LossFunction for &L {
    fn name(&self) -> String {
        LossFunction::name(*self)
    }

    fn check_output(&self, activation: Activation) -> Result<()> {
        LossFunction::check_output(*self, activation)
    }

    fn of_row<S: Scalar>(
        &self,
        output: Activation,
        z: &[S],
        a: &[S],
        y: &[S],
        error: &mut [S],
    ) -> S {
        LossFunction::of_row(*self, output, z, a, y, error)
    }

    fn predicted_class<S: Scalar>(&self, a: &[S]) -> usize {
        LossFunction::predicted_class(*self, a)
    }
}
