//! Checks for NaN and infinite values.

use nn_error::{Error, Result};
use nn_tensor::Scalar;
use nn_tensor::reduce::all_finite;

/// Checks that all values are finite; `what` names the values in the error message.
///
/// # Shapes
/// `values [n_samples, n_columns]` in row-major order.
///
/// # Errors
/// Returns [`Error::NotFinite`] for the first value that is NaN or infinite.
pub fn check_finite<S: Scalar>(what: &'static str, values: &[S], n_columns: usize) -> Result<()> {
    if all_finite(values) {
        return Ok(());
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(Error::NotFinite {
            what,
            sample: index / n_columns,
            column: index % n_columns,
            value: values[index].into_f64(),
        }),
        None => Ok(()),
    }
}
