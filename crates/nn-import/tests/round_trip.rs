//! Random models, exported as ONNX files and imported again, predict the same.

use nn_core::stage::Stage;
use nn_core::{Activation, LayerConfig, Menu, Model, NetworkConfig, Rows};
use nn_export::{ExportedModel, InputForm, TOLERANCE};
use nn_import::{ImportOptions, Imported, import};
use random_model::{Random, config_of, model_of, random_inputs, random_model};

#[path = "../../nn-export/tests/it/random_model.rs"]
mod random_model;

fn round_trip(model: &Model) -> nn_import::Result<Imported> {
    let exported = ExportedModel::new(model).expect("every model can be exported");
    let bytes = exported.to_onnx(InputForm::Values).expect("a small file");
    import(&bytes, &ImportOptions::default())
}

fn check(model: &Model, rows: &Rows<'_, f32>, imported: &Imported) {
    for row in rows.rows() {
        let expected = model.predict_row(row).expect("finite values");
        let found = imported.model.predict_row(row).expect("finite values");
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let difference = (found - expected).abs() / expected.abs().max(1.0);
            assert!(difference <= TOLERANCE, "{found} {expected}");
        }
    }
    assert_eq!(imported.model.loss, model.loss);
}

fn has_embedding(model: &Model) -> bool {
    let inputs = &model.network.layers()[0].inputs;
    inputs.iter().any(|stage| {
        matches!(
            stage,
            Stage::CategoryEmbedding(_)
                | Stage::PeriodicEmbedding(_)
                | Stage::PiecewiseLinearEmbedding(_)
        )
    })
}

/// Each has other layers, stages, activation functions and weights.
#[test]
fn random_networks_survive_the_round_trip() {
    let mut n_checked = 0;
    for seed in 0..60 {
        let model = random_model(seed);
        let imported = round_trip(&model);
        if has_embedding(&model) {
            let error = imported
                .expect_err("embeddings are not imported")
                .to_string();
            assert!(error.starts_with("node "), "{error}");
            continue;
        }
        let imported = imported.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let rows = random_inputs(&config_of(&model), 200, &mut Random::new(seed));
        check(&model, &rows, &imported);
        n_checked += 1;
    }
    assert!(n_checked >= 30, "{n_checked}");
}

#[test]
fn every_activation_function_survives_the_round_trip() {
    for &activation in Activation::ALL {
        let mut layers = vec![LayerConfig::new(4, activation)];
        if activation != Activation::Softmax {
            layers.push(LayerConfig::new(2, Activation::Identity));
        }
        let config = NetworkConfig {
            n_inputs: 3,
            layers,
        };
        let mut random = Random::new(2);
        let model = model_of(&config, &mut random);
        let rows = random_inputs(&config, 50, &mut random);
        let imported = round_trip(&model).unwrap();
        check(&model, &rows, &imported);
        assert_eq!(imported.model.network.layers()[0].activation, activation);
    }
}

#[test]
fn the_scale_of_pixels_is_kept() {
    let config = NetworkConfig::new(4, [(3, Activation::Relu), (2, Activation::Softmax)]);
    let mut random = Random::new(5);
    let mut model = model_of(&config, &mut random);
    model.description.input.shape = vec![2, 2];
    model.description.input.scale = 1.0 / 255.0;
    model.description.class_names = vec!["no".to_owned(), "yes".to_owned()];
    let imported = round_trip(&model).unwrap();
    let rows = random_inputs(&config, 50, &mut random);
    check(&model, &rows, &imported);
    let description = imported.model.description;
    assert_eq!(description.input.shape, [2, 2]);
    assert!((description.input.scale * 255.0 - 1.0).abs() < 1e-7);
    assert_eq!(description.class_names, model.description.class_names);
}
