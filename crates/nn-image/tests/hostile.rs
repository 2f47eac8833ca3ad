//! The fuzz targets (`fuzz/`) on their corpus, and on small valid files truncated at
//! every byte and with every bit flipped.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use nn_image::{read_image, write_png};

use harm::{corpus, harmed};
use scratch::Scratch;

#[expect(dead_code, reason = "the binary `it` uses the rest")]
#[path = "it/scratch.rs"]
mod scratch;
#[path = "../../../fuzz/harness/harm.rs"]
mod harm;
#[path = "../../../fuzz/harness/image.rs"]
mod image;
#[path = "../../../fuzz/harness/class_names.rs"]
mod class_names;

#[test]
fn the_corpus_is_read_or_refused() {
    for bytes in ["png", "jpeg"].into_iter().flat_map(corpus) {
        image::check(&bytes, false);
    }
    corpus("class-names")
        .iter()
        .for_each(|bytes| class_names::check(bytes));
}

/// The luminance that Pillow (libjpeg) finds in the files of the corpus: size, mean, and
/// the pixel in row 8 and column 20.
#[test]
fn jpeg_files_have_the_luminance_that_libjpeg_finds() {
    for (name, mean, pixel) in [
        ("gray", 210.37, 29),
        ("colour", 205.92, 50),
        ("colour-444", 205.97, 52),
        ("progressive", 205.85, 54),
        ("progressive-grey", 210.25, 32),
        ("cmyk", 205.91, 53),
        ("exif-6", 205.92, 53),
        ("restarts", 205.92, 50),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/jpeg");
        let image = read_image(&folder.join(name)).expect("a good JPEG");
        assert_eq!(image.dim(), (40, 48), "{name}");
        let found = image.mapv(f64::from).mean().expect("pixels");
        assert!(
            (found - mean).abs() < 0.5,
            "{name}: {found} instead of {mean}"
        );
        let found = image[[8, 20]];
        assert!(
            found.abs_diff(pixel) <= 4,
            "{name}: {found} instead of {pixel}"
        );
    }
}

#[test]
fn a_harmed_jpeg_is_read_or_refused() {
    for whole in corpus("jpeg").iter().filter(|bytes| bytes.len() < 900) {
        harmed(whole).for_each(|bytes| image::check(&bytes, false));
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
    harmed(&whole).for_each(|bytes| image::check(&bytes, false));
}
