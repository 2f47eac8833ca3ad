//! Normalization of real handwritten digits.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use ndarray::{Array2, Array3, ArrayView2, Axis, s};
use nn_data::digit::normalize;
use nn_data::image::{read_image, write_png};

#[test]
fn images_of_mnist_pass_unchanged() {
    for file in ["t10k-images-idx3-ubyte.gz", "train-images-idx3-ubyte.gz"] {
        let Some(images) = mnist_images(file) else {
            return;
        };
        let unchanged = images
            .outer_iter()
            .filter(|image| {
                let digit = normalize(image.view()).expect("there is ink");
                !digit.changed && image.iter().eq(&digit.pixels)
            })
            .count();
        println!(
            "{file}: {unchanged} of {} unchanged",
            images.len_of(Axis(0))
        );
        assert!(
            images.len_of(Axis(0)) * 9999 <= unchanged * 10_000,
            "{unchanged}"
        );
    }
}

#[test]
fn digits_enlarged_inverted_and_moved_to_a_corner_come_back() {
    const SCALE: usize = 10;
    let Some(images) = mnist_images("t10k-images-idx3-ubyte.gz") else {
        return;
    };
    let path = std::env::temp_dir().join(format!("nn-data-digits-{}.png", std::process::id()));
    let correlations: Vec<f64> = images
        .outer_iter()
        .take(200)
        .map(|image| {
            let mut canvas = Array2::from_elem((800, 600), 255);
            canvas
                .slice_mut(s![520.., 320..])
                .assign(&enlarge(image, SCALE).mapv(|value| 255 - value));
            write_png(&path, canvas.view()).expect("a folder for temporary files");
            let gray = read_image(&path).expect("just written");
            let digit = normalize(gray.view()).expect("there is ink");
            assert!(digit.inverted && digit.changed);
            correlation(image.iter(), digit.pixels.iter())
        })
        .collect();
    std::fs::remove_file(&path).expect("just written");
    let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
    let least = correlations.iter().copied().fold(f64::INFINITY, f64::min);
    println!("correlation with the original: mean {mean:.4}, least {least:.4}");
    assert!(0.95 < mean, "{mean}");
    assert!(0.6 < least, "{least}");
}

/// Enlarges an image with linear interpolation.
fn enlarge(image: ArrayView2<'_, u8>, scale: usize) -> Array2<u8> {
    let (height, width) = image.dim();
    let at = |i: usize, limit: usize| {
        let position = (i as f32 + 0.5) / scale as f32 - 0.5;
        let position = position.clamp(0.0, (limit - 1) as f32);
        let first = (position as usize).min(limit - 2);
        (first, position - first as f32)
    };
    Array2::from_shape_fn((height * scale, width * scale), |(i, j)| {
        let ((i, down), (j, right)) = (at(i, height), at(j, width));
        let value = |i, j| f32::from(image[[i, j]]);
        let upper = value(i, j) * (1.0 - right) + value(i, j + 1) * right;
        let lower = value(i + 1, j) * (1.0 - right) + value(i + 1, j + 1) * right;
        (upper * (1.0 - down) + lower * down).round() as u8
    })
}

/// Pearson correlation coefficient.
fn correlation<'a>(a: impl Iterator<Item = &'a u8>, b: impl Iterator<Item = &'a u8>) -> f64 {
    let pairs: Vec<(f64, f64)> = a.zip(b).map(|(&a, &b)| (a.into(), b.into())).collect();
    let n = pairs.len() as f64;
    let mean_a = pairs.iter().map(|(a, _)| a).sum::<f64>() / n;
    let mean_b = pairs.iter().map(|(_, b)| b).sum::<f64>() / n;
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        pairs.iter().map(|&(a, b)| f(a - mean_a, b - mean_b)).sum()
    };
    sum(&|a, b| a * b) / (sum(&|a, _| a * a) * sum(&|_, b| b * b)).sqrt()
}

fn mnist_images(file: &str) -> Option<Array3<u8>> {
    let folder = std::env::var_os("NN_DATA_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets"),
        PathBuf::from,
    );
    let path = folder.join("mnist").join(file);
    let Ok(compressed) = File::open(&path) else {
        println!("skipped: no {}", path.display());
        return None;
    };
    let mut bytes = Vec::new();
    GzDecoder::new(compressed)
        .read_to_end(&mut bytes)
        .expect("an intact file");
    let pixels = bytes.split_off(16);
    let n_images = pixels.len() / (28 * 28);
    Some(Array3::from_shape_vec((n_images, 28, 28), pixels).expect("whole images"))
}
