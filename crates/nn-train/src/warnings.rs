//! Warnings about a training run before its first step.
//!
//! A run is doubtful if something had to be guessed, if a setting cannot take
//! effect as given, or if there is nothing to learn from the data. What changes
//! no bit of the result is not doubtful, such as a damaged checkpoint with an
//! intact one before it.

use nn_core::training::BatchSize;

use crate::data::Data;
use crate::error::{Error, Result};
use crate::grouped;
use crate::note::Note;
use crate::plan::Plan;

/// Refuses a doubtful training run. `other_origin` has the warnings about the
/// checkpoint that it continues from.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) with every doubt.
pub fn refuse(plan: &Plan, data: &Data, other_origin: Vec<String>) -> Result<()> {
    let notes = data.notes.iter().filter(|note| note.is_doubtful());
    let doubts: Vec<String> = notes
        .map(Note::to_string)
        .chain(large_batches(plan, data))
        .chain(other_origin)
        .collect();
    if doubts.is_empty() {
        return Ok(());
    }
    Err(
        Error::usage(format!("`strict`: {}", doubts.join("; "))).with_help(
            "say what is meant (`data`, `task`, `ignore`, `limit-train`, `batch-size`), \
             or leave `strict` out",
        ),
    )
}

/// A warning if batches are larger than the training data.
pub fn large_batches(plan: &Plan, data: &Data) -> Option<String> {
    let n_train = data.n_train();
    match plan.training.batch_size {
        BatchSize::Rows(rows) if rows > n_train => Some(format!(
            "batches of {}, but {} training samples: every step uses them all",
            grouped(rows),
            grouped(n_train)
        )),
        _ => None,
    }
}
