//! Checks the number of epochs: the run is unfinished or was stopped too early.

use nn_plot::number::number;
use nn_train::command_line::quoted;
use nn_train::settings::LARGEST;

use super::case::{Case, RunEnd};
use super::finding::{Finding, Suggestion, counted};
use super::fit::fits_training_samples;
use super::pace::{LONG, MIN_STEPS, Pace};

/// A run that was interrupted.
pub(super) fn unfinished(case: &Case<'_>) -> Finding {
    let (found, planned) = (case.epochs().len(), case.n_epochs_planned());
    match case.run.end {
        RunEnd::Finished => {
            return Finding::Ok(format!(
                "the run finished after {found} of at most {planned} epochs"
            ));
        }
        RunEnd::Diverged(_) => return Finding::Ok("the training run diverged".to_owned()),
        RunEnd::Unfinished => {}
    }
    let advice = match &case.run.directory {
        Some(directory) => {
            let run = quoted(&directory.to_string_lossy());
            format!("to continue the run, use `nn train --resume {run}`")
        }
        None => "save the run, then continue it with `nn train --resume RUN`".to_owned(),
    };
    Finding::Problem(
        format!(
            "the run has {found} of {planned} epochs and no summary; it was stopped or is still training"
        ),
        vec![Suggestion::advice(advice)],
    )
}

/// Number of last epochs in each of which the loss must have fallen, and the
/// factor by which it must have fallen over all of them, for a run that was
/// stopped too soon.
const STILL_FALLING: usize = 3;
const FALL: f64 = 0.95;

/// The factor by which a loss must have fallen in the last epochs that is still above this
/// fraction of the loss of constant predictions, for a run whose predictions are good
/// already.
const STEEP_FALL: f64 = 0.8;
const HIGH: f64 = 0.2;

/// Loss above its lowest value, as a fraction of that of constant predictions, that is
/// worth more epochs. Logarithmic losses of samples that are all predicted correctly
/// keep falling forever.
const WORTH: f64 = 0.05;

/// A loss that is still falling at the end, or a network that has hardly begun.
pub(super) fn too_few(case: &Case<'_>) -> Finding {
    if ended_early(case) {
        let n_epochs = counted(case.epochs().len(), "epoch");
        return Finding::Ok(format!("early stopping ended the run after {n_epochs}"));
    }
    let (name, losses) = watched_losses(case);
    let Some(tail) = losses.len().checked_sub(STILL_FALLING + 1) else {
        return few_epochs(case);
    };
    let range = match name {
        "training" => &case.loss_range,
        _ => &case.validation_range,
    };
    let excess: Vec<f64> = losses.iter().map(|&loss| range.excess(loss)).collect();
    let guessing = range.guessing.map_or(excess[0], |loss| range.excess(loss));
    let (start, end) = (number(losses[tail]), number(losses[losses.len() - 1]));
    let text =
        format!("the {name} loss went from {start} to {end} in the last {STILL_FALLING} epochs");
    let is_worth = excess[excess.len() - 1] > WORTH * guessing || has_hardly_begun(case);
    match sign_of_more_to_come(case, &excess[tail..], guessing).filter(|_| is_worth) {
        Some(sign) => Finding::Problem(format!("{text}{sign}"), longer(case)),
        None => Finding::Ok(text),
    }
}

/// Whether early stopping ended the run: a higher number of epochs would not change it.
fn ended_early(case: &Case<'_>) -> bool {
    let is_shorter = case.epochs().len() < case.n_epochs_planned();
    let has_patience = case.settings().patience.unwrap_or(0) > 0;
    case.run.end == RunEnd::Finished && has_patience && is_shorter
}

/// A run with so few epochs that its curve says nothing.
fn few_epochs(case: &Case<'_>) -> Finding {
    let n_epochs = case.epochs().len();
    if n_epochs == 0 || case.scores.is_err() || fits_training_samples(case) {
        return Finding::NotChecked(format!(
            "fewer than {} epochs have finished",
            STILL_FALLING + 1
        ));
    }
    let evidence = format!(
        "the run has only {} and does not fit its training samples",
        counted(n_epochs, "epoch")
    );
    Finding::Problem(evidence, longer(case))
}

/// Whether the network has taken only a few steps, and a simple predictor is better even on the
/// training samples, so that a small loss is still too high.
fn has_hardly_begun(case: &Case<'_>) -> bool {
    case.n_steps() < MIN_STEPS && case.scores.is_ok() && !fits_training_samples(case)
}

/// What shows that more epochs would lower the loss; `tail` is how far its last values are
/// above the lowest one.
fn sign_of_more_to_come(case: &Case<'_>, tail: &[f64], guessing: f64) -> Option<String> {
    let (start, end) = (*tail.first()?, *tail.last()?);
    let is_falling = tail.windows(2).all(|pair| pair[1] < pair[0]);
    let is_fitted = fits_training_samples(case);
    let is_steep = is_falling && end < STEEP_FALL * start && end > HIGH * guessing;
    let pace = Pace::new(case).filter(|pace| pace.epochs_factor() > LONG);
    if is_fitted && pace.is_none() && !is_steep {
        // The loss of a few validation samples may fall by chance.
        return None;
    }
    let n_steps = case.n_steps();
    if n_steps < MIN_STEPS && !is_fitted {
        let falling = if is_falling {
            "; it is still falling"
        } else {
            ""
        };
        let n_steps = counted(n_steps as usize, "step");
        return Some(format!("{falling}; the run has only {n_steps}"));
    }
    if is_falling && end < FALL * start {
        return Some("; it is still falling".to_owned());
    }
    let pace = pace.filter(|_| !is_fitted && end < start)?;
    Some(format!(
        "; the training loss was still falling: {}",
        pace.text()
    ))
}

/// Fewest epochs to suggest: for a few epochs, twice as many are not enough to see whether the
/// loss still falls.
const MIN_EPOCHS: usize = 10;

fn longer(case: &Case<'_>) -> Vec<Suggestion> {
    let doubled = case.n_epochs_planned().saturating_mul(2);
    let epochs = doubled.max(MIN_EPOCHS).min(LARGEST as usize);
    let what = match epochs == doubled {
        true => "doubles the number of epochs",
        false => "trains for more epochs",
    };
    let epochs = epochs.to_string();
    let mut tries: Vec<Suggestion> = case.smaller_batches().into_iter().collect();
    tries.extend([
        Suggestion::set("epochs", epochs, what),
        Suggestion::set("lr", case.rate_times(3.0), "takes larger steps"),
    ]);
    tries
}

/// The validation losses, or the training losses if there are none.
fn watched_losses(case: &Case<'_>) -> (&'static str, Vec<f64>) {
    let losses = case
        .epochs()
        .iter()
        .filter_map(|epoch| epoch.validation_loss);
    let losses: Vec<f64> = losses.filter(|loss| loss.is_finite()).collect();
    if losses.is_empty() {
        ("training", case.train_losses())
    } else {
        ("validation", losses)
    }
}
