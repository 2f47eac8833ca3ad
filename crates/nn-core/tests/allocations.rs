//! Training does not allocate after its first step, and neither does a [`Predictor`].
//!
//! This binary has only one test, because the allocator counts for the whole process.

use std::alloc::System;
use std::sync::Arc;
use std::time::Duration;

use nn_core::ndarray::Array2;
use nn_core::training::{BatchSize, Event};
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Predictor, Samples, Targets,
    Threads, Trainer, TrainingConfig,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const N_SAMPLES: usize = 3000;
const N_INPUTS: usize = 300;

#[test]
fn nothing_is_allocated_after_the_first_step() {
    for n_threads in [1, 2] {
        let threads = Threads::new(n_threads);
        // Threads allocate when they start.
        std::thread::sleep(Duration::from_millis(100));
        for density in [0.2, 1.0] {
            for (optimizer, batch_size) in [
                ("sgd", BatchSize::Rows(1)),
                ("sgd", BatchSize::Rows(32)),
                ("adam", BatchSize::Rows(128)),
                ("momentum", BatchSize::Full),
                ("sgd", BatchSize::Full),
            ] {
                for is_regularized in [false, true] {
                    let what = format!(
                        "{optimizer}, {batch_size:?}, density {density}, {n_threads} threads, \
                         regularized: {is_regularized}"
                    );
                    if is_regularized && batch_size == BatchSize::Rows(1) {
                        continue;
                    }
                    let n = allocations(optimizer, batch_size, density, is_regularized, &threads);
                    assert_eq!(n, 0, "{what}");
                }
            }
        }
    }
    let mut predictor = Predictor::new(Arc::new(network(200, false)), 40);
    for n_rows in [1, 2, 40] {
        let (rows, mut outputs) = (vec![0.5; n_rows * N_INPUTS], vec![0.0; n_rows * 10]);
        let region = Region::new(ALLOCATOR);
        let outcome = predictor.predict_into(&rows, &mut outputs);
        let mistake = predictor.predict_into(&rows[1..], &mut outputs);
        assert_eq!(region.change().allocations, 0, "{n_rows} rows");
        outcome.expect("valid samples");
        mistake.expect_err("a value is missing");
    }
}

/// The number of allocations in the steps of one epoch after the first.
fn allocations(
    optimizer: &str,
    batch_size: BatchSize,
    density: f64,
    is_regularized: bool,
    threads: &Threads,
) -> usize {
    let values = bytes(density);
    let labels: Vec<u32> = (0..N_SAMPLES as u32).map(|row| row % 10).collect();
    let targets = Targets::classes(&labels, 10);
    let inputs = Inputs::bytes(values.view(), 1.0 / 255.0);
    let samples = Samples::new(inputs, targets).expect("valid samples");
    let mut config =
        TrainingConfig::new(Loss::CrossEntropy, optimizer.parse().expect("a menu entry"));
    (config.batch_size, config.epochs, config.learning_rate) = (batch_size, 2, 0.01);
    if is_regularized {
        config.clip_norm = Some(1.0);
        config.averaging = Some(0.9);
        config.regularization.l2 = 1e-4;
    }
    // Narrow and wide layers use different kernels.
    let width = if optimizer == "sgd" && batch_size == BatchSize::Full {
        9
    } else {
        200
    };
    let network = network(width, is_regularized);
    let mut trainer = Trainer::new(network, samples, None, config, threads.clone())
        .expect("a valid configuration");
    trainer.advance().expect("it converges");
    let region = Region::new(ALLOCATOR);
    while let Some(event) = trainer.advance().expect("it converges") {
        if matches!(event, Event::Epoch(report) if report.epoch == 2) {
            break;
        }
    }
    region.change().allocations
}

fn network(width: usize, is_regularized: bool) -> Network {
    let mut hidden = LayerConfig::new(width, Activation::Relu);
    if is_regularized {
        hidden.batch_norm = true;
        hidden.dropout = 0.2;
    }
    let layers = vec![hidden, LayerConfig::new(10, Activation::Softmax)];
    let config = NetworkConfig {
        n_inputs: N_INPUTS,
        layers,
    };
    Network::new(&config, 0).expect("valid widths")
}

/// Rows with this fraction of nonzero values.
fn bytes(density: f64) -> Array2<u8> {
    let full = (density * 100.0) as usize;
    Array2::from_shape_fn((N_SAMPLES, N_INPUTS), |(row, column)| {
        let place = (row * 37 + column * 61 + row * column) % 100;
        if place < full {
            1 + (place * 2) as u8
        } else {
            0
        }
    })
}
