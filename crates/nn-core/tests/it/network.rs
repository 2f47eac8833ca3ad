//! Networks: the forward pass, and configurations and inputs that are refused.

use ndarray::array;
use nn_core::network::{ForwardCache, Randomness};
use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Predictor, Threads};

fn config(layers: Vec<LayerConfig>) -> NetworkConfig {
    NetworkConfig {
        n_inputs: 2,
        layers,
    }
}

#[test]
fn forward_agrees_with_a_hand_calculation() {
    let layers = vec![
        LayerConfig::new(2, Activation::Relu),
        LayerConfig::new(1, Activation::Identity),
    ];
    let mut network: Network<f64> = Network::zeros(&config(layers)).unwrap();
    network.parameters_mut().copy_from_slice(&[
        1.0, -1.0, 2.0, 1.0, // W¹
        0.5, -0.5, // b¹
        3.0, 4.0,  // W²
        -1.0, // b²
    ]);
    let mut cache = ForwardCache::new(&network, 2);
    let inputs = [[1.0, 2.0], [-1.0, 0.0]];
    let outputs = network.forward(&inputs, &mut cache, &Threads::single());
    // Row 1: z¹ = (5.5, 0.5), a² = 16.5 + 2 − 1. Row 2: z¹ = (−0.5, 0.5), a² = 0 + 2 − 1.
    assert_eq!(outputs.as_slice(), [17.5, 1.0]);
    assert_eq!(network.predict(&[-1.0, 0.0]).unwrap(), [1.0]);
}

#[test]
fn a_sample_that_does_not_fit_or_is_not_finite_has_no_answer() {
    let layers = vec![LayerConfig::new(3, Activation::Relu)];
    let network: Network = Network::new(&config(layers), 0).unwrap();
    let mut predictor = Predictor::new(network.clone().into(), 1);
    for (inputs, expected) in [
        (
            &[1.0, f32::NAN][..],
            "input 1 of sample 0 is NaN; expected a finite number",
        ),
        (
            &[f32::INFINITY, 1.0],
            "input 0 of sample 0 is inf; expected a finite number",
        ),
        (&[1.0], "number of inputs: expected 2, found 1"),
    ] {
        assert_eq!(network.predict(inputs).unwrap_err().to_string(), expected);
        let mut outputs = [7.0; 3];
        let error = predictor.predict_into(inputs, &mut outputs).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(outputs, [7.0; 3]);
    }
    // At any place of any width, and where finite inputs overflow.
    for width in 1..70 {
        let layers = vec![
            LayerConfig::new(3, Activation::Tanh),
            LayerConfig::new(2, Activation::Softmax),
        ];
        let wide = NetworkConfig {
            n_inputs: width,
            layers,
        };
        let network: Network = Network::new(&wide, 0).unwrap();
        let mut inputs = vec![f32::MAX; width];
        assert!(network.predict(&inputs).is_ok());
        for place in 0..width {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let before = std::mem::replace(&mut inputs[place], bad);
                let error = network.predict(&inputs).unwrap_err().to_string();
                assert!(error.starts_with(&format!("input {place} of")), "{error}");
                inputs[place] = before;
            }
        }
    }
    let error = predictor
        .predict_into(&[0.0; 2], &mut [0.0; 2])
        .unwrap_err();
    assert_eq!(error.to_string(), "number of outputs: expected 3, found 2");
}

#[test]
fn impossible_networks_are_refused() {
    let message = |layers| {
        Network::<f32>::zeros(&config(layers))
            .unwrap_err()
            .to_string()
    };
    let relu = |n| LayerConfig::new(n, Activation::Relu);
    let softmax = |n| LayerConfig::new(n, Activation::Softmax);
    assert_eq!(
        message(vec![]),
        "network: expected at least 1 layer, found none"
    );
    assert_eq!(
        message(vec![relu(0)]),
        "width of layer 1: expected 1 to 16777216, found 0"
    );
    assert_eq!(
        message(vec![softmax(3), softmax(3)]),
        "layer 1: softmax is allowed in the output layer only"
    );
    let with_dropout = |dropout| LayerConfig { dropout, ..relu(3) };
    assert_eq!(
        message(vec![with_dropout(1.0), relu(2)]),
        "dropout of layer 1: expected a number from 0 to below 1, found 1"
    );
    assert_eq!(
        message(vec![with_dropout(0.5)]),
        "layer 1: the output layer cannot have dropout"
    );
    assert!(message(vec![relu(1 << 24), relu(1 << 24)]).starts_with("number of parameters"));
}

#[test]
fn dropout_is_off_in_inference() {
    let dropout = |dropout| {
        let hidden = LayerConfig {
            dropout,
            ..LayerConfig::new(8, Activation::Tanh)
        };
        config(vec![hidden, LayerConfig::new(2, Activation::Identity)])
    };
    let with: Network<f64> = Network::new(&dropout(0.5), 1).unwrap();
    let without: Network<f64> = Network::new(&dropout(0.0), 1).unwrap();
    let inputs = array![[0.3, -0.8]];
    let threads = Threads::single();
    let mut cache = ForwardCache::new(&with, 1);
    let randomness = Randomness::new(0, 0);
    // An earlier training step must have no effect.
    with.clone()
        .forward_in_training(inputs.view(), &mut cache, randomness, &threads);
    let found = with.forward(inputs.view(), &mut cache, &threads).to_owned();
    let mut cache = ForwardCache::new(&without, 1);
    assert_eq!(found, without.forward(inputs.view(), &mut cache, &threads));
}

#[test]
fn the_same_seed_gives_the_same_network() {
    let config = config(vec![LayerConfig::new(5, Activation::Tanh)]);
    let network: Network = Network::new(&config, 7).unwrap();
    assert_eq!(network, Network::new(&config, 7).unwrap());
    assert_ne!(network, Network::new(&config, 8).unwrap());
}
