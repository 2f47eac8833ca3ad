//! Metrics against hand calculations.

use ndarray::array;
use nn_core::metrics::{RegressionErrors, evaluate, measure};
use nn_core::{
    Activation, Inputs, LayerConfig, Loss, Network, NetworkConfig, Rows, Samples, Targets, Threads,
};

fn identity_network() -> Network<f64> {
    let layers = vec![LayerConfig::new(1, Activation::Identity)];
    let mut network = Network::zeros(&NetworkConfig {
        n_inputs: 1,
        layers,
    })
    .unwrap();
    network.parameters_mut()[0] = 1.0;
    network
}

#[test]
fn regression_errors_agree_with_a_hand_calculation() {
    let (inputs, targets) = (array![[1.0], [2.0], [4.0]], array![[1.0], [3.0], [5.0]]);
    let samples = Samples::new(
        Inputs::values(inputs.view()),
        Targets::values(targets.view()),
    )
    .unwrap();
    let found = evaluate(&identity_network(), &samples, Loss::Mse, &Threads::single()).unwrap();
    assert_eq!(found.accuracy, None);
    assert!((found.loss - 2.0 / 3.0).abs() < 1e-15);
    let errors = found.regression.unwrap();
    assert!((errors.mean_absolute - 2.0 / 3.0).abs() < 1e-15);
    assert!((errors.r_squared.unwrap() - 0.75).abs() < 1e-15);
}

/// A constant number that was standardized is 0, as an absent label is.
#[test]
fn declared_numbers_are_not_labels() {
    let samples = Samples::regression(&[[0.5], [1.0]], &[[0.0], [0.0]]).unwrap();
    let evaluate = |samples: &Samples<'_, f64>| {
        evaluate(&identity_network(), samples, Loss::Mse, &Threads::single()).unwrap()
    };
    let labels = evaluate(&samples);
    assert_eq!((labels.accuracy, labels.regression), (Some(0.5), None));
    let weighted = samples.of_numbers().with_weights(&[1.0, 1.0]).unwrap();
    let numbers = evaluate(&weighted.select(&[0, 1]).into_owned());
    assert_eq!(numbers.accuracy, None);
    assert_eq!(numbers.regression.unwrap().mean_absolute, 0.75);
}

fn errors_of(predicted: [[f64; 2]; 4], targets: [[f64; 2]; 4]) -> RegressionErrors {
    let layers = vec![LayerConfig::new(2, Activation::Identity)];
    let mut network = Network::zeros(&NetworkConfig {
        n_inputs: 2,
        layers,
    })
    .unwrap();
    network.parameters_mut()[..4].copy_from_slice(&[1.0, 0.0, 0.0, 1.0]);
    let samples = Samples::regression(&predicted, &targets).unwrap();
    let found = evaluate(&network, &samples, Loss::Mse, &Threads::single()).unwrap();
    found.regression.unwrap()
}

/// scikit-learn 1.9.1: `r2_score(y, a, multioutput="raw_values")` is
/// [0.9486081370449679, 0.0] and [1.0, -3.0]; their means are the scores.
#[test]
fn r_squared_of_each_output_agrees_with_a_hand_calculation() {
    // The example of r2_score, and a second target that is constant.
    let varying = [[3.0, 7.0], [-0.5, 7.0], [2.0, 7.0], [7.0, 7.0]];
    let predicted = [[2.5, 6.0], [0.0, 7.0], [2.0, 7.0], [8.0, 7.0]];
    let errors = errors_of(predicted, varying);
    let of_outputs = errors.outputs.iter().map(|it| it.r_squared.unwrap());
    let of_outputs: Vec<f64> = of_outputs.collect();
    // 1 − 1.5/29.1875, and 0 for the constant target with a wrong prediction.
    assert!((of_outputs[0] - (1.0 - 1.5 / 29.1875)).abs() < 1e-15);
    assert_eq!(of_outputs[1], 0.0);
    assert_eq!(errors.r_squared, Some(0.5 * of_outputs[0]));
    assert_eq!(errors.mean_absolute, 0.5 * (0.5 + 0.25));
    assert_eq!(errors.outputs[0].root_mean_square, 0.375_f64.sqrt());
    assert_eq!(errors.outputs[1].root_mean_square, 0.5);
    assert_eq!(errors.root_mean_square, 0.5 * (0.375_f64.sqrt() + 0.5));
    let scaled = errors.scaled(&[2.0, 10.0]);
    assert_eq!(scaled.mean_absolute, 0.5 * (1.0 + 2.5));
    assert_eq!(scaled.r_squared, errors.r_squared);

    // Exact predictions of a constant target: 1. Worse than the mean: below 0.
    let targets = [[5.0, 1.0], [5.0, -1.0], [5.0, 1.0], [5.0, -1.0]];
    let opposite = targets.map(|[constant, varying]| [constant, -varying]);
    let errors = errors_of(opposite, targets);
    assert_eq!(errors.outputs[0].r_squared, Some(1.0));
    assert_eq!(errors.outputs[1].r_squared, Some(-3.0));
    assert_eq!(errors.r_squared, Some(-1.0));
}

/// Predictions of the mean explain no variance of two targets with different
/// means, though both together vary widely.
#[test]
fn constant_predictions_have_an_r_squared_of_0() {
    for mean in [0.0, 1000.0, 1e9] {
        let targets = [[-1.0, 1.0], [1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]];
        let targets = targets.map(|[first, second]| [first, mean + second]);
        let errors = errors_of([[0.0, mean]; 4], targets);
        // At 1e9 an f64 resolves differences of 1e-7.
        assert!(errors.r_squared.unwrap().abs() < 1e-6, "{mean}");
    }
}

#[test]
fn sample_weights_that_are_all_0_are_refused() {
    let (inputs, targets) = (array![[1.0], [2.0]], array![[1.0], [3.0]]);
    let samples = Samples::new(
        Inputs::values(inputs.view()),
        Targets::values(targets.view()),
    )
    .unwrap();
    let samples = samples.with_weights(&[0.0, 0.0]).unwrap();
    let error = evaluate(&identity_network(), &samples, Loss::Mse, &Threads::single());
    assert_eq!(
        error.unwrap_err().to_string(),
        "sample weights: expected a weight above 0, but all 2 are 0"
    );
}

#[test]
fn blocks_do_not_change_the_result() {
    let n = 2 * 512 + 3;
    let inputs: Vec<_> = (0..n).map(|row| [(row % 7) as f64]).collect();
    let labels: Vec<u32> = (0..n).map(|row| u32::from(row % 3 == 0)).collect();
    let samples = Samples::classification(&inputs, &labels, 2).unwrap();
    let found = evaluate(&identity_network(), &samples, Loss::Mse, &Threads::single()).unwrap();
    let n_correct = (0..n).filter(|row| (row % 7 > 0) == (row % 3 == 0)).count();
    assert_eq!(found.accuracy, Some(n_correct as f64 / n as f64));
    assert_eq!(
        found
            .confusion
            .unwrap()
            .counts()
            .as_slice()
            .iter()
            .sum::<u64>(),
        n as u64
    );
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let (inputs, targets) = (array![[1.0, 2.0]], array![[1.0]]);
    let samples = Samples::new(
        Inputs::values(inputs.view()),
        Targets::values(targets.view()),
    )
    .unwrap();
    let error = evaluate(&identity_network(), &samples, Loss::Mse, &Threads::single()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "number of inputs per sample: expected 1, found 2"
    );
}

#[test]
fn a_custom_metric_gets_the_outputs_and_targets_of_all_blocks() {
    let inputs: Vec<[f64; 1]> = (0..1500).map(|row| [f64::from(row)]).collect();
    let targets: Vec<[f64; 1]> = inputs.iter().map(|[x]| [x - 2.0]).collect();
    let samples = Samples::regression(&inputs, &targets).unwrap();
    let sum = |a: &Rows<'_, f64>, y: &Rows<'_, f64>| {
        let pairs = a.column(0).zip(y.column(0));
        pairs.map(|(a, y)| a * (a - y)).sum()
    };
    let found = measure(&identity_network(), &samples, &sum, &Threads::single()).unwrap();
    // Σ 2a for a from 0 to 1499.
    assert_eq!(found, 1500.0 * 1499.0);
}
