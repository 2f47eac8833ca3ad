//! The fuzz targets (`fuzz/`) on their corpus, and on small valid files truncated at
//! every byte and with every bit flipped.

use std::fs;

use ndarray::Array2;
use nn_data::image::write_png;

use harm::{corpus, harmed};
use support::{Scratch, gzip, images};

#[expect(dead_code, reason = "the binary `it` uses the rest")]
#[path = "it/support.rs"]
mod support;
#[path = "../../../fuzz/harness/harm.rs"]
mod harm;
#[path = "../../../fuzz/harness/idx.rs"]
mod idx;
#[path = "../../../fuzz/harness/idx_gzip.rs"]
mod idx_gzip;
#[path = "../../../fuzz/harness/image.rs"]
mod image;
#[path = "../../../fuzz/harness/class_names.rs"]
mod class_names;

#[test]
fn the_corpus_is_read_or_refused() {
    corpus("idx").iter().for_each(|bytes| idx::check(bytes));
    corpus("idx-gzip")
        .iter()
        .for_each(|bytes| idx_gzip::check(bytes));
    corpus("png").iter().for_each(|bytes| image::check(bytes));
    corpus("jpeg").iter().for_each(|bytes| image::check(bytes));
    corpus("class-names")
        .iter()
        .for_each(|bytes| class_names::check(bytes));
}

#[test]
fn a_harmed_idx_file_is_read_or_refused() {
    harmed(&images(100)).for_each(|bytes| idx::check(&bytes));
    harmed(&gzip(&images(20))).for_each(|bytes| idx_gzip::check(&bytes));
}

#[test]
fn a_harmed_jpeg_is_read_or_refused() {
    for whole in corpus("jpeg").iter().filter(|bytes| bytes.len() < 900) {
        harmed(whole).for_each(|bytes| image::check(&bytes));
    }
}

#[test]
fn a_harmed_png_is_read_or_refused() {
    let scratch = Scratch::new();
    let path = scratch.path().join("digit.png");
    let digit = Array2::from_shape_fn((40, 30), |(i, j)| {
        if (5..35).contains(&i) && (12..18).contains(&j) {
            (200 + i + j) as u8
        } else {
            (i % 3) as u8
        }
    });
    write_png(&path, digit.view()).expect("a folder for temporary files");
    let whole = fs::read(&path).expect("just written");
    harmed(&whole).for_each(|bytes| image::check(&bytes));
}
