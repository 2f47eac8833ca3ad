//! Benchmarks of a training step: copy of the inputs, forward pass, loss, backward pass
//! and update.
//!
//! ```console
//! $ cargo bench -p nn-core                 # all benchmarks, some seconds
//! $ cargo bench -p nn-core -- one_sample   # benchmarks whose name contains this
//! ```
//!
//! An item is a sample. `1` and `2` below a name are the number of threads.

use divan::Bencher;
use divan::counter::ItemsCount;
use nn_core::ndarray::Array2;
use nn_core::training::{BatchSize, Event};
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Samples, Targets, Threads,
    Trainer, TrainingConfig,
};

fn main() {
    divan::main();
}

/// 784-128-10, 32 samples, gradient descent.
#[divan::bench(consts = [1, 2], max_time = 0.5)]
fn mini_batch<const THREADS: usize>(bencher: Bencher<'_, '_>) {
    step(bencher, &[784, 128, 10], 32, "sgd", THREADS);
}

/// 784-512-512-10, 128 samples, Adam.
#[divan::bench(consts = [1, 2], max_time = 0.5)]
fn large_adam<const THREADS: usize>(bencher: Bencher<'_, '_>) {
    step(bencher, &[784, 512, 512, 10], 128, "adam", THREADS);
}

/// 784-64-10, one sample, gradient descent.
#[divan::bench(max_time = 0.5)]
fn one_sample(bencher: Bencher<'_, '_>) {
    step(bencher, &[784, 64, 10], 1, "sgd", 1);
}

/// 6-64-8-4, one sample, gradient descent: mostly the overhead of a step.
#[divan::bench(max_time = 0.5)]
fn one_sample_small(bencher: Bencher<'_, '_>) {
    step(bencher, &[6, 64, 8, 4], 1, "sgd", 1);
}

/// Number of training rows, and so of rows per epoch.
const N_SAMPLES: usize = 8192;

/// Trains a network with relu and softmax on rows with 20 % nonzero inputs (as in MNIST).
fn step(
    bencher: Bencher<'_, '_>,
    widths: &[usize],
    batch_size: usize,
    optimizer: &str,
    n_threads: usize,
) {
    let (n_inputs, n_classes) = (widths[0], widths[widths.len() - 1]);
    let pixels = Array2::from_shape_fn((N_SAMPLES, n_inputs), |(row, column)| {
        let noise = (row * 31 + column * 17) % 251;
        if noise < 50 { 5 * noise as u8 } else { 0 }
    });
    let labels: Vec<u32> = (0..N_SAMPLES).map(|row| (row % n_classes) as u32).collect();
    let inputs = Inputs::bytes(pixels.view(), 1.0 / 255.0);
    let targets = Targets::classes(&labels, n_classes);
    let samples = Samples::new(inputs, targets).expect("labels are below the number of classes");
    let config = TrainingConfig {
        // Small, so that values stay in a normal range for any number of steps.
        learning_rate: 1e-4,
        batch_size: BatchSize::Rows(batch_size),
        epochs: usize::MAX >> 16,
        ..TrainingConfig::new(
            Loss::CrossEntropy,
            optimizer.parse().expect("a name from the menu"),
        )
    };
    let threads = Threads::new(n_threads);
    let mut trainer = Trainer::new(network(widths), samples, None, config, threads)
        .expect("network, samples and configuration fit");
    bencher
        .counter(ItemsCount::new(batch_size))
        .bench_local(|| advance_by_a_batch(&mut trainer));
}

fn network(widths: &[usize]) -> Network {
    let mut layers: Vec<LayerConfig> = widths[1..]
        .iter()
        .map(|&width| LayerConfig::new(width, Activation::Relu))
        .collect();
    if let Some(output) = layers.last_mut() {
        *output = LayerConfig::new(output.n_outputs, Activation::Softmax);
    }
    let n_inputs = widths[0];
    Network::new(&NetworkConfig { n_inputs, layers }, 0).expect("widths are above 0")
}

/// Does one step, and the end of the epoch with its shuffle if it is reached.
fn advance_by_a_batch(trainer: &mut Trainer<'_>) {
    while let Some(Event::Epoch(_)) = trainer.advance().expect("the loss stays finite") {}
}
