//! What the hidden layers say to training samples: neurons that are always
//! silent, and neurons at the flat ends of their activation.

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

/// Samples that are looked at: a neuron that is silent for all of them is
/// silent for more than 99 % of all samples, with all but certainty.
const N_SAMPLES: usize = 1000;

/// A share of dead neurons in a layer that is lost capacity rather than chance.
/// The default training has 0.008 on MNIST and on the built-in digits.
const DEAD: f64 = 0.1;

fn dead(case: &Case) -> Finding {
    let silent = |layer: &HiddenLayer| {
        (layer.activation == Activation::Relu).then(|| layer.share_of_silent_neurons())
    };
    let shares = match of_layers(case, silent, "no hidden layer is relu") {
        Ok(shares) => shares,
        Err(look) => return look,
    };
    let text = format!(
        "silent for all of {} training samples: {}",
        shares.n_samples,
        shares.text()
    );
    if shares.largest() <= DEAD {
        return Finding::Ok(text);
    }
    let mut tries = vec![
        Suggestion::flags(
            case.rate_times(0.1),
            "large steps push neurons to where they are silent",
        ),
        Suggestion::flags("--activation leaky-relu", "a slope that is never 0"),
        Suggestion::flags("--batch-norm", "sums around 0"),
    ];
    let bias_init = case.settings.bias_init.as_ref();
    if bias_init.is_some_and(|init| *init.value() != Init::Zeros) {
        tries.insert(
            0,
            Suggestion::flags("--bias-init zeros", "neurons that begin at their kink"),
        );
    }
    Finding::Problem(text, tries)
}

/// A slope below a twentieth of the steepest one: |z| > 4.3 for sigmoid,
/// |z| > 2.2 for tanh. A gradient that passes two such neurons is 400 times
/// smaller.
const FLAT: f32 = 0.05;

/// A share of flat answers in a layer from which on little gradient passes:
/// a trained layer has some, where it is sure.
const SATURATED: f64 = 0.5;

fn saturated(case: &Case) -> Finding {
    let flat = |layer: &HiddenLayer| Some(layer.share_of_flat_answers(steepest(layer.activation)?));
    let none = "no hidden layer has an activation with flat ends";
    let shares = match of_layers(case, flat, none) {
        Ok(shares) => shares,
        Err(look) => return look,
    };
    let text = format!(
        "answers to {} training samples where the slope is below 5 % of the steepest: {}",
        shares.n_samples,
        shares.text()
    );
    if shares.largest() <= SATURATED {
        return Finding::Ok(text);
    }
    let mut tries = vec![
        Suggestion::flags("--batch-norm", "sums around 0"),
        Suggestion::flags(case.rate_times(0.1), "smaller steps"),
        Suggestion::flags("--activation relu", "no flat end above 0"),
    ];
    if case.settings.init.is_some() {
        tries.insert(
            0,
            Suggestion::flags("--init xavier", "weights that suit such activations"),
        );
    }
    Finding::Problem(text, tries)
}

/// The steepest slope of an activation that is flat on both sides.
fn steepest(activation: Activation) -> Option<f32> {
    match activation {
        Activation::Sigmoid => Some(0.25),
        Activation::HardSigmoid => Some(1.0 / 6.0),
        Activation::Tanh | Activation::HardTanh => Some(1.0),
        _ => None,
    }
}

/// One number a hidden layer that has one.
struct Shares {
    n_samples: usize,
    /// Layer, from 1, and share.
    shares: Vec<(usize, f64)>,
}

impl Shares {
    fn largest(&self) -> f64 {
        self.shares.iter().map(|share| share.1).fold(0.0, f64::max)
    }

    fn text(&self) -> String {
        let share = |&(layer, share): &(usize, f64)| format!("layer {layer} {}", percent(share));
        let texts: Vec<String> = self.shares.iter().map(share).collect();
        texts.join(", ")
    }
}

fn of_layers(
    case: &Case,
    share: impl Fn(&HiddenLayer) -> Option<f64>,
    none: &str,
) -> Result<Shares, Finding> {
    let model = case
        .model
        .as_ref()
        .map_err(|why| Finding::NotChecked(why.clone()))?;
    let (n_samples, layers) = hidden_layers(case, model).map_err(Finding::NotChecked)?;
    let shares = (1..)
        .zip(&layers)
        .filter_map(|(number, layer)| Some((number, share(layer)?)));
    let shares: Vec<_> = shares.collect();
    if shares.is_empty() {
        return Err(Finding::Ok(none.to_owned()));
    }
    Ok(Shares { n_samples, shares })
}

/// What a hidden layer answers to some samples.
struct HiddenLayer {
    activation: Activation,
    width: usize,
    /// z, or a where the slope follows from it, `[n_samples, width]`.
    pre_activations: Vec<f32>,
    /// a, `[n_samples, width]`.
    activations: Vec<f32>,
}

impl HiddenLayer {
    fn share_of_silent_neurons(&self) -> f64 {
        let mut is_silent = vec![true; self.width];
        for row in self.activations.chunks_exact(self.width) {
            for (is_silent, &a) in is_silent.iter_mut().zip(row) {
                *is_silent &= a <= 0.0;
            }
        }
        let n_silent = is_silent.iter().filter(|&&it| it).count();
        n_silent as f64 / self.width as f64
    }

    fn share_of_flat_answers(&self, steepest: f32) -> f64 {
        let mut slopes = vec![1.0; self.activations.len()];
        let (z, a) = (&self.pre_activations, &self.activations);
        self.activation.backward(z, a, &mut slopes, self.width);
        let n_flat = slopes
            .iter()
            .filter(|&&slope| slope < FLAT * steepest)
            .count();
        n_flat as f64 / slopes.len() as f64
    }
}

/// Samples that were looked at, and the hidden layers' answers to them.
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
