//! The exported model computes what the network computes.

use nn_core::{Activation, Error, LayerConfig, Menu, Network, NetworkConfig, Rows, Stage};
use nn_export::ExportedModel;
use proptest::prelude::*;

use crate::random_model::{
    Random, config_of, model_of, random_ensemble, random_inputs, random_model,
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn random_networks_are_exported(seed in 0..u64::from(u32::MAX)) {
        let model = random_model(seed);
        let exported = ExportedModel::new(&model).unwrap();
        let rows = random_inputs(&config_of(&model), 50, &mut Random::new(seed ^ 1));
        exported.check(&rows).unwrap();
    }

    /// With and without members that share layers, and with a temperature.
    #[test]
    fn random_ensembles_are_exported(seed in 0..u64::from(u32::MAX)) {
        let model = random_ensemble(seed);
        let exported = ExportedModel::new(&model).unwrap();
        let rows = random_inputs(&config_of(&model), 50, &mut Random::new(seed ^ 1));
        exported.check(&rows).unwrap();
    }
}

/// Checks a network with this layer below an output layer.
fn check_layer(layer: LayerConfig, n_inputs: usize) {
    let name = format!("{layer:?}");
    let mut random = Random::new(5);
    let output = LayerConfig::new(2, Activation::Identity);
    let layers = match layer.activation {
        Activation::Softmax => vec![layer],
        _ => vec![layer, output],
    };
    let config = NetworkConfig { n_inputs, layers };
    let model = model_of(&config, &mut random);
    let exported = ExportedModel::new(&model).unwrap_or_else(|error| panic!("{name}: {error}"));
    let rows = random_inputs(&config, 20, &mut random);
    let checked = exported.check(&rows);
    checked.unwrap_or_else(|error| panic!("{name}: {error}"));
    for form in [nn_export::InputForm::Values, nn_export::InputForm::Columns] {
        exported
            .to_onnx(form)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn every_activation_is_exported() {
    for &activation in Activation::ALL {
        check_layer(LayerConfig::new(4, activation), 3);
        if activation != Activation::Softmax {
            let layer = LayerConfig {
                sums: vec![format!("parametric:{activation}").parse().unwrap()],
                ..LayerConfig::new(4, Activation::Relu)
            };
            check_layer(layer, 3);
        }
    }
}

/// Layers that together have every stage that a layer accepts by name.
fn layers_with_every_stage() -> Vec<LayerConfig> {
    let layer = || LayerConfig::new(5, Activation::Tanh);
    let with_inputs = [
        "layer-norm",
        "scaling",
        "category-embedding:4x3,3x2",
        "periodic-embedding:3x4",
        "piecewise-linear-embedding:4x3",
        "members:3:normal",
        "parametric:mish",
    ];
    let with_inputs = with_inputs.map(|name| LayerConfig {
        inputs: vec![name.parse().unwrap()],
        ..layer()
    });
    with_inputs.to_vec()
}

#[test]
fn every_stage_is_exported() {
    let unknown = "no such stage".parse::<Stage>().unwrap_err();
    let Error::UnknownName { expected, .. } = unknown else {
        panic!("{unknown}");
    };
    let layers = layers_with_every_stage();
    // The residual connection is tested below.
    for name in (expected.split(", ")).filter(|&name| name != "residual") {
        let has_stage = |layer: &&LayerConfig| {
            layer
                .inputs
                .iter()
                .any(|stage| stage.to_string().starts_with(name))
        };
        let layer = layers.iter().find(has_stage);
        check_layer(
            layer
                .unwrap_or_else(|| panic!("no test of stage {name}"))
                .clone(),
            6,
        );
    }
    let residual = LayerConfig {
        outputs: vec!["residual".parse().unwrap()],
        dropout: 0.3,
        batch_norm: true,
        ..LayerConfig::new(6, Activation::Relu)
    };
    let layers = vec![
        LayerConfig::new(6, Activation::Swish),
        residual.clone(),
        residual,
    ];
    let config = NetworkConfig {
        n_inputs: 4,
        layers,
    };
    let mut random = Random::new(9);
    // A residual connection is not allowed in the output layer.
    let config = NetworkConfig {
        layers: [
            config.layers,
            vec![LayerConfig::new(1, Activation::Sigmoid)],
        ]
        .concat(),
        ..config
    };
    let model = model_of(&config, &mut random);
    let exported = ExportedModel::new(&model).unwrap();
    exported
        .check(&random_inputs(&config, 20, &mut random))
        .unwrap();
}

/// By hand: σ(0) = 1/2 and σ(ln 3) = 3/4, with the mean 5/8 and the odds 5/3; softmax of the
/// logits (0, ln 3) is (1/4, 3/4), so its mean with (1/2, 1/2) is (3/8, 5/8), with the same odds. The
/// temperature 2 takes the root of the odds.
#[test]
fn the_temperature_of_an_ensemble_divides_the_logits_of_the_mean() {
    for (activation, n_outputs) in [(Activation::Sigmoid, 1), (Activation::Softmax, 2)] {
        let config = NetworkConfig::new(1, [(n_outputs, activation)]);
        let networks = [0.0, 3_f32.ln()].map(|bias| {
            let mut network: Network = Network::zeros(&config).unwrap();
            network.bias_mut(0)[n_outputs - 1] = bias;
            network
        });
        let ensemble = Network::ensemble(&networks).unwrap();
        let mut model = model_of(&config, &mut Random::new(1));
        for (temperature, odds) in [(1.0, 5.0 / 3.0), (2.0, (5_f32 / 3.0).sqrt())] {
            model.network = ensemble.clone().with_temperature(temperature).unwrap();
            let exported = ExportedModel::new(&model).unwrap();
            let output = exported.predict(&[0.5])[1];
            let expected = odds / (1.0 + odds);
            assert!((output - expected).abs() < 1e-6, "{output} {expected}");
        }
    }
}

/// Logits of ±35: the probability of one class is far below the precision of the other.
#[test]
fn the_temperature_of_certain_members_keeps_small_probabilities() {
    for activation in [Activation::Sigmoid, Activation::Softmax] {
        let config = NetworkConfig::new(1, [(3, activation)]);
        let networks = [35.0, 33.0].map(|weight| {
            let mut network: Network = Network::zeros(&config).unwrap();
            network
                .weights_mut(0)
                .copy_from_slice(&[weight, -weight, 1.0]);
            network
        });
        let ensemble = Network::ensemble(&networks).unwrap();
        let mut model = model_of(&config, &mut Random::new(1));
        model.network = ensemble.with_temperature(8.0).unwrap();
        let exported = ExportedModel::new(&model).unwrap();
        let rows = [-1.0, 1.0, 0.1, 0.5];
        exported.check(&Rows::new(&rows[..], 1)).unwrap();
        let output = exported.predict(&[1.0])[1];
        assert!(output > 0.0, "{output}");
    }
}

#[test]
fn a_value_that_is_no_category_gives_nan() {
    let embedded = LayerConfig {
        inputs: vec!["category-embedding:3x2".parse().unwrap()],
        ..LayerConfig::new(2, Activation::Identity)
    };
    let model = model_of(&NetworkConfig::new(2, [embedded]), &mut Random::new(3));
    let exported = ExportedModel::new(&model).unwrap();
    assert!(exported.predict(&[0.5, 2.0])[0].is_finite());
    for invalid in [3.0, -1.0, 0.5, 1e30] {
        let row = [0.5, invalid];
        assert!(exported.predict(&row).iter().all(|output| output.is_nan()));
        exported.check(&Rows::new(&row[..], 2)).unwrap();
    }
}

#[test]
fn a_user_defined_activation_is_refused() {
    #[derive(Debug)]
    struct Square;

    impl nn_core::ActivationFunction for Square {
        fn name(&self) -> String {
            "square".to_owned()
        }

        fn forward<S: nn_core::Scalar>(&self, values: &mut [S]) {
            values.iter_mut().for_each(|value| *value *= *value);
        }

        fn backward<S: nn_core::Scalar>(&self, z: &[S], delta: &mut [S]) {
            let terms = delta.iter_mut().zip(z);
            terms.for_each(|(delta, &z)| *delta *= z + z);
        }
    }

    let layer = LayerConfig {
        sums: vec![Stage::custom_activation(Square)],
        ..LayerConfig::new(2, Activation::Identity)
    };
    let model = model_of(&NetworkConfig::new(2, [layer]), &mut Random::new(0));
    let error = ExportedModel::new(&model).unwrap_err();
    assert!(error.to_string().contains("square of layer 1"), "{error}");
}

#[test]
fn output_layers_of_members_keep_their_floats() {
    let output = LayerConfig {
        inputs: vec!["members:2:signs".parse().unwrap()],
        ..LayerConfig::new(2, Activation::Softmax)
    };
    let mut random = Random::new(0);
    let config = NetworkConfig::new(3, [output]);
    let model = model_of(&config, &mut random);
    let rows = random_inputs(&config, 10, &mut random);
    let error = ExportedModel::new(&model)
        .unwrap()
        .to_int8(&rows)
        .unwrap_err();
    let expected = "int8: expected a dense layer, found only the output layers of members";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let config = NetworkConfig::new(2, [(1, Activation::Identity)]);
    let mut model = model_of(&config, &mut Random::new(0));
    model.network.parameters_mut()[0] = f32::NAN;
    let error = ExportedModel::new(&model).unwrap_err();
    assert_eq!(error.to_string(), "the model has NaN or infinite weights");
}
