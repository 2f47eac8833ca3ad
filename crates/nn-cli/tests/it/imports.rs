//! Models of other programs, imported as runs.

use crate::support::{Scratch, trees};

/// A safetensors file of float32 tensors, as PyTorch writes it.
fn safetensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let end = data.len();
        header.push(format!(
            r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        ));
    }
    let header = format!("{{{}}}", header.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// `torch.nn.Linear(2, 2)`: the first class is the larger one of x and y.
fn larger() -> Vec<u8> {
    safetensors(&[
        ("0.weight", &[2, 2], &[10.0, 0.0, 0.0, 10.0]),
        ("0.bias", &[2], &[0.0, 0.0]),
    ])
}

#[test]
fn an_exported_model_comes_back_with_its_weights_and_its_data() {
    let scratch = Scratch::new();
    scratch.file("trees.csv", trees());
    scratch.train("a", "--data trees.csv --hidden 4,3 --epochs 2 --no-report");
    scratch.nn("export a --format onnx").succeeds();
    let shown = scratch.nn("import a.onnx --name b").succeeds();
    assert!(
        shown.starts_with("imported  an ONNX file written by nn\n"),
        "{shown}"
    );
    let inspect = |run: &str| {
        let text = scratch.nn(&format!("inspect {run} --json")).succeeds();
        serde_json::from_str::<serde_json::Value>(&text).expect("JSON")
    };
    assert_eq!(inspect("a"), inspect("b"));
    assert_eq!(scratch.evaluate("a", ""), scratch.evaluate("b", ""));
    scratch.nn("trace b --index 0").succeeds();
    scratch.nn("export b --format c").succeeds();
    scratch.nn("report b").succeeds();
}

#[test]
fn weights_become_a_run_that_predicts_a_table() {
    let scratch = Scratch::new();
    scratch.file("larger.safetensors", larger());
    scratch.file(
        "rows.csv",
        "x,y,winner\n1,2,second\n5,-1,first\n0,3,second\n",
    );
    let flags = "--columns x,y --target winner --classes first,second";
    let ended = scratch.nn(&format!("import larger.safetensors {flags}"));
    let shown = ended.succeeds_with_note("softmax was added");
    assert!(shown.contains("run       runs/larger-1\n"), "{shown}");
    let metrics = scratch.evaluate("larger-1", "--data rows.csv");
    assert_eq!(metrics["accuracy"], 1.0);
    let predictions = scratch.nn("predict larger-1 rows.csv").succeeds();
    assert!(predictions.contains("second"), "{predictions}");
    let summary = scratch.json("runs/larger-1/summary.json");
    assert_eq!(summary["layers"], serde_json::json!([2, 2]));
    // The run knows no data set.
    scratch
        .nn("evaluate larger-1")
        .refuses(2, &["does not name the data set", "--data"]);
    scratch
        .nn(&format!(
            "import larger.safetensors --name larger-1 {flags}"
        ))
        .refuses(2, &["already exists"]);
}

/// By hand: the network predicts the class of the brighter half of 784 pixels; pixels from 0 to
/// 255 enter as they are, or divided by 255, with the same classes but other losses.
#[test]
fn images_are_read_with_the_scale_of_the_model() {
    let scratch = Scratch::new();
    let mut weights = vec![0.0; 10 * 784];
    weights[..392].fill(0.001);
    weights[784 + 392..2 * 784].fill(0.001);
    let weight = |n: usize| safetensors(&[("0.weight", &[n, 784], &weights[..n * 784])]);
    scratch.file("halves.safetensors", weight(10));
    scratch.file("two.safetensors", weight(2));
    for (name, divide) in [("bytes", "1"), ("fractions", "255")] {
        let line = format!("import halves.safetensors --name {name} --divide {divide}");
        scratch
            .nn(&line)
            .succeeds_with_note("images of 28x28 pixels");
    }
    let data = "--data glyphs --index 0..3 --json";
    let predict = |run: &str| {
        scratch
            .nn(&format!("predict {run} {data}"))
            .succeeds_with_note("")
    };
    let (bytes, fractions) = (predict("bytes"), predict("fractions"));
    assert_ne!(bytes, fractions);
    let loss = |run: &str| scratch.evaluate(run, "--data glyphs")["loss"].as_f64();
    assert_ne!(loss("bytes"), loss("fractions"));
    scratch
        .nn("import two.safetensors --name two")
        .succeeds_with_note("");
    scratch
        .nn("predict two --data glyphs --index 2")
        .refuses(3, &["glyphs: expected a model of 10 classes, found 2"]);
}

#[test]
fn files_that_cannot_be_imported_are_refused() {
    let scratch = Scratch::new();
    scratch.file("model.pt", b"PK\x03\x04 archive/data.pkl");
    scratch
        .nn("import model.pt")
        .refuses(3, &["a pickle of PyTorch", "safetensors.torch.save_file"]);
    scratch.file("cut.safetensors", &larger()[..40]);
    scratch.nn("import cut.safetensors").refuses(
        3,
        &["cut.safetensors: expected a safetensors file", "damaged"],
    );
    scratch
        .nn("import nowhere.onnx")
        .refuses(5, &["nowhere.onnx"]);
    scratch.file("larger.safetensors", larger());
    scratch
        .nn("import larger.safetensors --columns x")
        .refuses(2, &["--columns: expected 2 names, one per input, found 1"]);
    scratch
        .nn("import larger.safetensors --divide 0")
        .refuses(2, &["--divide: expected numbers above 0"]);
    assert!(!scratch.path("runs").exists(), "no run is left behind");
    scratch.file("trees.csv", trees());
    scratch.train("a", "--data trees.csv --hidden 4 --epochs 1 --no-report");
    scratch
        .nn("import runs/a/model.safetensors")
        .refuses(3, &["a model file of nn, which needs no import"]);
}
