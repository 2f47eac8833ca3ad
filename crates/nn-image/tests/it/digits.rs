//! Normalization of real handwritten digits.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use ndarray::{Array2, Array3, ArrayView2, Axis, s};
use nn_image::digit::normalize;
use nn_image::{read_image, write_png};

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

/// A pen can be lifted, but few digits of MNIST look like two.
#[test]
fn one_digit_is_counted_as_one() {
    let Some(images) = mnist_images("t10k-images-idx3-ubyte.gz") else {
        return;
    };
    let n_several = images
        .outer_iter()
        .step_by(4)
        .filter(|image| {
            let canvas = enlarge(image.view(), 4).mapv(|value| 255 - value);
            let digit = normalize(canvas.view()).expect("there is ink");
            digit.n_digits != 1 || digit.frame_removed
        })
        .count();
    println!("{n_several} of 2500 counted as several");
    assert!(n_several <= 10, "{n_several} of 2500");
}

#[test]
fn digits_side_by_side_are_counted() {
    let Some(images) = mnist_images("t10k-images-idx3-ubyte.gz") else {
        return;
    };
    let images: Vec<_> = images.outer_iter().take(400).collect();
    let n_found = images
        .chunks_exact(2)
        .filter(|pair| {
            let mut canvas = Array2::from_elem((140, 260), 235);
            for (image, left) in pair.iter().zip([10, 130]) {
                let digit = enlarge(image.view(), 4).mapv(|value| 235 - value / 5 * 4);
                canvas
                    .slice_mut(s![14..126, left..left + 112])
                    .assign(&digit);
            }
            normalize(canvas.view()).expect("there is ink").n_digits == 2
        })
        .count();
    println!("{n_found} of 200 pairs counted as two");
    assert!(n_found >= 190, "{n_found} of 200");
}

/// The digit under a light that falls off by 60 % in each direction, with and without a
/// frame, is the digit in even light.
#[test]
fn frames_and_uneven_light_make_little_difference() {
    let Some(images) = mnist_images("t10k-images-idx3-ubyte.gz") else {
        return;
    };
    let mut correlations = Vec::new();
    for (index, image) in images.outer_iter().take(60).enumerate() {
        let mut even = Array2::from_elem((200, 200), 230.0);
        let ink = enlarge(image.view(), 5).mapv(|value| 230.0 - 0.8 * f32::from(value));
        even.slice_mut(s![30..170, 30..170]).assign(&ink);
        let reference = normalized(&even);
        let mut uneven = even.clone();
        uneven.indexed_iter_mut().for_each(|((i, j), value)| {
            let distance = [i, 199 - i, j, 199 - j][index % 4] as f32 / 199.0;
            *value *= 1.0 - 0.6 * distance;
        });
        let mut framed = uneven.clone();
        let width = index % 6 + 1;
        framed.indexed_iter_mut().for_each(|((i, j), value)| {
            if i.min(j) < width || i.max(j) + width >= 200 {
                *value = 0.0;
            }
        });
        for photo in [uneven, framed] {
            let found = normalized(&photo);
            correlations.push(correlation(reference.iter(), found.iter()));
        }
    }
    let mean = correlations.iter().sum::<f64>() / correlations.len() as f64;
    let least = correlations.iter().copied().fold(f64::INFINITY, f64::min);
    println!("correlation with the digit in even light: mean {mean:.4}, least {least:.4}");
    assert!(0.97 < mean, "{mean}");
    assert!(0.6 < least, "{least}");
}

fn normalized(light: &Array2<f32>) -> [u8; 28 * 28] {
    let gray = light.mapv(|value| value.round() as u8);
    normalize(gray.view()).expect("there is ink").pixels
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
