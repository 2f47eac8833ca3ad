//! Complete training runs: one that must succeed from every seed, and one whose values
//! must never change.

use std::ops::ControlFlow;

use ndarray::{Array2, array};
use nn_core::Rows;
use nn_core::model_file::weights_sha256;
use nn_core::training::{BatchSize, Trainer, TrainingConfig};
use nn_core::{
    Activation, Augmentation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Optimizer,
    Samples, Targets,
};
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

/// A change of these values changes every published result, and belongs in the change
/// log under **Results**.
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
    // Without fused operations, the bits are the same with every instruction set.
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
    // Fused multiply-adds change the last digits.
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
    let mut trainer = Trainer::new(network, data.samples(), None, config, threads)
        .expect("a valid configuration");
    let report = trainer.run(|_| ControlFlow::Continue(()));
    let report = report
        .expect("the loss is finite")
        .expect("there are epochs");
    (report, trainer.network())
}

fn initial(n_inputs: usize, layers: Vec<LayerConfig>, seed: u64) -> Network<f64> {
    Network::new(&NetworkConfig { n_inputs, layers }, seed).expect("a valid network")
}

fn adam() -> Optimizer {
    "adam".parse().expect("a menu entry")
}

/// Multiplies every byte by a factor that depends on its row and epoch.
#[derive(Debug)]
struct Counting;

impl Augmentation for Counting {
    fn apply(
        &mut self,
        inputs: &Rows<'_, u8>,
        rows: &[u32],
        epoch: u64,
        augmented: &mut [u8],
        _: &Threads,
    ) {
        for (augmented, &row) in augmented.chunks_exact_mut(inputs.n_columns()).zip(rows) {
            for (augmented, byte) in augmented.iter_mut().zip(inputs.row(row as usize)) {
                *augmented = byte * (1 + epoch as u8 + row as u8);
            }
        }
    }
}

/// An epoch of augmentation equals an epoch on inputs that were changed before.
#[test]
fn augmented_inputs_depend_on_their_row_and_epoch() {
    let is_ink = |(row, column): (usize, usize), full: bool| full || (row + column) % 4 == 0;
    for (batch_size, full) in [
        (BatchSize::Rows(4), false),
        (BatchSize::Rows(4), true),
        (BatchSize::Full, false),
    ] {
        let bytes = Array2::from_shape_fn((10, 12), |place| {
            u8::from(is_ink(place, full)) * (1 + place.1 as u8)
        });
        let config = TrainingConfig {
            batch_size,
            epochs: 1,
            ..TrainingConfig::new(Loss::CrossEntropy, adam())
        };
        let labels: Vec<u32> = (0..10).map(|row| row % 2).collect();
        let layers = vec![LayerConfig::new(2, Activation::Softmax)];
        let train = |bytes: &Array2<u8>, picked: &[u32], augment: bool| {
            let inputs = Inputs::bytes(bytes.view(), 0.01);
            let targets = Targets::classes(&labels, 2);
            let samples = Samples::new(inputs, targets)
                .expect("samples")
                .select(picked);
            let network = initial(12, layers.clone(), 0);
            let mut trainer =
                Trainer::new(network, samples, None, config.clone(), Threads::single())
                    .expect("a trainer");
            if augment {
                trainer.augment(Box::new(Counting)).expect("bytes");
            }
            trainer.finish().expect("it trains").parameters().to_vec()
        };
        let mut changed = bytes.clone();
        for (row, mut bytes) in changed.rows_mut().into_iter().enumerate() {
            bytes.mapv_inplace(|byte| byte * (1 + row as u8));
        }
        let picked = [7, 1, 2, 9, 4, 3];
        assert_eq!(
            train(&bytes, &picked, true),
            train(&changed, &picked, false),
            "{batch_size:?}, full: {full}"
        );
    }
}

/// The parameters after some epochs of all rows at once.
fn trained_on_all_rows<'a>(
    inputs: Inputs<'a, f64>,
    labels: &'a [u32],
    width: usize,
    n_threads: usize,
) -> Vec<f64> {
    let targets = Targets::classes(labels, 3);
    let samples = Samples::new(inputs, targets).expect("samples");
    let n_inputs = samples.n_inputs();
    let layers = vec![
        LayerConfig::new(width, Activation::Tanh),
        LayerConfig::new(3, Activation::Softmax),
    ];
    let config = TrainingConfig {
        batch_size: BatchSize::Full,
        epochs: 20,
        learning_rate: 0.5,
        ..TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd)
    };
    let network = initial(n_inputs, layers, 1);
    let trainer = Trainer::new(network, samples, None, config, Threads::new(n_threads));
    let network = trainer.expect("a trainer").finish().expect("it trains");
    network.parameters().to_vec()
}

/// Grouped sparse inputs give the same result as dense ones.
#[test]
fn grouped_pixels_train_like_dense_inputs() {
    const N_ROWS: usize = 300;
    let bytes = Array2::from_shape_fn((N_ROWS, 50), |(row, column)| {
        let noise = (row * 50 + column).wrapping_mul(0x9e37_79b9) >> 11;
        if noise.is_multiple_of(5) {
            noise as u8
        } else {
            0
        }
    });
    let values = bytes.mapv(|byte| f64::from(byte) / 255.0);
    let labels: Vec<u32> = (0..N_ROWS as u32).map(|row| row % 3).collect();
    let pixels = Inputs::bytes(bytes.view(), 1.0 / 255.0);
    for width in [1, 5, 12, 13, 40] {
        let grouped = trained_on_all_rows(pixels.clone(), &labels, width, 1);
        let by_three = trained_on_all_rows(pixels.clone(), &labels, width, 3);
        assert_eq!(grouped, by_three, "width {width}");
        let all = trained_on_all_rows(Inputs::values(values.view()), &labels, width, 1);
        for (grouped, all) in grouped.iter().zip(all) {
            assert!(
                (grouped - all).abs() < 1e-10,
                "width {width}: {grouped} is not {all}"
            );
        }
    }
}

#[test]
fn augmentation_of_values_is_refused() {
    let values = Array2::<f64>::zeros((2, 3));
    let targets = Targets::values(values.view());
    let samples = Samples::new(Inputs::values(values.view()), targets).expect("samples");
    let layers = vec![LayerConfig::new(3, Activation::Identity)];
    let config = TrainingConfig::new(Loss::Mse, adam());
    let mut trainer = Trainer::new(
        initial(3, layers, 0),
        samples,
        None,
        config,
        Threads::single(),
    )
    .expect("a trainer");
    let error = trainer.augment(Box::new(Counting)).expect_err("no bytes");
    assert!(
        error.to_string().contains("needs inputs that are bytes"),
        "{error}"
    );
}
