//! Finite differences: every activation, loss and initialiser agrees with
//! them, and a mistake does not.

use ndarray::Array2;
use nn_core::batches::Samples;
use nn_core::gradient_check::{LayerCheck, Objective, check};
use nn_core::layer::{batch_norm, dense};
use nn_core::{Activation, Init, LayerConfig, Loss, Menu, Network, NetworkConfig, Penalty};
use nn_tensor::Threads;

use crate::support::{network, normal, stream, value_samples};

/// Largest relative error of a right gradient.
const AGREES: f64 = 1e-6;

/// Smallest relative error of a wrong one.
const STANDS_OUT: f64 = 1e-3;

const N_ROWS: usize = 8;
const N_INPUTS: usize = 4;
const N_OUTPUTS: usize = 3;

/// Two hidden layers with batch normalisation.
#[test]
fn every_activation_loss_and_initialiser() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    let hidden = Activation::ALL
        .iter()
        .filter(|&&activation| activation != Activation::Softmax);
    let (mut n_checked, mut n_kinks) = (0, 0);
    for (seed, &hidden) in hidden.enumerate() {
        for &init in Init::ALL {
            for (loss, output) in losses_with_outputs() {
                let layer = |n, activation, batch_norm| LayerConfig {
                    init,
                    batch_norm,
                    ..LayerConfig::new(n, activation)
                };
                let layers = vec![
                    layer(5, hidden, true),
                    layer(4, hidden, true),
                    layer(N_OUTPUTS, output, false),
                ];
                let network = network(N_INPUTS, layers, seed as u64);
                let checks = check(&network, &samples, loss, Penalty::default(), usize::MAX)
                    .expect("the samples fit");
                for check in checks {
                    assert!(
                        check.error < AGREES,
                        "{hidden}, {init}, {loss} over {output}: {check:?}"
                    );
                    n_checked += check.n_checked;
                    n_kinks += check.n_kinks;
                }
            }
        }
    }
    assert!(
        n_kinks * 100 < n_checked,
        "{n_kinks} parameters left out, {n_checked} compared"
    );
}

/// Every loss with the output it requires, or else with several.
fn losses_with_outputs() -> impl Iterator<Item = (Loss, Activation)> {
    const ANY: [Activation; 4] = [
        Activation::Identity,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softmax,
    ];
    Loss::ALL.iter().flat_map(|&loss| {
        let outputs = match loss.required_output() {
            Some(output) => vec![output],
            None => ANY.to_vec(),
        };
        outputs.into_iter().map(move |output| (loss, output))
    })
}

#[test]
fn penalties_are_part_of_the_gradient() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    for penalty in [
        Penalty { l1: 0.1, l2: 0.0 },
        Penalty { l1: 0.0, l2: 0.3 },
        Penalty { l1: 0.05, l2: 0.2 },
    ] {
        let checks = check(&tanh_network(), &samples, LOSS, penalty, usize::MAX).expect("they fit");
        assert_right(&checks);
    }
}

/// All outputs are 0, so that every wrong class ties for the best wrong one.
#[test]
fn ties_are_kinks_and_left_out() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    let config = NetworkConfig {
        n_inputs: N_INPUTS,
        layers: vec![LayerConfig::new(N_OUTPUTS, Activation::Identity)],
    };
    let network = Network::zeros(&config).expect("the network can be");
    let none = Penalty::default();
    let checks = check(&network, &samples, Loss::Hinge, none, usize::MAX).expect("they fit");
    let [check] = &checks[..] else {
        panic!("one layer");
    };
    assert_eq!(check.n_checked + check.n_kinks, network.parameters().len());
    assert!(check.n_kinks > 0 && check.error < AGREES, "{check:?}");
}

/// What can go wrong in a backward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    /// φ′ of the second layer.
    SlopeLeftOut,
    /// Of the second layer.
    BiasGradientMissing,
    /// A mean over the rows where the sum belongs.
    GammaGradientDivided,
    /// Batch normalisation as if mean and variance did not depend on the rows.
    StatisticsHeldConstant,
    /// W instead of Wᵀ between the second layer and the first.
    WeightsNotTransposed,
    /// δᴸ without the factor 1/n.
    SumInsteadOfMean,
    PenaltyForgotten,
}

const LOSS: Loss = Loss::CrossEntropy;

const PENALTY: Penalty = Penalty { l1: 0.0, l2: 0.1 };

#[test]
fn planted_mistakes_are_caught() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    let network = tanh_network();
    assert_right(&compare(
        &network,
        &samples,
        &inputs,
        &targets,
        Mistake::None,
    ));
    for (mistake, wrong_layers) in [
        (Mistake::SlopeLeftOut, [true, true, false]),
        (Mistake::BiasGradientMissing, [false, true, false]),
        (Mistake::GammaGradientDivided, [true, false, false]),
        (Mistake::StatisticsHeldConstant, [true, false, false]),
        (Mistake::WeightsNotTransposed, [true, false, false]),
        (Mistake::SumInsteadOfMean, [true, true, true]),
        (Mistake::PenaltyForgotten, [true, true, true]),
    ] {
        let checks = compare(&network, &samples, &inputs, &targets, mistake);
        for (check, is_wrong) in checks.iter().zip(wrong_layers) {
            if is_wrong {
                assert!(check.error > STANDS_OUT, "{mistake:?}: {check:?}");
            } else {
                assert!(check.error < AGREES, "{mistake:?}: {check:?}");
            }
        }
    }
}

#[test]
fn a_gradient_that_is_not_a_number_is_no_agreement() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    let network = tanh_network();
    let mut gradient = backpropagate(&network, &inputs, &targets, Mistake::None);
    let broken = network.layers()[1].weights().start;
    gradient[broken] = f64::NAN;
    let mut objective = Objective::new(&network, &samples, LOSS, PENALTY).expect("they fit");
    let checks = objective.compare(&gradient, usize::MAX);
    assert!(checks[1].error.is_nan() && checks[1].parameter == "weights[0, 0]");
    assert!(checks[0].error < AGREES && checks[2].error < AGREES);
}

/// Tanh: normalised 4 -> 4, plain 4 -> 4; then softmax 4 -> 3. The second
/// layer is square, so that a matrix in the place of its transpose fits.
fn tanh_network() -> Network<f64> {
    let layer = |n, activation, batch_norm| LayerConfig {
        batch_norm,
        ..LayerConfig::new(n, activation)
    };
    let layers = vec![
        layer(4, Activation::Tanh, true),
        layer(4, Activation::Tanh, false),
        layer(N_OUTPUTS, Activation::Softmax, false),
    ];
    network(N_INPUTS, layers, 3)
}

fn compare(
    network: &Network<f64>,
    samples: &Samples<'_, f64>,
    inputs: &Array2<f64>,
    targets: &Array2<f64>,
    mistake: Mistake,
) -> Vec<LayerCheck> {
    let gradient = backpropagate(network, inputs, targets, mistake);
    let mut objective = Objective::new(network, samples, LOSS, PENALTY).expect("the samples fit");
    objective.compare(&gradient, usize::MAX)
}

/// The backward pass of [`tanh_network`], written out, with one mistake.
fn backpropagate(
    network: &Network<f64>,
    inputs: &Array2<f64>,
    targets: &Array2<f64>,
    mistake: Mistake,
) -> Vec<f64> {
    let threads = Threads::single();
    let parameters = network.parameters();
    let [first, second, third] = network.layers() else {
        panic!("three layers");
    };
    let of = |range: std::ops::Range<usize>| &parameters[range];

    let sums = |inputs: &Array2<f64>, layer: &nn_core::Layer| {
        let mut sums = Array2::zeros((N_ROWS, layer.n_outputs));
        let weights = layer.weights_of(parameters);
        let bias = of(layer.bias());
        dense::forward(inputs.view(), weights, bias, sums.view_mut(), &threads);
        sums
    };
    let mut a1 = sums(inputs, first);
    let [mut normalised, mut inverse_std] = [vec![0.0; N_ROWS * 4], vec![0.0; 4]];
    let [mut mean, mut variance, mut scratch] = [[0.0; 4]; 3];
    let running = batch_norm::Running {
        mean: &mut mean,
        variance: &mut variance,
        scratch: &mut scratch,
    };
    let z1 = a1.as_slice_mut().expect("a fresh matrix");
    let [gamma, beta] = [of(first.gamma()), of(first.beta())];
    batch_norm::forward(z1, gamma, beta, running, &mut normalised, &mut inverse_std);
    first.activation.apply(z1, 4);
    let mut a2 = sums(&a1, second);
    second
        .activation
        .apply(a2.as_slice_mut().expect("a fresh matrix"), 4);
    let z3 = sums(&a2, third);
    let mut a3 = z3.clone();
    let answers = a3.as_slice_mut().expect("a fresh matrix");
    third.activation.apply(answers, N_OUTPUTS);

    let mut error = Array2::zeros((N_ROWS, N_OUTPUTS));
    for row in 0..N_ROWS {
        let [z, a, y] = [&z3, &a3, targets].map(|matrix| matrix.row(row).to_vec());
        let mut delta = vec![0.0; N_OUTPUTS];
        LOSS.of_row(third.activation, &z, &a, &y, &mut delta);
        let scale = if mistake == Mistake::SumInsteadOfMean {
            1.0
        } else {
            1.0 / N_ROWS as f64
        };
        error
            .row_mut(row)
            .assign(&(ndarray::Array1::from(delta) * scale));
    }

    let mut gradient = vec![0.0; parameters.len()];
    let mut dense_gradients =
        |inputs: &Array2<f64>, error: &Array2<f64>, layer: &nn_core::Layer| {
            let [mut bias, mut weights] = [
                vec![0.0; layer.n_outputs],
                vec![0.0; layer.n_inputs * layer.n_outputs],
            ];
            let shape = (layer.n_inputs, layer.n_outputs);
            let view = ndarray::ArrayViewMut2::from_shape(shape, &mut weights).expect("it fits");
            dense::add_gradients(inputs.view(), error.view(), view, &mut bias, &threads);
            gradient[layer.weights()].copy_from_slice(&weights);
            gradient[layer.bias()].copy_from_slice(&bias);
        };
    dense_gradients(&a2, &error, third);
    let mut error2 = error.dot(&third.weights_of(parameters).t());
    if mistake != Mistake::SlopeLeftOut {
        error2.zip_mut_with(&a2, |delta, a| *delta *= 1.0 - a * a);
    }
    dense_gradients(&a1, &error2, second);
    let weights = second.weights_of(parameters);
    let mut error1 = if mistake == Mistake::WeightsNotTransposed {
        error2.dot(&weights)
    } else {
        error2.dot(&weights.t())
    };
    error1.zip_mut_with(&a1, |delta, a| *delta *= 1.0 - a * a);
    let [mut gamma_gradient, mut beta_gradient] = [[0.0; 4]; 2];
    let constant = error1.clone() * &ndarray::aview1(&inverse_std) * ndarray::aview1(gamma);
    batch_norm::backward(
        error1.as_slice_mut().expect("a fresh matrix"),
        &normalised,
        &inverse_std,
        gamma,
        &mut gamma_gradient,
        &mut beta_gradient,
    );
    if mistake == Mistake::StatisticsHeldConstant {
        error1 = constant;
    }
    dense_gradients(inputs, &error1, first);
    if mistake == Mistake::GammaGradientDivided {
        gamma_gradient.iter_mut().for_each(|g| *g /= N_ROWS as f64);
    }
    gradient[first.gamma()].copy_from_slice(&gamma_gradient);
    gradient[first.beta()].copy_from_slice(&beta_gradient);
    if mistake == Mistake::BiasGradientMissing {
        gradient[second.bias()].fill(0.0);
    }
    if mistake != Mistake::PenaltyForgotten {
        for layer in network.layers() {
            PENALTY.add_gradient(of(layer.weights()), &mut gradient[layer.weights()]);
        }
    }
    gradient
}

#[track_caller]
fn assert_right(checks: &[LayerCheck]) {
    for check in checks {
        assert!(check.n_checked > 0 && check.n_kinks == 0, "{check:?}");
        assert!(check.error < AGREES, "{check:?}");
    }
}

/// Normal inputs, and targets that are shares of a whole.
fn rows() -> (Array2<f64>, Array2<f64>) {
    let mut stream = stream(1);
    let inputs = normal([N_ROWS, N_INPUTS], &mut stream);
    let mut targets = Array2::from_shape_simple_fn((N_ROWS, N_OUTPUTS), || stream.uniform());
    for mut row in targets.rows_mut() {
        let total = row.sum();
        row /= total;
    }
    (inputs, targets)
}
