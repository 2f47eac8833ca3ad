//! Shared test code: random rows, networks, gradients of one batch.

use std::path::Path;

use ndarray::{Array2, ArrayView2};
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::training::{BatchSize, Event, Trainer, TrainingConfig};
use nn_core::{LayerConfig, Loss, Network, NetworkConfig, Optimizer};
use nn_tensor::Threads;
use nn_tensor::random::{Purpose, Stream, Streams};
use serde::de::DeserializeOwned;

/// Rows with one class each.
#[derive(Debug)]
pub(crate) struct Classes {
    pub(crate) inputs: Array2<f64>,
    pub(crate) labels: Vec<u32>,
    pub(crate) n_classes: usize,
}

impl Classes {
    /// `n` normal rows with random classes, every class at least once if there are
    /// enough rows.
    pub(crate) fn random(n: usize, n_inputs: usize, n_classes: usize, seed: u64) -> Self {
        let mut stream = stream(seed);
        let inputs = normal([n, n_inputs], &mut stream);
        let mut labels: Vec<u32> = (0..n).map(|row| (row % n_classes) as u32).collect();
        stream.shuffle(&mut labels);
        Self {
            inputs,
            labels,
            n_classes,
        }
    }

    pub(crate) fn samples(&self) -> Samples<'_, f64> {
        let targets = Targets::classes(&self.labels, self.n_classes);
        Samples::new(Inputs::values(self.inputs.view()), targets).expect("the rows fit")
    }
}

/// Rows with regression targets.
pub(crate) fn value_samples<'a>(
    inputs: ArrayView2<'a, f64>,
    targets: ArrayView2<'a, f64>,
) -> Samples<'a, f64> {
    Samples::new(Inputs::values(inputs), Targets::values(targets)).expect("the rows fit")
}

pub(crate) fn stream(seed: u64) -> Stream {
    Streams::new(seed).stream(Purpose::Test, 0)
}

pub(crate) fn normal(shape: [usize; 2], stream: &mut Stream) -> Array2<f64> {
    Array2::from_shape_simple_fn(shape, || stream.normal())
}

/// A network whose parameters and statistics all have random values.
pub(crate) fn network(n_inputs: usize, layers: Vec<LayerConfig>, seed: u64) -> Network<f64> {
    let config = NetworkConfig { n_inputs, layers };
    let mut network = Network::new(&config, seed).expect("a valid network");
    let mut stream = stream(seed);
    for layer in network.layers().to_vec() {
        for parameter in layer.bias().start..layer.parameters().end {
            network.parameters_mut()[parameter] += 0.2 * stream.normal();
        }
        for statistic in layer.statistics() {
            network.statistics_mut()[statistic] += 0.2 * stream.uniform();
        }
    }
    network
}

/// Plain gradient descent with all rows in one batch.
pub(crate) fn full_batch(loss: Loss) -> TrainingConfig {
    TrainingConfig {
        batch_size: BatchSize::Full,
        ..TrainingConfig::new(loss, Optimizer::Sgd)
    }
}

/// The loss and the gradient of the first batch of a training run.
pub(crate) fn first_batch(
    network: &Network<f64>,
    samples: Samples<'_, f64>,
    config: &TrainingConfig,
) -> (f64, Vec<f64>) {
    let threads = Threads::single();
    let mut trainer = Trainer::new(network.clone(), samples, None, config.clone(), threads)
        .expect("a valid configuration");
    trainer.keep_gradients();
    let event = trainer.advance().expect("the loss is finite");
    let Some(Event::Batch(report)) = event else {
        panic!("expected a batch, found {event:?}");
    };
    (report.loss, trainer.state().2.values().to_vec())
}

/// Fails the test where `|found − expected| > relative·|expected| + absolute`.
#[track_caller]
pub(crate) fn assert_close(
    what: &str,
    found: &[f64],
    expected: &[f64],
    [relative, absolute]: [f64; 2],
) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(
            error <= relative * expected.abs() + absolute,
            "{what}, value {index}: expected {expected}, found {found} (off by {error:e})"
        );
    }
}

/// Golden values from `scripts/reference.py`.
pub(crate) fn read_golden<T: DeserializeOwned>(name: &str) -> T {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let path = folder.join(name).with_extension("json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run scripts/reference.py", path.display()));
    serde_json::from_str(&text).expect("scripts/reference.py writes what is read here")
}
