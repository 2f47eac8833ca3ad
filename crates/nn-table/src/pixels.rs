//! Tables of images: one row per image of 28x28 pixels, one column per pixel.
//!
//! 784 columns of whole numbers 0..=255 are an image if they are named
//! `pixel0`...`pixel783` (as in Kaggle's digit recognizer), `pixel1`...`pixel784` or
//! `1x1`...`28x28`, or if they are all columns, or all but the first or the last one,
//! which holds the label.

use std::collections::HashMap;

use ndarray::{Array2, Axis};

use crate::cells::Cells;
use crate::error::CellProblem;
use crate::table::Table;
use crate::{Error, Result};

/// Height and width of the images.
pub(crate) const IMAGE_SIZE: (usize, usize) = (28, 28);
/// Number of pixels of an image.
pub(crate) const N_PIXELS: usize = IMAGE_SIZE.0 * IMAGE_SIZE.1;

/// Pixels up to this value are not bytes of gray but levels, such as 0 and 1.
const MAX_LEVEL: u8 = 63;

/// Whether the input columns are exactly the pixels of images.
pub(crate) fn is_image(table: &Table, inputs: &[usize]) -> bool {
    let is_bytes = |&position: &usize| matches!(table.cells(position), Cells::Bytes(_));
    positions(table).is_some_and(|pixels| {
        let mut sorted = pixels;
        sorted.sort_unstable();
        sorted == inputs && sorted.iter().all(is_bytes)
    })
}

/// Columns of the pixels 0, 1, ... 783, if the table has them.
pub(crate) fn positions(table: &Table) -> Option<Vec<usize>> {
    named_pixels(table).or_else(|| nameless_pixels(table))
}

fn named_pixels(table: &Table) -> Option<Vec<usize>> {
    let (_, width) = IMAGE_SIZE;
    let namings: [&dyn Fn(usize) -> String; 3] = [
        &|i| format!("pixel{i}"),
        &|i| format!("pixel{}", i + 1),
        &|i| format!("{}x{}", i / width + 1, i % width + 1),
    ];
    let names: HashMap<&str, usize> = table.names().zip(0..).collect();
    namings.iter().find_map(|name| {
        (0..N_PIXELS)
            .map(|pixel| names.get(name(pixel).as_str()).copied())
            .collect()
    })
}

/// 784 columns of bytes, with or without a label in front or behind. Pixels at the
/// corner of an image are usually all the same, labels are not.
fn nameless_pixels(table: &Table) -> Option<Vec<usize>> {
    let are_bytes = |range: std::ops::Range<usize>| {
        range
            .clone()
            .all(|position| matches!(table.cells(position), Cells::Bytes(_)))
            .then(|| range.collect())
    };
    let varies = |position: usize| match table.cells(position) {
        Cells::Bytes(values) => values.iter().any(|value| *value != values[0]),
        _ => true,
    };
    match table.n_columns() {
        N_PIXELS => are_bytes(0..N_PIXELS),
        n if n == N_PIXELS + 1 && (varies(0) || !varies(N_PIXELS)) => are_bytes(1..n),
        n if n == N_PIXELS + 1 => are_bytes(0..N_PIXELS),
        _ => None,
    }
}

/// The largest value that the pixels are divided by: 255, or the largest pixel of the
/// given rows if that is a small number.
pub(crate) fn largest(table: &Table, positions: &[usize], rows: &[usize]) -> u8 {
    let of_column = |&position: &usize| match table.cells(position) {
        Cells::Bytes(values) => rows.iter().map(|&row| values[row]).max(),
        _ => None,
    };
    let largest = positions.iter().filter_map(of_column).max();
    let level = largest.filter(|largest| (1..=MAX_LEVEL).contains(largest));
    level.unwrap_or(u8::MAX)
}

/// The pixels of all rows, `[n_rows, 784]`, scaled so that `largest` becomes 255.
pub(crate) fn pixels(table: &Table, largest: u8) -> Result<Array2<u8>> {
    let positions = positions(table).ok_or_else(|| Error::MissingColumns {
        path: table.path().to_owned(),
        missing: vec!["pixel0".to_owned(), format!("pixel{}", N_PIXELS - 1)],
    })?;
    let columns = positions
        .iter()
        .map(|&position| bytes_of(table, position))
        .collect::<Result<Vec<_>>>()?;
    let mut pixels = transpose(&columns, table.n_rows());
    if largest < u8::MAX {
        let (largest, half) = (u32::from(largest), u32::from(largest) / 2);
        let scaled = |pixel: u8| (u32::from(pixel) * 255 + half) / largest;
        pixels.mapv_inplace(|pixel| scaled(pixel).min(255) as u8);
    }
    Ok(pixels)
}

fn bytes_of(table: &Table, position: usize) -> Result<&[u8]> {
    if let Cells::Bytes(values) = table.cells(position) {
        return Ok(values);
    }
    let is_byte = |number: f64| number.fract() == 0.0 && (0.0..=255.0).contains(&number);
    let numbers = table.numbers(position)?;
    // `1.0` and `+1` are not pixels either; the error names the first row.
    let row = numbers
        .iter()
        .position(|&number| !is_byte(number))
        .unwrap_or(0);
    Err(table.bad_cell(position, row, CellProblem::NotAPixel))
}

/// Transposes columns to rows, in blocks that fit into the cache.
fn transpose(columns: &[&[u8]], n_rows: usize) -> Array2<u8> {
    const BLOCK: usize = 64;
    let mut rows = Array2::zeros((n_rows, columns.len()));
    for (block, mut part) in rows.axis_chunks_iter_mut(Axis(0), BLOCK).enumerate() {
        let start = block * BLOCK;
        for (mut target, column) in part.axis_iter_mut(Axis(1)).zip(columns) {
            for (to, &from) in target.iter_mut().zip(&column[start..]) {
                *to = from;
            }
        }
    }
    rows
}
