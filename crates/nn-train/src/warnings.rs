//! Warnings about a training run before its first step.
//!
//! A run has warnings if something had to be inferred, if a setting cannot take effect as
//! given, or if there is nothing to learn from the data. Problems without an effect on
//! the result are not warnings: for example, a damaged checkpoint if an earlier one is
//! intact.

use nn_core::training::BatchSize;
use nn_settings::{Error, Result};

use crate::data::Data;
use crate::grouped;
use crate::note::Note;
use crate::plan::Plan;

/// Returns an error if a training run has warnings. `other_origin` contains the warnings
/// about the checkpoint from which the run is resumed.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with all warnings.
pub fn refuse(plan: &Plan, data: &Data, other_origin: Vec<String>) -> Result<()> {
    let notes = data.notes.iter().filter(|note| note.is_doubtful());
    let warnings: Vec<String> = notes
        .map(Note::to_string)
        .chain(large_batches(plan, data))
        .chain(other_origin)
        .collect();
    if warnings.is_empty() {
        return Ok(());
    }
    Err(
        Error::usage(format!("`strict`: {}", warnings.join("; "))).with_help(
            "set these explicitly (`data`, `task`, `ignore`, `limit-train`, `batch-size`), \
             or omit `strict`",
        ),
    )
}

/// Returns a warning if batches are larger than the training data.
pub fn large_batches(plan: &Plan, data: &Data) -> Option<String> {
    let n_train = data.n_train();
    match plan.training.batch_size {
        BatchSize::Rows(rows) if rows > n_train => Some(format!(
            "the batch size is {}, but there are only {} training samples; every step uses all of them",
            grouped(rows),
            grouped(n_train)
        )),
        _ => None,
    }
}
