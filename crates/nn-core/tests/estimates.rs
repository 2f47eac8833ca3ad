//! The estimate of [`Trainer::memory`] agrees with the allocated memory within a factor
//! of 1.5.
//!
//! This binary has only one test, because the allocator counts for the whole process.

use std::alloc::System;
use std::ops::ControlFlow;

use nn_core::ndarray::Array2;
use nn_core::training::BatchSize;
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Samples, Targets, Threads,
    Trainer, TrainingConfig,
};
use serde_json::Value;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const N_SAMPLES: usize = 6000;
const N_INPUTS: usize = 400;

#[test]
fn the_estimate_agrees_with_the_allocated_memory() {
    let rows = BatchSize::Rows;
    for (optimizer, batch_size, width, density) in [
        ("adam", rows(64), 1000, 20),
        ("adam", rows(64), 1000, 100),
        ("sgd", rows(2000), 2000, 20),
        ("sgd", rows(2000), 2000, 100),
        ("momentum", BatchSize::Full, 500, 20),
        ("sgd", BatchSize::Full, 500, 100),
    ] {
        for with_everything in [false, true] {
            let mut config =
                TrainingConfig::new(Loss::CrossEntropy, optimizer.parse().expect("a menu entry"));
            (config.batch_size, config.epochs, config.learning_rate) = (batch_size, 1, 1e-3);
            let mut hidden = LayerConfig::new(width, Activation::Tanh);
            if with_everything {
                (config.patience, config.averaging) = (3, Some(0.9));
                (hidden.batch_norm, hidden.dropout) = (true, 0.2);
            }
            let layers = vec![hidden, LayerConfig::new(10, Activation::Softmax)];
            let network = NetworkConfig {
                n_inputs: N_INPUTS,
                layers,
            };
            let [estimated, used] = estimated_and_used(&network, config, density);
            let ratio = estimated / used;
            assert!(
                (2.0 / 3.0..1.5).contains(&ratio),
                "{optimizer}, {batch_size:?}, {width}, {density} %, everything: {with_everything}: \
                 estimated {estimated:.1} MB, used {used:.1} MB"
            );
        }
    }
}

/// In MB; `density` in percent.
fn estimated_and_used(network: &NetworkConfig, config: TrainingConfig, density: usize) -> [f64; 2] {
    let values = Array2::from_shape_fn((N_SAMPLES, N_INPUTS), |(row, column)| {
        let place = (row * 37 + column * 61 + row * column) % 100;
        u8::from(place < density)
    });
    let labels: Vec<u32> = (0..N_SAMPLES as u32).map(|row| row % 10).collect();
    let targets: Targets<'_, f32> = Targets::classes(&labels, 10);
    let inputs = Inputs::bytes(values.view(), 1.0);
    let samples = Samples::new(inputs, targets).expect("valid samples");
    let few: Vec<u32> = (0..600).collect();
    let validation = samples.select(&few);
    let estimated = Trainer::memory(network, &config, &samples, Some(&validation), 1);
    let estimated = estimated.expect("a valid configuration").total();

    let region = Region::new(ALLOCATOR);
    let network = Network::new(network, 0).expect("valid widths");
    let threads = Threads::single();
    let trainer = Trainer::new(network, samples, Some(validation), config, threads);
    let mut trainer = trainer.expect("a valid configuration");
    let last = trainer.run(|_| ControlFlow::Continue(()));
    last.expect("it converges");
    let checkpoint = trainer.checkpoint(Value::Null).expect("it is finite");
    let bytes = checkpoint.to_bytes().expect("it is small");
    let change = region.change();
    drop((trainer, checkpoint, bytes));
    let used = change.bytes_allocated as f64 - change.bytes_deallocated as f64
        + change.bytes_reallocated as f64;
    [estimated as f64 / 1e6, used / 1e6]
}
