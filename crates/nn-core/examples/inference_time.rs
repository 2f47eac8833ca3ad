//! How long a network needs for an answer: one image at a time on one thread,
//! and batches of 1024 on one thread and on all.
//!
//! ```console
//! $ cargo run -p nn-core --example inference_time -- runs/mnist-1/model.safetensors
//! ```
//!
//! Prints one JSON object; times are microseconds an image, the medians of
//! many measurements. `cargo xtask bench inference` compares them with others'.
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
use nn_core::ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};
use nn_core::network::Trace;
use nn_core::{Network, Predictor, Threads};
use nn_data::{Dataset, catalog};

const BATCH_SIZE: usize = 1024;

/// Answers between two looks at the clock, for single images.
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
        accuracy(&model.network, images.view(), &labels),
        time_singles(&model.network, images.view()),
        time_batches(&model.network, images.view(), &one),
        time_batches(&model.network, images.view(), &all),
    );
    Ok(())
}

/// MNIST's test images as numbers in 0..1.
fn test_images() -> Result<(Array2<f32>, Vec<u32>), Box<dyn Error>> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets");
    let folder = std::env::var_os("NN_DATA_DIR").map_or_else(default, Into::into);
    let test = Dataset::load(&catalog::MNIST, &folder)?.test;
    match (test.inputs, test.targets) {
        (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) => {
            Ok((pixels.mapv(|pixel| f32::from(pixel) / 255.0), labels))
        }
        _ => Err("MNIST has images and classes".into()),
    }
}

fn accuracy(network: &Network, images: ArrayView2<'_, f32>, labels: &[u32]) -> f64 {
    let mut trace = Trace::new(network, images.nrows());
    let answers = network.forward(images, &mut trace, &Threads::all());
    let is_right = |row: ArrayView1<'_, f32>, label: u32| {
        let largest = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        largest == Some(label as usize)
    };
    let pairs = answers.rows().into_iter().zip(labels);
    let n_right = pairs.filter(|&(row, &label)| is_right(row, label)).count();
    n_right as f64 / labels.len() as f64
}

fn time_singles(network: &Network, images: ArrayView2<'_, f32>) -> f64 {
    let mut predictor = Predictor::new(Arc::new(network.clone()), 1);
    let mut answer = vec![0.0; network.n_outputs()];
    let groups = images.axis_chunks_iter(Axis(0), SINGLES);
    median(groups.map(|images| {
        let start = Instant::now();
        for image in images.rows() {
            let image = image.to_slice().expect("rows are contiguous");
            let outcome = predictor.predict_into(image, &mut answer);
            std::hint::black_box((&answer, &outcome));
        }
        start.elapsed().as_secs_f64() / images.nrows() as f64
    }))
}

fn time_batches(network: &Network, images: ArrayView2<'_, f32>, threads: &Threads) -> f64 {
    let mut trace = Trace::new(network, BATCH_SIZE);
    let n_batches = images.nrows() / BATCH_SIZE;
    median((0..20 * n_batches).map(|batch| {
        let first = batch % n_batches * BATCH_SIZE;
        let images = images.slice(s![first..first + BATCH_SIZE, ..]);
        let start = Instant::now();
        std::hint::black_box(network.forward(images, &mut trace, threads));
        start.elapsed().as_secs_f64() / BATCH_SIZE as f64
    }))
}

/// In microseconds, of seconds.
fn median(seconds: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = seconds.collect();
    sorted.sort_by(f64::total_cmp);
    1e6 * sorted[sorted.len() / 2]
}
