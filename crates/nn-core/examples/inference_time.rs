//! Measures the prediction time of a network: single images on one thread, and batches
//! of 1024 on one thread and on all threads.
//!
//! ```console
//! $ cargo run -p nn-core --example inference_time -- runs/mnist-1/model.safetensors
//! ```
//!
//! Prints one JSON object; times are in microseconds per image, medians of many
//! measurements. `cargo xtask bench inference` compares them with other libraries.
#![allow(clippy::print_stdout, reason = "a program for a terminal")]
#![allow(
    clippy::disallowed_methods,
    reason = "a measuring program reads the clock"
)]

use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use nn_core::model_file::Model;
use nn_core::network::ForwardCache;
use nn_core::{Network, Predictor, Rows, Threads};
use nn_data::{Dataset, catalog};

const BATCH_SIZE: usize = 1024;

/// Number of predictions per time measurement, for single images.
const SINGLES: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("expected a model file")?;
    let model: Model = Model::read(File::open(path)?)?;
    let (images, labels) = test_images()?;
    let (one, all) = (Threads::single(), Threads::all());
    println!(
        "{{\"program\": \"nn\", \"version\": \"{}\", \"accuracy\": {}, \"single\": {:.3}, \
         \"batch\": {:.3}, \"batch_all_threads\": {:.3}}}",
        env!("CARGO_PKG_VERSION"),
        accuracy(&model.network, &images, &labels)?,
        time_singles(&model.network, &images),
        time_batches(&model.network, &images, &one),
        time_batches(&model.network, &images, &all),
    );
    Ok(())
}

/// Reads MNIST's test images as values from 0 to 1.
fn test_images() -> Result<(Rows<'static, f32>, Vec<u32>), Box<dyn Error>> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let folder = std::env::var_os("NN_DATA_DIR").map_or_else(default, Into::into);
    let test = Dataset::load(&catalog::MNIST, &folder)?.test;
    match (test.inputs, test.targets) {
        (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) => {
            let values = pixels.mapv(|pixel| f32::from(pixel) / 255.0);
            Ok((values.into(), labels))
        }
        _ => Err("MNIST has images and classes".into()),
    }
}

fn accuracy(
    network: &Network,
    images: &Rows<'_, f32>,
    labels: &[u32],
) -> Result<f64, nn_core::Error> {
    let outputs = network.predict_batch(images, &Threads::all())?;
    let is_correct = |output: &[f32], label: u32| {
        let largest = (0..output.len()).max_by(|&a, &b| output[a].total_cmp(&output[b]));
        largest == Some(label as usize)
    };
    let pairs = outputs.rows().zip(labels);
    let pairs = pairs.filter(|&(row, &label)| is_correct(row, label));
    Ok(pairs.count() as f64 / labels.len() as f64)
}

fn time_singles(network: &Network, images: &Rows<'_, f32>) -> f64 {
    let mut predictor = Predictor::new(Arc::new(network.clone()), 1);
    let mut output = vec![0.0; network.n_outputs()];
    let groups = images.as_slice().chunks(SINGLES * images.n_columns());
    median(groups.map(|group| {
        let start = Instant::now();
        for image in group.chunks_exact(images.n_columns()) {
            let outcome = predictor.predict_into(image, &mut output);
            std::hint::black_box((&output, &outcome));
        }
        start.elapsed().as_secs_f64() * images.n_columns() as f64 / group.len() as f64
    }))
}

fn time_batches(network: &Network, images: &Rows<'_, f32>, threads: &Threads) -> f64 {
    let mut cache = ForwardCache::new(network, BATCH_SIZE);
    let batches = images
        .as_slice()
        .chunks_exact(BATCH_SIZE * images.n_columns());
    median((0..20).flat_map(|_| batches.clone()).map(|batch| {
        let start = Instant::now();
        let batch = Rows::new(batch, images.n_columns());
        std::hint::black_box(network.forward(batch, &mut cache, threads));
        start.elapsed().as_secs_f64() / BATCH_SIZE as f64
    }))
}

/// The median of times in seconds, in microseconds.
fn median(seconds: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = seconds.collect();
    sorted.sort_by(f64::total_cmp);
    1e6 * sorted[sorted.len() / 2]
}
