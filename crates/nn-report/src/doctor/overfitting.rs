//! Checks for overfitting: training samples are predicted much better than other samples.

use nn_data::augment::Augment;
use nn_plot::number::number;
use nn_train::{Data, EpochMetrics};

use super::case::Case;
use super::finding::{Finding, Suggestion, percent};
use super::score::{Score, USUAL_GAP, USUAL_GAP_OF_R_SQUARED, too_few};
use super::shift::is_shifted;

/// The last validation loss must exceed the lowest by a quarter to count as a rise: with
/// few samples, it varies by a tenth from epoch to epoch.
const TURNED_UP: f64 = 1.25;

/// A rise below this fraction of the loss of constant predictions, or of that of the first
/// epoch if the former is not known, does not matter.
const MIN_RISE: f64 = 0.02;

/// Training samples that are predicted much better than validation samples.
pub(super) fn overfitting(case: &Case<'_>) -> Finding {
    let last = case.epochs().iter().rev().find_map(ValidatedEpoch::new);
    let Some(last) = last else {
        return Finding::NotChecked(case.why_no_validation());
    };
    let too_few = |n| too_few(n, "validation or test sample");
    if let Some(why) = case.n_held_out().and_then(too_few) {
        return Finding::NotChecked(why);
    }
    let lowest = case.run.record.epoch_of_lowest_loss();
    let best = lowest.and_then(ValidatedEpoch::new);
    let best = best.unwrap_or(last);
    let losses = format!(
        "the validation loss is {} at the end and {} at its lowest, after epoch {}",
        number(last.loss),
        number(best.loss),
        best.epoch
    );
    let has_patience = case.settings().patience.unwrap_or(0) > 0;
    // The epoch whose weights are the model.
    let kept = if has_patience { best } else { last };
    let gap = Gap::new(case, &kept);
    let text = match &gap {
        Some(gap) => format!("{losses}; {}", gap.text),
        None => losses,
    };
    // Training with smoothed targets ends with less certain outputs, at this
    // validation loss. A lower one on the way is no sign of overfitting.
    let lowest = best.loss.max(case.loss_range.evaluated_at_lowest);
    let first = case
        .epochs()
        .iter()
        .find_map(ValidatedEpoch::new)
        .unwrap_or(last);
    let reference = case.validation_range.guessing.unwrap_or(first.loss);
    let matters = last.loss - lowest > MIN_RISE * reference;
    // The validation loss has no class weights: it may rise while the weighted one falls.
    // And where training samples are predicted no better, nothing was overfitted.
    let has_turned_up = last.loss > TURNED_UP * lowest
        && matters
        && !case.has_class_weights()
        && gap.as_ref().is_none_or(|gap| gap.is_better_in_training);
    let has_gap = gap.is_some_and(|gap| gap.difference > gap.limit);
    if (!has_turned_up || has_patience) && !has_gap {
        return Finding::Ok(text);
    }
    Finding::Problem(text, tries(case, has_turned_up))
}

/// The difference between training samples and others.
struct Gap {
    text: String,
    /// Accuracy or R² in training minus that on validation and test samples.
    difference: f64,
    /// The largest difference that is usual, or that chance explains.
    limit: f64,
    /// Whether the model predicts training samples better than validation samples.
    is_better_in_training: bool,
}

impl Gap {
    /// From the accuracies of `kept`, the epoch whose weights are the model, and from the
    /// scores of the model. With dropout, the accuracies in training are lower than those
    /// of the model, as they should be: the difference of the model is large even if the
    /// network generalizes well.
    fn new(case: &Case<'_>, kept: &ValidatedEpoch) -> Option<Self> {
        let scores = case.scores.as_ref().ok();
        let scores =
            scores.and_then(|scores| Some((scores.train, scores.validation?, scores.test)));
        let [train, validation] = match (kept.accuracies, scores) {
            (Some(accuracies), _) => accuracies,
            (None, scores) => {
                scores.map(|(train, validation, _)| [train.value, validation.value])?
            }
        };
        let (measure, text): (_, fn(f64) -> String) = match kept.accuracies {
            Some(_) => ("accuracy", percent),
            None => ("R²", number),
        };
        let mut gap = Self {
            text: format!(
                "the {measure} is {} on the training samples and {} on the validation samples",
                text(train),
                text(validation)
            ),
            difference: train - validation,
            limit: match kept.accuracies {
                Some(_) => USUAL_GAP,
                None => USUAL_GAP_OF_R_SQUARED,
            },
            is_better_in_training: true,
        };
        if let Some((of_model, validation_score, test)) = scores {
            // Test samples of another distribution say nothing about overfitting.
            let of_same = test.filter(|_| !case.scores.as_ref().is_ok_and(is_shifted));
            let others = [Some(validation_score), of_same];
            let others: Vec<Score> = others.into_iter().flatten().collect();
            let n: usize = others.iter().map(Score::n).sum();
            let values = others.iter().map(|score| score.value * score.n() as f64);
            gap.difference = train - values.sum::<f64>() / n as f64;
            gap.limit = gap.limit.max(validation_score.uncertainty(n));
            gap.is_better_in_training = of_model.value > validation_score.value;
            if let Some(test) = test {
                gap.text += &format!(", and {} on the test samples", text(test.value));
            }
        }
        Some(gap)
    }
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

fn tries(case: &Case<'_>, has_turned_up: bool) -> Vec<Suggestion> {
    let settings = case.settings();
    let mut tries = Vec::new();
    if has_turned_up && settings.patience.unwrap_or(0) == 0 {
        tries.push(Suggestion::set(
            "patience",
            "3",
            "stops early and keeps the best weights",
        ));
    }
    let is_image = |data: &Data| data.dataset.image_size.is_some();
    let is_plain = settings
        .augment
        .as_ref()
        .is_none_or(|augment| *augment.value() == Augment::NONE);
    if case.data().is_ok_and(is_image) && is_plain {
        tries.push(Suggestion::set(
            "augment",
            "shift",
            "deforms the images randomly in each epoch",
        ));
    }
    if settings.dropout.unwrap_or(0.0) == 0.0 {
        tries.push(Suggestion::set(
            "dropout",
            "0.2",
            "prevents co-adaptation of neurons",
        ));
    }
    let has_decay = settings.weight_decay.unwrap_or(0.0) != 0.0;
    if settings.l2.unwrap_or(0.0) == 0.0 && !has_decay {
        tries.push(Suggestion::set("l2", "0.0001", "penalizes large weights"));
    }
    tries.push(Suggestion::advice(
        "use more training samples or a smaller network (--hidden)",
    ));
    tries
}
