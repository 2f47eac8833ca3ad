//! Bad input: every kind of it is told with the file, both numbers and help,
//! and harms no file of an earlier run.

use std::fs;
use std::path::PathBuf;

use crate::support::{Ended, Scratch, TWO_EPOCHS, gzip, idx_images, idx_labels};

const IMAGES: &str = "data/train-images-idx3-ubyte";
const LABELS: &str = "data/train-labels-idx1-ubyte";

/// A folder of four images, `images` and `labels` in place of the right ones.
fn idx_folder(images: &[u8], labels: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    scratch.file(IMAGES, images);
    scratch.file(LABELS, labels);
    scratch
}

fn train_on_folder(scratch: &Scratch) -> Ended {
    let ended = scratch.nn("train --data data --hidden 2 --epochs 1 --validation 0 --test-split 0");
    assert!(!scratch.path("runs").exists() || ended.code == Some(0));
    ended
}

fn four_labels() -> Vec<u8> {
    idx_labels(&[0, 1, 2, 1])
}

#[test]
fn a_whole_folder_trains() {
    let scratch = idx_folder(&idx_images(4), &four_labels());
    train_on_folder(&scratch).succeeds();
    let scratch = Scratch::new();
    scratch.file(format!("{IMAGES}.gz"), gzip(&idx_images(4)));
    scratch.file(format!("{LABELS}.gz"), gzip(&four_labels()));
    train_on_folder(&scratch).succeeds();
}

#[test]
fn damaged_images() {
    let whole = idx_images(4);
    let dims = |dims: [u32; 3]| -> Vec<u8> {
        let dims = dims.iter().flat_map(|dim| dim.to_be_bytes());
        [0, 0, 8, 3].into_iter().chain(dims).collect()
    };
    let cases: [(&str, Vec<u8>, &[&str]); 12] = [
        ("nothing", Vec::new(), &["ends at byte 0", "needs"]),
        ("cut header", whole[..9].to_vec(), &["ends at byte 9", "16"]),
        (
            "cut body",
            whole[..30].to_vec(),
            &["ends at byte 30", "promises 40"],
        ),
        (
            "one more byte",
            [&whole[..], &[0]].concat(),
            &["1 byte", "expected 40 bytes"],
        ),
        (
            "much more",
            [&whole[..], &[0; 1 << 20]].concat(),
            &["1048576", "expected 40 bytes"],
        ),
        (
            "labels",
            four_labels(),
            &["00 00 08 03", "00 00 08 01", "labels?"],
        ),
        (
            "floats",
            [&[0, 0, 0x0d, 3], &whole[4..]].concat(),
            &["00 00 08 03", "00 00 0d 03"],
        ),
        (
            "two dimensions",
            [&[0, 0, 8, 2], &whole[4..]].concat(),
            &["00 00 08 02"],
        ),
        ("HTML", b"<!doctype html><html></html>".to_vec(), &["HTML"]),
        ("gzip within", gzip(&gzip(&whole)), &[]),
        ("huge", dims([u32::MAX; 3]), &["4294967295"]),
        ("no pixels", dims([4, 0, 3]), &["0 x 3"]),
    ];
    for (name, bytes, parts) in cases {
        let scratch = idx_folder(&bytes, &four_labels());
        let error = train_on_folder(&scratch);
        let parts: Vec<&str> = parts.iter().copied().chain([IMAGES]).collect();
        eprintln!("{name}: {}", error.stderr);
        error.refuses(3, &parts);
    }
    let scratch = idx_folder(&dims([0, 2, 3]), &idx_labels(&[]));
    train_on_folder(&scratch).refuses(3, &["0 samples"]);
}

#[test]
fn labels_that_do_not_fit() {
    let scratch = idx_folder(&idx_images(4), &idx_labels(&[0, 1, 2]));
    train_on_folder(&scratch).refuses(3, &["4 images", "3 labels", IMAGES, LABELS]);

    let scratch = Scratch::new();
    for (name, bytes) in [
        ("train-images-idx3-ubyte", idx_images(4)),
        ("train-labels-idx1-ubyte", idx_labels(&[0, 1, 10, 255])),
        ("t10k-images-idx3-ubyte", idx_images(2)),
        ("t10k-labels-idx1-ubyte", idx_labels(&[0, 1])),
    ] {
        scratch.file(format!("datasets/mnist/{name}"), bytes);
    }
    scratch.nn("train --data mnist").refuses(
        3,
        &["train-labels-idx1-ubyte", "index 2", "below 10", "found 10"],
    );
}

#[test]
fn missing_files() {
    let scratch = Scratch::new();
    scratch.file(IMAGES, idx_images(4));
    train_on_folder(&scratch).refuses(5, &[LABELS, "no such file"]);
    scratch
        .nn("train --data mnist")
        .refuses(5, &["mnist", "data fetch mnist"]);
    scratch
        .nn("train --data nowhere.csv")
        .refuses(5, &["nowhere.csv"]);
}

#[test]
fn damaged_gzip() {
    let whole = gzip(&idx_images(4));
    let mut flipped = whole.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    let bomb = gzip(&[idx_images(4), vec![0; 20 << 20]].concat());
    for (name, bytes, part) in [
        ("cut", whole[..whole.len() / 2].to_vec(), "gzip"),
        ("cut checksum", whole[..whole.len() - 3].to_vec(), "gzip"),
        ("flipped checksum", flipped, "gzip"),
        (
            "surplus",
            [&whole[..], b"more"].concat(),
            "4 bytes after the end of the gzip data",
        ),
        (
            "second member",
            [&whole[..], &whole[..]].concat(),
            "second gzip member",
        ),
        ("bomb", bomb, "expected 40 bytes"),
    ] {
        let scratch = Scratch::new();
        scratch.file(format!("{IMAGES}.gz"), bytes);
        scratch.file(LABELS, four_labels());
        let ended = train_on_folder(&scratch);
        eprintln!("{name}: {}", ended.stderr);
        ended.refuses(3, &[&format!("{IMAGES}.gz"), part]);
    }
}

#[test]
fn bad_tables() {
    let header = "x,y,label\n";
    let row = "1,2,a\n";
    let long = "z".repeat(500);
    let cases: Vec<(&str, Vec<u8>, Vec<&str>)> = vec![
        (
            "short row",
            format!("{header}{row}3,b\n").into(),
            vec!["line 3", "expected 3", "found 2"],
        ),
        (
            "long row",
            format!("{header}{row}3,4,5,b\n").into(),
            vec!["line 3", "expected 3", "found 4"],
        ),
        (
            "line end in quotes",
            format!("{header}{row}3,4,\"a\nb\"\n").into(),
            vec!["line 3", "\"label\"", "found \"a\\nb\""],
        ),
        (
            "not a number",
            format!("{header}{}", "1,2,a\n".repeat(30) + "zwei,2,b\n").into(),
            vec!["line 32", "\"zwei\""],
        ),
        (
            "too long to show",
            format!(
                "{header}{}",
                "1,2,a\n".repeat(30) + &format!("{long},2,b\n")
            )
            .into(),
            vec!["line 32"],
        ),
        (
            "inf",
            format!("{header}{row}-inf,2,b\n").into(),
            vec!["line 3", "\"-inf\""],
        ),
        (
            "too large",
            format!("{header}{row}1e39,2,b\n").into(),
            vec!["line 3", "\"1e39\""],
        ),
        ("empty", Vec::new(), vec!["0 samples"]),
        ("header only", header.into(), vec!["0 samples"]),
        (
            "mixed header",
            b"x,2,label\n1,2,a\n".to_vec(),
            vec!["line 1", "header"],
        ),
        (
            "same names",
            b"x,x,label\n1,2,a\n".to_vec(),
            vec!["columns 1 and 2", "\"x\""],
        ),
        (
            "NUL",
            b"x,y,label\n1,2,a\n1,\0,a\n".to_vec(),
            vec!["line 3", "NUL"],
        ),
        (
            "gzip",
            gzip(b"x,y,label\n1,2,a\n")[..20].to_vec(),
            vec!["gzip"],
        ),
    ];
    for (name, bytes, parts) in cases {
        let scratch = Scratch::new();
        scratch.file("a.csv", bytes);
        let ended = scratch.nn("train --data a.csv --hidden 2 --epochs 1");
        eprintln!("{name}: {}", ended.stderr);
        assert!(ended.stderr.len() < 500, "{}", ended.stderr);
        let parts: Vec<&str> = parts.iter().copied().chain(["a.csv: "]).collect();
        ended.refuses(3, &parts);
        assert!(!scratch.path("runs").exists(), "{name}");
    }
}

#[test]
fn tables_that_the_model_does_not_know() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", crate::support::trees());
    scratch.train("a", "--data trees.csv --hidden 3 --epochs 1");
    scratch.file("less.csv", "u,colour\n1,red\n");
    scratch
        .nn("predict a less.csv")
        .refuses(3, &["less.csv", "\"v\""]);
    scratch.file("wrong.csv", "u,v,colour\n1,2,red\n1,two\n");
    scratch
        .nn("predict a wrong.csv --output answers.csv")
        .refuses(3, &["wrong.csv", "line 3", "expected 3 fields, found 2"]);
    assert!(!scratch.path("answers.csv").exists());
    scratch.train("digits", TWO_EPOCHS);
    scratch
        .nn("predict digits less.csv")
        .refuses(3, &["less.csv", "trained on images"]);
    scratch
        .nn("evaluate digits --data less.csv")
        .refuses(3, &["less.csv", "trained on images"]);
    scratch
        .nn("evaluate a --data glyphs")
        .refuses(3, &["glyphs", "expected 5", "found 784"]);
    scratch.nn("predict a --index 0").refuses(2, &["no images"]);
}

#[test]
fn bad_pictures() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let before = fs::read(scratch.path("runs/a/model.safetensors")).expect("a model");
    let mut grey = ndarray::Array2::<u8>::zeros((28, 28));
    grey.slice_mut(ndarray::s![5..23, 13..16]).fill(255);
    let whole_path = scratch.path("whole.png");
    nn_image::write_png(&whole_path, grey.view()).expect("the picture is written");
    scratch.nn("predict a whole.png").succeeds();
    let whole = fs::read(&whole_path).expect("the picture is there");
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    scratch.file("empty.png", []);
    scratch.file("text.png", "not a picture");
    scratch.file("cut.png", &whole[..whole.len() - 20]);
    scratch.file("flipped.png", flipped);
    let blank = ndarray::Array2::<u8>::zeros((28, 28));
    nn_image::write_png(&scratch.path("blank.png"), blank.view()).expect("it is written");
    for (name, code, part) in [
        ("empty.png", 3, "not a PNG"),
        (
            "text.png",
            3,
            "not a PNG or JPEG image: expected 89 50 4e 47",
        ),
        ("cut.png", 3, "damaged PNG"),
        ("flipped.png", 3, "damaged PNG"),
        ("blank.png", 3, "blank image"),
        ("nowhere.png", 5, "No such file"),
        ("runs", 3, "not a regular file"),
        ("/dev/zero", 3, "not a regular file"),
    ] {
        let ended = scratch.nn(&format!("predict a {name}"));
        ended.refuses(code, &[&format!("{name}: "), part]);
    }
    scratch.file("trees.csv", crate::support::trees());
    scratch.train("trees", "--data trees.csv --hidden 3 --epochs 1");
    scratch
        .nn("predict trees whole.png")
        .refuses(3, &["whole.png", "columns of a table, not on images"]);

    // As wide as an image, but standardized columns.
    let mut wide: String = (0..784).map(|column| format!("c{column},")).collect();
    wide.push_str("class\n");
    for row in 0..12 {
        for column in 0..784 {
            wide.push_str(&format!("{}.5,", (row * column) % 7));
        }
        wide.push_str(["a\n", "b\n"][row % 2]);
    }
    scratch.file("wide.csv", wide);
    scratch.train("wide", "--data wide.csv --epochs 1 --hidden 2");
    scratch
        .nn("predict wide whole.png")
        .refuses(3, &["whole.png", "columns of a table, not on images"]);
    let after = fs::read(scratch.path("runs/a/model.safetensors")).expect("a model");
    assert_eq!(before, after);
}

/// A run like `runs/a`, some of whose weights are `number`.
fn with_weight(scratch: &Scratch, name: &str, number: f32) {
    let copied = scratch.shell(&format!("cp -r runs/a runs/{name}"));
    assert_eq!(copied.code, Some(0), "{}", copied.stderr);
    let path = scratch.path(format!("runs/{name}/model.safetensors"));
    let bytes = fs::read(&path).expect("a model");
    let mut model = nn_core::Model::<f32>::read(&bytes[..]).expect("a good model");
    model.network.parameters_mut()[..50].fill(number);
    let last = model.network.parameters().len() - 1;
    model.network.parameters_mut()[last] = number;
    let mut bytes = Vec::new();
    model.write(&mut bytes).expect("memory can be written");
    fs::write(path, bytes).expect("the run is ours");
}

#[cfg(unix)]
#[test]
fn weights_that_are_no_numbers_are_refused_unless_they_are_asked_for() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let mut grey = ndarray::Array2::<u8>::zeros((28, 28));
    grey.slice_mut(ndarray::s![5..23, 13..16]).fill(255);
    nn_image::write_png(&scratch.path("one.png"), grey.view()).expect("it is written");
    for (name, number, shown) in [
        ("nan", f32::NAN, "NaN"),
        ("inf", f32::INFINITY, "inf"),
        ("low", f32::NEG_INFINITY, "-inf"),
    ] {
        with_weight(&scratch, name, number);
        let model = scratch.path(format!("runs/{name}/model.safetensors"));
        let before = fs::read(&model).expect("a model");
        for command in [
            "evaluate",
            "inspect",
            "predict --index 0",
            "predict one.png",
            "doctor",
        ] {
            for form in ["", "--json"] {
                let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
                let (picture, flags) = match rest {
                    "one.png" => ("one.png", ""),
                    flags => ("", flags),
                };
                let line = format!("{verb} {name} {picture} {flags} {form}");
                let tensor =
                    format!("model.safetensors: tensor layers.0.weight: element 0 is {shown}");
                scratch
                    .nn(&line)
                    .refuses(3, &[&tensor, "  help: ", "--allow-nonfinite"]);
                scratch.nn(&format!("{line} --allow-nonfinite")).succeeds();
            }
        }
        scratch
            .nn(&format!("trace {name} --index 0"))
            .refuses(3, &["--allow-nonfinite"]);
        // An answer of probability 0 is one that a step can be shown for.
        let trace = scratch.nn(&format!("trace {name} --index 0 --allow-nonfinite"));
        if number == f32::NEG_INFINITY {
            trace.succeeds();
        } else {
            trace.refuses(6, &["loss became"]);
        }
        let report = scratch.nn(&format!("report {name}")).succeeds();
        assert!(report.contains(shown), "{report}");
        let report = scratch
            .nn(&format!("report {name} --allow-nonfinite"))
            .succeeds();
        assert!(!report.contains("not shown"), "{report}");
        assert_eq!(fs::read(&model).expect("a model"), before);
    }
    let evaluation = scratch.evaluate("nan", "--allow-nonfinite");
    assert!(evaluation["loss"].is_null(), "{evaluation}");
    let usual = scratch.nn("evaluate a").succeeds();
    assert_eq!(scratch.nn("evaluate a --allow-nonfinite").succeeds(), usual);
}

/// A model file with `change` made to it.
fn changed_model(scratch: &Scratch, name: &str, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let mut bytes = fs::read(scratch.path("runs/a/model.safetensors")).expect("a model");
    change(&mut bytes);
    scratch.file(format!("{name}.safetensors"), bytes)
}

fn replace(bytes: &mut [u8], from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let at = bytes
        .windows(from.len())
        .position(|window| window == from.as_bytes())
        .expect("the model file says so");
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
}

#[test]
fn bad_model_files() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let length = fs::metadata(scratch.path("runs/a/model.safetensors"))
        .expect("a model")
        .len();
    changed_model(&scratch, "cut", |bytes| bytes.truncate(bytes.len() - 1));
    changed_model(&scratch, "cut-header", |bytes| bytes.truncate(100));
    changed_model(&scratch, "longer", |bytes| bytes.push(0));
    changed_model(&scratch, "empty", Vec::clear);
    changed_model(&scratch, "weight", |bytes| {
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
    });
    changed_model(&scratch, "length", |bytes| bytes[..8].fill(0xff));
    changed_model(&scratch, "names", |bytes| {
        replace(bytes, "layers.1.bias", "layers.1.bais");
    });
    changed_model(&scratch, "type", |bytes| {
        replace(bytes, "\"F32\"", "\"I32\"");
    });
    changed_model(&scratch, "loss", |bytes| {
        replace(bytes, "cross-entropy", "cross-empathy");
    });
    changed_model(&scratch, "foreign", |bytes| {
        let header = br#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        *bytes = [&(header.len() as u64).to_le_bytes()[..], header, &[0; 4]].concat();
    });
    for (name, part) in [
        (
            "cut",
            "50919 bytes of weights, but the header declares 50920",
        ),
        ("cut-header", "100"),
        (
            "longer",
            "50921 bytes of weights, but the header declares 50920",
        ),
        ("empty", "ends at byte 0"),
        ("weight", "expected SHA-256"),
        ("length", "declare a header"),
        ("names", "expected SHA-256"),
        ("type", "expected SHA-256"),
        ("loss", "expected SHA-256"),
        ("foreign", "not written by nn"),
    ] {
        let file = format!("{name}.safetensors");
        for command in ["evaluate", "inspect"] {
            let ended = scratch.nn(&format!("{command} {file}"));
            eprintln!("{name} ({length} bytes): {}", ended.stderr);
            ended.refuses(3, &[&file, part]);
        }
    }
    for (path, code, part) in [
        ("nowhere", 5, "runs in runs: a"),
        ("/dev/zero", 3, "not a regular file"),
    ] {
        scratch
            .nn(&format!("inspect {path}"))
            .refuses(code, &[path, part]);
    }
    scratch.nn("evaluate a").succeeds();
}
