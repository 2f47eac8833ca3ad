//! Predictions for many rows, and requests that are refused.

use std::sync::Arc;

use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Predictor, Rows, Threads};

/// More rows than fit into two blocks of a batch.
const N_ROWS: usize = 2 * 512 + 5;

fn network() -> Network {
    let layers = vec![
        LayerConfig {
            batch_norm: true,
            ..LayerConfig::new(9, Activation::Mish)
        },
        LayerConfig::new(3, Activation::Softmax),
    ];
    let config = NetworkConfig {
        n_inputs: 4,
        layers,
    };
    Network::new(&config, 3).unwrap()
}

fn inputs(n_rows: usize) -> Vec<f32> {
    let value = |place: usize| ((7 * (place / 4) + 3 * (place % 4)) % 11) as f32 - 5.0;
    (0..4 * n_rows).map(value).collect()
}

/// Predicts rows one by one, a few at a time and in a batch of several blocks.
#[test]
fn predictions_do_not_depend_on_the_batch() {
    let (network, inputs) = (network(), inputs(N_ROWS));
    let rows = Rows::new(&inputs, 4);
    let expected = network.predict_batch(rows, &Threads::new(2)).unwrap();
    let network = Arc::new(network);
    for max_rows in [1, 2, 7] {
        let mut predictor = Predictor::new(Arc::clone(&network), max_rows);
        let blocks = inputs.chunks(4 * max_rows);
        for (inputs, expected) in blocks.zip(expected.as_slice().chunks(3 * max_rows)) {
            let mut outputs = vec![0.0; expected.len()];
            predictor.predict_into(inputs, &mut outputs).unwrap();
            assert_eq!(outputs, expected);
        }
    }
    let nothing = network.predict_batch(Rows::new(&[], 4), &Threads::single());
    assert_eq!(nothing.unwrap().shape(), [0, 3]);
}

#[test]
fn requests_that_do_not_fit_are_refused() {
    let network = Arc::new(network());
    let mut predictor = Predictor::new(Arc::clone(&network), 3);
    let mut bad = inputs(3);
    bad[4 + 2] = f32::INFINITY;
    for (inputs, n_outputs, message) in [
        (&[0.0; 3][..], 3, "number of inputs: expected 4, found 3"),
        (
            &[0.0; 10],
            6,
            "number of inputs of the last row: expected 4, found 2",
        ),
        (
            &[0.0; 16],
            12,
            "maximum number of rows: expected 3, found 4",
        ),
        (&[0.0; 8], 3, "number of outputs: expected 6, found 3"),
        (&[], 0, "0 samples"),
        (
            &bad,
            9,
            "input 2 of sample 1 is inf; expected a finite number",
        ),
    ] {
        let mut outputs = vec![7.0; n_outputs];
        let error = predictor.predict_into(inputs, &mut outputs).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(outputs.iter().all(|&output| output == 7.0));
    }
    let bad = [[f32::NAN; 4]; 2];
    let error = network.predict_batch(&bad, &Threads::single()).unwrap_err();
    let message = "input 0 of sample 0 is NaN; expected a finite number";
    assert_eq!(error.to_string(), message);
}
