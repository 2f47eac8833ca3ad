//! Residual sum: the outputs of an earlier stage are added (He et al. 2016,
//! equation 1).
//!
//! ```text
//! forward    y = x + x_earlier
//! backward   ∂C/∂x = δ,  ∂C/∂x_earlier = δ        both, on their own ways
//! ```

use nn_tensor::Scalar;

use super::pass::{Backward, Forward, Kind, Place, no_argument};
use crate::Result;

/// The sum with the outputs of an earlier stage of the same width.
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
        let skip = pass.skip.expect("a residual sum has two summands");
        for (sum, &value) in pass.outputs.iter_mut().zip(skip) {
            *sum += value;
        }
    }

    /// δ passes unchanged; the network gives it to the earlier stage, too.
    fn backward<S: Scalar>(&self, _pass: Backward<'_, S>) {}
}
