//! Data sets of PNG and JPEG files in class folders, and their export.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use nn_data::{Dataset, Inputs, Targets};
use nn_image::export::{Format, write};
use nn_image::{ErrorKind, FolderImages, FolderNote, ImageFolder, ImageSize, write_png};
use nn_tensor::Threads;

use crate::scratch::Scratch;

/// Writes an image whose pixels all have one value.
fn flat(scratch: &Scratch, name: &str, size: (usize, usize), value: u8) {
    let path = scratch.path().join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the temporary folder");
    write_png(&path, Array2::from_elem(size, value).view()).expect("the temporary folder");
}

fn read(folder: &Path, size: Option<&str>) -> FolderImages {
    let threads = Threads::new(2);
    let folder = ImageFolder::open(folder).expect("class folders");
    let size = size.map(|size| size.parse().expect("a size"));
    let chosen = folder.choose_size(size, &threads).expect("good images");
    folder.read(chosen, &threads).expect("good images")
}

/// The first pixel and the class of each sample.
fn samples(split: &nn_data::Split) -> Vec<(u8, u32)> {
    let (Inputs::Pixels(pixels), Targets::Classes(classes)) = (&split.inputs, &split.targets)
    else {
        panic!("images with classes");
    };
    let first = pixels.column(0);
    first.iter().copied().zip(classes.iter().copied()).collect()
}

fn complaint(scratch: &Scratch) -> (String, String) {
    let threads = Threads::single();
    let read = ImageFolder::open(scratch.path()).and_then(|folder| {
        let chosen = folder.choose_size(None, &threads)?;
        folder.read(chosen, &threads)
    });
    let error = read.expect_err("something is wrong");
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    let folder = scratch.path().display().to_string();
    (
        error.to_string().replace(&folder, "x"),
        error.help().unwrap_or_default(),
    )
}

#[test]
fn folders_are_classes_and_numbers_are_in_order() {
    let scratch = Scratch::new();
    for (class, number, value) in [
        ("10", "2", 1),
        ("9", "10", 2),
        ("9", "2", 3),
        ("10", "1", 4),
        ("b", "03", 5),
    ] {
        flat(&scratch, &format!("{class}/img{number}.png"), (4, 6), value);
    }
    let FolderImages {
        dataset,
        n_validation,
        notes,
    } = read(scratch.path(), None);
    assert_eq!(dataset.class_names, ["9", "10", "b"]);
    assert_eq!(dataset.image_size, Some((4, 6)));
    assert_eq!((dataset.test.len(), n_validation), (0, 0));
    assert_eq!(notes, []);
    // By number, then by class.
    assert_eq!(
        samples(&dataset.train),
        [(4, 1), (3, 0), (1, 1), (5, 2), (2, 0)]
    );
}

#[test]
fn folders_of_splits_are_used() {
    let scratch = Scratch::new();
    for (name, value) in [
        ("Train/cat/1.png", 1),
        ("Train/dog/2.png", 2),
        ("val/dog/3.png", 3),
        ("test/cat/4.png", 4),
        ("test/owl/5.png", 5),
    ] {
        flat(&scratch, name, (3, 3), value);
    }
    let images = read(scratch.path(), None);
    assert_eq!(images.dataset.class_names, ["cat", "dog", "owl"]);
    assert_eq!(images.n_validation, 1);
    assert_eq!(samples(&images.dataset.train), [(1, 0), (2, 1), (3, 1)]);
    assert_eq!(samples(&images.dataset.test), [(4, 0), (5, 2)]);
}

#[test]
fn images_get_one_size() {
    let scratch = Scratch::new();
    flat(&scratch, "a/1.png", (100, 50), 10);
    flat(&scratch, "b/1.png", (20, 30), 20);
    let images = read(scratch.path(), None);
    assert_eq!(images.dataset.image_size, Some((28, 28)));
    let size = ImageSize {
        height: 28,
        width: 28,
    };
    assert_eq!(images.notes, [FolderNote::DefaultSize { size }]);
    let images = read(scratch.path(), Some("5x7"));
    assert_eq!(images.dataset.image_size, Some((5, 7)));
    assert_eq!(images.notes, []);
    assert_eq!(samples(&images.dataset.train), [(10, 0), (20, 1)]);
    // Too large to be kept without being asked for.
    let large = Scratch::new();
    flat(&large, "a/1.png", (65, 65), 1);
    flat(&large, "b/1.png", (65, 65), 2);
    assert_eq!(read(large.path(), None).dataset.image_size, Some((28, 28)));
}

#[test]
fn other_files_are_skipped_and_counted() {
    let scratch = Scratch::new();
    flat(&scratch, "a/1.png", (3, 3), 1);
    flat(&scratch, "b/1.png", (3, 3), 2);
    // What a file is decides, not its ending.
    flat(&scratch, "b/2.dat", (3, 3), 3);
    scratch.file("a/notes.txt", b"text");
    scratch.file("a/.DS_Store", b"x");
    scratch.file(".hidden/1.png", b"x");
    scratch.file("labels.csv", b"x");
    let images = read(scratch.path(), None);
    assert_eq!(images.dataset.class_names, ["a", "b"]);
    assert_eq!(images.dataset.train.len(), 3);
    let [note] = &images.notes[..] else {
        panic!("{:?}", images.notes);
    };
    let text = note.to_string();
    assert!(
        text.starts_with("skipped 4 files, 2 of them hidden, such as"),
        "{text}"
    );
}

#[test]
fn a_bad_image_is_named() {
    let scratch = Scratch::new();
    flat(&scratch, "a/1.png", (3, 3), 1);
    flat(&scratch, "b/1.png", (3, 3), 2);
    scratch.file("b/2.jpg", b"GIF89a");
    let (text, help) = complaint(&scratch);
    assert!(
        text.starts_with("x/b/2.jpg: not a PNG or JPEG image"),
        "{text}"
    );
    assert_eq!(help, "save or convert the image as PNG or JPEG");
}

#[test]
fn other_layouts_are_errors_that_say_what_is_expected() {
    let scratch = Scratch::new();
    flat(&scratch, "1.png", (3, 3), 1);
    let (text, help) = complaint(&scratch);
    assert_eq!(
        text,
        "x: expected one folder of PNG or JPEG images per class, found no folder, but 1 image file"
    );
    assert!(help.contains("FOLDER/CLASS/IMAGE.png"), "{help}");

    flat(&scratch, "a/1.png", (3, 3), 1);
    let (text, _) = complaint(&scratch);
    assert_eq!(
        text,
        "x: expected images of at least 2 classes, found 1 class, \"a\""
    );

    flat(&scratch, "b/deep/1.png", (3, 3), 1);
    let (text, _) = complaint(&scratch);
    assert_eq!(
        text,
        "x/b: expected the images of one class, found the folder \"deep\""
    );

    let empty = Scratch::new();
    fs::create_dir(empty.path().join("a")).expect("the temporary folder");
    fs::create_dir(empty.path().join("b")).expect("the temporary folder");
    let (text, _) = complaint(&empty);
    assert_eq!(
        text,
        "x: expected images of at least 2 classes, found no image"
    );

    let mixed = Scratch::new();
    flat(&mixed, "train/a/1.png", (3, 3), 1);
    flat(&mixed, "cat/1.png", (3, 3), 1);
    let (text, _) = complaint(&mixed);
    assert_eq!(
        text,
        "x: expected the folders train, validation and test, also found \"cat\""
    );
}

/// Three training and two test images of 2 x 3 pixels.
fn small_dataset() -> Dataset {
    let split = |first: u8, classes: &[u32]| nn_data::Split {
        inputs: Inputs::Pixels(Array2::from_shape_fn((classes.len(), 6), |(i, j)| {
            first + (10 * i + j) as u8
        })),
        targets: Targets::Classes(classes.to_vec()),
    };
    Dataset {
        name: "small".to_owned(),
        train: split(0, &[2, 0, 1]),
        test: split(100, &[1, 2]),
        class_names: ["0", "1", "2"].map(str::to_owned).to_vec(),
        image_size: Some((2, 3)),
    }
}

fn assert_same(found: &Dataset, expected: &Dataset) {
    assert_eq!(found.class_names, expected.class_names);
    assert_eq!(found.image_size, expected.image_size);
    for (found, expected) in [
        (&found.train, &expected.train),
        (&found.test, &expected.test),
    ] {
        let (Inputs::Pixels(a), Inputs::Pixels(b)) = (&found.inputs, &expected.inputs) else {
            panic!("pixels");
        };
        assert_eq!(a, b);
        assert_eq!(samples(found), samples(expected));
    }
}

#[test]
fn exported_images_are_read_back_the_same() {
    let dataset = small_dataset();
    let png = Scratch::new();
    write(&dataset, Format::Png, png.path()).expect("the temporary folder");
    assert!(png.path().join("train/2/0.png").exists());
    assert!(png.path().join("test/2/1.png").exists());
    assert_same(&read(png.path(), None).dataset, &dataset);

    let idx = Scratch::new();
    write(&dataset, Format::Idx, idx.path()).expect("the temporary folder");
    let found = Dataset::load_idx_folder(idx.path()).expect("just written");
    assert_same(&found, &dataset);
    let labels = fs::read(idx.path().join("t10k-labels-idx1-ubyte")).expect("just written");
    assert_eq!(labels, [0, 0, 8, 1, 0, 0, 0, 2, 1, 2]);

    let csv = Scratch::new();
    write(&dataset, Format::Csv, csv.path()).expect("the temporary folder");
    let train = fs::read_to_string(csv.path().join("train.csv")).expect("just written");
    assert_eq!(
        train,
        "label,pixel0,pixel1,pixel2,pixel3,pixel4,pixel5\n\
         2,0,1,2,3,4,5\n0,10,11,12,13,14,15\n1,20,21,22,23,24,25\n"
    );
    let test = fs::read_to_string(csv.path().join("test.csv")).expect("just written");
    assert_eq!(test.lines().count(), 3);
}

#[test]
fn names_of_classes_become_names_of_folders() {
    let mut dataset = small_dataset();
    dataset.class_names = ["T-shirt/top", "a,b", "say \"x\""]
        .map(str::to_owned)
        .to_vec();
    let png = Scratch::new();
    write(&dataset, Format::Png, png.path()).expect("the temporary folder");
    assert!(png.path().join("train/T-shirt_top/1.png").exists());
    let csv = Scratch::new();
    write(&dataset, Format::Csv, csv.path()).expect("the temporary folder");
    let train = fs::read_to_string(csv.path().join("train.csv")).expect("just written");
    assert!(train.contains("\n\"a,b\",20,"), "{train}");
    assert!(train.contains("\n\"say \"\"x\"\"\",0,"), "{train}");
    dataset.class_names[1] = "..".to_owned();
    let error = write(&dataset, Format::Png, png.path()).expect_err("not the name of a folder");
    assert!(error.to_string().contains("\"..\""), "{error}");
}
