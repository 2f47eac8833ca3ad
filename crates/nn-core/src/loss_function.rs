//! User-defined loss functions, accepted wherever a [`Loss`] is.

use std::fmt::Debug;
use std::sync::Arc;

use nn_tensor::Scalar;
use nn_tensor::reduce::argmax;

use crate::Result;
use crate::activation::Activation;
use crate::loss::Loss;

/// A user-defined loss function of one row, with its derivative.
///
/// The focal loss of Lin et al. 2017, equation 4, for sigmoid outputs:
///
/// ```
/// use nn_core::{Activation, LossFunction, Scalar};
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
    /// [`Error::Conflict`](crate::Error::Conflict) if it does not.
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

/// Maximum number of rows per call of [`BlockLossFunction::of_rows`].
pub(crate) const LOSS_ROWS: usize = 128;

/// A block of rows of a batch.
#[derive(Debug)]
pub(crate) struct LossRows<'r, S> {
    pub(crate) width: usize,
    pub(crate) z: &'r [S],
    pub(crate) a: &'r [S],
    pub(crate) y: &'r [S],
    pub(crate) error: &'r mut [S],
}

/// A [`LossFunction`] for one type of scalar, called once per block of rows.
pub(crate) trait BlockLossFunction<S>: Debug + Send + Sync {
    fn name(&self) -> String;

    /// Writes δ to `rows.error` and the loss of each row to `losses`.
    fn of_rows(&self, output: Activation, rows: LossRows<'_, S>, losses: &mut [S]);

    fn predicted_class(&self, a: &[S]) -> usize;
}

impl<S: Scalar, L: LossFunction> BlockLossFunction<S> for L {
    fn name(&self) -> String {
        LossFunction::name(self)
    }

    fn of_rows(&self, output: Activation, rows: LossRows<'_, S>, losses: &mut [S]) {
        let width = rows.width;
        let targets = rows
            .y
            .chunks_exact(width)
            .zip(rows.error.chunks_exact_mut(width));
        let outputs = rows.z.chunks_exact(width).zip(rows.a.chunks_exact(width));
        for ((loss, (z, a)), (y, error)) in losses.iter_mut().zip(outputs).zip(targets) {
            *loss = LossFunction::of_row(self, output, z, a, y, error);
        }
    }

    fn predicted_class(&self, a: &[S]) -> usize {
        LossFunction::predicted_class(self, a)
    }
}

/// The loss function of a training run.
#[derive(Clone, Debug)]
pub(crate) struct Criterion<S> {
    /// The built-in loss; `None` for a user-defined one.
    pub(crate) menu: Option<Loss>,
    pub(crate) function: Arc<dyn BlockLossFunction<S>>,
}

impl<S: Scalar> Criterion<S> {
    pub(crate) fn menu(loss: Loss) -> Self {
        Self {
            menu: Some(loss),
            function: Arc::new(loss),
        }
    }

    pub(crate) fn custom(loss: impl LossFunction + 'static) -> Self {
        Self {
            menu: None,
            function: Arc::new(loss),
        }
    }
}
