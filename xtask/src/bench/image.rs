//! One image to predict: a digit 1 as a PNG file.

use std::fs::File;
use std::path::Path;

use crate::error::{Error, Result};

const SIDE: usize = 28;

/// Writes a PNG file of 28x28 gray pixels with an upright bar.
pub(super) fn write_bar(path: &Path) -> Result<()> {
    let file = File::create(path).map_err(|source| Error::unreadable(path, source))?;
    let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
    encoder.set_color(png::ColorType::Grayscale);
    let written = encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&bar()));
    written.map_err(|error| Error::unreadable(path, error.into()))
}

fn bar() -> Vec<u8> {
    let is_ink = |row, column| (5..23).contains(&row) && (13..15).contains(&column);
    (0..SIDE * SIDE)
        .map(|index| u8::from(is_ink(index / SIDE, index % SIDE)) * 255)
        .collect()
}
