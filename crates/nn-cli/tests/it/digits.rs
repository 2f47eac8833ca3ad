//! The built-in digits and real MNIST.

use std::path::Path;

use nn_data::{Dataset, Inputs, Targets, catalog};
use serde_json::Value;

use crate::support::{Scratch, mnist_dir};

#[test]
fn built_in_digits_need_no_data() {
    let scratch = Scratch::new();
    let summary = scratch.train("a", "--data glyphs --limit-train 5000 --epochs 3");
    let accuracy = summary["test_accuracy"].as_f64().expect("a number");
    assert!(accuracy >= 0.7, "{summary}");
    let shown = scratch.nn("predict a --index 4").succeeds();
    assert!(shown.contains("sample 4: "), "{shown}");
    assert!(shown.contains('█'), "the image is shown: {shown}");
    let several = scratch.nn("predict a --index 0..12").succeeds();
    assert_eq!(several.lines().count(), 13);
    assert!(several.ends_with("of 12 correct\n"), "{several}");
    for (index, part) in [
        ("9999..10001", "found 10000"),
        ("x", "found \"x\""),
        ("5..5", "\"5..5\""),
    ] {
        scratch
            .nn(&format!("predict a --index {index}"))
            .refuses(2, &["--index", part]);
    }
}

#[test]
fn without_mnist_the_built_in_digits_are_taken_and_told() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("datasets")).expect("the temporary folder is writable");
    let output = scratch
        .nn("train --limit-train 200 --epochs 1 --hidden 8")
        .succeeds();
    let hint = output.lines().next().unwrap_or_default();
    for part in ["no MNIST", "built-in digits", "`nn data fetch`"] {
        assert!(hint.contains(part), "{hint}");
    }
    for part in [
        "saved in runs/glyphs-1",
        "test accuracy",
        "nn evaluate runs/glyphs-1",
    ] {
        assert!(output.contains(part), "{output}");
    }
    let by_cargo = scratch
        .command()
        .env("CARGO", "cargo")
        .args([
            "train",
            "--limit-train",
            "200",
            "--epochs",
            "1",
            "--hidden",
            "8",
        ])
        .output()
        .expect("the program starts");
    let output = String::from_utf8_lossy(&by_cargo.stdout);
    assert!(
        output.contains("to download MNIST, run `cargo xtask fetch-data`"),
        "{output}"
    );
    assert!(
        output.contains("cargo run -p nn-cli -- evaluate runs/glyphs-2"),
        "{output}"
    );
}

#[test]
fn real_digits_are_fetched_from_a_folder() {
    let Some(data_dir) = mnist_dir() else {
        return;
    };
    let scratch = Scratch::new();
    let command = format!("data fetch --from {}", data_dir.join("mnist").display());
    let told = scratch.nn(&command).succeeds();
    assert!(
        told.ends_with("mnist: 4 files in datasets/mnist, checksums match\n"),
        "{told}"
    );
    let told = scratch.nn(&command).succeeds();
    assert_eq!(told, "mnist: already in datasets/mnist, checksums match\n");
    let list = scratch.nn("data list").succeeds();
    assert!(list.contains("mnist          present"), "{list}");
    let info = scratch.nn("data info mnist").succeeds();
    assert!(info.contains("60 000 training, 10 000 test"), "{info}");
}

#[test]
fn real_digits_are_learned_and_named() {
    let Some(data_dir) = mnist_dir() else {
        return;
    };
    let scratch = Scratch::new();
    let folder = format!("--data-dir {}", data_dir.display());
    let summary = scratch.train(
        "a",
        &format!("{folder} --hidden 128 --batch-size 32 --optimizer sgd --lr 0.1 --epochs 3"),
    );
    assert_eq!(summary["dataset"], "mnist", "what is taken by default");
    assert_eq!(summary["layers"], serde_json::json!([784, 128, 10]));
    let accuracy = summary["test_accuracy"].as_f64().expect("a number");
    assert!(accuracy >= 0.965, "{summary}");
    assert_eq!(scratch.evaluate("a", &folder)["accuracy"], accuracy);

    let named = scratch
        .nn(&format!("predict a --index 0..20 --json {folder}"))
        .succeeds();
    let source = catalog::find("mnist").expect("the catalog has it");
    let mnist = Dataset::load(source, &data_dir).expect("the files are whole");
    let (Inputs::Pixels(pixels), Targets::Classes(labels)) =
        (&mnist.test.inputs, &mnist.test.targets)
    else {
        panic!("MNIST has pixels and classes");
    };
    let mut n_right = 0;
    for (index, line) in named.lines().enumerate() {
        let line: Value = serde_json::from_str(line).expect("every line is JSON");
        let label = labels[index].to_string();
        assert_eq!(line["label"], label);
        if line["class"] != label {
            continue;
        }
        n_right += 1;
        let image = pixels
            .row(index)
            .to_owned()
            .into_shape_with_order((28, 28))
            .expect("28 x 28 pixels");
        let file = format!("digit-{index}.png");
        nn_image::write_png(&scratch.path(Path::new(&file)), image.view())
            .expect("the picture is written");
        let shown = scratch.nn(&format!("predict a {file}")).succeeds();
        assert!(shown.contains(&format!("{file}: {label}\n")), "{shown}");
    }
    assert!(n_right >= 18, "{n_right} of 20");
}
