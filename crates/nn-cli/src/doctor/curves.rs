//! What the curves of `metrics.csv` tell: whether the training ended well, its
//! learning rate, its length, overfitting.
//!
//! Training losses are compared by how far they are above the lowest loss that
//! a network can have ([`LossRange`](super::loss_range::LossRange)), which is
//! not 0 with label smoothing.

use nn_plot::number::number;
use nn_report::Epoch;

use super::case::{Case, percent};
use super::check::{Check, Look, Try};
use crate::settings::LARGEST;
use crate::terminal;

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "diverged",
        look: diverged,
    },
    Check {
        name: "unfinished",
        look: unfinished,
    },
    Check {
        name: "learning rate too high",
        look: rate_too_high,
    },
    Check {
        name: "learning rate too low",
        look: rate_too_low,
    },
    Check {
        name: "stopped too soon",
        look: too_few_epochs,
    },
    Check {
        name: "overfitting",
        look: overfitting,
    },
];

fn diverged(case: &Case) -> Look {
    let evidence = match (&case.failure, case.is_finished) {
        (Some(failure), false) => failure.clone(),
        _ => return Look::Well("every loss is a number".to_owned()),
    };
    Look::Ill(
        evidence,
        vec![
            Try::flags(case.rate_times(0.1), "smaller steps"),
            Try::flags("--clip-norm 1", "no step follows a gradient longer than 1"),
            Try::flags("--on-divergence halve-lr", "finds a rate by itself"),
        ],
    )
}

fn unfinished(case: &Case) -> Look {
    let (found, planned) = (case.epochs().len(), case.n_epochs_planned());
    if case.is_finished {
        return Look::Well(format!("{found} epochs, of at most {planned}"));
    }
    if case.failure.is_some() {
        return Look::Well("it diverged".to_owned());
    }
    let run = terminal::quoted(&case.directory.to_string_lossy());
    let program = terminal::program();
    Look::Ill(
        format!("{found} of {planned} epochs, and no summary: it was stopped, or still runs"),
        vec![Try::advice(format!(
            "`{program} train --resume {run}` continues it"
        ))],
    )
}

/// A rise of the training loss from one epoch to the next counts from 5 % on:
/// the mean over an epoch is steadier than that where the steps are not too
/// large. With label smoothing this is 5 % of the whole loss, the lowest one
/// included: the best weights are finite then, and steps of a good size keep
/// the loss going up and down a little above its lowest.
const RISE: f64 = 1.05;

/// One epoch in so many may be such a rise by chance, in small data.
const EPOCHS_A_RISE: usize = 10;

/// A rise near the lowest loss does not count: when the distance to it is below
/// a hundredth of the first one, it goes up and down with single samples.
const NEAR_LOWEST: f64 = 0.01;

fn rate_too_high(case: &Case) -> Look {
    let losses = train_losses(case);
    let Some((&first, rest)) = losses.split_first() else {
        return Look::Unknown("no epoch was finished".to_owned());
    };
    let evidence = match signs_of_high_rate(case, &losses) {
        Some(evidence) => evidence,
        None if rest.is_empty() => return Look::Unknown("needs two epochs".to_owned()),
        None => {
            let last = losses[losses.len() - 1];
            let (first, last) = (number(first), number(last));
            return Look::Well(format!(
                "training loss {first} to {last} without a rise of 5 %"
            ));
        }
    };
    let mut tries = vec![Try::flags(case.rate_times(0.1), "smaller steps")];
    if case.settings.schedule.as_deref() == Some("constant") {
        tries.push(Try::flags("--schedule cosine", "steps that become smaller"));
    }
    Look::Ill(evidence, tries)
}

/// How one can tell that the steps were too large, if they were.
fn signs_of_high_rate(case: &Case, losses: &[f64]) -> Option<String> {
    let (first, last) = (*losses.first()?, *losses.last()?);
    let rate = case.learning_rate();
    let range = &case.loss_range;
    let is_rise = |pair: &&[f64]| {
        range.whole(pair[1]) > RISE * range.whole(pair[0])
            && range.excess(pair[1]) > NEAR_LOWEST * range.excess(first)
    };
    let rises = losses.windows(2).filter(is_rise);
    let rises: Vec<String> = rises
        .map(|pair| format!("{} to {}", number(pair[0]), number(pair[1])))
        .collect();
    if let Some(rise) = rises.first()
        && EPOCHS_A_RISE * rises.len() >= losses.len()
    {
        return Some(format!(
            "with rate {rate} the training loss rose after {} of {} epochs, first from {rise}",
            rises.len(),
            losses.len()
        ));
    }
    let (guessing, limit) = (range.guessing?, range.far_too_high?);
    (first > limit).then(|| {
        format!(
            "with rate {rate} the first epoch had loss {}, a guess has {}; the last had {}",
            number(first),
            number(guessing),
            number(last)
        )
    })
}

/// A training whose loss is still 80 % of that of guessing has not begun to
/// learn; harder data than that exist, so a falling curve is asked for too.
const HARDLY_LEARNED: f64 = 0.8;

/// What falls by less than 5 % from the first epoch to the last hardly moves.
const HARDLY_MOVED: f64 = 0.95;

fn rate_too_low(case: &Case) -> Look {
    let losses = train_losses(case);
    let ([first, .., last], true) = (&losses[..], losses.len() > 1) else {
        return Look::Unknown("needs two epochs".to_owned());
    };
    if signs_of_high_rate(case, &losses).is_some() {
        return Look::Well("it is rather too high".to_owned());
    }
    let range = &case.loss_range;
    let numbers = format!(
        "training loss {} to {}{}",
        number(*first),
        number(*last),
        range.text()
    );
    let (first, last) = (range.excess(*first), range.excess(*last));
    let evidence = match range.guessing.map(|guessing| range.excess(guessing)) {
        Some(guessing) if last > HARDLY_LEARNED * guessing => numbers,
        None if last > HARDLY_MOVED * first => format!("{numbers}: it hardly moved"),
        _ => return Look::Well(numbers),
    };
    let mut tries = vec![Try::flags(case.rate_times(10.0), "larger steps")];
    if case.settings.batch_size.as_deref() == Some("full") {
        tries.insert(
            0,
            Try::flags("--batch-size 64", "many steps an epoch, not one"),
        );
    }
    Look::Ill(
        format!("with rate {}: {evidence}", case.learning_rate()),
        tries,
    )
}

/// Epochs in a row over which the loss must still fall, and by how much over
/// all of them, to say that it has not arrived. With a rate that falls to 0 it
/// arrives by itself.
const STILL_FALLING: usize = 3;
const FALL: f64 = 0.95;

fn too_few_epochs(case: &Case) -> Look {
    let (name, losses) = watched_losses(case);
    let Some(tail) = losses.len().checked_sub(STILL_FALLING + 1) else {
        return Look::Unknown(format!("needs {} epochs", STILL_FALLING + 1));
    };
    let tail = &losses[tail..];
    let (start, end) = (number(tail[0]), number(tail[STILL_FALLING]));
    // Validation samples are not smoothed, so that their loss has no floor.
    let lowest = match name {
        "training" => case.loss_range.lowest,
        _ => 0.0,
    };
    let excess = |loss: f64| loss - lowest;
    // What is left above the floor of a smoothed loss is rounding.
    let is_at_floor = lowest > 0.0 && excess(tail[0]) < NEAR_LOWEST * excess(losses[0]);
    let has_fallen = !is_at_floor && excess(tail[STILL_FALLING]) < FALL * excess(tail[0]);
    let text = format!("{name} loss {start} to {end} in the last {STILL_FALLING} epochs");
    let always = tail.windows(2).all(|pair| pair[1] < pair[0]);
    if always && has_fallen {
        let epochs = case
            .n_epochs_planned()
            .saturating_mul(2)
            .min(LARGEST as usize);
        let tries = vec![
            Try::flags(format!("--epochs {epochs}"), "twice as long"),
            Try::flags(case.rate_times(3.0), "larger steps"),
        ];
        return Look::Ill(format!("{text}: still falling"), tries);
    }
    Look::Well(text)
}

/// The lowest validation loss is passed by 10 % before that counts: from epoch
/// to epoch it varies by a few per cent.
const TURNED_UP: f64 = 1.1;

/// Accuracy in training above accuracy on validation samples, in shares. The
/// default training has 0.015 on MNIST and 0.06 on the built-in digits.
const GAP: f64 = 0.1;

fn overfitting(case: &Case) -> Look {
    let measured = |epoch: &&Epoch| epoch.validation_loss.is_finite();
    let Some(last) = case.epochs().iter().rfind(measured) else {
        return Look::Unknown("no validation loss was measured (--validation)".to_owned());
    };
    if signs_of_high_rate(case, &train_losses(case)).is_some() {
        return Look::Unknown("the training loss itself did not fall".to_owned());
    }
    let best = case.run.best_epoch().unwrap_or(last);
    let numbers = format!(
        "validation loss {} at the end, {} at its lowest after epoch {}",
        number(last.validation_loss),
        number(best.validation_loss),
        best.epoch
    );
    let has_patience = case.settings.patience.unwrap_or(0) > 0;
    // The epoch whose weights are the model.
    let kept = if has_patience { best } else { last };
    let gap = kept.train_accuracy - kept.validation_accuracy;
    let accuracies = if gap.is_finite() {
        format!(
            "; accuracy {} in training, {} in validation",
            percent(kept.train_accuracy),
            percent(kept.validation_accuracy)
        )
    } else {
        String::new()
    };
    // Training to smoothed targets ends with less certain outputs, at this
    // validation loss; passing a lower one on the way is no overfitting.
    let floor = case.loss_range.evaluated_at_lowest;
    let has_turned_up = last.validation_loss > TURNED_UP * best.validation_loss.max(floor);
    if (!has_turned_up || has_patience) && (gap.is_nan() || gap <= GAP) {
        return Look::Well(format!("{numbers}{accuracies}"));
    }
    Look::Ill(
        format!("{numbers}{accuracies}"),
        tries_against_overfitting(case, has_turned_up),
    )
}

fn tries_against_overfitting(case: &Case, has_turned_up: bool) -> Vec<Try> {
    let mut tries = Vec::new();
    if has_turned_up && case.settings.patience.unwrap_or(0) == 0 {
        tries.push(Try::flags(
            "--patience 3",
            "stops in time and keeps the best weights",
        ));
    }
    let is_image = |data: &nn_train::data::Data| data.dataset.image_size.is_some();
    let is_plain = case.settings.augment.as_deref().unwrap_or("none") == "none";
    if case.data.as_ref().is_ok_and(is_image) && is_plain {
        tries.push(Try::flags(
            "--augment shift",
            "images that differ from epoch to epoch",
        ));
    }
    if case.settings.dropout.unwrap_or(0.0) == 0.0 {
        tries.push(Try::flags("--dropout 0.2", "no neuron may rely on another"));
    }
    let has_decay = case.settings.weight_decay.unwrap_or(0.0) != 0.0;
    if case.settings.l2.unwrap_or(0.0) == 0.0 && !has_decay {
        tries.push(Try::flags("--l2 0.0001", "small weights"));
    }
    tries.push(Try::advice(
        "more training samples, or a smaller network (--hidden)",
    ));
    tries
}

fn train_losses(case: &Case) -> Vec<f64> {
    let losses = case.epochs().iter().map(|epoch| epoch.train_loss);
    losses.filter(|loss| loss.is_finite()).collect()
}

/// The validation losses, or without any the training losses.
fn watched_losses(case: &Case) -> (&'static str, Vec<f64>) {
    let losses = case.epochs().iter().map(|epoch| epoch.validation_loss);
    let losses: Vec<f64> = losses.filter(|loss| loss.is_finite()).collect();
    if losses.is_empty() {
        ("training", train_losses(case))
    } else {
        ("validation", losses)
    }
}
