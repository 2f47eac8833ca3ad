//! Benchmarks of predictions.
//!
//! ```console
//! $ cargo bench -p nn-core --bench prediction
//! ```
//!
//! An item is a sample.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use nn_core::ndarray::Array2;
use nn_core::network::ForwardCache;
use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Predictor, Threads};

fn main() {
    divan::main();
}

/// 784-128-10, one sample with 20 % nonzero inputs (as in MNIST).
#[divan::bench]
fn one_sample(bencher: Bencher<'_, '_>) {
    let samples = samples(1);
    let mut predictor = Predictor::new(Arc::new(network()), 1);
    let mut output = [0.0; 10];
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        let sample = samples.as_slice().expect("contiguous");
        predictor
            .predict_into(sample, &mut output)
            .map(|()| output[0])
    });
}

/// 784-128-10, one sample without zeros.
#[divan::bench]
fn one_full_sample(bencher: Bencher<'_, '_>) {
    let mut predictor = Predictor::new(Arc::new(network()), 1);
    let mut output = [0.0; 10];
    bencher.counter(ItemsCount::new(1_u32)).bench_local(|| {
        predictor
            .predict_into(&[0.5; 784], &mut output)
            .map(|()| output[0])
    });
}

/// 784-128-10, 1024 samples at once.
#[divan::bench(consts = [1, 2])]
fn batch<const THREADS: usize>(bencher: Bencher<'_, '_>) {
    let (network, samples) = (network(), samples(1024));
    let mut cache = ForwardCache::new(&network, samples.nrows());
    let threads = Threads::new(THREADS);
    bencher
        .counter(ItemsCount::new(samples.nrows()))
        .bench_local(|| network.forward(samples.view(), &mut cache, &threads)[[0, 0]]);
}

fn network() -> Network {
    let layers = vec![
        LayerConfig::new(128, Activation::Relu),
        LayerConfig::new(10, Activation::Softmax),
    ];
    let config = NetworkConfig {
        n_inputs: 784,
        layers,
    };
    Network::new(&config, 0).expect("valid widths")
}

fn samples(n_rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((n_rows, 784), |(row, column)| {
        if (7 * row + column) % 40 < 8 {
            0.7
        } else {
            0.0
        }
    })
}
