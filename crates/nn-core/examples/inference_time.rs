//! Measures the prediction time of a network: single rows on one thread, and batches on one
//! thread and on all threads.
//!
//! ```console
//! $ cargo run -p nn-core --example inference_time -- runs/mnist-1/model.safetensors \
//!       --data datasets/mnist --batches 64,1024
//! ```
//!
//! `--data` is the folder of MNIST's files, or the CSV file of a table of numbers whose last
//! column `split` is `test` in the test rows.
//!
//! Prints one JSON object; times are in microseconds per row, medians of many
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
use nn_data::Dataset;

/// Number of predictions per time measurement, for single rows.
const SINGLES: usize = 100;

/// Minimum number of time measurements for each batch size.
const MEASUREMENTS: usize = 200;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The true outputs of the test rows.
enum Targets {
    Classes(Vec<u32>),
    /// `[n_rows, n_outputs]`, row-major.
    Values(Vec<f32>),
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [model, "--data", data, "--batches", sizes] =
        words.iter().map(String::as_str).collect::<Vec<_>>()[..]
    else {
        return Err("expected MODEL --data PATH --batches N,N,...".into());
    };
    let sizes: Vec<usize> = sizes
        .split(',')
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()?;
    let model: Model = Model::read(File::open(model)?)?;
    let network = &model.network;
    let (rows, targets) = test_rows(Path::new(data), network.n_inputs())?;
    let times = |threads: &Threads| -> Vec<f64> {
        let time = |&size: &usize| time_batches(network, &rows, size, threads);
        sizes.iter().map(time).collect()
    };
    let (name, metric) = metric(network, &rows, &targets)?;
    println!(
        "{{\"program\": \"nn\", \"version\": \"{}\", \"{name}\": {metric}, \"single\": {:.4}, \
         \"batches\": {:.4?}, \"batches_all_threads\": {:.4?}}}",
        env!("CARGO_PKG_VERSION"),
        time_singles(network, &rows),
        times(&Threads::single()),
        times(&Threads::all()),
    );
    Ok(())
}

/// Reads the test rows and their targets.
fn test_rows(data: &Path, n_inputs: usize) -> Result<(Rows<'static, f32>, Targets)> {
    if data.extension().is_some_and(|extension| extension == "csv") {
        return test_rows_of_table(data, n_inputs);
    }
    let test = Dataset::load_idx_folder(data)?.test;
    match (test.inputs, test.targets) {
        (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) => {
            let values = pixels.mapv(|pixel| f32::from(pixel) / 255.0);
            Ok((values.into(), Targets::Classes(labels)))
        }
        _ => Err("MNIST has images and classes".into()),
    }
}

fn test_rows_of_table(path: &Path, n_inputs: usize) -> Result<(Rows<'static, f32>, Targets)> {
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for record in csv::Reader::from_path(path)?.records() {
        let record = record?;
        let n_values = record.len() - 1;
        if &record[n_values] != "test" {
            continue;
        }
        for (column, field) in record.iter().take(n_values).enumerate() {
            let values = if column < n_inputs {
                &mut inputs
            } else {
                &mut targets
            };
            values.push(field.parse()?);
        }
    }
    Ok((Rows::new(inputs, n_inputs), Targets::Values(targets)))
}

/// The accuracy of a classification, or the mean squared error of a regression, with its
/// name.
fn metric(
    network: &Network,
    rows: &Rows<'_, f32>,
    targets: &Targets,
) -> Result<(&'static str, f64)> {
    let outputs = network.predict_batch(rows, &Threads::all())?;
    Ok(match targets {
        Targets::Classes(labels) => {
            let is_correct = |output: &[f32], label: u32| {
                let largest = (0..output.len()).max_by(|&a, &b| output[a].total_cmp(&output[b]));
                largest == Some(label as usize)
            };
            let pairs = outputs.rows().zip(labels);
            let pairs = pairs.filter(|&(row, &label)| is_correct(row, label));
            ("accuracy", pairs.count() as f64 / labels.len() as f64)
        }
        Targets::Values(values) => {
            let errors = outputs.as_slice().iter().zip(values);
            let squares = errors.map(|(output, value)| f64::from(output - value).powi(2));
            ("loss", squares.sum::<f64>() / values.len() as f64)
        }
    })
}

fn time_singles(network: &Network, rows: &Rows<'_, f32>) -> f64 {
    let mut predictor = Predictor::new(Arc::new(network.clone()), 1);
    let mut output = vec![0.0; network.n_outputs()];
    let groups = rows.as_slice().chunks(SINGLES * rows.n_columns());
    median(groups.map(|group| {
        let start = Instant::now();
        for row in group.chunks_exact(rows.n_columns()) {
            let outcome = predictor.predict_into(row, &mut output);
            std::hint::black_box((&output, &outcome));
        }
        start.elapsed().as_secs_f64() * rows.n_columns() as f64 / group.len() as f64
    }))
}

fn time_batches(network: &Network, rows: &Rows<'_, f32>, size: usize, threads: &Threads) -> f64 {
    let mut cache = ForwardCache::new(network, size);
    let batches = rows.as_slice().chunks_exact(size * rows.n_columns());
    let passes = MEASUREMENTS.div_ceil(batches.len().max(1));
    median((0..passes).flat_map(|_| batches.clone()).map(|batch| {
        let start = Instant::now();
        let batch = Rows::new(batch, rows.n_columns());
        std::hint::black_box(network.forward(batch, &mut cache, threads));
        start.elapsed().as_secs_f64() / size as f64
    }))
}

/// The median of times in seconds, in microseconds.
fn median(seconds: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = seconds.collect();
    sorted.sort_by(f64::total_cmp);
    1e6 * sorted[sorted.len() / 2]
}
