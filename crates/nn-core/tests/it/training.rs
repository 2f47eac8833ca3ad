//! Whole trainings: one that must succeed from every seed, and one whose
//! numbers must never change.

use std::ops::ControlFlow;

use ndarray::array;
use nn_core::model_file::weights_sha256;
use nn_core::training::{BatchSize, Trainer, TrainingConfig};
use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig, Optimizer};
use nn_tensor::Threads;

use crate::support::Classes;

/// XOR (Minsky & Papert 1969), which no single layer can learn.
#[test]
fn xor_is_learned_from_every_seed() {
    let xor = Classes {
        inputs: array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]],
        labels: vec![0, 1, 1, 0],
        n_classes: 2,
    };
    let learned = (0..20).filter(|&seed| {
        let layers = vec![
            LayerConfig::new(8, Activation::Tanh),
            LayerConfig::new(1, Activation::Sigmoid),
        ];
        let config = TrainingConfig {
            epochs: 300,
            learning_rate: 0.05,
            seed,
            ..TrainingConfig::new(Loss::BinaryCrossEntropy, adam())
        };
        let report = train(&xor, 2, layers, config).0;
        report.train_accuracy == Some(1.0) && report.train_loss < 0.1
    });
    assert_eq!(learned.count(), 20);
}

/// A change here changes every published result, and belongs in the change log
/// under **Results**.
#[test]
fn a_short_training_never_changes() {
    let data = Classes::random(40, 6, 3, 7);
    let layers = || {
        let hidden = LayerConfig {
            batch_norm: true,
            dropout: 0.2,
            ..LayerConfig::new(10, Activation::Relu)
        };
        vec![hidden, LayerConfig::new(3, Activation::Softmax)]
    };
    let network = initial(6, layers(), 7);
    // No instruction set fuses anything here: the bits are the same everywhere.
    assert_eq!(
        weights_sha256(&network),
        "07bccbeb0d0040380f86cb9cd063257b6e3987dfeaca989a2c319c6d6227e3fe"
    );
    assert_eq!(
        weights_sha256(&network.cast::<f32>()),
        "644d47b11d258a4d9936b9e6c43a36c9f70299dded2e4a1c7c6fc24b86da6e13"
    );

    let config = TrainingConfig {
        epochs: 5,
        learning_rate: 0.01,
        batch_size: BatchSize::Rows(16),
        seed: 7,
        ..TrainingConfig::new(Loss::CrossEntropy, adam())
    };
    let (report, _) = train(&data, 6, layers(), config);
    // Products may be fused with sums, which moves the last digits.
    let expected = 1.2118847403988933;
    assert!(
        (report.train_loss - expected).abs() < 1e-9,
        "expected {expected}, found {}",
        report.train_loss
    );
}

fn train(
    data: &Classes,
    n_inputs: usize,
    layers: Vec<LayerConfig>,
    config: TrainingConfig,
) -> (nn_core::training::EpochReport, Network<f64>) {
    let network = initial(n_inputs, layers, config.seed);
    let threads = Threads::single();
    let mut trainer =
        Trainer::new(network, data.samples(), None, config, threads).expect("the training can be");
    let report = trainer.run(|_| ControlFlow::Continue(()));
    let report = report
        .expect("the loss is finite")
        .expect("there are epochs");
    (report, trainer.network())
}

fn initial(n_inputs: usize, layers: Vec<LayerConfig>, seed: u64) -> Network<f64> {
    Network::new(&NetworkConfig { n_inputs, layers }, seed).expect("the network can be")
}

fn adam() -> Optimizer {
    "adam".parse().expect("it is on the menu")
}
