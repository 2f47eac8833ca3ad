//! Checks of the hidden neurons: dead neurons, and saturated activations.

use nn_core::init::Init;
use nn_core::network::ForwardCache;
use nn_core::{Activation, Model, Rows};
use nn_tensor::Threads;

use super::case::{Case, percent};
use super::check::{Check, Finding, Suggestion};

pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "dead neurons",
        find: dead,
    },
    Check {
        name: "saturated neurons",
        find: saturated,
    },
];

/// Maximum number of samples to check. A neuron whose output is 0 for all of them
/// almost certainly has output 0 for more than 99 % of all samples.
const N_SAMPLES: usize = 1000;

/// Fraction of dead neurons in a layer above which capacity is lost. With the
/// default settings it is 0.008 on MNIST and on the built-in digits.
const MAX_DEAD: f64 = 0.1;

fn dead(case: &Case) -> Finding {
    let dead_fraction = |layer: &HiddenLayer| {
        (layer.activation == Activation::Relu).then(|| layer.fraction_of_dead_neurons())
    };
    let fractions = match of_layers(case, dead_fraction, "no hidden layer uses relu") {
        Ok(fractions) => fractions,
        Err(finding) => return finding,
    };
    let text = format!(
        "neurons with output 0 for all {} training samples: {}",
        fractions.n_samples,
        fractions.text()
    );
    if fractions.largest() <= MAX_DEAD {
        return Finding::Ok(text);
    }
    let mut tries = vec![
        Suggestion::flags(
            case.rate_times(0.1),
            "smaller steps are less likely to kill neurons",
        ),
        Suggestion::flags("--activation leaky-relu", "its derivative is never 0"),
        Suggestion::flags("--batch-norm", "keeps the weighted sums near 0"),
    ];
    let bias_init = case.settings.bias_init.as_ref();
    if bias_init.is_some_and(|init| *init.value() != Init::Zeros) {
        tries.insert(
            0,
            Suggestion::flags("--bias-init zeros", "starts with biases of 0"),
        );
    }
    Finding::Problem(text, tries)
}

/// Derivative of a saturated activation, as a fraction of the maximum derivative:
/// |z| > 4.3 for sigmoid, |z| > 2.2 for tanh. Two such neurons in a row make a
/// gradient 400 times smaller.
const SATURATED: f32 = 0.05;

/// Fraction of saturated activations in a layer above which the gradient becomes
/// small. A trained layer has some, for samples that it is certain about.
const MAX_SATURATED: f64 = 0.5;

fn saturated(case: &Case) -> Finding {
    let saturated_fraction = |layer: &HiddenLayer| {
        Some(layer.fraction_of_saturated_activations(largest_derivative(layer.activation)?))
    };
    let none = "no hidden layer has a saturating activation";
    let fractions = match of_layers(case, saturated_fraction, none) {
        Ok(fractions) => fractions,
        Err(finding) => return finding,
    };
    let text = format!(
        "activations ({} training samples) whose derivative is below 5 % of its maximum: {}",
        fractions.n_samples,
        fractions.text()
    );
    if fractions.largest() <= MAX_SATURATED {
        return Finding::Ok(text);
    }
    let mut tries = vec![
        Suggestion::flags("--batch-norm", "keeps the weighted sums near 0"),
        Suggestion::flags(case.rate_times(0.1), "takes smaller steps"),
        Suggestion::flags("--activation relu", "does not saturate for positive sums"),
    ];
    if case.settings.init.is_some() {
        tries.insert(
            0,
            Suggestion::flags(
                "--init xavier",
                "initial weights for saturating activations",
            ),
        );
    }
    Finding::Problem(text, tries)
}

/// The maximum derivative of an activation that saturates on both sides.
fn largest_derivative(activation: Activation) -> Option<f32> {
    match activation {
        Activation::Sigmoid => Some(0.25),
        Activation::HardSigmoid => Some(1.0 / 6.0),
        Activation::Tanh | Activation::HardTanh => Some(1.0),
        _ => None,
    }
}

/// One fraction per hidden layer that the check applies to.
struct Fractions {
    n_samples: usize,
    /// Number of the layer, from 1, and fraction.
    fractions: Vec<(usize, f64)>,
}

impl Fractions {
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

fn of_layers(
    case: &Case,
    fraction: impl Fn(&HiddenLayer) -> Option<f64>,
    none: &str,
) -> Result<Fractions, Finding> {
    let model = case
        .model
        .as_ref()
        .map_err(|why| Finding::NotChecked(why.clone()))?;
    let (n_samples, layers) = hidden_layers(case, model).map_err(Finding::NotChecked)?;
    let fractions = (1..)
        .zip(&layers)
        .filter_map(|(number, layer)| Some((number, fraction(layer)?)));
    let fractions: Vec<_> = fractions.collect();
    if fractions.is_empty() {
        return Err(Finding::Ok(none.to_owned()));
    }
    Ok(Fractions {
        n_samples,
        fractions,
    })
}

/// The values of a hidden layer for some samples.
struct HiddenLayer {
    activation: Activation,
    width: usize,
    /// z, or a where the derivative follows from it, `[n_samples, width]`.
    pre_activations: Vec<f32>,
    /// a, `[n_samples, width]`.
    activations: Vec<f32>,
}

impl HiddenLayer {
    fn fraction_of_dead_neurons(&self) -> f64 {
        let mut is_dead = vec![true; self.width];
        for row in self.activations.chunks_exact(self.width) {
            for (is_dead, &a) in is_dead.iter_mut().zip(row) {
                *is_dead &= a <= 0.0;
            }
        }
        let n_dead = is_dead.iter().filter(|&&it| it).count();
        n_dead as f64 / self.width as f64
    }

    fn fraction_of_saturated_activations(&self, largest_derivative: f32) -> f64 {
        let mut derivatives = vec![1.0; self.activations.len()];
        let (z, a) = (&self.pre_activations, &self.activations);
        self.activation.backward(z, a, &mut derivatives, self.width);
        let n_saturated = derivatives
            .iter()
            .filter(|&&derivative| derivative < SATURATED * largest_derivative)
            .count();
        n_saturated as f64 / derivatives.len() as f64
    }
}

/// The number of checked samples, and the values of the hidden layers for them.
fn hidden_layers(case: &Case, model: &Model) -> Result<(usize, Vec<HiddenLayer>), String> {
    let train = case.splits()?.train;
    let network = &model.network;
    let fits = train.check_fit(network.n_inputs(), network.n_outputs());
    fits.map_err(|error| error.to_string())?;
    let n_samples = train.len().min(N_SAMPLES);
    let position = |sample: usize| (sample * train.len() / n_samples) as u32;
    let positions: Vec<u32> = (0..n_samples).map(position).collect();
    let mut inputs = vec![0.0; n_samples * network.n_inputs()];
    let read = train.read_inputs(&positions, &mut inputs);
    read.map_err(|error| error.to_string())?;
    let inputs = Rows::new(inputs, network.n_inputs());
    let mut cache = ForwardCache::new(network, n_samples);
    network.forward(inputs.borrow(), &mut cache, &Threads::all());
    let n_hidden = network.layers().len() - 1;
    let layers = network.layers()[..n_hidden].iter().enumerate();
    let layers = layers.map(|(index, layer)| HiddenLayer {
        activation: layer.activation,
        width: layer.n_outputs,
        pre_activations: cache.layer(index).pre_activations().to_vec(),
        activations: cache.layer(index).activations().to_vec(),
    });
    Ok((n_samples, layers.collect()))
}
