//! Members that share layers (TabM-mini) against PyTorch (`scripts/reference.py`) and finite
//! differences; ensembles of networks; the temperature.

use std::ops::ControlFlow;

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::gradient_check::{Objective, check};
use nn_core::metrics::evaluate;
use nn_core::model_file::{Description, weights_sha256};
use nn_core::training::{BatchSize, Trainer, TrainingConfig};
use nn_core::{
    Activation, LayerConfig, Loss, Model, Network, NetworkConfig, Predictor, Regularization,
};
use nn_tensor::{Scalar, Threads};
use serde::Deserialize;

use crate::support::{assert_close, read_golden};

/// Relative and absolute tolerance in double precision.
const EXACT: [f64; 2] = [1e-10, 1e-14];

#[derive(Deserialize)]
struct Golden {
    labels: Vec<u32>,
    inputs: Vec<Vec<f64>>,
    parameters: Vec<f64>,
    outputs: Vec<Vec<f64>>,
    loss: f64,
    gradient: Vec<f64>,
}

impl Golden {
    fn inputs<S: Scalar>(&self) -> Array2<S> {
        let values = self.inputs.concat();
        let values = values.into_iter().map(S::from_f64).collect();
        Array2::from_shape_vec((self.inputs.len(), 4), values).expect("rows of four values")
    }

    fn network<S: Scalar>(&self) -> Network<S> {
        let mut network = Network::zeros(&config("members:3:signs")).expect("a valid network");
        let parameters = network.parameters_mut().iter_mut();
        for (to, from) in parameters.zip(&self.parameters) {
            *to = S::from_f64(*from);
        }
        network
    }
}

/// 4-5-3-2, tanh and softmax, with a members stage.
fn config(members: &str) -> NetworkConfig {
    let first = LayerConfig {
        inputs: vec![members.parse().expect("a stage")],
        ..LayerConfig::new(5, Activation::Tanh)
    };
    let layers = [
        first,
        LayerConfig::new(3, Activation::Tanh),
        LayerConfig::new(2, Activation::Softmax),
    ];
    NetworkConfig::new(4, layers)
}

fn samples<'a, S: Scalar>(inputs: &'a Array2<S>, labels: &'a [u32]) -> Samples<'a, S> {
    let targets = Targets::classes(labels, 2);
    Samples::new(Inputs::values(inputs.view()), targets).expect("valid samples")
}

#[test]
fn members_agree_with_pytorch() {
    let golden: Golden = read_golden("members");
    let (inputs, network) = (golden.inputs::<f64>(), golden.network::<f64>());
    assert_eq!(network.parameters().len(), golden.parameters.len());
    let outputs = network.predict_batch(&inputs, &Threads::single());
    let outputs = outputs.expect("valid rows");
    assert_close(
        "outputs",
        outputs.as_slice(),
        &golden.outputs.concat(),
        EXACT,
    );
    let samples = samples(&inputs, &golden.labels);
    let objective = Objective::new(
        &network,
        &samples,
        Loss::CrossEntropy,
        Regularization::default(),
    );
    let gradient = objective.expect("valid samples").analytic_gradient();
    assert_close("gradient", &gradient, &golden.gradient, EXACT);
    // The trainer computes the same gradient, and reports the same loss.
    let config = TrainingConfig {
        batch_size: BatchSize::Full,
        ..TrainingConfig::new(Loss::CrossEntropy, "adam".parse().expect("it is known"))
    };
    let mut trainer = Trainer::new(network, samples, None, config, Threads::single())
        .expect("a valid configuration");
    let loss = trainer.gradient().expect("finite").expect("a batch").loss;
    assert_close("loss", &[loss], &[golden.loss], EXACT);
    assert_close(
        "trainer",
        trainer.gradient_values(),
        &golden.gradient,
        EXACT,
    );
}

#[test]
fn the_gradient_of_members_passes_the_check() {
    let golden: Golden = read_golden("members");
    let inputs = golden.inputs::<f64>();
    let network = Network::<f64>::new(&config("members:4:normal"), 3).expect("a valid network");
    let checks = check(
        &network,
        &samples(&inputs, &golden.labels),
        Loss::CrossEntropy,
        Regularization { l1: 0.0, l2: 0.1 },
        usize::MAX,
    );
    for check in checks.expect("valid samples") {
        assert!(check.error < 1e-6, "{check:?}");
    }
}

/// 128 rows are computed in blocks by several threads.
#[test]
fn members_train_with_the_same_bits_for_any_number_of_threads() {
    let rows = 128;
    let value = |row: usize, column: usize| ((row * 7 + column * 13) % 29) as f32 / 14.0 - 1.0;
    let inputs = Array2::from_shape_fn((rows, 4), |(row, column)| value(row, column));
    let labels: Vec<u32> = (0..rows)
        .map(|row| u32::from(value(row, 0) * value(row, 1) > 0.0))
        .collect();
    let train = |threads| {
        let config_of = TrainingConfig {
            epochs: 60,
            learning_rate: 0.02,
            batch_size: BatchSize::Rows(64),
            ..TrainingConfig::new(Loss::CrossEntropy, "adam".parse().expect("it is known"))
        };
        let network = Network::new(&config("members:8:signs"), 1).expect("a valid network");
        let samples = samples(&inputs, &labels);
        let mut trainer = Trainer::new(network, samples.clone(), Some(samples), config_of, threads)
            .expect("a valid configuration");
        trainer
            .run(|_| ControlFlow::Continue(()))
            .expect("the loss is finite");
        trainer.network()
    };
    let network = train(Threads::single());
    assert_eq!(network, train(Threads::new(3)));
    let samples = samples(&inputs, &labels);
    let evaluation = evaluate(&network, &samples, Loss::CrossEntropy, &Threads::single());
    let evaluation = evaluation.expect("valid samples");
    assert!(evaluation.loss < 0.3, "{}", evaluation.loss);
    let mut predictor = Predictor::new(network.clone().into(), rows);
    let mut together = vec![0.0; rows * 2];
    let values = inputs.as_slice().expect("a fresh matrix");
    predictor
        .predict_into(values, &mut together)
        .expect("valid rows");
    for (row, expected) in values.chunks(4).zip(together.chunks(2)) {
        assert_eq!(network.predict(row).expect("a valid row"), expected);
    }
}

#[test]
fn members_stages_in_invalid_places_are_refused() {
    let message = |config: &NetworkConfig| Network::<f32>::zeros(config).unwrap_err().to_string();
    let mut second = config("members:3:signs");
    second.layers[1].inputs = second.layers[0].inputs.clone();
    let expected = "expected at most one members stage, in the first layer";
    assert_eq!(message(&second), format!("layer 2: {expected}"));
    let mut twice = config("members:3:signs");
    let stage = twice.layers[0].inputs[0].clone();
    twice.layers[0].inputs.push(stage);
    assert_eq!(message(&twice), format!("layer 1: {expected}"));
    assert_eq!(
        message(&config("members:0:signs")),
        "number of members: expected 1 to 1024, found 0"
    );
}

fn plain_network(seed: u64) -> Network {
    let layers = [(5, Activation::Relu), (2, Activation::Softmax)];
    Network::new(&NetworkConfig::new(4, layers), seed).expect("a valid network")
}

fn model(network: Network) -> Model {
    Model {
        network,
        loss: Loss::CrossEntropy,
        description: Description::default(),
    }
}

/// The mean is computed here from the probabilities of each network.
#[test]
fn the_prediction_of_an_ensemble_is_the_mean_of_the_probabilities() {
    let networks: Vec<Network> = (0..3).map(plain_network).collect();
    let ensemble = Network::ensemble(&networks).expect("equal layers");
    let row = [0.5, -1.0, 2.0, 0.25];
    let found = ensemble.predict(&row).expect("a valid row");
    let members: Vec<Vec<f32>> = networks
        .iter()
        .map(|network| network.predict(&row).expect("a valid row"))
        .collect();
    for (class, found) in found.iter().enumerate() {
        let mean = members.iter().map(|it| it[class]).sum::<f32>() / 3.0;
        assert!((found - mean).abs() < 1e-6, "{found} {mean}");
    }
    // The loss is that of the mean probability.
    let inputs = Array2::from_shape_vec((1, 4), row.to_vec()).expect("one row");
    let evaluation = evaluate(
        &ensemble,
        &samples(&inputs, &[1]),
        Loss::CrossEntropy,
        &Threads::single(),
    );
    let loss = evaluation.expect("valid samples").loss;
    assert!((loss + f64::from(found[1]).ln()).abs() < 1e-6);
}

#[test]
fn ensembles_and_temperatures_are_saved() {
    let networks: Vec<Network> = (0..3).map(plain_network).collect();
    let ensemble = Network::ensemble(&networks).expect("equal layers");
    let calibrated = ensemble
        .clone()
        .with_temperature(1.75)
        .expect("a temperature");
    for network in [ensemble.clone(), calibrated.clone()] {
        let bytes = model(network.clone())
            .to_bytes()
            .expect("it can be written");
        let read = Model::read(&bytes[..]).expect("it can be read");
        assert_eq!(read.network, network);
        assert_eq!(read.network.nth_network(2), networks[2]);
    }
    // The temperature is no weight.
    assert_eq!(weights_sha256(&ensemble), weights_sha256(&calibrated));
    assert_ne!(weights_sha256(&ensemble), weights_sha256(&networks[0]));
    // A single network is written as before.
    let single = model(networks[0].clone())
        .to_bytes()
        .expect("it can be written");
    let text = String::from_utf8_lossy(&single);
    assert!(!text.contains("\"networks\"") && !text.contains("temperature"));
}

#[test]
fn networks_that_do_not_match_are_refused() {
    let message = |result: nn_core::Result<Network>| result.unwrap_err().to_string();
    let wide = [(6, Activation::Relu), (2, Activation::Softmax)];
    let wide = Network::new(&NetworkConfig::new(4, wide), 0).expect("a valid network");
    assert_eq!(
        message(Network::ensemble(&[plain_network(0), wide])),
        "network 2 of the ensemble: its layers differ from the layers of network 1"
    );
    assert_eq!(
        message(plain_network(0).with_temperature(0.0)),
        "temperature: expected a number above 0, found 0"
    );
    let ensemble = Network::ensemble(&[plain_network(0), plain_network(1)]).expect("equal layers");
    let inputs = Array2::zeros((2, 4));
    let samples = samples(&inputs, &[0, 1]);
    let config = TrainingConfig::new(Loss::CrossEntropy, "adam".parse().expect("it is known"));
    let refused = Trainer::new(ensemble, samples, None, config, Threads::single());
    assert_eq!(
        refused.expect_err("an ensemble").to_string(),
        "network: expected a single network, found an ensemble of 2"
    );
}
