//! Files that PyTorch, Keras and scikit-learn wrote (`scripts/check_import.py`), with the outputs
//! that these programs computed.

use std::fs;
use std::path::Path;

use nn_core::Activation;
use nn_import::{ImportOptions, Imported, import_file};
use nn_table::Task;
use serde_json::Value;

fn options(flags: &Value) -> ImportOptions {
    let words: Vec<&str> = flags
        .as_array()
        .expect("a list of flags")
        .iter()
        .map(|word| word.as_str().expect("text"))
        .collect();
    let mut options = ImportOptions::default();
    for pair in words.chunks(2) {
        let activation = || {
            pair[1]
                .parse::<Activation>()
                .expect("an activation function")
        };
        match pair[0] {
            "--activation" => options.activations = vec![activation()],
            "--output-activation" => options.output_activation = Some(activation()),
            "--task" => options.task = Some(Task::Regression),
            other => panic!("flag {other}"),
        }
    }
    options
}

fn numbers(rows: &Value) -> Vec<Vec<f32>> {
    serde_json::from_value(rows.clone()).expect("rows of numbers")
}

/// The outputs as other programs give them: the probabilities of both classes.
fn outputs(imported: &Imported, row: &[f32]) -> Vec<f32> {
    let model = &imported.model;
    let outputs = model.predict_row(row).expect("a row of the right width");
    match (outputs[..].as_ref(), model.description.class_names.len()) {
        (&[probability], 2) => vec![1.0 - probability, probability],
        _ => outputs,
    }
}

#[test]
fn imported_models_compute_the_outputs_of_their_programs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/files");
    let mut n_files = 0;
    for entry in fs::read_dir(&folder).expect("the folder is part of the repository") {
        let path = entry.expect("readable").path();
        let Some(name) = path.to_str().and_then(|path| path.strip_suffix(".json")) else {
            continue;
        };
        let text = fs::read_to_string(&path).expect("readable");
        let record: Value = serde_json::from_str(&text).expect("JSON");
        let imported = import_file(name, &options(&record["flags"]));
        let imported = imported.unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = numbers(&record["outputs"]);
        for (row, expected) in numbers(&record["rows"]).iter().zip(&expected) {
            let found = outputs(&imported, row);
            assert_eq!(found.len(), expected.len(), "{name}");
            for (found, expected) in found.iter().zip(expected) {
                let difference = (found - expected).abs() / expected.abs().max(1.0);
                assert!(difference <= 1e-5, "{name}: {found} {expected}");
            }
        }
        n_files += 1;
    }
    assert!(n_files >= 10, "{n_files} files");
}
