//! A loss function of the caller's own, accepted wherever a [`Loss`] is.

use std::fmt::Debug;
use std::sync::Arc;

use nn_tensor::Scalar;
use nn_tensor::reduce::argmax;

use crate::Result;
use crate::activation::Activation;
use crate::loss::Loss;

/// A loss of one row, and its derivative.
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
///             // p is the probability of the true answer; C = −(1 − p)^γ·ln p.
///             let is_true = y[i] > S::from_f64(0.5);
///             let p = if is_true { a[i] } else { one - a[i] };
///             let p = p.max(S::from_f64(1e-7));
///             loss -= (one - p).powf(gamma) * p.ln();
///             let slope = gamma * (one - p).powf(gamma - one) * p.ln() - (one - p).powf(gamma) / p;
///             error[i] = if is_true { slope } else { -slope };
///         }
///         output.backward(z, a, error, a.len());
///         loss
///     }
/// }
/// ```
pub trait LossFunction: Debug + Send + Sync {
    /// A name for messages and checkpoints, its parameters included.
    fn name(&self) -> String;

    /// Whether the loss can be taken of the outputs of `activation`.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) if it cannot.
    fn check_output(&self, activation: Activation) -> Result<()> {
        let _ = activation;
        Ok(())
    }

    /// The loss C of one row; `error` receives ∂C/∂z.
    ///
    /// From ∂C/∂a to ∂C/∂z, [`Activation::backward`] does the rest.
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

    /// The class that a row of outputs predicts: the largest output, or whether
    /// a single one is above ½.
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

/// Rows whose losses are computed by one call.
pub(crate) const LOSS_ROWS: usize = 128;

/// Rows of a batch.
#[derive(Debug)]
pub(crate) struct Rows<'r, S> {
    pub(crate) width: usize,
    pub(crate) z: &'r [S],
    pub(crate) a: &'r [S],
    pub(crate) y: &'r [S],
    pub(crate) error: &'r mut [S],
}

/// A [`LossFunction`] for one type of scalar, called once per block of rows.
pub(crate) trait BlockLossFunction<S>: Debug + Send + Sync {
    fn name(&self) -> String;

    /// Writes δ, and the loss of each row to `losses`.
    fn of_rows(&self, output: Activation, rows: Rows<'_, S>, losses: &mut [S]);

    fn predicted_class(&self, a: &[S]) -> usize;
}

impl<S: Scalar, L: LossFunction> BlockLossFunction<S> for L {
    fn name(&self) -> String {
        LossFunction::name(self)
    }

    fn of_rows(&self, output: Activation, rows: Rows<'_, S>, losses: &mut [S]) {
        let width = rows.width;
        let targets = rows
            .y
            .chunks_exact(width)
            .zip(rows.error.chunks_exact_mut(width));
        let answers = rows.z.chunks_exact(width).zip(rows.a.chunks_exact(width));
        for ((loss, (z, a)), (y, error)) in losses.iter_mut().zip(answers).zip(targets) {
            *loss = LossFunction::of_row(self, output, z, a, y, error);
        }
    }

    fn predicted_class(&self, a: &[S]) -> usize {
        LossFunction::predicted_class(self, a)
    }
}

/// The loss of a training run.
#[derive(Clone, Debug)]
pub(crate) struct Criterion<S> {
    /// The entry of the menu, if it is one.
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

    pub(crate) fn own(loss: impl LossFunction + 'static) -> Self {
        Self {
            menu: None,
            function: Arc::new(loss),
        }
    }
}
