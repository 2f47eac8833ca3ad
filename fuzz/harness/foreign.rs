//! What must hold for any bytes taken for a model of another program.

use nn_core::{Activation, Model};
use nn_import::{ImportOptions, import};
use nn_table::Preprocessing;

/// Imports `bytes` with and without options. A model that is imported can be written and read
/// again, and predicts.
pub(crate) fn check(bytes: &[u8]) {
    read(bytes, &ImportOptions::default());
    read(
        bytes,
        &ImportOptions {
            activations: vec![Activation::Tanh],
            class_names: ["a", "b", "c"].map(str::to_owned).to_vec(),
            columns: ["x1", "x2", "x3", "x4"].map(str::to_owned).to_vec(),
            divide: 2.0,
            mean: vec![-1.0],
            std: vec![0.5],
            ..ImportOptions::default()
        },
    );
}

fn read(bytes: &[u8], options: &ImportOptions) {
    let imported = match import(bytes, options) {
        Ok(imported) => imported,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let model = imported.model;
    let written = model.to_bytes().expect("an imported model can be saved");
    assert_eq!(Model::read(&written[..]).expect("just written"), model);
    let inputs = vec![0.5; model.network.n_inputs()];
    let outputs = model.network.predict(&inputs).expect("finite inputs");
    assert_eq!(outputs.len(), model.network.n_outputs());
    if let Some(preprocessing) = &model.description.input.preprocessing {
        Preprocessing::from_json(preprocessing.as_str()).expect("a valid preprocessing");
    }
}
