//! Compiles generic functions in this crate, for `f32` and `f64`, so that dependent crates share
//! the compiled functions, which are marked `#[inline(never)]`.

use nn_tensor::Scalar;

use crate::Samples;

/// Instantiates the generic functions for `f32` and `f64`, so that this crate compiles them.
#[doc(hidden)]
#[inline(never)]
pub fn compiled() -> [[*const (); 4]; 2] {
    [functions::<f32>(), functions::<f64>()]
}

fn functions<S: Scalar>() -> [*const (); 4] {
    [
        Samples::<S>::into_owned as *const (),
        Samples::<S>::select as *const (),
        Samples::<S>::split_by as *const (),
        Samples::<S>::join as *const (),
    ]
}
