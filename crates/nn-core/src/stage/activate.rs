//! Activation stage: `a = φ(z)`, and backward `δ ← δ ⊙ φ′(z)`.
//!
//! The activation functions and their derivatives are in [`activation`](crate::activation).

use nn_error::Result;
use nn_functions::Activation;
use nn_tensor::{Scalar, Threads};

use super::pass::{Backward, Forward, Kind, MIN_PIECE, Place};

/// The activation function of a layer, applied to each value (softmax: to each row).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activate(pub Activation);

impl Kind for Activate {
    const NAME: &'static str = "activation";

    /// A layer has a separate field for this stage.
    fn fits(_place: Place) -> bool {
        false
    }

    fn is_in_place(&self) -> bool {
        !self.0.needs_pre_activations()
    }

    fn argument(&self) -> String {
        self.0.to_string()
    }

    fn parse(argument: &str) -> Result<Self> {
        argument.parse().map(Self)
    }

    #[inline(always)]
    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let z = pass.inputs.map(|inputs| inputs.values());
        apply(self.0, z, pass.outputs, pass.width, pass.threads);
    }

    #[inline(always)]
    fn backward<S: Scalar>(&self, pass: Backward<'_, S>) {
        let z = pass.inputs.values();
        backward(
            self.0,
            z,
            pass.outputs,
            pass.error,
            pass.width,
            pass.threads,
        );
    }
}

/// Computes `a = φ(z)`, in place if `z` is `None`.
#[inline]
pub(crate) fn apply<S: Scalar>(
    activation: Activation,
    z: Option<&[S]>,
    a: &mut [S],
    width: usize,
    threads: &Threads,
) {
    threads.for_each_chunk(a, width, MIN_PIECE, |start, values| {
        if let Some(z) = z {
            values.copy_from_slice(&z[start..start + values.len()]);
        }
        activation.apply(values, width);
    });
}

/// Multiplies δ by the derivative, `δ ← δ ⊙ φ′(z)`.
#[inline]
pub(crate) fn backward<S: Scalar>(
    activation: Activation,
    z: &[S],
    a: &[S],
    error: &mut [S],
    width: usize,
    threads: &Threads,
) {
    threads.for_each_chunk(error, width, MIN_PIECE, |start, error| {
        let piece = start..start + error.len();
        let (z, a) = (&z[piece.clone()], &a[piece]);
        activation.backward(z, a, error, width);
    });
}
