//! Checks for dead neurons, saturated neurons and vanishing gradients.

use nn_core::Activation;
use nn_core::init::Init;
use nn_plot::number::number;
use nn_train::Choice;

use super::case::Case;
use super::finding::{Finding, Suggestion, percent};
use super::fit::fits_training_samples;
use super::probe::{HiddenLayer, Probe};

/// Fraction of the neurons of a layer that die during the training above which capacity is
/// lost. With the default settings it is 0.008 on MNIST and on the built-in digits. In
/// narrow layers, a few neurons are dead from the start, and nothing has killed them.
const MAX_KILLED: f64 = 0.25;

/// The same for neurons that are dead before the first step.
const MAX_DEAD_AT_START: f64 = 0.5;

/// Neurons of relu layers that have become 0 for all samples.
pub(super) fn dead(case: &Case<'_>) -> Finding {
    let fractions = Fractions::new(
        case,
        HiddenLayer::dead_fraction,
        "no hidden layer uses relu",
    );
    let fractions = match fractions {
        Ok(fractions) => fractions,
        Err(finding) => return finding,
    };
    let text = format!(
        "neurons with output 0 for all {} training samples: {}",
        fractions.n_samples,
        fractions.text()
    );
    let initial = Fractions::of(case.initial.as_ref(), HiddenLayer::dead_fraction);
    let is_from_start = initial
        .as_ref()
        .is_ok_and(|initial| initial.largest() > MAX_DEAD_AT_START);
    if !is_from_start && fractions.largest_growth(initial.as_ref()) <= MAX_KILLED {
        return Finding::Ok(text);
    }
    if fits_training_samples(case) {
        return Finding::Ok(format!(
            "{text}; the other neurons fit the training samples"
        ));
    }
    let mut tries = vec![
        Suggestion::set(
            "lr",
            case.lower_rate(),
            "smaller steps are less likely to kill neurons",
        ),
        Suggestion::set(
            "activation",
            "leaky-relu",
            "has a derivative that is never 0",
        ),
        Suggestion::set("batch-norm", "true", "keeps the weighted sums near 0"),
    ];
    let bias_init = case.settings().bias_init.as_ref();
    if bias_init.is_some_and(|init| *init.value() != Init::Zeros) {
        tries.insert(
            0,
            Suggestion::set("bias-init", "zeros", "starts with biases of 0"),
        );
    }
    Finding::Problem(text, tries)
}

/// Fraction of saturated activations in a layer above which the gradient becomes
/// small. A trained layer has some, for samples that it is certain about.
const MAX_SATURATED: f64 = 0.5;

/// How many times higher than the default a learning rate is if its steps may have
/// saturated the neurons.
const LARGE_RATE: f64 = 10.0;

/// Neurons whose activation function is flat for most samples.
pub(super) fn saturated(case: &Case<'_>) -> Finding {
    let none = "no hidden layer has a saturating activation";
    let fractions = match Fractions::new(case, HiddenLayer::saturated_fraction, none) {
        Ok(fractions) => fractions,
        Err(finding) => return finding,
    };
    let text = format!(
        "activations with a derivative below 5 % of its maximum, for {} training samples: {}",
        fractions.n_samples,
        fractions.text()
    );
    if fractions.largest() <= MAX_SATURATED {
        return Finding::Ok(text);
    }
    if fits_training_samples(case) {
        return Finding::Ok(format!(
            "{text}; the network fits the training samples nevertheless"
        ));
    }
    let initial = Fractions::of(case.initial.as_ref(), HiddenLayer::saturated_fraction);
    let is_from_start = initial.is_ok_and(|initial| initial.largest() > MAX_SATURATED);
    let has_large_steps = case.relative_rate().is_some_and(|rate| rate > LARGE_RATE);
    if !is_from_start && !has_large_steps {
        return Finding::Ok(format!(
            "{text}; small networks use saturated neurons as switches"
        ));
    }
    let mut tries = vec![
        Suggestion::set("lr", case.lower_rate(), "takes smaller steps"),
        Suggestion::set("batch-norm", "true", "keeps the weighted sums near 0"),
        Suggestion::set("activation", "relu", "does not saturate for positive sums"),
    ];
    if !has_large_steps {
        tries.swap(0, 1);
    }
    Finding::Problem(text, tries)
}

/// Gradient of the first layer, divided by that of the last one, below which the first
/// layer learns much more slowly. With one or two hidden layers it is 0.1 to 1; each
/// layer of sigmoids, whose derivative is at most 1/4, multiplies it by about 0.2.
const VANISHING: f64 = 0.01;

/// Gradients that become smaller from layer to layer, backwards.
pub(super) fn vanishing(case: &Case<'_>) -> Finding {
    let initial = match &case.initial {
        Ok(initial) => initial,
        Err(why) => return Finding::NotChecked(why.clone()),
    };
    let [first, .., last] = initial.gradients[..] else {
        return Finding::Ok("not applicable: there is no hidden layer".to_owned());
    };
    let text = format!(
        "before the first step, the gradient of layer 1 is {}, and that of the output layer is {}",
        number(first),
        number(last)
    );
    if first >= VANISHING * last || fits_training_samples(case) {
        return Finding::Ok(text);
    }
    let mut tries = Vec::new();
    let activations = case.settings().activation.as_ref().map(Choice::value);
    let is_relu = activations.is_none_or(|it| it.0.iter().all(|&it| it == Activation::Relu));
    if !is_relu {
        tries.push(Suggestion::set(
            "activation",
            "relu",
            "has a derivative of 1 for positive sums",
        ));
    }
    tries.push(Suggestion::set(
        "batch-norm",
        "true",
        "keeps the gradients of all layers similar",
    ));
    tries.push(Suggestion::advice("use fewer hidden layers (--hidden)"));
    Finding::Problem(text, tries)
}

/// One fraction per hidden layer that the check applies to.
struct Fractions {
    n_samples: usize,
    /// Number of the layer, from 1, and fraction.
    fractions: Vec<(usize, f64)>,
}

impl Fractions {
    /// The fractions of the trained network.
    ///
    /// # Errors
    /// The finding, if there are none; `none` says why.
    fn new(
        case: &Case<'_>,
        fraction: impl Fn(&HiddenLayer) -> Option<f64>,
        none: &str,
    ) -> Result<Self, Finding> {
        let found = Self::of(case.trained.as_ref(), fraction);
        let found = found.map_err(|why| Finding::NotChecked(why.clone()))?;
        if found.fractions.is_empty() {
            return Err(Finding::Ok(none.to_owned()));
        }
        Ok(found)
    }

    /// The fractions of a network.
    fn of<'e>(
        network: Result<&Probe, &'e String>,
        fraction: impl Fn(&HiddenLayer) -> Option<f64>,
    ) -> Result<Self, &'e String> {
        let network = network?;
        let layers = (1..).zip(&network.hidden);
        let fractions = layers.filter_map(|(number, layer)| Some((number, fraction(layer)?)));
        Ok(Self {
            n_samples: network.n_samples,
            fractions: fractions.collect(),
        })
    }

    /// The largest difference from the same layer of the initial network, if that is known.
    fn largest_growth(&self, initial: Result<&Self, &&String>) -> f64 {
        let before = |layer: usize| {
            let fractions = initial.iter().flat_map(|initial| &initial.fractions);
            let mut fractions = fractions.filter(|fraction| fraction.0 == layer);
            fractions.next().map_or(0.0, |fraction| fraction.1)
        };
        let growth = self
            .fractions
            .iter()
            .map(|&(layer, fraction)| fraction - before(layer));
        growth.fold(0.0, f64::max)
    }

    fn largest(&self) -> f64 {
        self.fractions
            .iter()
            .map(|fraction| fraction.1)
            .fold(0.0, f64::max)
    }

    fn text(&self) -> String {
        let fraction =
            |&(layer, fraction): &(usize, f64)| format!("layer {layer} {}", percent(fraction));
        let texts: Vec<String> = self.fractions.iter().map(fraction).collect();
        texts.join(", ")
    }
}
