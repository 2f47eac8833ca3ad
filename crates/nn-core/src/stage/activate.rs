//! Activation stage: `a = φ(z)`, and backward `δ ← δ ⊙ φ′(z)`.
//!
//! The functions themselves and their derivatives are in
//! [`activation`](crate::activation).

use nn_tensor::Scalar;

use super::MIN_PIECE;
use super::pass::{Backward, Forward, Kind, Place};
use crate::Result;
use crate::activation::Activation;

/// An activation function of each value (softmax: of each row).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Activate(pub Activation);

impl Kind for Activate {
    const NAME: &'static str = "activation";

    /// A layer has a setting of its own for it.
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

    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let width = pass.width;
        let z = pass.inputs.map(|inputs| inputs.values());
        pass.threads
            .for_each_piece(pass.outputs, width, MIN_PIECE, |start, values| {
                if let Some(z) = z {
                    values.copy_from_slice(&z[start..start + values.len()]);
                }
                self.0.apply(values, width);
            });
    }

    fn backward<S: Scalar>(&self, pass: Backward<'_, S>) {
        let width = pass.width;
        let (z, a) = (pass.inputs.values(), pass.outputs);
        pass.threads
            .for_each_piece(pass.error, width, MIN_PIECE, |start, error| {
                let piece = start..start + error.len();
                let (z, a) = (&z[piece.clone()], &a[piece]);
                self.0.multiply_by_slope(z, a, error, width);
            });
    }
}
