//! Preprocessing of raw rows, and folding it into the weights.

use ndarray::array;
use nn_core::model_file::{Description, InputDescription, Json};
use nn_core::preprocessing::{RowPreprocessing, Standardization, Standardized};
use nn_core::{Activation, Error, LayerConfig, Loss, Model, Network, NetworkConfig, Result};
use serde_json::json;

fn model(preprocessing: Option<Json>) -> Model<f64> {
    let layers = vec![LayerConfig::new(1, Activation::Identity)];
    let config = NetworkConfig {
        n_inputs: 2,
        layers,
    };
    let mut network = Network::zeros(&config).unwrap();
    network.weights_mut(0).copy_from_slice(&[1.0, 10.0]);
    let input = InputDescription {
        preprocessing,
        ..InputDescription::default()
    };
    Model {
        network,
        loss: Loss::Mse,
        description: Description {
            input,
            ..Description::default()
        },
    }
}

fn standardization(mean: &[f64], std: &[f64]) -> Standardization {
    serde_json::from_value(json!({ "mean": mean, "std": std })).unwrap()
}

fn standardized() -> Standardized {
    Standardized {
        standardized_inputs: Some(standardization(&[1.0, 2.0], &[2.0, 4.0])),
        standardized_targets: Some(standardization(&[100.0], &[3.0])),
    }
}

#[test]
fn a_row_is_standardized_and_its_prediction_restored() {
    let model = model(Some(standardized().to_json()));
    // Inputs 1 and 2: 100 + 3·(1 + 20).
    assert_eq!(model.predict_row(&[3.0, 10.0]).unwrap(), [163.0]);
    let mut bytes = Vec::new();
    model.write(&mut bytes).unwrap();
    assert_eq!(Model::<f64>::read(&bytes[..]).unwrap(), model);
    for (row, message) in [
        (&[1.0][..], "number of inputs: expected 2, found 1"),
        (
            &[1.0, f64::NAN],
            "input 1 of sample 0 is NaN; expected a finite number",
        ),
    ] {
        let error = model.predict_row(row).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_standardization_of_other_columns_is_refused() {
    let mut other = standardized();
    other.standardized_inputs = other.standardized_targets.clone();
    let error = model(Some(other.to_json())).predict_row(&[1.0, 1.0]);
    let message = "standardization of the inputs: expected 2 means and standard deviations, \
                   found 1 and 1";
    assert_eq!(error.unwrap_err().to_string(), message);
    let mut flat = standardized();
    flat.standardized_targets = Some(standardization(&[100.0], &[0.0]));
    let error = model(Some(flat.to_json())).predict_row(&[1.0, 1.0]);
    let message = "standard deviation of the targets: expected a number above 0, found 0";
    assert_eq!(error.unwrap_err().to_string(), message);
}

#[test]
fn an_unknown_preprocessing_is_refused_unless_it_is_given() {
    struct Words;

    impl RowPreprocessing<str, f64> for Words {
        fn inputs(&self, row: &str) -> Result<Vec<f64>> {
            Ok(row.split(' ').map(|word| word.len() as f64).collect())
        }

        fn restore(&self, outputs: &mut [f64]) {
            outputs[0] += 0.5;
        }
    }

    let model = model(Some(Json::new(&"words").unwrap()));
    let error = model.predict_row(&[1.0, 2.0]).unwrap_err();
    assert!(matches!(error, Error::UnknownPreprocessing));
    assert!(error.help().unwrap().contains("predict_row_with"));
    assert_eq!(model.predict_row_with("a two", &Words).unwrap(), [31.5]);
    let error = model.predict_row_with("alone", &Words).unwrap_err();
    assert_eq!(error.to_string(), "number of inputs: expected 2, found 1");
}

#[test]
fn preprocessing_folds_into_the_weights() {
    let fill = |network: &mut Network<f64>| {
        let parameters = network.parameters_mut().iter_mut().enumerate();
        parameters.for_each(|(index, value)| *value = (index as f64 * 0.37).sin());
    };
    for batch_norm in [false, true] {
        let layer = |n, activation| LayerConfig {
            batch_norm,
            ..LayerConfig::new(n, activation)
        };
        for hidden in [&[][..], &[4]] {
            let mut model = model(Some(standardized().to_json()));
            let hidden = hidden.iter().map(|&n| layer(n, Activation::Tanh));
            let layers = hidden.chain([layer(1, Activation::Identity)]).collect();
            let config = NetworkConfig {
                n_inputs: 2,
                layers,
            };
            model.network = Network::zeros(&config).unwrap();
            fill(&mut model.network);
            model.description.input.scale = 0.5;
            let folded = model.fold_preprocessing().unwrap();
            for row in [[3.0, 10.0], [-1.0, 0.5]] {
                let expected = model.predict_row(&row).unwrap()[0];
                let found = folded.predict(&row).unwrap()[0];
                assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
            }
        }
    }
    let mut curved = model(Some(standardized().to_json()));
    let layers = vec![LayerConfig::new(1, Activation::Sigmoid)];
    let config = NetworkConfig {
        n_inputs: 2,
        layers,
    };
    curved.network = Network::zeros(&config).unwrap();
    let error = curved.fold_preprocessing().unwrap_err();
    let message =
        "standardized targets: expected an output layer with activation identity, found sigmoid";
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_constant_column_has_deviation_1() {
    let rows = array![[0.1_f32, 1e9, 0.0], [0.1, 1e9, 0.0], [0.1, 1e9, 0.0]];
    let fitted = Standardization::fit(rows.view());
    let fitted = serde_json::to_value(fitted).unwrap();
    assert_eq!(fitted["std"], json!([1.0, 1.0, 1.0]));
    let mut model = model(None);
    model.description.input.scale = 0.0;
    assert!(model.predict_row(&[1.0, 2.0]).is_err());
}
