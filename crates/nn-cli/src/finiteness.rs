//! NaN and infinite results: an error, unless `--allow-nonfinite` shows them.

use nn_core::Model;
use nn_tensor::reduce::all_finite;

use crate::args::WeightCheck;
use crate::failure::{Code, Failure, Result};
use crate::terminal;
/// Refuses results with this `problem`, or prints it as a note where NaN and
/// infinite values are allowed. No note for a model with such weights: its
/// results cannot be finite.
pub(crate) fn check(problem: Option<String>, model: &Model, weights: WeightCheck) -> Result<()> {
    let Some(problem) = problem else {
        return Ok(());
    };
    if !weights.allow_nonfinite {
        return Err(Failure::new(Code::Data, problem).help(
            "look for values that are far too large; --allow-nonfinite shows the results as they \
             are: NaN, in JSON null",
        ));
    }
    if all_finite(model.network.parameters()) {
        terminal::error_line(format!("note: {problem}"));
    }
    Ok(())
}
