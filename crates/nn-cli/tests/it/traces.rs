//! `nn trace`.

use std::fs::File;

use nn_core::Model;
use serde_json::Value;

use crate::support::{Scratch, TWO_EPOCHS, trees};

fn trace(scratch: &Scratch, flags: &str) -> Value {
    let said = scratch.nn(&format!("trace {flags} --json")).succeeds();
    serde_json::from_str(&said).expect("one JSON object")
}

fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Number(number) => vec![number.as_f64().expect("a number") as f32],
        other => panic!("{other}"),
    }
}

/// A training with a single sample, batch and epoch is the step that a trace
/// of its untrained network shows.
#[test]
fn a_trace_is_a_training_of_one_step() {
    let scratch = Scratch::new();
    let rest = "--data glyphs --limit-train 1 --validation 0 --hidden 5,4 --epochs 1 --no-report";
    for (name, flags) in [("a", ""), ("b", "--optimizer sgd --dropout 0.5 --l2 0.1")] {
        scratch.train(name, &format!("{rest} {flags}"));
        let file = File::open(scratch.path(format!("runs/{name}/model.safetensors")));
        let model: Model = Model::read(file.expect("the run has a model")).expect("it is whole");
        let found = trace(
            &scratch,
            &format!("{name} --index 0 --split train --untrained"),
        );
        let mut parameters: Vec<f32> = Vec::new();
        for layer in found["step"]["layers"].as_array().expect("layers") {
            for part in ["weights_after", "bias_after"] {
                parameters.extend(numbers(&layer["backward"][part]));
            }
        }
        assert_eq!(parameters.len(), model.network.parameters().len());
        for (found, expected) in parameters.iter().zip(model.network.parameters()) {
            assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
        }
    }
}

#[test]
fn a_trace_agrees_with_a_prediction() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let said = scratch.nn("predict a --index 3 --json").succeeds();
    let predicted: Value = serde_json::from_str(&said).expect("one JSON object");
    let found = trace(&scratch, "a --index 3");
    let outputs = numbers(&found["step"]["layers"][1]["activations"]);
    // A training leaves zeros of the inputs out, which rounds otherwise.
    for (found, expected) in outputs.iter().zip(numbers(&predicted["probabilities"])) {
        assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
    }
    let class = found["predicted"].as_u64().expect("a class");
    assert_eq!(predicted["class"], class.to_string());
    assert_eq!(found["step"]["inputs"].as_array().map(Vec::len), Some(784));
    assert_eq!(found["image_size"], serde_json::json!([28, 28]));
}

#[test]
fn large_layers_are_cut_and_small_ones_are_whole() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let short = scratch.nn("trace a --index 0 --neurons 3").succeeds();
    for part in [
        "z = x·W + b",
        "δ = (δ²·W²ᵀ) ⊙ φ′(z)",
        "3 of 16 neurons",
        "3 of 12 544 weights",
        "3 of 10 neurons",
    ] {
        assert!(short.contains(part), "{part} is missing in: {short}");
    }
    assert!(
        short.lines().all(|line| line.chars().count() <= 100),
        "{short}"
    );
    scratch.file("trees.csv", trees());
    scratch.train("trees", "--data trees.csv --hidden 4 --epochs 1");
    let whole = scratch
        .nn("trace trees --index 0 --split validation")
        .succeeds();
    assert!(!whole.contains("those with the largest"), "{whole}");
    assert_eq!(whole.matches("\n  [").count(), 5 * 4 + 4 * 3, "{whole}");
}

#[test]
fn what_cannot_be_traced_is_refused() {
    let scratch = Scratch::new();
    scratch.train("a", TWO_EPOCHS);
    let refused = scratch.nn("trace a --index 30 --split validation");
    refused.refuses(2, &["--index: expected an index below 30", "validation"]);
    scratch
        .nn("trace b --index 0")
        .refuses(5, &["no run \"b\""]);
}
