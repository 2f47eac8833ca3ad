//! Data sets from folders of IDX files.

use std::path::Path;

use nn_data::{Dataset, Error, ErrorKind, Inputs, Targets, catalog};

use crate::support::{Scratch, gzip, images, labels};

const TRAIN_IMAGES: &str = "train-images-idx3-ubyte";
const TRAIN_LABELS: &str = "train-labels-idx1-ubyte";
const TEST_IMAGES: &str = "t10k-images-idx3-ubyte";
const TEST_LABELS: &str = "t10k-labels-idx1-ubyte";

/// A folder with these training labels and the same number of images.
fn folder(train_labels: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    scratch.file(TRAIN_IMAGES, &images(train_labels.len()));
    scratch.file(TRAIN_LABELS, &labels(train_labels));
    scratch
}

/// The message of an error, without the folder.
fn complaint(scratch: &Scratch) -> String {
    let error = Dataset::load_idx_folder(scratch.path()).expect_err("something is wrong");
    let folder = format!("{}{}", scratch.path().display(), std::path::MAIN_SEPARATOR);
    error.to_string().replace(&folder, "")
}

#[test]
fn images_and_labels_become_rows_and_classes() {
    let scratch = folder(&[0, 2, 2]);
    let dataset = Dataset::load_idx_folder(scratch.path()).expect("intact");
    assert_eq!(dataset.image_size, Some((2, 3)));
    assert_eq!(dataset.class_names, ["0", "1", "2"]);
    assert_eq!((dataset.n_inputs(), dataset.n_classes()), (6, 3));
    assert_eq!((dataset.train.len(), dataset.train.n_inputs()), (3, 6));
    assert!(dataset.test.is_empty());
    assert_eq!(dataset.test.n_inputs(), 6);
    assert_eq!(dataset.train.class_counts(3), [1, 0, 2]);
    let Inputs::Pixels(rows) = &dataset.train.inputs else {
        panic!("images are pixels");
    };
    assert_eq!(rows.row(1).to_vec(), [6, 7, 8, 9, 10, 11]);
    let Targets::Classes(classes) = &dataset.train.targets else {
        panic!("labels are classes");
    };
    assert_eq!(classes, &[0, 2, 2]);
}

#[test]
fn test_files_are_read_too_and_may_name_further_classes() {
    let scratch = folder(&[0, 1]);
    scratch.file(&format!("{TEST_IMAGES}.gz"), &gzip(&images(1)));
    scratch.file(TEST_LABELS, &labels(&[7]));
    let dataset = Dataset::load_idx_folder(scratch.path()).expect("intact");
    assert_eq!((dataset.test.len(), dataset.n_classes()), (1, 8));
}

#[test]
fn half_a_pair_is_not_enough() {
    let scratch = folder(&[0, 1]);
    scratch.file(TEST_IMAGES, &images(1));
    assert_eq!(
        complaint(&scratch),
        "t10k-labels-idx1-ubyte: no such file, with or without .gz"
    );
}

#[test]
fn counts_must_agree() {
    let scratch = folder(&[0, 1]);
    scratch.file(TRAIN_IMAGES, &images(3));
    assert_eq!(
        complaint(&scratch),
        "train-images-idx3-ubyte has 3 images, but train-labels-idx1-ubyte has 2 labels"
    );
}

#[test]
fn there_must_be_samples() {
    assert_eq!(
        complaint(&folder(&[])),
        "train-images-idx3-ubyte: expected at least 1 sample, found 0 samples"
    );
}

#[test]
fn images_must_have_pixels_and_one_size() {
    let scratch = folder(&[0, 1]);
    scratch.file(
        TRAIN_IMAGES,
        &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3],
    );
    assert_eq!(
        complaint(&scratch),
        "train-images-idx3-ubyte: expected images of at least 1 x 1 pixels, found 0 x 3"
    );
    let scratch = folder(&[0, 1]);
    let one_pixel = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9];
    scratch.file(TEST_IMAGES, &one_pixel);
    scratch.file(TEST_LABELS, &labels(&[0]));
    assert_eq!(
        complaint(&scratch),
        "t10k-images-idx3-ubyte: expected images of 2 x 3 pixels, found 1 x 1"
    );
}

#[test]
fn files_must_not_be_mixed_up() {
    let scratch = folder(&[0, 1]);
    scratch.file(TRAIN_IMAGES, &labels(&[0, 1]));
    assert_eq!(
        complaint(&scratch),
        "train-images-idx3-ubyte: bad IDX magic: expected 00 00 08 03 (2051), \
         found 00 00 08 01 (a file of labels?)"
    );
}

#[test]
fn exchanged_files_are_noticed() {
    let scratch = Scratch::new();
    scratch.file(TRAIN_IMAGES, &labels(&[0, 1]));
    scratch.file(TRAIN_LABELS, &images(2));
    assert_eq!(
        complaint(&scratch),
        "train-images-idx3-ubyte holds labels, and train-labels-idx1-ubyte holds images: \
         the two files are swapped"
    );
    let error = Dataset::load_idx_folder(scratch.path()).expect_err("exchanged");
    let help = error.help().expect("it can be fixed");
    assert_eq!(help, "swap the names of the two files");
}

#[test]
fn files_with_a_dot_in_their_names_are_found() {
    let scratch = Scratch::new();
    scratch.file("train-images.idx3-ubyte", &images(2));
    scratch.file("train-labels.idx1-ubyte.gz", &gzip(&labels(&[0, 1])));
    scratch.file("t10k-images.idx3-ubyte", &images(1));
    scratch.file("t10k-labels.idx1-ubyte", &labels(&[1]));
    let dataset = Dataset::load_idx_folder(scratch.path()).expect("intact");
    assert_eq!((dataset.train.len(), dataset.test.len()), (2, 1));
}

#[test]
fn images_of_emnist_are_turned_upright() {
    let scratch = Scratch::new();
    scratch.file("emnist-letters-train-images-idx3-ubyte", &images(2));
    scratch.file("emnist-letters-train-labels-idx1-ubyte", &labels(&[1, 2]));
    let dataset = Dataset::load_idx_folder(scratch.path()).expect("intact");
    assert_eq!(dataset.image_size, Some((3, 2)));
    let Inputs::Pixels(rows) = &dataset.train.inputs else {
        panic!("images are pixels");
    };
    // Stored as [[6, 7, 8], [9, 10, 11]].
    assert_eq!(rows.row(1).to_vec(), [6, 9, 7, 10, 8, 11]);
    scratch.file("emnist-digits-train-images-idx3-ubyte", &images(2));
    assert_eq!(
        complaint(&scratch),
        format!(
            "{}: expected the IDX files of one data set, found those of \"emnist-digits\", \
             \"emnist-letters\"",
            scratch.path().display()
        )
    );
}

#[test]
fn missing_files_are_named_with_what_is_expected() {
    let scratch = Scratch::new();
    scratch.file("train-images.idx3-ubyte", &images(2));
    let error = Dataset::load_idx_folder(scratch.path()).expect_err("no labels");
    assert!(error.to_string().contains(TRAIN_LABELS), "{error}");
    let help = error.help().expect("it can be fixed");
    assert!(
        help.contains(TRAIN_IMAGES) && help.contains(".gz"),
        "{help}"
    );
}

/// The folder of a data set of the catalog, with these training labels.
fn mnist_like(train_labels: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    let file = |name, content: &[u8]| scratch.file(&format!("mnist/{name}"), content);
    crate::support::write(&scratch.path().join("mnist/x"), b"");
    file(TRAIN_IMAGES, &images(train_labels.len()));
    file(TRAIN_LABELS, &labels(train_labels));
    file(TEST_IMAGES, &images(1));
    file(TEST_LABELS, &labels(&[9]));
    scratch
}

#[test]
fn a_data_set_of_the_catalog_has_its_classes_whatever_the_labels() {
    let scratch = mnist_like(&[0, 1]);
    assert!(catalog::MNIST.is_present(scratch.path()));
    let dataset = Dataset::load(&catalog::MNIST, scratch.path()).expect("intact");
    assert_eq!(dataset.name, "mnist");
    assert_eq!(dataset.n_classes(), 10);
}

#[test]
fn the_first_label_out_of_range_is_named() {
    for bad in [10, 255] {
        let scratch = mnist_like(&[0, 9, bad, 200]);
        let error = Dataset::load(&catalog::MNIST, scratch.path()).expect_err("bad label");
        assert_eq!(error.kind(), ErrorKind::Data);
        let text = error.to_string();
        let expected = format!("{TRAIN_LABELS}: index 2: expected a label below 10, found {bad}");
        assert!(text.ends_with(&expected), "{text}");
    }
}

#[test]
fn a_data_set_that_is_not_there_says_how_to_get_it() {
    let scratch = Scratch::new();
    assert!(!catalog::MNIST.is_present(scratch.path()));
    let error = Dataset::load(&catalog::MNIST, scratch.path()).expect_err("not there");
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
    let help = error.help().expect("it can be fetched");
    assert!(
        help.starts_with("run `cargo xtask fetch-data mnist`"),
        "{help}"
    );
    let error = Dataset::load_idx_folder(Path::new("no/such/folder")).expect_err("not there");
    assert_eq!(error.help(), None);
}

#[test]
fn a_file_of_the_wrong_length_is_not_present() {
    let scratch = mnist_like(&[0, 1]);
    let plain = scratch.path().join("mnist").join(TRAIN_LABELS);
    std::fs::remove_file(plain).expect("it is there");
    scratch.file("mnist/train-labels-idx1-ubyte.gz", &gzip(&labels(&[0, 1])));
    assert!(!catalog::MNIST.is_present(scratch.path()));
}
