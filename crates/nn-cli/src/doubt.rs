//! What is doubtful about a training before its first step: it is warned of,
//! or, with `--strict`, refused.
//!
//! Doubtful is what had to be guessed, what was asked for and cannot be had as
//! asked, and data that there is nothing to learn from. What changes no bit of
//! the result is not, such as a damaged checkpoint with a whole one before it.

use nn_core::training::BatchSize;

use crate::datasets::{self, Data, GLYPHS};
use crate::failure::{Failure, Result};
use crate::note::Note;
use crate::plan::Plan;
use crate::settings::Settings;
use crate::terminal;

/// Refuses a training with anything doubtful about it; `other_origin` says what
/// is doubtful about the checkpoint that it goes on from.
pub(crate) fn refuse(
    asked: &Settings,
    plan: &Plan,
    data: &Data,
    other_origin: Vec<String>,
) -> Result<()> {
    let stand_in = asked.data.is_none() && data.origin == GLYPHS;
    let notes = data.notes.iter().filter(|note| note.is_doubtful());
    let doubts: Vec<String> = stand_in
        .then(datasets::fetch_hint)
        .into_iter()
        .chain(notes.map(Note::to_string))
        .chain(large_batches(plan, data))
        .chain(other_origin)
        .collect();
    if doubts.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!("--strict: {}", doubts.join("; ")))
        .help("say what is meant (--data, --task, --ignore, --limit-train, --batch-size), or leave --strict out"))
}

/// Whether batches are larger than the data.
pub(crate) fn large_batches(plan: &Plan, data: &Data) -> Option<String> {
    let n_train = data.n_train();
    match plan.training.batch_size {
        BatchSize::Rows(rows) if rows > n_train => Some(format!(
            "batches of {}, but {} samples to train on: every step takes them all",
            terminal::grouped(rows),
            terminal::grouped(n_train)
        )),
        _ => None,
    }
}
