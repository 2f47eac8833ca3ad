//! Exported models: files in other formats, checked before they are written.

use std::process::Command;

use crate::support::{Ended, Scratch, trees};

fn scratch() -> Scratch {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", "--data trees.csv --hidden 4 --epochs 1 --no-report");
    scratch
}

#[test]
fn each_format_is_written_under_the_name_of_the_run() {
    let scratch = scratch();
    for (format, file, part) in [
        ("onnx", "a.onnx", "Softmax"),
        (
            "c",
            "a.c",
            "void nn_predict(const float *values, float *output)",
        ),
        ("rust", "a.rs", "#![no_std]"),
        ("safetensors", "a.safetensors", "layers.0.weight"),
    ] {
        let shown = scratch
            .nn(&format!("export a --format {format}"))
            .succeeds();
        assert!(shown.starts_with(&format!("exported  {file}, ")), "{shown}");
        let bytes = std::fs::read(scratch.path(file)).expect("the file is written");
        assert!(String::from_utf8_lossy(&bytes).contains(part), "{file}");
    }
    let model = std::fs::read(scratch.path("runs/a/model.safetensors")).expect("a model");
    assert_eq!(std::fs::read(scratch.path("a.safetensors")).unwrap(), model);
    // The safetensors file is a model.
    scratch
        .nn("export a.safetensors --format c -o b.c")
        .succeeds();
    assert_eq!(scratch.read("a.c"), scratch.read("b.c"));
}

#[test]
fn a_file_is_never_overwritten() {
    let scratch = scratch();
    scratch.file("a.c", "precious");
    scratch
        .nn("export a --format c")
        .refuses(2, &["a.c: the file exists", "--output"]);
    assert_eq!(scratch.read("a.c"), "precious");
    scratch
        .nn("export a --format c --output other.c")
        .succeeds();
    scratch
        .nn("export a --format c -o nowhere/a.c")
        .refuses(5, &["nowhere/a.c: "]);
}

#[test]
fn options_of_other_formats_are_refused() {
    let scratch = scratch();
    scratch
        .nn("export a --format onnx --int8")
        .refuses(2, &["--int8: expected --format c or --format rust"]);
    scratch
        .nn("export a --format c --inputs columns")
        .refuses(2, &["--inputs: expected --format onnx"]);
    scratch.nn("export a").refuses(2, &["--format"]);
    scratch
        .nn("export a --format keras")
        .refuses(2, &["keras", "onnx"]);
    scratch.train(
        "d",
        "--data glyphs --limit-train 100 --epochs 1 --no-report",
    );
    scratch
        .nn("export d --format onnx --inputs columns")
        .refuses(2, &["trained on images, which have no columns"]);
}

/// Robust scaling, embedded categories and numbers, clipped outputs.
#[test]
fn a_model_of_the_tabular_preset_is_exported() {
    let scratch = Scratch::new();
    let mut table = "size,city,price\n".to_owned();
    for row in 0..120 {
        let (size, city) = (row * row % 31, row % 12);
        table += &format!("{size},city {city},{}.5\n", size + 3 * city);
    }
    scratch.file("prices.csv", &table);
    scratch.train(
        "p",
        "--data prices.csv --target price --preset tabular --hidden 8,8 --epochs 2 --no-report",
    );
    for (flags, file) in [
        ("--format onnx", "p.onnx"),
        (
            "--format onnx --inputs columns -o columns.onnx",
            "columns.onnx",
        ),
        ("--format rust", "p.rs"),
        ("--format c --int8 -o int8.c", "int8.c"),
        ("--format c", "p.c"),
    ] {
        let shown = scratch.nn(&format!("export p {flags}")).succeeds();
        assert!(shown.contains("rows agree with the network"), "{shown}");
        assert!(scratch.path(file).exists(), "{file}");
    }
    scratch
        .nn("export p --format c --threshold 0.3 -o threshold.c")
        .refuses(2, &["a threshold needs two classes or labels"]);
    scratch.nn("import p.onnx --name imported").succeeds();
    let [expected, found] = ["p", "imported"].map(|run| {
        let loss = &scratch.evaluate(run, "")["loss"];
        loss.as_f64().expect("a number")
    });
    assert!(
        (found - expected).abs() < 1e-5 * expected.max(1.0),
        "{found} {expected}"
    );
}

#[test]
fn a_decision_threshold_is_part_of_the_export() {
    let scratch = Scratch::new();
    let mut table = "size,kind\n".to_owned();
    for row in 0..120 {
        let kind = if row * 7 % 31 < 6 { "rare" } else { "common" };
        table += &format!("{},{kind}\n", row * 7 % 31);
    }
    scratch.file("kinds.csv", &table);
    scratch.train("k", "--data kinds.csv --hidden 4 --epochs 3 --no-report");
    let stored = scratch.json("runs/k/summary.json")["threshold"][0].as_f64();
    let stored = stored.expect("the validation samples have both classes") as f32;
    scratch
        .nn("export k --format c --threshold auto")
        .succeeds();
    let code = scratch.read("k.c");
    let (_, rest) = code
        .split_once("return output[1] >= ")
        .expect("a threshold");
    let found: f32 = rest
        .split('f')
        .next()
        .and_then(|it| it.parse().ok())
        .expect("a number");
    assert!((found - stored).abs() <= f32::EPSILON, "{found} {stored}");
    scratch
        .nn("export k --format safetensors --threshold 0.5")
        .refuses(2, &["--threshold: expected --format onnx, c or rust"]);
}

#[test]
fn without_its_data_a_model_is_checked_with_random_values() {
    let scratch = scratch();
    std::fs::remove_file(scratch.path("trees.csv")).expect("the file is ours");
    let ended = scratch.nn("export a --format c");
    let shown = ended.succeeds_with_note("the export is checked with random values");
    assert!(shown.contains("1 000 random rows agree"), "{shown}");
    // The ranges of 8 bits need rows.
    scratch
        .nn("export a --format c --int8 -o int8.c")
        .refuses(5, &["trees.csv: "]);
}

/// The network of the exported code, with 32-bit floats and with 8 bits, on images.
#[test]
fn eight_bits_lose_little_accuracy() {
    let scratch = Scratch::new();
    scratch.train(
        "d",
        "--data glyphs --limit-train 4000 --hidden 32 --epochs 3 --no-report",
    );
    let shown = scratch.nn("export d --format c --int8").succeeds();
    let line = shown.lines().find(|line| line.starts_with("int8"));
    let line = line.unwrap_or_else(|| panic!("{shown}"));
    let percents: Vec<f64> = line
        .split(" %")
        .filter_map(|text| text.rsplit(' ').next()?.parse().ok())
        .collect();
    assert_eq!(percents.len(), 2, "{line}");
    assert!(
        percents[1] > 60.0 && percents[1] - percents[0] <= 0.2,
        "{line}"
    );
    assert!(scratch.read("d.c").contains("int8_t nn_weights_"), "8 bits");
    if Command::new("gcc").arg("--version").output().is_err() {
        return eprintln!("skipped: gcc is not installed");
    }
    let script = "gcc -std=c99 -Wall -Wextra -Werror -pedantic -DNN_SELF_TEST d.c -lm -o t && ./t";
    let Ended { code, stdout, .. } = scratch.shell(script);
    assert_eq!(code, Some(0), "{stdout}");
    assert!(
        stdout.starts_with("32 rows, largest difference "),
        "{stdout}"
    );
}
