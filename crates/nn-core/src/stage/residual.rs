//! Residual connection: adds the outputs of an earlier stage (He et al. 2016,
//! equation 1).
//!
//! ```text
//! forward    y = x + x_earlier
//! backward   ∂C/∂x = δ,  ∂C/∂x_earlier = δ        passed to both stages
//! ```

use nn_error::Result;
use nn_tensor::Scalar;

use super::pass::{Backward, Forward, Kind, Place, no_argument};

/// A residual connection: adds the outputs of an earlier stage of the same width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Residual;

impl Kind for Residual {
    const NAME: &'static str = "residual";

    const READS_LAYER_INPUT: bool = true;

    fn fits(place: Place) -> bool {
        place == Place::Outputs
    }

    fn parse(argument: &str) -> Result<Self> {
        no_argument(Self::NAME, argument).map(|()| Self)
    }

    fn forward<S: Scalar>(&self, mut pass: Forward<'_, S>) {
        pass.copy_inputs();
        let skip = pass
            .skip
            .expect("a residual connection has an earlier stage");
        for (sum, &value) in pass.outputs.iter_mut().zip(skip) {
            *sum += value;
        }
    }

    /// δ passes through unchanged; the network also adds it to the error of the
    /// earlier stage.
    fn backward<S: Scalar>(&self, _pass: Backward<'_, S>) {}
}
