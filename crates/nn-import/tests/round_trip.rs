//! Random models, exported as ONNX files and imported again, predict the same.

use nn_core::stage::Stage;
use nn_core::{Activation, LayerConfig, Menu, Model, NetworkConfig, Rows};
use nn_export::proto::{Field, Message, fields};
use nn_export::{ExportedModel, InputForm, TOLERANCE};
use nn_import::{ImportOptions, Imported, import};
use random_model::{Random, config_of, model_of, random_ensemble, random_inputs, random_model};

#[path = "../../nn-export/tests/it/random_model.rs"]
mod random_model;

/// Number of rows per network.
const N_ROWS: usize = 10_000;

fn exported(model: &Model) -> Vec<u8> {
    let exported = ExportedModel::new(model).expect("every model can be exported");
    exported.to_onnx(InputForm::Values).expect("a small file")
}

fn round_trip(model: &Model) -> nn_import::Result<Imported> {
    import(&exported(model), &ImportOptions::default())
}

/// The file with its graph and operator sets alone: without its producer and its metadata.
fn without_metadata(file: &[u8]) -> Vec<u8> {
    let mut stripped = Message::new().integer(1, 8);
    for field in fields(file) {
        if let (number @ (7 | 8), Field::Bytes(bytes)) = field.expect("a valid file") {
            stripped = stripped.bytes(number, bytes);
        }
    }
    stripped.into_bytes()
}

/// The index of the largest output, if it is larger than all others by more than the tolerance.
fn clear_class(outputs: &[f32], scale: f32) -> Option<usize> {
    let class = (0..outputs.len()).max_by(|&a, &b| outputs[a].total_cmp(&outputs[b]))?;
    let others = outputs
        .iter()
        .enumerate()
        .filter(|&(index, _)| index != class);
    let is_clear = others
        .map(|(_, &other)| outputs[class] - other)
        .all(|it| it > scale);
    is_clear.then_some(class)
}

/// Checks that the outputs agree within the tolerance, and the largest output of a row wherever
/// the two largest differ by more.
fn check(model: &Model, rows: &Rows<'_, f32>, imported: &Model) {
    for row in rows.rows() {
        let expected = model.predict_row(row).expect("finite values");
        let found = imported.predict_row(row).expect("finite values");
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let difference = (found - expected).abs() / expected.abs().max(1.0);
            assert!(difference <= TOLERANCE, "{found} {expected}");
        }
        let largest = expected.iter().fold(1.0, |a: f32, b| a.max(b.abs()));
        if let Some(class) = clear_class(&expected, TOLERANCE * largest) {
            assert_eq!(
                clear_class(&found, 0.0),
                Some(class),
                "{found:?} {expected:?}"
            );
        }
    }
}

/// Each has other layers, stages, activation functions and weights.
#[test]
fn random_networks_survive_the_round_trip() {
    for seed in 0..60 {
        let model = random_model(seed);
        let imported = round_trip(&model).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let rows = random_inputs(&config_of(&model), N_ROWS, &mut Random::new(seed));
        check(&model, &rows, &imported.model);
        assert_eq!(imported.model.loss, model.loss);
    }
}

#[test]
fn random_ensembles_survive_the_round_trip() {
    for seed in 0..30 {
        let model = random_ensemble(seed);
        let imported = round_trip(&model).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let network = &imported.model.network;
        assert_eq!(
            network.n_networks(),
            model.network.n_networks(),
            "seed {seed}"
        );
        let temperature = model.network.temperature();
        assert!((network.temperature() / temperature - 1.0).abs() < 1e-6);
        let rows = random_inputs(&config_of(&model), 200, &mut Random::new(seed));
        check(&model, &rows, &imported.model);
    }
}

/// The graph alone says what the network is.
#[test]
fn a_file_without_metadata_is_imported_alike() {
    for seed in 0..60 {
        let model = match seed % 3 {
            2 => random_ensemble(seed),
            _ => random_model(seed),
        };
        let file = without_metadata(&exported(&model));
        let options = ImportOptions {
            output_activation: Some(model.network.output_layer().activation),
            ..ImportOptions::default()
        };
        let imported = import(&file, &options);
        let imported = imported.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(imported.producer, None);
        let rows = random_inputs(&config_of(&model), 200, &mut Random::new(seed));
        check(&model, &rows, &imported.model);
    }
}

/// The first columns are embedded, as in the presets for tables.
#[test]
fn embeddings_keep_their_parameters() {
    for names in [
        &["category-embedding:4x3,3x2"][..],
        &[
            "periodic-embedding:3x4:columns=4",
            "category-embedding:4x3,3x2",
        ],
        &[
            "piecewise-linear-embedding:4x3:columns=4",
            "category-embedding:4x3,3x2",
        ],
        &[
            "category-embedding:4x3,3x2",
            "periodic-embedding:3x4:columns=4",
            "members:2:signs",
        ],
        &["periodic-embedding:1x2"],
        &["piecewise-linear-embedding:1x1"],
        &["piecewise-linear-embedding:3x2", "layer-norm"],
    ] {
        let stages: Vec<Stage> = names.iter().map(|name| name.parse().unwrap()).collect();
        let first = LayerConfig {
            inputs: stages.clone(),
            ..LayerConfig::new(5, Activation::Tanh)
        };
        let config = NetworkConfig::new(6, [first, LayerConfig::new(3, Activation::Softmax)]);
        let mut random = Random::new(7);
        let mut model = model_of(&config, &mut random);
        let with_categories = NetworkConfig {
            layers: vec![LayerConfig {
                inputs: vec!["category-embedding:4x3,3x2".parse().unwrap()],
                ..LayerConfig::new(1, Activation::Identity)
            }],
            ..config.clone()
        };
        let rows = random_inputs(&with_categories, 200, &mut random);
        // Whole numbers have equal quantiles, so some bins have no width.
        let whole: Vec<f32> = rows.as_slice().iter().map(|x| x.round()).collect();
        let threads = nn_core::Threads::single();
        model
            .network
            .initialize_from(Rows::new(&whole[..], 6), &threads)
            .unwrap();
        let imported = round_trip(&model).unwrap_or_else(|error| panic!("{names:?}: {error}"));
        let found = &imported.model.network;
        let argument = |stage: &Stage| stage.to_string().replace(":std=0.1", "");
        let found_stages: Vec<String> = found.layers()[0].inputs.iter().map(argument).collect();
        assert_eq!(found_stages, names);
        for (found, expected) in [
            (found.parameters(), model.network.parameters()),
            (found.statistics(), model.network.statistics()),
        ] {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                let difference = (found - expected).abs() / expected.abs().max(1.0);
                assert!(difference < 1e-6, "{names:?}: {found} {expected}");
            }
        }
        check(&model, &rows, &imported.model);
        check(&model, &Rows::new(whole, 6), &imported.model);
    }
}

/// NaN for other values than categories, open last bins, and the operator of the waves.
#[test]
fn embeddings_that_differ_are_refused_by_name() {
    for (stage, pattern, replacement) in [
        (
            "category-embedding:4x3",
            f32::NAN.to_le_bytes(),
            0_f32.to_le_bytes(),
        ),
        (
            "piecewise-linear-embedding:4x3",
            f32::MAX.to_le_bytes(),
            1_f32.to_le_bytes(),
        ),
        ("periodic-embedding:3x4", *b"\x03Cos", *b"\x03Sin"),
    ] {
        let first = LayerConfig {
            inputs: vec![stage.parse().unwrap()],
            ..LayerConfig::new(3, Activation::Identity)
        };
        let model = model_of(&NetworkConfig::new(2, [first]), &mut Random::new(3));
        let mut file = exported(&model);
        import(&file, &ImportOptions::default()).unwrap();
        let places = file
            .windows(4)
            .enumerate()
            .filter(|(_, bytes)| *bytes == pattern);
        let places: Vec<usize> = places.map(|(place, _)| place).collect();
        assert!(!places.is_empty(), "{stage}");
        for place in places {
            file[place..place + 4].copy_from_slice(&replacement);
        }
        let error = import(&file, &ImportOptions::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("node ") && error.contains("not supported"),
            "{error}"
        );
    }
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
        check(&model, &rows, &imported.model);
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
    check(&model, &rows, &imported.model);
    let description = imported.model.description;
    assert_eq!(description.input.shape, [2, 2]);
    assert!((description.input.scale * 255.0 - 1.0).abs() < 1e-7);
    assert_eq!(description.class_names, model.description.class_names);
}
