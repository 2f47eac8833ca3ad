//! NaN and infinite results: an error, unless `--allow-nonfinite` shows them.

use nn_core::Model;
use nn_tensor::reduce::all_finite;
use nn_train::{Error, ErrorKind, Result};

use crate::terminal;

/// Refuses results with this `problem`, or prints it as a note if NaN and infinite
/// values are allowed. There is no note for a model with such weights: its results
/// cannot be finite.
pub(crate) fn check(problem: Option<String>, model: &Model, allow_nonfinite: bool) -> Result<()> {
    let Some(problem) = problem else {
        return Ok(());
    };
    if !allow_nonfinite {
        return Err(Error::new(ErrorKind::Data, problem).with_help(
            "look for values that are far too large; --allow-nonfinite shows the results as they \
             are: NaN, in JSON null",
        ));
    }
    if all_finite(model.network.parameters()) {
        terminal::error_line(format!("note: {problem}"));
    }
    Ok(())
}
