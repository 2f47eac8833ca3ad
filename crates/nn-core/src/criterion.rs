//! The loss function of a training run, built-in or user-defined, for one scalar type.

use std::fmt::Debug;
use std::sync::Arc;

use nn_functions::loss::LossRows;
use nn_functions::{Activation, Loss, LossFunction};
use nn_tensor::Scalar;

/// Maximum number of rows per call of [`BlockLossFunction::of_rows`].
pub(crate) const LOSS_ROWS: usize = 128;

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
        LossFunction::of_rows(self, output, rows, losses);
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
