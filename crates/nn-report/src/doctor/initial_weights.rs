//! Checks the initial weights, which may be zero or equal, far too small, or far too large.
//!
//! The check runs the initial network on training samples, as in Karpathy's "verify loss at
//! init". With good initial weights, the neurons have different outputs, and the loss is not
//! much larger than the loss of constant predictions.

use nn_core::Activation;
use nn_core::init::Init;
use nn_plot::number::number;
use nn_train::{Choice, Settings};

use super::case::Case;
use super::finding::{Finding, Suggestion, percent};
use super::fit::fits_training_samples;
use super::probe::Probe;

/// Fraction of saturated or dead neurons in a layer that passes hardly any gradient.
/// The usual initializers have a few percent at most: with standardized inputs, weighted
/// sums beyond ±2.2, where tanh counts as saturated, are those of 2.2 standard deviations.
const TOO_MANY: f64 = 0.5;

/// Gradient of the first layer, divided by that of the last one, with which the first
/// layer hardly moves. For a single hidden layer, the usual initializers have 0.1 to 1.
const VANISHED: f64 = 1e-3;

/// Initial weights or biases that prevent learning.
pub(super) fn initial_weights(case: &Case<'_>) -> Finding {
    let initial = match &case.initial {
        Ok(initial) => initial,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let usual = usual(case.settings());
    if let Some(evidence) = equal_neurons(case, initial) {
        return Finding::Problem(evidence, vec![with_usual(usual)]);
    }
    match problem(case, initial) {
        Some(evidence) if usual.is_empty() => Finding::Ok(format!(
            "{evidence}, but the initializers are the usual ones"
        )),
        Some(evidence) if fits_training_samples(case) && generalizes(case) => {
            Finding::Ok(format!("{evidence}, but the samples are predicted well"))
        }
        Some(evidence) => Finding::Problem(evidence, vec![with_usual(usual)]),
        None => Finding::Ok(format!(
            "the loss before the first step is {}",
            number(initial.loss)
        )),
    }
}

/// Difference between the scores on training samples and on others from which on initial
/// weights matter that were too large to be unlearned.
const GAP: f64 = 0.1;

fn generalizes(case: &Case<'_>) -> bool {
    let scores = case.scores.as_ref();
    scores.is_ok_and(|scores| {
        let held_out = scores.held_out();
        held_out.is_none_or(|held_out| scores.train.value - held_out.value <= GAP)
    })
}

/// Equal neurons have equal gradients, so that a layer of them is never better than a
/// single neuron, however well that fits the samples.
fn equal_neurons(case: &Case<'_>, initial: &Probe) -> Option<String> {
    let init = case.settings().init.as_ref().map(Choice::value);
    if !matches!(init, Some(Init::Zeros | Init::Constant { .. })) {
        return None;
    }
    let mut layers = (1..).zip(&initial.hidden);
    let (layer, _) = layers.find(|(_, it)| it.has_equal_neurons())?;
    Some(format!(
        "all neurons of layer {layer} start with the same weights and therefore stay equal"
    ))
}

fn problem(case: &Case<'_>, initial: &Probe) -> Option<String> {
    let mut layers = (1..).zip(&initial.hidden);
    let passes_nothing = layers.find_map(|(layer, it)| {
        let kinds = [
            ("activations", "saturated", it.saturated_fraction()),
            ("neurons", "dead", it.dead_fraction()),
        ];
        kinds.into_iter().find_map(|(what, kind, fraction)| {
            let fraction = fraction.filter(|&fraction| fraction > TOO_MANY)?;
            Some(format!(
                "before the first step, {} of the {what} of layer {layer} are {kind}",
                percent(fraction)
            ))
        })
    });
    let vanished = || match initial.gradients[..] {
        [first, .., last] if first < VANISHED * last => Some(format!(
            "before the first step, the gradient of layer 1 is {} and that of the output layer is {}",
            number(first),
            number(last)
        )),
        _ => None,
    };
    let loss = initial.loss;
    let too_high = || {
        let limit = case
            .loss_range
            .far_too_high
            .filter(|&limit| loss > limit || !loss.is_finite())?;
        Some(format!(
            "the loss before the first step is {}; an untrained network should have less than {}",
            number(loss),
            number(limit)
        ))
    };
    passes_nothing.or_else(too_high).or_else(vanished)
}

/// The settings that replace unusual initializers by the usual ones.
fn usual(settings: &Settings) -> Vec<(&'static str, String)> {
    let hidden = settings.activation.as_ref().map(|it| &it.value().0[..]);
    let hidden = hidden
        .and_then(|it| it.first())
        .copied()
        .unwrap_or(Activation::Relu);
    let chosen = settings.init.as_ref().map(Choice::value);
    let init = chosen
        .filter(|init| is_unusual(init))
        .map(|_| Init::usual_for(hidden));
    let biases = settings.bias_init.as_ref().map(Choice::value);
    let biases = biases
        .filter(|&init| *init != Init::Zeros)
        .map(|_| Init::Zeros);
    let named = [("init", init), ("bias-init", biases)];
    let named = named
        .into_iter()
        .filter_map(|(name, init)| Some((name, init?.to_string())));
    named.collect()
}

/// Initializers whose size does not depend on the widths of the layers.
fn is_unusual(init: &Init) -> bool {
    matches!(
        init,
        Init::Zeros | Init::Constant { .. } | Init::Uniform { .. } | Init::Normal { .. }
    )
}

fn with_usual(settings: Vec<(&'static str, String)>) -> Suggestion {
    let effect = |(name, _): &(&str, String)| match *name {
        "init" => "scales random weights to the layer sizes",
        _ => "sets the biases to 0",
    };
    let effects: Vec<&str> = settings.iter().map(effect).collect();
    let advice = Suggestion::advice(effects.join(", and "));
    settings
        .into_iter()
        .fold(advice, |it, (name, value)| it.and(name, value))
}
