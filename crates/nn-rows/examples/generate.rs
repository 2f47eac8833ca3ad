//! Writes a file of random rows with 28 numbers and two classes, to measure training on data that
//! are larger than memory.
//!
//! ```text
//! cargo run --release -p nn-rows --example generate -- FILE.nnrows [N_ROWS]
//! ```
//!
//! Each value is a sum of four uniform numbers, scaled to variance 1. The class is 1 if the sum of
//! the first four values and of the product of the next two is above 0.

use std::error::Error;
use std::path::Path;

use nn_rows::{Inputs, Layout, Row, RowsWriter, Target, Targets};
use serde_json::json;

const N_INPUTS: usize = 28;

/// Of 20 rows, 18 are training rows, one is a validation row and one a test row.
const SPLITS: u32 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("expected FILE.nnrows [N_ROWS]")?;
    let n_rows: u32 = arguments.next().map_or(Ok(1_000_000), |n| n.parse())?;
    let layout = Layout::new(N_INPUTS, Inputs::Values, Targets::Classes(2));
    let mut writer = RowsWriter::create(Path::new(&path), layout)?;
    let mut inputs = [0.0; N_INPUTS];
    for row in 0..n_rows {
        for (column, input) in inputs.iter_mut().enumerate() {
            *input = value(u64::from(row) * N_INPUTS as u64 + column as u64);
        }
        let sum = inputs[..4].iter().sum::<f32>() + inputs[4] * inputs[5];
        let split = (row % SPLITS).saturating_sub(SPLITS - 3) as usize;
        let target = Target::Class(u32::from(sum > 0.0));
        writer.push(split, Row::values(&inputs, target))?;
    }
    writer.finish(json!({
        "name": "random",
        "source": "random rows",
        "source-sha256": null,
        "version": env!("CARGO_PKG_VERSION"),
        "class-names": ["0", "1"],
        "image-size": null,
        "is-image-folder": false,
        "preprocessing": null,
        "settings": {},
    }))?;
    Ok(())
}

/// A value with mean 0 and variance 1, from the four 16-bit numbers of one random number.
fn value(index: u64) -> f32 {
    // SplitMix64 (Steele, Lea and Flood 2014).
    let mut bits = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    let sum: u32 = (0..4).map(|at| (bits >> (16 * at)) as u32 & 0xffff).sum();
    // Four uniform numbers from 0 to 1 have mean 2 and variance 1/3.
    (sum as f32 / 65535.0 - 2.0) * 3_f32.sqrt()
}
