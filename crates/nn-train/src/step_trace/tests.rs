//! A step against numbers worked out by hand, a real training, and itself.

use ndarray::array;
use nn_core::regularization::Regularization;
use nn_core::training::BatchSize;
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Menu, NetworkConfig, Optimizer, Targets, Trainer,
};

use super::*;

/// The network of nn-core's `learn.rs`, whose numbers are worked out by hand
/// there.
fn by_hand() -> (Network, TrainingConfig) {
    let layers = vec![
        LayerConfig::new(2, Activation::Relu),
        LayerConfig::new(2, Activation::Sigmoid),
    ];
    let mut network = Network::zeros(&NetworkConfig {
        n_inputs: 2,
        layers,
    })
    .expect("valid");
    network.parameters_mut().copy_from_slice(&[
        0.5, 1.0, 0.5, -1.0, 0.5, 0.5, //
        0.5, -1.0, 1.0, 2.0, -1.0, 2.0,
    ]);
    let mut config = TrainingConfig::new(Loss::Quadratic, Optimizer::Sgd);
    config.learning_rate = 1.0;
    (network, config)
}

#[test]
fn the_numbers_are_those_worked_out_by_hand() {
    let (network, config) = by_hand();
    let (x, y) = (array![[1.0, 2.0]], array![[1.0, 0.0]]);
    let samples = Samples::new(Inputs::values(x.view()), Targets::values(y.view()));
    let step = step_of(&network, &samples.expect("they fit"), &config).expect("a step");
    assert_eq!((step.loss, &step.inputs[..]), (0.25, &[1.0, 2.0][..]));
    assert!(step.loss_after.is_some_and(|after| after < 0.05));
    let [hidden, output] = &step.layers[..] else {
        panic!("two layers");
    };
    assert_eq!(hidden.pre_activations, [2.0, -0.5]);
    assert_eq!(hidden.activations, [2.0, 0.0]);
    assert_eq!(output.pre_activations, [0.0, 0.0]);
    assert_eq!(output.activations, [0.5, 0.5]);
    let back = output.backward.as_ref().expect("there is a step");
    assert_eq!(back.delta, [-0.125, 0.125]);
    assert_eq!(back.weights_gradient, [[-0.25, 0.25], [0.0, 0.0]]);
    assert_eq!(back.bias_gradient, [-0.125, 0.125]);
    assert_eq!(back.weights_after, [[0.75, -1.25], [1.0, 2.0]]);
    assert_eq!(back.bias_after, [-0.875, 1.875]);
    let back = hidden.backward.as_ref().expect("there is a step");
    assert_eq!(back.arriving.as_deref(), Some(&[-0.1875, 0.125][..]));
    assert_eq!(back.slope.as_deref(), Some(&[1.0, 0.0][..]));
    assert_eq!(back.delta, [-0.1875, 0.0]);
    assert_eq!(back.weights_gradient, [[-0.1875, 0.0], [-0.375, 0.0]]);
    assert_eq!(back.weights_after, [[0.6875, 1.0], [0.875, -1.0]]);
    assert_eq!(back.bias_after, [0.6875, 0.5]);
}

fn network(activation: Activation, change: impl Fn(&mut LayerConfig)) -> Network {
    let mut hidden = [7, 5].map(|width| LayerConfig::new(width, activation));
    hidden.iter_mut().for_each(change);
    let layers = hidden
        .into_iter()
        .chain([LayerConfig::new(3, Activation::Softmax)])
        .collect();
    Network::new(
        &NetworkConfig {
            n_inputs: 4,
            layers,
        },
        3,
    )
    .expect("valid")
}

/// The step of the second of two samples, which the trace is to pick.
fn with_sample<T>(use_it: impl FnOnce(&Samples<'_>) -> T) -> T {
    let bytes = array![[0_u8, 0, 0, 0], [255, 0, 100, 7]];
    let inputs = Inputs::bytes(bytes.view(), 1.0 / 255.0);
    let targets = Targets::classes(&[0, 2], 3);
    let samples = Samples::new(inputs, targets).expect("they fit");
    use_it(&samples.select(&[1]))
}

fn parameters_after(step: &StepTrace) -> Vec<f32> {
    let layers = step.layers.iter().map(|layer| layer.backward.as_ref());
    let layers = layers.map(|back| back.expect("there is a step"));
    layers
        .flat_map(|back| back.weights_after.iter().chain(&back.bias_after).copied())
        .collect()
}

/// The oracle is a trainer as `nn train` has it: plain gradient descent
/// that never writes its gradient down among them.
#[test]
fn the_step_is_the_one_that_training_takes() {
    let mut configs = Vec::new();
    for &optimizer in Optimizer::ALL {
        let plain = TrainingConfig::new(Loss::CrossEntropy, optimizer);
        let regularization = Regularization { l1: 0.01, l2: 0.1 };
        configs.push(TrainingConfig {
            regularization,
            clip_norm: Some(0.2),
            max_norm: Some(0.9),
            label_smoothing: 0.1,
            ..plain.clone()
        });
        configs.push(plain);
    }
    for (config, dropout) in configs.iter().zip([0.0, 0.4].iter().cycle()) {
        let network = network(Activation::Relu, |layer| layer.dropout = *dropout);
        with_sample(|sample| {
            let step = step_of(&network, sample, config).expect("a step");
            let threads = Threads::single();
            let once = TrainingConfig {
                batch_size: BatchSize::Rows(1),
                epochs: 1,
                ..config.clone()
            };
            let before = network.parameters().to_vec();
            let trainer = Trainer::new(network, sample.clone(), None, once, threads);
            let after = trainer.expect("valid").finish().expect("it trains");
            assert_ne!(before, after.parameters());
            for (found, expected) in parameters_after(&step).iter().zip(after.parameters()) {
                assert!((found - expected).abs() < 1e-6, "{}", config.optimizer);
            }
        });
    }
}

#[test]
fn the_numbers_of_a_layer_fit_together() {
    for &activation in Activation::ALL
        .iter()
        .filter(|&&it| it != Activation::Softmax)
    {
        for dropout in [0.0, 0.4] {
            let network = network(activation, |layer| layer.dropout = dropout);
            let config = TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd);
            let step = with_sample(|sample| step_of(&network, sample, &config));
            check_layers(&step.expect("a step"), &network);
        }
    }
}

fn check_layers(step: &StepTrace, network: &Network) {
    let mut below = step.inputs.clone();
    for (layer, real) in step.layers.iter().zip(network.layers()) {
        let mut a = layer.pre_activations.clone();
        real.activation.apply(&mut a, layer.n_outputs);
        assert_eq!(a, layer.activations, "{}: φ(z)", layer.activation);
        let back = layer.backward.as_ref().expect("there is a step");
        if let (Some(arriving), Some(slope)) = (&back.arriving, &back.slope) {
            for neuron in 0..layer.n_outputs {
                let m = layer.mask.as_ref().map_or(1.0, |mask| mask[neuron]);
                let expected = arriving[neuron] * m * slope[neuron];
                assert!((back.delta[neuron] - expected).abs() < 1e-6, "δ");
            }
        }
        for (place, gradient) in back.weights_gradient.iter().enumerate() {
            let (i, j) = (place / layer.n_outputs, place % layer.n_outputs);
            assert!((gradient - below[i] * back.delta[j]).abs() < 1e-6, "∂C/∂W");
        }
        assert_eq!(back.bias_gradient, back.delta);
        let mask = layer.mask.clone().unwrap_or(vec![1.0; a.len()]);
        below = a.iter().zip(mask).map(|(a, m)| a * m).collect();
    }
}

#[test]
fn with_batch_normalization_only_the_forward_pass_is_traced() {
    let network = network(Activation::Tanh, |layer| layer.batch_norm = true);
    let config = TrainingConfig::new(Loss::CrossEntropy, Optimizer::Sgd);
    let step = with_sample(|sample| step_of(&network, sample, &config)).expect("a step");
    assert!(step.layers.iter().all(|layer| layer.backward.is_none()));
    let answer = network.predict(&step.inputs).expect("the sample fits");
    assert_eq!(step.layers[2].activations, answer);
    assert!((step.loss + f64::from(answer[2].ln())).abs() < 1e-6);
    assert!(step.notes[0].starts_with("batch normalization"));
}
