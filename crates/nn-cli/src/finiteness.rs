//! Checks for NaN and infinite results, which are an error unless `--allow-nonfinite` is
//! set.

use nn_core::Model;
use nn_tensor::reduce::all_finite;
use nn_train::{Error, ErrorKind, Result};

use crate::terminal;

/// Returns an error with this `problem`, or prints it as a note if NaN and infinite values
/// are allowed. A model with NaN or infinite weights gets no note, because its results
/// cannot be finite.
pub(crate) fn check(problem: Option<String>, model: &Model, allow_nonfinite: bool) -> Result<()> {
    let Some(problem) = problem else {
        return Ok(());
    };
    if !allow_nonfinite {
        return Err(Error::new(ErrorKind::Data, problem).with_help(
            "check the data for values that are far too large; to see the results with NaN (null in \
             JSON), add --allow-nonfinite",
        ));
    }
    if all_finite(model.network.parameters()) {
        terminal::error_line(format!("note: {problem}"));
    }
    Ok(())
}
