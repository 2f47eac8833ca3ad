//! Code that the Rust peers share, as the Python peers share `workload.py`: the
//! flags, the data, the initial weights, the order of the rows, and the output.

#![allow(dead_code, reason = "not every peer needs all of it")]

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::read::GzDecoder;
use safetensors::SafeTensors;

/// A result of a peer's program.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Number of pixels of an image.
const N_PIXELS: usize = 784;

/// Number of classes of MNIST.
const N_CLASSES: usize = 10;

/// The training that was asked for.
pub struct Arguments {
    pub data: PathBuf,
    pub initial: PathBuf,
    pub layers: Vec<usize>,
    pub activation: Activation,
    pub batch: usize,
    pub is_adam: bool,
    pub lr: f64,
    pub rows: usize,
    pub epochs: usize,
    /// No epoch begins after so many seconds of training.
    pub limit: f64,
    pub seed: u64,
}

/// Activation of the hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Relu,
    Sigmoid,
    Tanh,
}

impl Activation {
    fn named(name: &str) -> Result<Self> {
        match name {
            "relu" => Ok(Self::Relu),
            "sigmoid" => Ok(Self::Sigmoid),
            "tanh" => Ok(Self::Tanh),
            _ => Err(format!("unknown activation {name}").into()),
        }
    }
}

impl Arguments {
    /// Parses the command line, which must contain every flag of `workload.py`.
    /// The loss follows from the data, so `--loss` is not needed.
    pub fn parse() -> Result<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let text = |name: &str| {
            let flag = format!("--{name}");
            let place = words.iter().position(|word| *word == flag);
            place
                .and_then(|place| words.get(place + 1))
                .ok_or_else(|| format!("{flag} is missing"))
        };
        let widths = text("layers")?.split(',').map(str::parse);
        let rows: usize = text("rows")?.parse()?;
        let batch: usize = text("batch")?.parse()?;
        Ok(Self {
            data: text("data")?.into(),
            initial: text("initial")?.into(),
            layers: widths.collect::<std::result::Result<_, _>>()?,
            activation: Activation::named(text("activation")?)?,
            batch: if batch == 0 { rows } else { batch },
            is_adam: text("optimizer")? == "adam",
            lr: text("lr")?.parse()?,
            rows,
            epochs: text("epochs")?.parse()?,
            limit: text("limit")?.parse()?,
            seed: text("seed")?.parse()?,
        })
    }
}

/// The training rows or the test rows.
pub struct Split {
    /// `[n_rows, n_inputs]` in row-major order.
    pub inputs: Vec<f32>,
    pub targets: Targets,
}

/// The true outputs of the rows.
pub enum Targets {
    /// Classes, with the cross-entropy as the loss.
    Labels(Vec<u8>),
    /// `[n_rows, n_outputs]`, with the mean squared error as the loss.
    Values(Vec<f32>),
}

/// The first training rows, as many as asked for, and the test rows.
pub fn load(arguments: &Arguments) -> Result<(Split, Split)> {
    let path = &arguments.data;
    if path.extension().is_some_and(|extension| extension == "csv") {
        return load_table(path, arguments.rows, arguments.layers[0]);
    }
    let train = read_split(path, "train", arguments.rows)?;
    Ok((train, read_split(path, "t10k", usize::MAX)?))
}

/// Reads a table whose last column says whether a row is a training row.
fn load_table(path: &Path, rows: usize, n_inputs: usize) -> Result<(Split, Split)> {
    let text = std::fs::read_to_string(path)?;
    let lines: Vec<&str> = text.lines().skip(1).collect();
    let (train, test): (Vec<&str>, Vec<&str>) =
        (lines.iter()).partition(|line| line.ends_with(",train"));
    let first = train.len().min(rows);
    Ok((parse(&train[..first], n_inputs)?, parse(&test, n_inputs)?))
}

fn parse(lines: &[&str], n_inputs: usize) -> Result<Split> {
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for line in lines {
        let (values, _) = line.rsplit_once(',').ok_or("a row has no comma")?;
        for (column, value) in values.split(',').enumerate() {
            let part = if column < n_inputs {
                &mut inputs
            } else {
                &mut targets
            };
            part.push(value.parse()?);
        }
    }
    Ok(Split {
        inputs,
        targets: Targets::Values(targets),
    })
}

/// The first `rows` images as numbers in 0..1, and their labels.
fn read_split(folder: &Path, name: &str, rows: usize) -> Result<Split> {
    let pixels = read_idx(&folder.join(format!("{name}-images-idx3-ubyte.gz")), 16)?;
    let mut labels = read_idx(&folder.join(format!("{name}-labels-idx1-ubyte.gz")), 8)?;
    labels.truncate(rows);
    let images = pixels.chunks_exact(N_PIXELS).take(rows).flatten();
    Ok(Split {
        inputs: images.map(|&pixel| f32::from(pixel) / 255.0).collect(),
        targets: Targets::Labels(labels),
    })
}

/// The bytes behind the header of a gzip-compressed IDX file.
fn read_idx(path: &Path, header: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path)?).read_to_end(&mut bytes)?;
    Ok(bytes.split_off(header))
}

/// The weights `[n_in, n_out]` of every layer that `nn` would start from, out
/// of a model file. Biases are 0.
pub fn initial_weights(arguments: &Arguments) -> Result<Vec<Vec<f32>>> {
    let bytes = std::fs::read(&arguments.initial)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let weights = |layer: usize| -> Result<Vec<f32>> {
        let tensor = tensors.tensor(&format!("layers.{layer}.weight"))?;
        let (numbers, _) = tensor.data().as_chunks();
        Ok(numbers.iter().copied().map(f32::from_le_bytes).collect())
    };
    (0..arguments.layers.len() - 1).map(weights).collect()
}

/// SplitMix64 (Steele, Lea & Flood 2014).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Fisher & Yates.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = (self.bits() % (last as u64 + 1)) as usize;
            items.swap(last, other);
        }
    }
}

/// Runs `epoch` until the epochs or the time are over: seconds of each.
pub fn time_epochs(
    arguments: &Arguments,
    mut epoch: impl FnMut() -> Result<()>,
) -> Result<Vec<f64>> {
    let mut seconds = Vec::new();
    while seconds.len() < arguments.epochs && seconds.iter().sum::<f64>() <= arguments.limit {
        let start = Instant::now();
        epoch()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(seconds)
}

/// Prints the line that `cargo xtask bench` reads. `outputs` are those of the
/// test rows.
pub fn report(name: &str, version: &str, seconds: &[f64], outputs: &[f32], targets: &Targets) {
    let (metric, value) = match targets {
        Targets::Labels(labels) => ("accuracy", accuracy(outputs, labels)),
        Targets::Values(values) => ("loss", mean_squared_error(outputs, values)),
    };
    println!(
        "{{\"peer\": \"{name}\", \"version\": \"{version}\", \"seconds\": {seconds:?}, \"{metric}\": {value}}}"
    );
}

/// Fraction of the rows of `outputs` that are largest at the label.
fn accuracy(outputs: &[f32], labels: &[u8]) -> f64 {
    let is_correct = |(row, label): (&[f32], &u8)| {
        let largest = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        largest == Some(usize::from(*label))
    };
    let rows = outputs.chunks_exact(N_CLASSES).zip(labels);
    rows.filter(|&pair| is_correct(pair)).count() as f64 / labels.len() as f64
}

fn mean_squared_error(outputs: &[f32], values: &[f32]) -> f64 {
    let errors = outputs.iter().zip(values);
    let squares = errors.map(|(output, value)| f64::from(output - value).powi(2));
    squares.sum::<f64>() / values.len() as f64
}
