//! Gradient checks: every activation, loss and initializer agrees with finite
//! differences, and planted mistakes do not.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, aview1};
use nn_core::Rows;
use nn_core::batches::Samples;
use nn_core::gradient_check::{LayerCheck, Objective, check};
use nn_core::stage::batch_norm;
use nn_core::{
    Activation, Init, Layer, LayerConfig, Loss, Menu, Network, NetworkConfig, Regularization,
};

use crate::support::{network, normal, stream, value_samples};

/// Maximum relative error of a correct gradient.
const AGREES: f64 = 1e-6;

/// Minimum relative error of a wrong gradient.
const STANDS_OUT: f64 = 1e-3;

const N_ROWS: usize = 8;
const N_INPUTS: usize = 4;
const N_OUTPUTS: usize = 3;

/// Two hidden layers with batch normalization.
#[test]
fn every_activation_loss_and_initializer() {
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
                let checks = check(
                    &network,
                    &samples,
                    loss,
                    Regularization::default(),
                    usize::MAX,
                )
                .expect("valid samples");
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

/// Every loss with the output activation that it requires, or with several.
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
fn regularization_is_part_of_the_gradient() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    for regularization in [
        Regularization { l1: 0.1, l2: 0.0 },
        Regularization { l1: 0.0, l2: 0.3 },
        Regularization { l1: 0.05, l2: 0.2 },
    ] {
        let checks = check(&tanh_network(), &samples, LOSS, regularization, usize::MAX)
            .expect("valid samples");
        assert_correct(&checks);
    }
}

/// All outputs are 0, so every wrong class ties for the best wrong one.
#[test]
fn ties_are_kinks_and_left_out() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    let config = NetworkConfig {
        n_inputs: N_INPUTS,
        layers: vec![LayerConfig::new(N_OUTPUTS, Activation::Identity)],
    };
    let network = Network::zeros(&config).expect("a valid network");
    let none = Regularization::default();
    let checks = check(&network, &samples, Loss::Hinge, none, usize::MAX).expect("valid samples");
    let [check] = &checks[..] else {
        panic!("one layer");
    };
    assert_eq!(check.n_checked + check.n_kinks, network.parameters().len());
    assert!(check.n_kinks > 0 && check.error < AGREES, "{check:?}");
}

/// A mistake in a backward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    /// φ′ of the second layer is missing.
    DerivativeMissing,
    /// The gradient of the second layer's bias is missing.
    BiasGradientMissing,
    /// A mean over the rows instead of the sum.
    GammaGradientDivided,
    /// Batch normalization as if mean and variance did not depend on the rows.
    StatisticsHeldConstant,
    /// W instead of Wᵀ between the second layer and the first.
    WeightsNotTransposed,
    /// δᴸ without the factor 1/n.
    SumInsteadOfMean,
    RegularizationForgotten,
}

const LOSS: Loss = Loss::CrossEntropy;

const REGULARIZATION: Regularization = Regularization { l1: 0.0, l2: 0.1 };

#[test]
fn planted_mistakes_are_caught() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    let network = tanh_network();
    assert_correct(&compare(
        &network,
        &samples,
        &inputs,
        &targets,
        Mistake::None,
    ));
    for (mistake, wrong_layers) in [
        (Mistake::DerivativeMissing, [true, true, false]),
        (Mistake::BiasGradientMissing, [false, true, false]),
        (Mistake::GammaGradientDivided, [true, false, false]),
        (Mistake::StatisticsHeldConstant, [true, false, false]),
        (Mistake::WeightsNotTransposed, [true, false, false]),
        (Mistake::SumInsteadOfMean, [true, true, true]),
        (Mistake::RegularizationForgotten, [true, true, true]),
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

/// A single normalized row is 0 for any weights, so every gradient would agree.
#[test]
fn one_row_cannot_be_normalized() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view()).select(&[0]);
    let error = check(&tanh_network(), &samples, LOSS, REGULARIZATION, 10).expect_err("one row");
    assert_eq!(
        error.to_string(),
        "batch normalization: needs batches of at least 2 rows, found 1"
    );
}

#[test]
fn a_nan_gradient_does_not_pass() {
    let (inputs, targets) = rows();
    let samples = value_samples(inputs.view(), targets.view());
    let network = tanh_network();
    let mut gradient = backpropagate(&network, &inputs, &targets, Mistake::None);
    let broken = network.layers()[1].weights().start;
    gradient[broken] = f64::NAN;
    let mut objective =
        Objective::new(&network, &samples, LOSS, REGULARIZATION).expect("valid samples");
    let checks = objective.compare(&gradient, usize::MAX);
    assert!(checks[1].error.is_nan() && checks[1].parameter == "weights[0, 0]");
    assert!(checks[0].error < AGREES && checks[2].error < AGREES);
}

/// Tanh: normalized 4 -> 4, plain 4 -> 4; then softmax 4 -> 3. The second
/// layer is square, so a matrix in the place of its transpose fits.
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
    let mut objective =
        Objective::new(network, samples, LOSS, REGULARIZATION).expect("valid samples");
    objective.compare(&gradient, usize::MAX)
}

/// A separate backward pass of [`tanh_network`], with one mistake.
fn backpropagate(
    network: &Network<f64>,
    inputs: &Array2<f64>,
    targets: &Array2<f64>,
    mistake: Mistake,
) -> Vec<f64> {
    let parameters = network.parameters();
    let [first, second, third] = network.layers() else {
        panic!("three layers");
    };
    let forward = Forward::new(network, inputs);
    let mut gradient = vec![0.0; parameters.len()];

    let error3 = forward.output_error(targets, mistake);
    dense_gradients(third, &forward.a2, &error3, &mut gradient);

    let mut error2 = error3.dot(&view(&third.weights_of(parameters)).t());
    if mistake != Mistake::DerivativeMissing {
        multiply_by_tanh_derivative(&mut error2, &forward.a2);
    }
    dense_gradients(second, &forward.a1, &error2, &mut gradient);
    if mistake == Mistake::BiasGradientMissing {
        gradient[second.bias()].fill(0.0);
    }

    let weights = second.weights_of(parameters);
    let weights = view(&weights);
    let mut error1 = match mistake {
        Mistake::WeightsNotTransposed => error2.dot(&weights),
        _ => error2.dot(&weights.t()),
    };
    multiply_by_tanh_derivative(&mut error1, &forward.a1);
    let gamma = &parameters[first.gamma()];
    forward.through_batch_norm(&mut error1, first, gamma, &mut gradient, mistake);
    dense_gradients(first, inputs, &error1, &mut gradient);

    if mistake != Mistake::RegularizationForgotten {
        for layer in network.layers() {
            let weights = &parameters[layer.weights()];
            REGULARIZATION.add_gradient(weights, &mut gradient[layer.weights()]);
        }
    }
    gradient
}

/// The values of the forward pass of [`tanh_network`].
struct Forward {
    a1: Array2<f64>,
    normalized: Vec<f64>,
    inverse_std: Vec<f64>,
    a2: Array2<f64>,
    z3: Array2<f64>,
}

impl Forward {
    fn new(network: &Network<f64>, inputs: &Array2<f64>) -> Self {
        let parameters = network.parameters();
        let [first, second, third] = network.layers() else {
            panic!("three layers");
        };
        let mut z1 = sums(first, inputs, parameters);
        let width = first.n_outputs;
        let [mut normalized, mut inverse_std] = [vec![0.0; N_ROWS * width], vec![0.0; width]];
        let [mut mean, mut variance, mut scratch] = [0; 3].map(|_| vec![0.0; width]);
        let running = batch_norm::Running {
            mean: &mut mean,
            variance: &mut variance,
            scratch: &mut scratch,
        };
        batch_norm::forward(
            values_mut(&mut z1),
            &parameters[first.gamma()],
            &parameters[first.beta()],
            running,
            &mut normalized,
            &mut inverse_std,
        );
        let a1 = z1.mapv(f64::tanh);
        let a2 = sums(second, &a1, parameters).mapv(f64::tanh);
        Self {
            z3: sums(third, &a2, parameters),
            a1,
            normalized,
            inverse_std,
            a2,
        }
    }

    /// δᴸ of the mean over the rows.
    fn output_error(&self, targets: &Array2<f64>, mistake: Mistake) -> Array2<f64> {
        let mut a3 = self.z3.clone();
        Activation::Softmax.apply(values_mut(&mut a3), N_OUTPUTS);
        let mut error = Array2::zeros(a3.dim());
        for (row, mut delta) in error.rows_mut().into_iter().enumerate() {
            let [z, a, y] = [&self.z3, &a3, targets].map(|matrix| matrix.row(row).to_vec());
            let delta = delta.as_slice_mut().expect("a row of a fresh matrix");
            LOSS.of_row(Activation::Softmax, &z, &a, &y, delta);
        }
        match mistake {
            Mistake::SumInsteadOfMean => error,
            _ => error / N_ROWS as f64,
        }
    }

    fn through_batch_norm(
        &self,
        error: &mut Array2<f64>,
        layer: &Layer,
        gamma: &[f64],
        gradient: &mut [f64],
        mistake: Mistake,
    ) {
        let constant = &*error * &aview1(&self.inverse_std) * aview1(gamma);
        let [mut of_gamma, mut of_beta] = [0; 2].map(|_| vec![0.0; gamma.len()]);
        batch_norm::backward(
            values_mut(error),
            &self.normalized,
            &self.inverse_std,
            gamma,
            &mut of_gamma,
            &mut of_beta,
        );
        if mistake == Mistake::StatisticsHeldConstant {
            error.assign(&constant);
        }
        if mistake == Mistake::GammaGradientDivided {
            of_gamma.iter_mut().for_each(|g| *g /= N_ROWS as f64);
        }
        gradient[layer.gamma()].copy_from_slice(&of_gamma);
        gradient[layer.beta()].copy_from_slice(&of_beta);
    }
}

fn view<'a>(rows: &'a Rows<'_, f64>) -> ArrayView2<'a, f64> {
    rows.into()
}

/// `A·W + b`
fn sums(layer: &Layer, inputs: &Array2<f64>, parameters: &[f64]) -> Array2<f64> {
    let bias = ArrayView1::from(&parameters[layer.bias()]);
    inputs.dot(&view(&layer.weights_of(parameters))) + bias
}

/// `Aᵀ·δ` and the sum of the rows of δ.
fn dense_gradients(layer: &Layer, inputs: &Array2<f64>, error: &Array2<f64>, gradient: &mut [f64]) {
    let weights = inputs.t().dot(error);
    gradient[layer.weights()].copy_from_slice(&weights.iter().copied().collect::<Vec<f64>>());
    let bias = error.sum_axis(Axis(0)).to_vec();
    gradient[layer.bias()].copy_from_slice(&bias);
}

fn multiply_by_tanh_derivative(error: &mut Array2<f64>, a: &Array2<f64>) {
    error.zip_mut_with(a, |delta, a| *delta *= 1.0 - a * a);
}

fn values_mut(matrix: &mut Array2<f64>) -> &mut [f64] {
    matrix.as_slice_mut().expect("the matrix is in row order")
}

#[track_caller]
fn assert_correct(checks: &[LayerCheck]) {
    for check in checks {
        assert!(check.n_checked > 0 && check.n_kinks == 0, "{check:?}");
        assert!(check.error < AGREES, "{check:?}");
    }
}

/// Normal inputs, and targets that add up to 1.
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
