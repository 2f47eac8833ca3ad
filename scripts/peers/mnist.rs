//! What the Rust peers share, as `mnist.py` does for the Python ones: the
//! flags, MNIST, the initial weights, the order of the rows, and the line that
//! is printed.

#![allow(dead_code, reason = "not every peer needs all of it")]

use std::error::Error;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use flate2::read::GzDecoder;
use safetensors::SafeTensors;

/// A result of a peer's program.
pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Numbers in an image.
pub const N_INPUTS: usize = 784;

/// The training that was asked for.
pub struct Arguments {
    pub data: PathBuf,
    pub initial: PathBuf,
    pub layers: Vec<usize>,
    pub activation: String,
    pub batch: usize,
    pub optimizer: String,
    pub lr: f64,
    pub rows: usize,
    pub epochs: usize,
    /// No epoch begins after so many seconds of training.
    pub limit: f64,
    pub seed: u64,
}

impl Arguments {
    /// From the command line, where every flag of `mnist.py` has to stand.
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
            activation: text("activation")?.clone(),
            batch: if batch == 0 { rows } else { batch },
            optimizer: text("optimizer")?.clone(),
            lr: text("lr")?.parse()?,
            rows,
            epochs: text("epochs")?.parse()?,
            limit: text("limit")?.parse()?,
            seed: text("seed")?.parse()?,
        })
    }
}

/// Images as numbers in 0..1, in row-major order, and their classes.
pub struct Split {
    pub images: Vec<f32>,
    pub labels: Vec<u8>,
}

/// The first `rows` training images, and the test images.
pub fn load(folder: &Path, rows: usize) -> Result<(Split, Split)> {
    let mut train = read_split(folder, "train")?;
    train.images.truncate(rows * N_INPUTS);
    train.labels.truncate(rows);
    Ok((train, read_split(folder, "t10k")?))
}

fn read_split(folder: &Path, name: &str) -> Result<Split> {
    let pixels = read_idx(&folder.join(format!("{name}-images-idx3-ubyte.gz")), 16)?;
    let labels = read_idx(&folder.join(format!("{name}-labels-idx1-ubyte.gz")), 8)?;
    let images = pixels.iter().map(|&pixel| f32::from(pixel) / 255.0);
    Ok(Split {
        images: images.collect(),
        labels,
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

/// Share of the rows of `outputs` (ten numbers each) that are largest at the
/// label.
pub fn accuracy(outputs: &[f32], labels: &[u8]) -> f64 {
    let is_right = |(row, label): (&[f32], &u8)| {
        let largest = (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]));
        largest == Some(usize::from(*label))
    };
    let rows = outputs.chunks_exact(10).zip(labels);
    rows.filter(|&pair| is_right(pair)).count() as f64 / labels.len() as f64
}

/// The line that `cargo xtask bench` reads.
pub fn report(name: &str, version: &str, seconds: &[f64], accuracy: f64) {
    println!(
        "{{\"peer\": \"{name}\", \"version\": \"{version}\", \"seconds\": {seconds:?}, \"accuracy\": {accuracy}}}"
    );
}
