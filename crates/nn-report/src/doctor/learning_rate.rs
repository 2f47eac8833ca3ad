//! Checks of the learning rate: it is too high or too low, or training has diverged.
//!
//! Training losses are compared by their difference from the lowest loss that a network can
//! have ([`LossRange`](super::loss_range::LossRange)), which is above 0 with label smoothing.

use nn_core::Schedule;
use nn_plot::number::number;
use nn_train::{Choice, OnDivergence};

use super::case::{Case, RunEnd, Scores, WeightChange};
use super::finding::{Finding, Suggestion};
use super::fit::fits_training_samples;
use super::pace::{FAR_FROM_DEFAULT, LONG, MIN_STEPS, Pace};

/// A loss or a gradient became NaN or infinite.
pub(super) fn diverged(case: &Case<'_>) -> Finding {
    let RunEnd::Diverged(evidence) = &case.run.end else {
        return Finding::Ok("all losses are finite".to_owned());
    };
    let mut tries: Vec<Suggestion> = case.lower_momentum().into_iter().collect();
    tries.extend([
        Suggestion::set("lr", case.lower_rate(), "takes smaller steps"),
        Suggestion::set("clip-norm", "1", "clips gradients to norm 1"),
    ]);
    let on_divergence = case.settings().on_divergence.as_ref();
    if on_divergence.is_none_or(|it| *it.value() != OnDivergence::HalveRate) {
        tries.push(Suggestion::set(
            "on-divergence",
            "halve-lr",
            "halves the learning rate automatically",
        ));
    }
    Finding::Problem(evidence.clone(), tries)
}

/// A rise of the training loss from one epoch to the next counts from 5 % on:
/// the mean over an epoch is steadier than that where the steps are not too
/// large. With label smoothing this is 5 % of the whole loss, the lowest one
/// included: the best weights are finite then, and steps of a good size keep
/// the loss going up and down a little above its lowest.
const RISE: f64 = 1.05;

/// In small data, one rise in this number of epochs may happen by chance.
const EPOCHS_A_RISE: usize = 10;

/// Multiple of the default learning rate of the optimizer up to which steps are usually not too
/// large.
const USUAL_MULTIPLE: f64 = 10.0;

/// A rise by less than a hundredth of the loss of constant predictions does not count:
/// near its lowest value, the loss goes up and down with single samples.
const SMALL_RISE: f64 = 0.01;

/// Checks whether the learning rate is too high: the training loss rises, or its first value
/// is far too large.
pub(super) fn too_high(case: &Case<'_>) -> Finding {
    let losses = case.train_losses();
    let Some((&first, rest)) = losses.split_first() else {
        return Finding::NotChecked("no epoch has finished".to_owned());
    };
    let evidence = match signs_of_high_rate(case, &losses) {
        Some(evidence) if is_usual_and_fits(case) => {
            return Finding::Ok(format!(
                "{evidence}; the training samples were fitted nevertheless"
            ));
        }
        Some(evidence) => evidence,
        None if rest.is_empty() => {
            return Finding::NotChecked("fewer than two epochs have finished".to_owned());
        }
        None => {
            let last = losses[losses.len() - 1];
            let (first, last) = (number(first), number(last));
            let how_often = match rises(case, &losses).len() {
                0 => "never rose by more than 5 %".to_owned(),
                n => format!("rose by more than 5 % in {n} of {} epochs", losses.len()),
            };
            return Finding::Ok(format!(
                "the training loss went from {first} to {last}; it {how_often}"
            ));
        }
    };
    let mut tries: Vec<Suggestion> = case.lower_momentum().into_iter().collect();
    tries.push(Suggestion::set(
        "lr",
        case.lower_rate(),
        "takes smaller steps",
    ));
    if case.settings().schedule.as_ref().map(Choice::value) == Some(&Schedule::Constant) {
        tries.push(Suggestion::set(
            "schedule",
            "cosine",
            "decays the learning rate",
        ));
    }
    Finding::Problem(evidence, tries)
}

/// Whether the rate is at most ten times the default of the optimizer, and the training
/// samples were fitted with it: then a rise now and then is no sign of a problem.
fn is_usual_and_fits(case: &Case<'_>) -> bool {
    has_usual_rate(case) && fits_training_samples(case)
}

fn has_usual_rate(case: &Case<'_>) -> bool {
    let relative = case.relative_rate();
    relative.is_some_and(|rate| rate <= USUAL_MULTIPLE)
}

/// The rises of the training loss from one epoch to the next, as pairs of losses.
fn rises<'a>(case: &Case<'_>, losses: &'a [f64]) -> Vec<&'a [f64]> {
    let range = &case.loss_range;
    let first = losses.first().copied().unwrap_or_default();
    let reference = range.excess(range.guessing.unwrap_or(first));
    let is_rise = |pair: &&[f64]| {
        range.whole(pair[1]) > RISE * range.whole(pair[0])
            && pair[1] - pair[0] > SMALL_RISE * reference
    };
    losses.windows(2).filter(is_rise).collect()
}

/// Whether there are so many rises that chance does not explain them. With a usual rate, a
/// single rise in a short run does not count.
fn are_many(rises: &[&[f64]], case: &Case<'_>, n_epochs: usize) -> bool {
    let is_short = n_epochs < MANY_EPOCHS || case.n_steps() < MIN_STEPS;
    let is_chance = rises.len() == 1 && is_short && has_usual_rate(case);
    !rises.is_empty() && !is_chance && EPOCHS_A_RISE * rises.len() >= n_epochs
}

/// How much higher than before the first step the mean loss of the first epoch must be to
/// show steps that are too large: the initial loss is that of up to 1000 samples.
const RISE_IN_FIRST_EPOCH: f64 = 1.25;

/// The evidence that the learning rate is too high, if there is any.
fn signs_of_high_rate(case: &Case<'_>, losses: &[f64]) -> Option<String> {
    let (first, last) = (*losses.first()?, *losses.last()?);
    let rate = case.learning_rate();
    let range = &case.loss_range;
    let rises = rises(case, losses);
    if are_many(&rises, case, losses.len())
        && let Some(&&[before, after]) = rises.first()
    {
        return Some(format!(
            "with learning rate {rate}, the training loss rose after {} of {} epochs, first from \
             {} to {}",
            rises.len(),
            losses.len(),
            number(before),
            number(after)
        ));
    }
    if case.scores.is_ok()
        && let Some(relative) = case.relative_rate()
        && relative > FAR_FROM_DEFAULT
        && !fits_training_samples(case)
    {
        return Some(format!(
            "with learning rate {rate}, the training loss was {} in the first epoch and {} in \
             the last; the steps are {} times as large as by default",
            number(first),
            number(last),
            number(relative)
        ));
    }
    let (guessing, limit) = (range.guessing?, range.far_too_high?);
    // Dropout multiplies the outputs that it keeps.
    let kept = 1.0 - case.settings().dropout.unwrap_or(0.0);
    let initial = case.initial.as_ref().map_or(0.0, |initial| initial.loss);
    (kept * first > limit.max(RISE_IN_FIRST_EPOCH * initial)).then(|| {
        format!(
            "with learning rate {rate}, the loss was {} in the first epoch and {} in the last; \
             constant predictions have a loss of {}",
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

/// A training run whose loss is below half of that of constant predictions learns fast
/// enough, even if it has far to go.
const HALF_LEARNED: f64 = 0.5;

/// Fewest epochs after which a slow and steady fall is a matter of the rate: after fewer
/// than the default number of epochs, more of them are the obvious cure.
const MANY_EPOCHS: usize = 10;

/// Relative change of the weights above which the steps are not too small: other
/// reasons keep the loss high then.
const MOVED: f64 = 0.1;

/// Steps that are too small: the loss has hardly moved, or it falls slowly and steadily
/// and would need many times as many epochs.
pub(super) fn too_low(case: &Case<'_>) -> Finding {
    let losses = case.train_losses();
    let ([first, .., last], true) = (&losses[..], losses.len() > 1) else {
        return Finding::NotChecked("fewer than two epochs have finished".to_owned());
    };
    if signs_of_high_rate(case, &losses).is_some() && !is_usual_and_fits(case) {
        return Finding::Ok("not applicable: the learning rate may be too high".to_owned());
    }
    let numbers = format!(
        "the training loss went from {} to {}{}",
        number(*first),
        number(*last),
        case.loss_range.text()
    );
    let Some(sign) = sign_of_low_rate(case, &losses) else {
        return Finding::Ok(numbers);
    };
    let evidence = format!(
        "with learning rate {}, {numbers}{sign}",
        case.learning_rate()
    );
    let mut tries = vec![Suggestion::set(
        "lr",
        case.higher_rate(),
        "takes larger steps",
    )];
    let others = [
        slower_decay(case),
        weaker_clipping(case),
        case.smaller_batches(),
    ];
    tries.splice(0..0, others.into_iter().flatten());
    Finding::Problem(evidence, tries)
}

/// Mean learning rate of a run, as a fraction of the highest, below which the schedule is
/// the reason for small steps. A cosine or a line that ends at 0 has a half.
const FAST_DECAY: f64 = 0.2;

/// Another schedule, if that of the run has ended the training early.
fn slower_decay(case: &Case<'_>) -> Option<Suggestion> {
    let rates = case.epochs().iter().map(|epoch| epoch.learning_rate);
    let highest = rates.clone().fold(0.0, f64::max);
    let mean = rates.sum::<f64>() / case.epochs().len() as f64;
    let slower = Suggestion::set("schedule", "cosine", "decays the learning rate more slowly");
    (mean < FAST_DECAY * highest).then_some(slower)
}

/// A norm that clips the gradients of any run.
const SMALL_NORM: f64 = 0.1;

/// Weaker clipping, if the gradients are clipped to a small norm.
fn weaker_clipping(case: &Case<'_>) -> Option<Suggestion> {
    let norm = case.settings().clip_norm?;
    let weaker = Suggestion::set("clip-norm", "1", "clips large gradients only");
    (norm < SMALL_NORM).then_some(weaker)
}

/// What shows that the learning rate is too low, if anything does.
fn sign_of_low_rate(case: &Case<'_>, losses: &[f64]) -> Option<String> {
    // The losses are those of the last epoch, but the weights may be those of an earlier one; and
    // where nothing can be learned, losses do not fall with any rate.
    let can_learn = case
        .scores
        .as_ref()
        .map_or(true, Scores::reference_beats_constant);
    if case.keeps_last_epoch() && can_learn {
        let sign = sign_of_slow_learning(case, losses);
        return sign.or_else(|| sign_of_low_setting(case));
    }
    sign_of_low_setting(case)
}

/// A learning rate far below the default of its optimizer, with which the training samples are
/// not fitted.
fn sign_of_low_setting(case: &Case<'_>) -> Option<String> {
    let relative = case.relative_rate()?;
    let is_sign =
        case.scores.is_ok() && relative < 1.0 / FAR_FROM_DEFAULT && !fits_training_samples(case);
    let default = case.default_rate()?;
    is_sign.then(|| format!("; the default learning rate is {default}"))
}

/// Losses and weights that have changed little.
fn sign_of_slow_learning(case: &Case<'_>, losses: &[f64]) -> Option<String> {
    let range = &case.loss_range;
    let (first, last) = (
        range.excess(*losses.first()?),
        range.excess(*losses.last()?),
    );
    let guessing = range.guessing.map(|guessing| range.excess(guessing));
    let has_hardly_learned = match guessing {
        Some(guessing) => last > HARDLY_LEARNED * guessing,
        None => last > HARDLY_MOVED * first,
    };
    if has_hardly_learned {
        // Few steps with a usual rate are a matter of the number of epochs.
        let is_low = case.relative_rate().is_none_or(|rate| rate < 1.0 / 3.0);
        match case.weight_change {
            Some(_) if case.n_steps() < MIN_STEPS && !is_low => {}
            None => return Some("; it is almost unchanged".to_owned()),
            Some(WeightChange { relative, .. }) if relative <= MOVED => {
                let changed = number(100.0 * relative);
                return Some(format!("; the weights have changed by {changed} %"));
            }
            Some(_) => {}
        }
    }
    if slower_decay(case).is_some() && case.scores.is_ok() && !fits_training_samples(case) {
        return Some("; the schedule has made the later steps too small".to_owned());
    }
    let has_far_to_go = last >= HALF_LEARNED * guessing.unwrap_or(first);
    let pace = Pace::new(case).filter(|pace| pace.epochs_factor() > LONG)?;
    let is_slow = has_far_to_go && losses.len() >= MANY_EPOCHS;
    is_slow.then(|| format!("; {}", pace.text()))
}
