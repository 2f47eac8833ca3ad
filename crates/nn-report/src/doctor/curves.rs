//! Checks of the learning curves in `metrics.csv`: divergence, learning rate,
//! number of epochs, overfitting.
//!
//! Training losses are compared by how far they are above the lowest loss that
//! a network can have ([`LossRange`](super::loss_range::LossRange)), which is
//! not 0 with label smoothing.

use nn_core::Schedule;
use nn_core::training::BatchSize;
use nn_data::augment::Augment;
use nn_plot::number::number;
use nn_train::command_line::quoted;
use nn_train::settings::LARGEST;
use nn_train::{Choice, Data, EpochMetrics};

use super::case::{Case, percent};
use super::check::{Check, Finding, Suggestion};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "diverged",
        find: diverged,
    },
    Check {
        name: "unfinished",
        find: unfinished,
    },
    Check {
        name: "learning rate too high",
        find: rate_too_high,
    },
    Check {
        name: "learning rate too low",
        find: rate_too_low,
    },
    Check {
        name: "stopped too soon",
        find: too_few_epochs,
    },
    Check {
        name: "overfitting",
        find: overfitting,
    },
];

fn diverged(case: &Case) -> Finding {
    let evidence = match (&case.failure, case.is_finished) {
        (Some(failure), false) => failure.clone(),
        _ => return Finding::Ok("all losses are finite".to_owned()),
    };
    Finding::Problem(
        evidence,
        vec![
            Suggestion::flags(case.rate_times(0.1), "takes smaller steps"),
            Suggestion::flags("--clip-norm 1", "clips gradients to norm 1"),
            Suggestion::flags(
                "--on-divergence halve-lr",
                "halves the learning rate automatically",
            ),
        ],
    )
}

fn unfinished(case: &Case) -> Finding {
    let (found, planned) = (case.epochs().len(), case.n_epochs_planned());
    if case.is_finished {
        return Finding::Ok(format!("{found} epochs, of at most {planned}"));
    }
    if case.failure.is_some() {
        return Finding::Ok("the training run diverged".to_owned());
    }
    let run = quoted(&case.directory.to_string_lossy());
    Finding::Problem(
        format!(
            "{found} of {planned} epochs, and no summary: the run was stopped or is still training"
        ),
        vec![Suggestion::advice(format!(
            "`nn train --resume {run}` continues it"
        ))],
    )
}

/// A rise of the training loss from one epoch to the next counts from 5 % on:
/// the mean over an epoch is steadier than that where the steps are not too
/// large. With label smoothing this is 5 % of the whole loss, the lowest one
/// included: the best weights are finite then, and steps of a good size keep
/// the loss going up and down a little above its lowest.
const RISE: f64 = 1.05;

/// In small data, one rise in this number of epochs may happen by chance.
const EPOCHS_A_RISE: usize = 10;

/// A rise near the lowest loss does not count: when the distance to it is below
/// a hundredth of the first one, it goes up and down with single samples.
const NEAR_LOWEST: f64 = 0.01;

fn rate_too_high(case: &Case) -> Finding {
    let losses = train_losses(case);
    let Some((&first, rest)) = losses.split_first() else {
        return Finding::NotChecked("no epoch has finished".to_owned());
    };
    let evidence = match signs_of_high_rate(case, &losses) {
        Some(evidence) => evidence,
        None if rest.is_empty() => return Finding::NotChecked("needs two epochs".to_owned()),
        None => {
            let last = losses[losses.len() - 1];
            let (first, last) = (number(first), number(last));
            return Finding::Ok(format!(
                "training loss {first} to {last} without a rise of 5 %"
            ));
        }
    };
    let mut tries = vec![Suggestion::flags(
        case.rate_times(0.1),
        "takes smaller steps",
    )];
    if case.settings.schedule.as_ref().map(Choice::value) == Some(&Schedule::Constant) {
        tries.push(Suggestion::flags(
            "--schedule cosine",
            "decays the learning rate",
        ));
    }
    Finding::Problem(evidence, tries)
}

/// The evidence that the learning rate is too high, if there is any.
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
            "with rate {rate} the loss was {} in the first epoch and {} in the last; \
             constant predictions have {}",
            number(first),
            number(last),
            number(guessing)
        )
    })
}

/// A training run whose loss is still 80 % of that of constant predictions has
/// hardly learned anything.
const HARDLY_LEARNED: f64 = 0.8;

/// A loss that falls by less than 5 % from the first epoch to the last is almost
/// unchanged.
const HARDLY_MOVED: f64 = 0.95;

fn rate_too_low(case: &Case) -> Finding {
    let losses = train_losses(case);
    let ([first, .., last], true) = (&losses[..], losses.len() > 1) else {
        return Finding::NotChecked("needs two epochs".to_owned());
    };
    if signs_of_high_rate(case, &losses).is_some() {
        return Finding::Ok("not applicable: the learning rate may be too high".to_owned());
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
        None if last > HARDLY_MOVED * first => format!("{numbers}: almost unchanged"),
        _ => return Finding::Ok(numbers),
    };
    let mut tries = vec![Suggestion::flags(
        case.rate_times(10.0),
        "takes larger steps",
    )];
    if case.settings.batch_size.as_ref().map(Choice::value) == Some(&BatchSize::Full) {
        tries.insert(
            0,
            Suggestion::flags("--batch-size 64", "many steps per epoch instead of one"),
        );
    }
    Finding::Problem(
        format!("with rate {}: {evidence}", case.learning_rate()),
        tries,
    )
}

/// Number of last epochs in each of which the loss must have fallen, and the
/// factor by which it must have fallen over all of them, for a run that was
/// stopped too soon. A learning rate that falls to 0 flattens the loss by itself.
const STILL_FALLING: usize = 3;
const FALL: f64 = 0.95;

fn too_few_epochs(case: &Case) -> Finding {
    let (name, losses) = watched_losses(case);
    let Some(tail) = losses.len().checked_sub(STILL_FALLING + 1) else {
        return Finding::NotChecked(format!("needs {} epochs", STILL_FALLING + 1));
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
            Suggestion::flags(format!("--epochs {epochs}"), "doubles the number of epochs"),
            Suggestion::flags(case.rate_times(3.0), "takes larger steps"),
        ];
        return Finding::Problem(format!("{text}: still falling"), tries);
    }
    Finding::Ok(text)
}

/// The last validation loss must exceed the lowest by 10 % to count as a rise:
/// it varies by a few percent from epoch to epoch.
const TURNED_UP: f64 = 1.1;

/// Training accuracy minus validation accuracy, as a fraction. With the default
/// settings it is 0.015 on MNIST and 0.06 on the built-in digits.
const GAP: f64 = 0.1;

fn overfitting(case: &Case) -> Finding {
    let last = case.epochs().iter().rev().find_map(ValidatedEpoch::new);
    let Some(last) = last else {
        return Finding::NotChecked(
            "no epoch has a finite validation loss (set --validation)".to_owned(),
        );
    };
    if signs_of_high_rate(case, &train_losses(case)).is_some() {
        return Finding::NotChecked("the learning rate may be too high".to_owned());
    }
    let best = case.run.best_epoch().and_then(ValidatedEpoch::new);
    let best = best.unwrap_or(last);
    let numbers = format!(
        "validation loss {} at the end, {} at its lowest after epoch {}",
        number(last.loss),
        number(best.loss),
        best.epoch
    );
    let has_patience = case.settings.patience.unwrap_or(0) > 0;
    // The epoch whose weights are the model.
    let kept = if has_patience { best } else { last };
    let accuracies = kept
        .accuracies
        .map_or_else(String::new, |[train, validation]| {
            format!(
                "; accuracy {} in training, {} in validation",
                percent(train),
                percent(validation)
            )
        });
    let has_gap = kept
        .accuracies
        .is_some_and(|[train, validation]| train - validation > GAP);
    // Training with smoothed targets ends with less certain outputs, at this
    // validation loss. A lower one on the way is no sign of overfitting.
    let floor = case.loss_range.evaluated_at_lowest;
    let has_turned_up = last.loss > TURNED_UP * best.loss.max(floor);
    if (!has_turned_up || has_patience) && !has_gap {
        return Finding::Ok(format!("{numbers}{accuracies}"));
    }
    Finding::Problem(
        format!("{numbers}{accuracies}"),
        tries_against_overfitting(case, has_turned_up),
    )
}

/// The validation of an epoch.
#[derive(Clone, Copy)]
struct ValidatedEpoch {
    epoch: usize,
    loss: f64,
    /// In training and in validation.
    accuracies: Option<[f64; 2]>,
}

impl ValidatedEpoch {
    fn new(metrics: &EpochMetrics) -> Option<Self> {
        let accuracies = metrics.train_accuracy.zip(metrics.validation_accuracy);
        Some(Self {
            epoch: metrics.epoch,
            loss: metrics.validation_loss.filter(|loss| loss.is_finite())?,
            accuracies: accuracies.map(<[f64; 2]>::from),
        })
    }
}

fn tries_against_overfitting(case: &Case, has_turned_up: bool) -> Vec<Suggestion> {
    let mut tries = Vec::new();
    if has_turned_up && case.settings.patience.unwrap_or(0) == 0 {
        tries.push(Suggestion::flags(
            "--patience 3",
            "stops early and keeps the best weights",
        ));
    }
    let is_image = |data: &Data| data.dataset.image_size.is_some();
    let is_plain = case
        .settings
        .augment
        .as_ref()
        .is_none_or(|augment| *augment.value() == Augment::NONE);
    if case.data.as_ref().is_ok_and(is_image) && is_plain {
        tries.push(Suggestion::flags(
            "--augment shift",
            "deforms the images randomly in each epoch",
        ));
    }
    if case.settings.dropout.unwrap_or(0.0) == 0.0 {
        tries.push(Suggestion::flags(
            "--dropout 0.2",
            "prevents co-adaptation of neurons",
        ));
    }
    let has_decay = case.settings.weight_decay.unwrap_or(0.0) != 0.0;
    if case.settings.l2.unwrap_or(0.0) == 0.0 && !has_decay {
        tries.push(Suggestion::flags("--l2 0.0001", "penalizes large weights"));
    }
    tries.push(Suggestion::advice(
        "use more training samples or a smaller network (--hidden)",
    ));
    tries
}

fn train_losses(case: &Case) -> Vec<f64> {
    let losses = case.epochs().iter().map(|epoch| epoch.train_loss);
    losses.filter(|loss| loss.is_finite()).collect()
}

/// The validation losses, or the training losses if there are none.
fn watched_losses(case: &Case) -> (&'static str, Vec<f64>) {
    let losses = case
        .epochs()
        .iter()
        .filter_map(|epoch| epoch.validation_loss);
    let losses: Vec<f64> = losses.filter(|loss| loss.is_finite()).collect();
    if losses.is_empty() {
        ("training", train_losses(case))
    } else {
        ("validation", losses)
    }
}
