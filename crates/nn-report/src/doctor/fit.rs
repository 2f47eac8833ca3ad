//! Checks for underfitting: the network does not fit the training samples, because the network
//! is too small or the regularization is too strong.

use nn_core::Optimizer;

use super::case::{Case, Scores};
use super::finding::{Finding, Suggestion, counted, percent};
use super::pace::{FAR_FROM_DEFAULT, MIN_STEPS};

/// How much lower than the reference score a score on the training samples must be. The
/// reference predicts each sample without its target, so that a lower score of the network
/// is not a matter of noise.
const MARGIN: f64 = 0.015;

/// Accuracy above which training samples count as fitted even if the reference is better.
const FITTED: f64 = 0.95;

/// Unexplained variance, as a multiple of that of the reference, and unexplained variance up to
/// which the numbers of a regression count as fitted. An R² of 0.97 is low if 0.999 is possible.
const UNEXPLAINED: f64 = 4.0;
const HARDLY_UNEXPLAINED: f64 = 0.02;

/// Whether the network fits its training samples as well as can be expected. `false`
/// if it is not known.
pub(super) fn fits_training_samples(case: &Case<'_>) -> bool {
    let scores = case.scores.as_ref();
    scores.is_ok_and(|scores| fits(scores) && scores.train.beats_constant())
        && !has_loss_above(case, 1.0)
}

fn fits(scores: &Scores) -> bool {
    let train = &scores.train;
    let margin = MARGIN + train.uncertainty(train.n());
    let [found, reference] = match scores.mean_recalls() {
        Some(recalls) => recalls,
        None => [train.value, scores.reference.score],
    };
    if train.is_r_squared() {
        let limit = HARDLY_UNEXPLAINED.max(UNEXPLAINED * (1.0 - reference));
        return found >= reference - margin && 1.0 - found <= limit;
    }
    found >= FITTED || found >= reference - margin
}

/// A hidden layer with fewer neurons than outputs, or with a single neuron, that keeps the
/// network from fitting the training samples. Other settings cannot make up for it.
pub(super) fn narrow_layer(case: &Case<'_>) -> Finding {
    let scores = match &case.scores {
        Ok(scores) => scores,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let widths = case.run.model.as_ref().map(|model| model.network.widths());
    let widths = widths.unwrap_or_default();
    let narrowest_and_outputs = match &widths[..] {
        [_, hidden @ .., n_outputs] => hidden.iter().min().map(|&it| (it, *n_outputs)),
        _ => None,
    };
    let Some((narrowest, n_outputs)) = narrowest_and_outputs else {
        return Finding::Ok("not applicable: there is no hidden layer".to_owned());
    };
    let text = format!(
        "the narrowest hidden layer has {} for {}",
        counted(narrowest, "neuron"),
        counted(n_outputs, "output")
    );
    let is_narrow = narrowest == 1 || narrowest < n_outputs;
    let is_far_too_slow = case
        .relative_rate()
        .is_some_and(|rate| rate < 1.0 / FAR_FROM_DEFAULT);
    if !is_narrow || fits(scores) || case.n_steps() < MIN_STEPS || is_far_too_slow {
        return Finding::Ok(text);
    }
    let text = format!("{text}; {}", beside_reference(scores));
    Finding::Problem(text, vec![larger_network(case)])
}

/// A network that is too small. Regularization, learning rate and number of epochs have
/// their own checks.
pub(super) fn underfitting(case: &Case<'_>) -> Finding {
    let scores = match &case.scores {
        Ok(scores) => scores,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let text = beside_reference(scores);
    if fits(scores) {
        return Finding::Ok(text);
    }
    let advice = Suggestion::advice("add inputs that distinguish the samples");
    Finding::Problem(text, vec![larger_network(case), advice])
}

/// `the training accuracy is 61.70 %; predicting each sample from the most similar other
/// sample gives accuracy 99.00 %`
fn beside_reference(scores: &Scores) -> String {
    let Scores {
        train, reference, ..
    } = scores;
    let predictor = reference.predictor;
    match scores.mean_recalls() {
        Some([found, other]) => format!(
            "the mean recall on the training samples is {}; {predictor} gives {}",
            percent(found),
            percent(other)
        ),
        None => format!(
            "{}; {predictor} gives {}",
            train.text(),
            train.named(reference.score)
        ),
    }
}

/// Values from which on regularization can prevent a fit by itself, far above the usual
/// ones: 0.0001 to 0.0005 for penalties, 0.01 for weight decay, 0.2 to 0.5 for dropout, 0.1 for
/// label smoothing.
const STRONG_PENALTY: f64 = 0.005;
const STRONG_WEIGHT_DECAY: f64 = 0.5;
const STRONG_DROPOUT: f64 = 0.6;
const STRONG_SMOOTHING: f64 = 0.5;

/// Size of the trained weights, as a fraction of the initial ones, below which a penalty
/// has the upper hand. Without regularization, weights grow.
const SHRUNK: f64 = 0.5;

/// Regularization that keeps the network from fitting the training samples.
pub(super) fn strong_regularization(case: &Case<'_>) -> Finding {
    let scores = match &case.scores {
        Ok(scores) => scores,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let strong = strong_settings(case);
    if strong.is_empty() {
        return Finding::Ok("the run has no strong regularization".to_owned());
    }
    let settings: Vec<String> = strong.iter().map(|strong| strong.text.clone()).collect();
    let growth = case.weight_change.map_or(1.0, |change| change.growth);
    let text = format!(
        "with {}, the norm of the weights is {} of its initial value; {}",
        settings.join(" "),
        percent(growth),
        beside_reference(scores)
    );
    // Dropout and label smoothing make outputs uncertain, but do not shrink the weights.
    let shrinks_nothing = strong
        .iter()
        .any(|it| matches!(it.name, "dropout" | "label-smoothing"));
    let has_grown = growth > SHRUNK && !shrinks_nothing;
    let is_fitted = fits(scores) && (has_grown || !has_loss_above(case, SMALL_LOSS));
    if is_fitted {
        return Finding::Ok(text);
    }
    let weaker = Suggestion::advice("weakens the regularization");
    let weaker = strong
        .iter()
        .fold(weaker, |it, strong| it.and(strong.name, strong.weaker));
    Finding::Problem(text, vec![weaker])
}

/// Fraction of the loss of constant predictions above which a loss is not small. A penalty
/// can keep outputs uncertain that are all on the right side.
const SMALL_LOSS: f64 = 0.25;

/// Whether the loss on training samples is above this fraction of that of constant
/// predictions. Outputs can be on the right side and yet so uncertain, or so certain where
/// they are wrong, that it is.
fn has_loss_above(case: &Case<'_>, fraction: f64) -> bool {
    let (Ok(trained), Some(guessing)) = (&case.trained, case.loss_range.guessing) else {
        return false;
    };
    let range = &case.loss_range;
    range.excess(trained.loss) > fraction * range.excess(guessing)
}

/// A setting with strong regularization.
struct Strong {
    name: &'static str,
    text: String,
    /// The value without it.
    weaker: &'static str,
}

fn strong_settings(case: &Case<'_>) -> Vec<Strong> {
    let settings = case.settings();
    let optimizer = settings.optimizer.as_ref();
    let chosen = [
        ("l2", settings.l2, STRONG_PENALTY),
        ("l1", settings.l1, STRONG_PENALTY),
        ("weight-decay", settings.weight_decay, STRONG_WEIGHT_DECAY),
        ("dropout", settings.dropout, STRONG_DROPOUT),
        (
            "label-smoothing",
            settings.label_smoothing,
            STRONG_SMOOTHING,
        ),
    ];
    let chosen = chosen.into_iter().filter_map(|(name, value, limit)| {
        let value = value.filter(|&value| value >= limit)?;
        Some(Strong {
            name,
            text: format!("--{name} {value}"),
            weaker: "0",
        })
    });
    // The resolved settings have the weight decay of adamw in its parameters.
    let adamw = optimizer.and_then(|optimizer| match *optimizer.value() {
        Optimizer::AdamW { weight_decay, .. } if weight_decay >= STRONG_WEIGHT_DECAY => {
            Some(Strong {
                name: "optimizer",
                text: format!("--optimizer {optimizer}"),
                weaker: "adamw",
            })
        }
        _ => None,
    });
    chosen.chain(adamw).collect()
}

/// Widths up to which a layer is widened; networks with wider layers get another one.
const WIDE: usize = 256;

fn larger_network(case: &Case<'_>) -> Suggestion {
    let hidden = case.settings().hidden.as_ref();
    let mut widths = hidden.map_or_else(Vec::new, |hidden| hidden.value().0.clone());
    let what = match widths.iter().min() {
        None => {
            widths = vec![64, 64];
            "adds hidden layers"
        }
        Some(&narrowest) if narrowest < WIDE => {
            for width in &mut widths {
                *width = (*width).max(WIDE.min(4 * *width)).max(16);
            }
            "adds neurons"
        }
        Some(&narrowest) => {
            widths.push(narrowest);
            "adds a layer"
        }
    };
    let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
    Suggestion::set("hidden", widths.join(","), what)
}
