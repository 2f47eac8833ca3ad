//! Random models with every kind of stage and every activation function.

use nn_core::model_file::{Description, InputDescription};
use nn_core::network::{ForwardCache, Randomness};
use nn_core::{
    Activation, LayerConfig, Loss, Menu, Model, Network, NetworkConfig, Purpose, Rows, Stage,
    Streams, Threads,
};

/// Number of categories in the last two columns of a network with a category embedding.
const CATEGORIES: [usize; 2] = [4, 3];

/// Stages with parameters, by the places that accept them.
const BEFORE_THE_SUMS: [&str; 7] = [
    "layer-norm",
    "scaling",
    "category-embedding:4x3,3x2",
    "periodic-embedding:3x4:std=0.5",
    "piecewise-linear-embedding:4x3",
    "members:3:signs",
    "parametric:relu",
];
const AFTER_THE_SUMS: [&str; 3] = ["layer-norm", "scaling", "parametric:"];

/// Layer normalization of fewer values amplifies rounding errors up to 1/√ε times: of two
/// values, only the sign of the difference remains.
const MIN_NORMALIZED_WIDTH: usize = 4;

/// Random numbers from 0 to below 1.
pub(crate) struct Random(Box<dyn FnMut() -> f64>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut stream = Streams::new(seed).stream(Purpose::Test, 1);
        Self(Box::new(move || stream.uniform()))
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.0)() * n as f64) as usize
    }

    fn is_true(&mut self) -> bool {
        self.below(2) == 1
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn in_range(&mut self, limit: f64) -> f32 {
        (limit * (2.0 * (self.0)() - 1.0)) as f32
    }
}

/// A model with random layers and parameters.
pub(crate) fn random_model(seed: u64) -> Model {
    let mut random = Random::new(seed);
    let config = random_config(&mut random);
    model_of(&config, &mut random)
}

/// An ensemble of two or three networks with random layers and parameters, and a random
/// temperature if its outputs are probabilities.
pub(crate) fn random_ensemble(seed: u64) -> Model {
    let mut random = Random::new(seed);
    let config = random_config(&mut random);
    let n_networks = 2 + random.below(2);
    let models: Vec<Model> = (0..n_networks)
        .map(|_| model_of(&config, &mut random))
        .collect();
    let networks: Vec<Network> = models.iter().map(|model| model.network.clone()).collect();
    let network = Network::ensemble(&networks).expect("networks with the same layers");
    let temperature = match network.output_layer().activation {
        Activation::Softmax | Activation::Sigmoid => 1.5 + f64::from(random.in_range(1.0)),
        _ => 1.0,
    };
    let network = network.with_temperature(temperature).expect("in range");
    Model {
        network,
        ..models[0].clone()
    }
}

fn random_config(random: &mut Random) -> NetworkConfig {
    let n_layers = 1 + random.below(3);
    let n_inputs = 3 + random.below(6);
    let mut width = n_inputs;
    let layers = (0..n_layers).map(|index| {
        let layer = random_layer(random, index == 0, index + 1 == n_layers, width);
        width = layer.n_outputs;
        layer
    });
    let layers = layers.collect();
    NetworkConfig { n_inputs, layers }
}

fn random_layer(random: &mut Random, is_first: bool, is_last: bool, width: usize) -> LayerConfig {
    let elementwise = || -> Vec<Activation> {
        let all = Activation::ALL.iter().copied();
        all.filter(|it| *it != Activation::Softmax).collect()
    };
    let activation = match is_last && random.is_true() {
        true => Activation::Softmax,
        false => random.of(&elementwise()),
    };
    let n_outputs = match random.is_true() && !is_last {
        true => width,
        false => 1 + random.below(12),
    };
    let mut layer = LayerConfig::new(n_outputs, activation);
    layer.batch_norm = random.is_true();
    let mut stage = |names: &[&str], width: usize| -> Vec<Stage> {
        let mut name = random.of(names).to_owned();
        if random.is_true() || name == "layer-norm" && width < MIN_NORMALIZED_WIDTH {
            return Vec::new();
        }
        if name.ends_with(':') {
            name += &random.of(&elementwise()).to_string();
        }
        vec![name.parse().expect("the name of a stage")]
    };
    layer.inputs = match is_first {
        true => stage(&BEFORE_THE_SUMS, width),
        false => stage(&AFTER_THE_SUMS, width),
    };
    layer.sums = stage(&AFTER_THE_SUMS, n_outputs);
    if !is_last {
        layer.outputs = stage(&AFTER_THE_SUMS, n_outputs);
        layer.dropout = 0.25 * f64::from(u8::from(random.is_true()));
        if n_outputs == width && !is_first {
            layer.outputs.push("residual".parse().expect("a stage"));
        }
    }
    layer
}

/// A model with this network, and random parameters and statistics.
pub(crate) fn model_of(config: &NetworkConfig, random: &mut Random) -> Model {
    let mut network: Network = Network::new(config, 1).expect("a valid configuration");
    for parameter in network.parameters_mut() {
        *parameter += random.in_range(0.3);
    }
    let rows = random_inputs(config, 64, random);
    let threads = Threads::single();
    network
        .initialize_from(rows.borrow(), &threads)
        .expect("finite rows");
    let mut cache = ForwardCache::new(&network, rows.n_rows());
    for step in 0..3 {
        let randomness = Randomness::new(0, step);
        network.forward_in_training(rows.borrow(), &mut cache, randomness, &threads);
    }
    let output = network.output_layer().activation;
    let loss = match output {
        Activation::Softmax => Loss::CrossEntropy,
        Activation::Sigmoid => Loss::BinaryCrossEntropy,
        Activation::Identity if random.is_true() => Loss::Hinge,
        _ => Loss::Mse,
    };
    let input = InputDescription {
        shape: vec![config.n_inputs],
        ..InputDescription::default()
    };
    Model {
        network,
        loss,
        description: Description {
            input,
            ..Description::default()
        },
    }
}

/// Rows for a network; the last columns are indices of categories if the first stage embeds
/// them.
pub(crate) fn random_inputs(
    config: &NetworkConfig,
    n_rows: usize,
    random: &mut Random,
) -> Rows<'static, f32> {
    let n_inputs = config.n_inputs;
    let first = config.layers[0].inputs.first();
    let are_embedded = matches!(first, Some(Stage::CategoryEmbedding(_)));
    let n_numeric = n_inputs - CATEGORIES.len() * usize::from(are_embedded);
    let mut rows = Vec::with_capacity(n_rows * n_inputs);
    for _ in 0..n_rows {
        rows.extend((0..n_numeric).map(|_| random.in_range(3.0)));
        if are_embedded {
            rows.extend(CATEGORIES.map(|n| random.below(n) as f32));
        }
    }
    Rows::new(rows, n_inputs)
}

/// The configuration of a model's network.
pub(crate) fn config_of(model: &Model) -> NetworkConfig {
    let layers = model.network.layers().iter().map(|layer| LayerConfig {
        inputs: layer.inputs.clone(),
        ..LayerConfig::new(layer.n_outputs, layer.activation)
    });
    NetworkConfig::new(model.network.n_inputs(), layers)
}
