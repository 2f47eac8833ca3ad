//! Images as files: folders of class folders, photographs of digits, exports.

use std::fs;

use ndarray::Array2;
use nn_image::write_png;
use serde_json::Value;

use crate::support::{Scratch, idx_images, idx_labels, mnist_dir};

/// Two classes of images of 6 x 8 pixels: light above or light below.
fn write_classes(scratch: &Scratch, folder: &str, n_per_class: usize) {
    for (class, light_rows) in [("above", 0..3), ("below", 3..6)] {
        fs::create_dir_all(scratch.path(format!("{folder}/{class}"))).expect("a new folder");
        for number in 0..n_per_class {
            let image = Array2::from_shape_fn((6, 8), |(i, j)| {
                let base = if light_rows.contains(&i) { 200 } else { 20 };
                base + (number * 7 + j * 3) as u8 % 30
            });
            let path = scratch.path(format!("{folder}/{class}/{number}.png"));
            write_png(&path, image.view()).expect("the folder is there");
        }
    }
}

#[test]
fn a_folder_of_images_is_learned_and_its_files_are_predicted() {
    let scratch = Scratch::new();
    write_classes(&scratch, "lights", 40);
    fs::write(scratch.path("lights/above/Thumbs.db"), "x").expect("the folder is there");
    let flags = "--data lights --hidden 4 --epochs 20 --lr 0.05 --optimizer adam";
    let told = scratch.nn(&format!("train --name a {flags}")).succeeds();
    assert!(told.contains("skipped 1 file"), "{told}");
    assert!(
        scratch
            .read("runs/a/config.toml")
            .contains("image-size = \"6x8\"")
    );
    let summary = scratch.json("runs/a/summary.json");
    assert_eq!(summary["test_accuracy"], 1.0, "{summary}");
    assert_eq!(summary["layers"][0], 48);
    // The file itself is what the network sees: nothing is inverted or cut out.
    for (file, class) in [("above/0.png", "above"), ("below/3.png", "below")] {
        let told = scratch
            .nn(&format!("predict a lights/{file} --json"))
            .succeeds();
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["class"], class);
    }
    let piped = scratch.shell(&format!(
        "{} predict a - --json < lights/below/5.png",
        env!("CARGO_BIN_EXE_nn")
    ));
    assert!(piped.stdout.contains("\"class\":\"below\""), "{piped:?}");
    let evaluated = scratch.evaluate("a", "");
    assert_eq!(evaluated["accuracy"], 1.0);

    // Other images, of another size, with one of the two classes more often.
    write_classes(&scratch, "more", 3);
    let evaluated = scratch.evaluate("a", "--data more --split train");
    assert_eq!(evaluated["accuracy"], 1.0);
    fs::rename(scratch.path("more/below"), scratch.path("more/under")).expect("a folder");
    scratch
        .nn("evaluate a --data more --split train")
        .refuses(3, &["class \"under\"", "above, below"]);
}

#[test]
fn own_splits_are_used() {
    let scratch = Scratch::new();
    for (split, n) in [("train", 10), ("val", 4), ("test", 3)] {
        write_classes(&scratch, &format!("lights/{split}"), n);
    }
    let told = scratch
        .nn("train --data lights --hidden 4 --epochs 1 --image-size 3x4")
        .succeeds();
    assert!(
        told.contains("20 training, 8 validation, 6 test samples of 12 values"),
        "{told}"
    );
    let info = scratch.nn("data info lights").succeeds();
    assert!(info.contains("28 training, 6 test"), "{info}");
}

#[test]
fn wrong_sizes_and_folders_are_refused() {
    let scratch = Scratch::new();
    write_classes(&scratch, "lights", 3);
    scratch
        .nn("train --data lights --image-size 0x3")
        .refuses(2, &["\"0x3\"", "28x28"]);
    scratch
        .nn("train --data glyphs --image-size 28x28 --limit-train 10")
        .refuses(2, &["image-size", "folder of PNG or JPEG files"]);
    fs::create_dir(scratch.path("empty")).expect("a new folder");
    scratch
        .nn("train --data empty")
        .refuses(3, &["empty", "one folder of PNG or JPEG images per class"]);
    scratch.file("lights/below/cut.jpg", [0xff, 0xd8, 0xff, 0xe0]);
    scratch
        .nn("train --data lights")
        .refuses(3, &["lights/below/cut.jpg", "damaged JPEG"]);
}

#[test]
fn exports_are_read_again() {
    let scratch = Scratch::new();
    scratch.file("idx/train-images.idx3-ubyte", idx_images(20));
    let labels: Vec<u8> = (0..20).map(|index| index % 3).collect();
    scratch.file("idx/train-labels.idx1-ubyte", idx_labels(&labels));
    let told = scratch.nn("data export idx --format png").succeeds();
    assert_eq!(told, "20 training and 0 test images in idx-png\n");
    scratch
        .nn("data export idx-png --format idx -o again")
        .succeeds();
    for (from, to) in [
        (
            "idx/train-images.idx3-ubyte",
            "again/train-images-idx3-ubyte",
        ),
        (
            "idx/train-labels.idx1-ubyte",
            "again/train-labels-idx1-ubyte",
        ),
    ] {
        let [from, to] = [from, to].map(|name| fs::read(scratch.path(name)).expect("a file"));
        assert_eq!(from, to);
    }
    scratch.nn("data export again --format csv").succeeds();
    assert!(
        scratch
            .read("again-csv/train.csv")
            .starts_with("label,pixel0,pixel1,")
    );
    scratch
        .nn("data export idx --format png")
        .refuses(2, &["idx-png", "a new folder"]);
    scratch.file("trees.csv", crate::support::trees());
    scratch
        .nn("data export trees.csv --format png")
        .refuses(3, &["trees", "expected a data set of labeled images"]);
}

#[test]
fn exchanged_idx_files_are_named() {
    let scratch = Scratch::new();
    scratch.file("idx/train-images-idx3-ubyte", idx_labels(&[0, 1]));
    scratch.file("idx/train-labels-idx1-ubyte", idx_images(2));
    scratch
        .nn("train --data idx")
        .refuses(3, &["the two files are swapped", "swap the names"]);
}

/// A 2, 3, 4 or 7 of straight strokes, dark on light.
fn drawn(digit: char) -> Array2<f32> {
    let corners: &[&[(f32, f32)]] = match digit {
        '2' => &[&[
            (55., 70.),
            (80., 40.),
            (125., 45.),
            (135., 75.),
            (60., 155.),
            (145., 155.),
        ]],
        '3' => &[
            &[
                (62., 50.),
                (100., 40.),
                (137., 54.),
                (133., 82.),
                (92., 97.),
            ],
            &[
                (92., 97.),
                (135., 114.),
                (139., 142.),
                (100., 161.),
                (60., 148.),
            ],
        ],
        '4' => &[
            &[(75., 40.), (65., 105.), (140., 105.)],
            &[(125., 60.), (122., 160.)],
        ],
        _ => &[&[(55., 45.), (140., 45.), (95., 160.)]],
    };
    Array2::from_shape_fn((200, 200), |(i, j)| {
        let at = (j as f32, i as f32);
        let strokes = corners.iter().flat_map(|corners| corners.windows(2));
        let distance = strokes
            .map(|ends| distance(at, ends[0], ends[1]))
            .fold(f32::MAX, f32::min);
        if distance < 7.0 { 25.0 } else { 235.0 }
    })
}

/// The distance of a point from a line between two points.
fn distance(at: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let along = ((at.0 - a.0) * dx + (at.1 - a.1) * dy) / (dx * dx + dy * dy);
    let along = along.clamp(0.0, 1.0);
    (at.0 - a.0 - along * dx).hypot(at.1 - a.1 - along * dy)
}

#[test]
fn photographs_of_digits_are_read() {
    let Some(data_dir) = mnist_dir() else {
        return;
    };
    let scratch = Scratch::new();
    let folder = format!("--data-dir {}", data_dir.display());
    scratch.train(
        "mn",
        &format!("--data mnist {folder} --limit-train 20000 --epochs 4"),
    );
    let predict = |name: &str, light: &Array2<f32>| -> String {
        let gray = light.mapv(|value| value.round() as u8);
        write_png(&scratch.path(name), gray.view()).expect("the image is written");
        scratch.nn(&format!("predict mn {name} --json")).stdout
    };
    for digit in ['2', '3', '4', '7'] {
        let class = format!("\"class\":\"{digit}\"");
        let drawing = drawn(digit);
        let told = predict("plain.png", &drawing);
        assert!(told.contains(&class), "{digit}: {told}");
        for width in [1, 2, 4, 6] {
            let mut framed = drawing.clone();
            for ((i, j), value) in framed.indexed_iter_mut() {
                if i.min(j) < width || i.max(j) + width >= 200 {
                    *value = 0.0;
                }
            }
            let told = predict("framed.png", &framed);
            assert!(told.contains(&class), "{digit}, frame of {width}: {told}");
        }
        for direction in 0..4 {
            let mut uneven = drawing.clone();
            for ((i, j), value) in uneven.indexed_iter_mut() {
                let distance = [i, 199 - i, j, 199 - j][direction] as f32 / 199.0;
                *value *= 1.0 - 0.55 * distance;
            }
            let told = predict("uneven.png", &uneven);
            assert!(told.contains(&class), "{digit}, light {direction}: {told}");
        }
    }
    let pair = ndarray::concatenate![ndarray::Axis(1), drawn('2'), drawn('7')];
    let gray = pair.mapv(|value| value as u8);
    write_png(&scratch.path("pair.png"), gray.view()).expect("the image is written");
    scratch
        .nn("predict mn pair.png")
        .refuses(3, &["pair.png", "found 2 digits, expected 1", "crop"]);
}
