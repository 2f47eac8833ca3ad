//! The real MNIST, if it has been downloaded.

use std::env;
use std::path::{Path, PathBuf};

use nn_data::{Dataset, Inputs, catalog};

#[test]
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
fn the_real_mnist_has_its_published_counts() {
    let data_dir = data_dir();
    if !catalog::MNIST.is_present(&data_dir) {
        println!("skipped: no mnist in {}", data_dir.display());
        return;
    }
    let dataset = Dataset::load(&catalog::MNIST, &data_dir).expect("MNIST is intact");
    let (n_train, n_test) = catalog::MNIST.n_samples;
    assert_eq!((dataset.train.len(), dataset.test.len()), (n_train, n_test));
    assert_eq!(dataset.image_size, Some(catalog::MNIST.image_size));
    // Images a digit, known from countless tables.
    assert_eq!(
        dataset.train.class_counts(10),
        [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    );
    assert_eq!(
        dataset.test.class_counts(10),
        [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    );
    // The mean that everybody normalizes MNIST with: 0.1307.
    let Inputs::Pixels(pixels) = &dataset.train.inputs else {
        panic!("images are pixels");
    };
    let sum: u64 = pixels.iter().map(|&pixel| u64::from(pixel)).sum();
    let mean = sum as f64 / 255.0 / pixels.len() as f64;
    assert!((mean - 0.1307).abs() < 5e-5, "mean {mean}");
}

fn data_dir() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    env::var_os("NN_DATA_DIR").map_or_else(|| root.join("datasets"), PathBuf::from)
}
