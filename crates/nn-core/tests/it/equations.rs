//! Tests of the papers' equations: Schoofs (1) to (13), and the worked example of How
//! Neural Networks Work.

use ndarray::{Array1, Array2, ArrayView2, array};
use nn_core::activation::Activation;
use nn_core::gradient_check::check;
use nn_core::stage::dense;
use nn_core::training::Trainer;
use nn_core::{LayerConfig, Loss, Network, NetworkConfig, Regularization};
use nn_tensor::Threads;

use crate::support::{assert_close, first_batch, full_batch, normal, stream, value_samples};

/// Relative and absolute tolerance for sums in another order.
const SAME: [f64; 2] = [1e-12, 1e-14];

/// m, the batch size.
const M: usize = 4;

/// Widths of the example, input to output.
const WIDTHS: [usize; 4] = [3, 5, 4, 2];

/// A network as Schoofs writes it: `W[l]` is `[n_outputs, n_inputs]`, so
/// `W[l][j][k]` is the weight of neuron j for its input k.
struct PerNeuron {
    weights: Vec<Vec<Vec<f64>>>,
    biases: Vec<Vec<f64>>,
}

/// The gradient of (5) to (7) for one sample, laid out like the network.
struct PerNeuronGradient {
    weights: Vec<Vec<Vec<f64>>>,
    /// The gradient of the biases, which by (5) is δ itself.
    deltas: Vec<Vec<f64>>,
}

impl PerNeuron {
    fn new(network: &Network<f64>) -> Self {
        let layers = 0..network.layers().len();
        let transposed = |layer| {
            let weights = network.weights(layer);
            let weights = ArrayView2::from(&weights);
            weights
                .columns()
                .into_iter()
                .map(|column| column.to_vec())
                .collect()
        };
        Self {
            weights: layers.clone().map(transposed).collect(),
            biases: layers.map(|layer| network.bias(layer).to_vec()).collect(),
        }
    }

    /// z and a of every layer for one input.
    fn forward(&self, x: &[f64]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let (mut zs, mut activations) = (Vec::new(), Vec::new());
        let mut a = x.to_vec();
        // (2)  phi(x) = (a^L o a^(L-1) o ... o a^1)(x)
        for (weights, biases) in self.weights.iter().zip(&self.biases) {
            let mut z = Vec::new();
            for (w, b) in weights.iter().zip(biases) {
                // (1)  z(x) = sum over i of w_i x_i, plus b
                z.push(w.iter().zip(&a).map(|(w, x)| w * x).sum::<f64>() + b);
            }
            // (3)  a^l(x) = varphi(W^l x + b^l) = varphi(z^l)
            a = z.iter().map(|&z| sigmoid(z)).collect();
            zs.push(z);
            activations.push(a.clone());
        }
        (zs, activations)
    }

    /// The gradient of C = 1/2 sum over j of (a^L_j − y_j)^2 for one sample.
    fn backward(&self, x: &[f64], y: &[f64]) -> PerNeuronGradient {
        let (zs, activations) = self.forward(x);
        let last = self.weights.len() - 1;
        let mut deltas: Vec<Vec<f64>> = zs.iter().map(|z| vec![0.0; z.len()]).collect();
        for j in 0..deltas[last].len() {
            // in (5)  delta^L_j = dC/dz^L_j = dC/da^L_j varphi'(z^L_j)
            deltas[last][j] = (activations[last][j] - y[j]) * sigmoid_derivative(zs[last][j]);
        }
        for l in (0..last).rev() {
            for j in 0..deltas[l].len() {
                // (7)  delta^l_j = sum over k of delta^(l+1)_k w^(l+1)_kj varphi'(z^l_j)
                deltas[l][j] = (0..deltas[l + 1].len())
                    .map(|k| {
                        deltas[l + 1][k] * self.weights[l + 1][k][j] * sigmoid_derivative(zs[l][j])
                    })
                    .sum();
            }
        }
        let weights = (0..=last).map(|l| {
            let below = if l == 0 { x } else { &activations[l - 1] };
            // in (6)  dC/dw^l_jk = delta^l_j a^(l-1)_k
            let row = |delta: &f64| below.iter().map(|a| delta * a).collect();
            deltas[l].iter().map(row).collect()
        });
        PerNeuronGradient {
            weights: weights.collect(),
            deltas,
        }
    }

    /// One step against the mean of the samples' gradients.
    fn step(&mut self, gradients: &[PerNeuronGradient], eta: f64) {
        let m = gradients.len() as f64;
        for l in 0..self.weights.len() {
            for j in 0..self.biases[l].len() {
                let mean = gradients.iter().map(|g| g.deltas[l][j]).sum::<f64>() / m;
                // (5)  b_j -> b_j − eta delta_j
                self.biases[l][j] -= eta * mean;
                for k in 0..self.weights[l][j].len() {
                    let mean = gradients.iter().map(|g| g.weights[l][j][k]).sum::<f64>() / m;
                    // (6)  w_jk -> w_jk − eta delta_j a_k
                    self.weights[l][j][k] -= eta * mean;
                }
            }
        }
    }

    /// In nn-core's order: W transposed, then b, layer by layer.
    fn parameters(&self) -> Vec<f64> {
        let layers = self.weights.iter().zip(&self.biases);
        layers
            .flat_map(|(weights, biases)| in_core_order(weights, biases))
            .collect()
    }
}

/// (8) to (13), through nn-core's own functions.
struct MatrixForm {
    activations: Vec<Array2<f64>>,
    deltas: Vec<Array2<f64>>,
    /// ΔW, then the mean of δ over the rows, layer by layer.
    gradient: Vec<f64>,
}

impl MatrixForm {
    /// `inputs` is (8): X, the samples as rows.
    fn new(network: &Network<f64>, inputs: &Array2<f64>, targets: &Array2<f64>) -> Self {
        let layers = network.layers();
        let threads = Threads::single();
        let (mut zs, mut activations): (Vec<Array2<f64>>, Vec<Array2<f64>>) = Default::default();
        for (l, layer) in layers.iter().enumerate() {
            let below = if l == 0 { inputs } else { &activations[l - 1] };
            let bias = network.bias(l).to_vec();
            let mut z = Array2::zeros((M, layer.n_outputs));
            // (9)   B^l = m rows, each b^l
            // (10)  A^l(X) = varphi(X (W^l)^T + B^l) = varphi(Z^l); our W is his W^T
            dense::forward(
                below.view(),
                &network.weights(l),
                &bias,
                z.view_mut(),
                &threads,
            );
            let mut a = z.clone();
            layer.activation.apply(values_mut(&mut a), layer.n_outputs);
            zs.push(z);
            activations.push(a);
        }
        let mut deltas: Vec<Array2<f64>> = zs.iter().map(|z| Array2::zeros(z.dim())).collect();
        let last = layers.len() - 1;
        for (row, mut delta) in deltas[last].rows_mut().into_iter().enumerate() {
            let [z, a] = [&zs[last], &activations[last]].map(|matrix| matrix.row(row).to_vec());
            let y = targets.row(row).to_vec();
            let delta = delta.as_slice_mut().expect("a row of a fresh matrix");
            // (11)  delta^l = [delta_ij], row i for sample i, column j for neuron j
            Loss::Quadratic.of_row(Activation::Sigmoid, &z, &a, &y, delta);
        }
        for l in (0..last).rev() {
            let (this, above) = deltas.split_at_mut(l + 1);
            let (delta, above) = (&mut this[l], &above[0]);
            // (13)  delta^l = (delta^(l+1) W^(l+1)) (*) varphi'(Z^l); the index of W is
            //       l + 1, where the paper prints l
            dense::backward(
                above.view(),
                &network.weights(l + 1),
                delta.view_mut(),
                &threads,
            );
            let [z, a] = [&zs[l], &activations[l]].map(|matrix| matrix.as_slice());
            let [z, a] = [z, a].map(|values| values.expect("a fresh matrix"));
            layers[l]
                .activation
                .backward(z, a, values_mut(delta), layers[l].n_outputs);
        }
        let mut gradient = Vec::new();
        for (l, layer) in layers.iter().enumerate() {
            let below = if l == 0 { inputs } else { &activations[l - 1] };
            let mut weights = Array2::zeros((layer.n_inputs, layer.n_outputs));
            let mut bias = vec![0.0; layer.n_outputs];
            // (12)  Delta W^l = 1/m (A^(l-1))^T delta^l; and the mean of the rows of delta for b
            dense::add_gradients(
                below.view(),
                deltas[l].view(),
                weights.view_mut(),
                &mut bias,
                &threads,
            );
            gradient.extend(weights.iter().chain(&bias).map(|sum| sum / M as f64));
        }
        Self {
            activations,
            deltas,
            gradient,
        }
    }
}

#[test]
fn schoofs_1_to_13() {
    let network = sigmoid_network();
    let mut stream = stream(5);
    let inputs = normal([M, WIDTHS[0]], &mut stream);
    let targets = Array2::from_shape_simple_fn((M, WIDTHS[3]), || stream.uniform());
    let per_neuron = PerNeuron::new(&network);
    let matrix_form = MatrixForm::new(&network, &inputs, &targets);

    let mut gradients = Vec::new();
    for row in 0..M {
        let [x, y] = [&inputs, &targets].map(|matrix| matrix.row(row).to_vec());
        let (_, activations) = per_neuron.forward(&x);
        let gradient = per_neuron.backward(&x, &y);
        for l in 0..activations.len() {
            let what = format!("sample {row}, layer {}", l + 1);
            let [a, delta] = [&matrix_form.activations, &matrix_form.deltas]
                .map(|matrices| matrices[l].row(row).to_vec());
            assert_close(&format!("(10) and (3), {what}"), &a, &activations[l], SAME);
            assert_close(
                &format!("(13) and (7), {what}"),
                &delta,
                &gradient.deltas[l],
                SAME,
            );
        }
        gradients.push(gradient);
    }
    let mean = mean_gradient(&gradients);
    assert_close("(12) and (6)", &matrix_form.gradient, &mean, SAME);

    let samples = value_samples(inputs.view(), targets.view());
    let config = full_batch(Loss::Quadratic);
    let (_, in_training) = first_batch(&network, samples.clone(), &config);
    assert_close("training and (12)", &in_training, &mean, SAME);
    let checks = check(
        &network,
        &samples,
        Loss::Quadratic,
        Regularization::default(),
        usize::MAX,
    )
    .expect("valid samples");
    for check in checks {
        assert!(check.n_kinks == 0 && check.error < 1e-7, "{check:?}");
    }
}

/// One step of the per-neuron form, of training, and of (4) on all parameters at once.
#[test]
fn schoofs_4_to_6_are_one_step_of_training() {
    let network = sigmoid_network();
    let mut stream = stream(6);
    let inputs = normal([M, WIDTHS[0]], &mut stream);
    let targets = Array2::from_shape_simple_fn((M, WIDTHS[3]), || stream.uniform());
    let eta = 0.7;
    let mut per_neuron = PerNeuron::new(&network);
    let gradients: Vec<_> = (0..M)
        .map(|row| per_neuron.backward(&inputs.row(row).to_vec(), &targets.row(row).to_vec()))
        .collect();
    let gradient = mean_gradient(&gradients);
    per_neuron.step(&gradients, eta);

    let mut config = full_batch(Loss::Quadratic);
    config.learning_rate = eta;
    let samples = value_samples(inputs.view(), targets.view());
    let mut trainer = Trainer::new(network.clone(), samples, None, config, Threads::single())
        .expect("a valid configuration");
    trainer.advance().expect("the loss is finite");
    let trained = trainer.network();
    assert_close(
        "(5) and (6)",
        trained.parameters(),
        &per_neuron.parameters(),
        SAME,
    );
    // (4)  rho_(t+1) = rho_t − eta grad C
    let rho: Vec<f64> = (network.parameters().iter().zip(&gradient))
        .map(|(rho, gradient)| rho - eta * gradient)
        .collect();
    assert_close("(4)", trained.parameters(), &rho, SAME);
}

/// Erratum: the product that (12) prints has the shape of W transposed, where
/// W is `[n_outputs, n_inputs]` as in the paper's section 1.2.
#[test]
fn schoofs_12_has_the_transposed_shape_of_w() {
    let (n, d) = (5, 3);
    let below: Array2<f64> = Array2::zeros((M, d));
    let delta: Array2<f64> = Array2::zeros((M, n));
    let w: Array2<f64> = Array2::zeros((n, d));
    // (10) as printed needs W [n, d]
    assert_eq!(below.dot(&w.t()).dim(), (M, n));
    // (12) as printed gives [d, n]; nn-core keeps W in this shape
    let printed = below.t().dot(&delta);
    assert_eq!(printed.dim(), (d, n));
    assert_ne!(printed.dim(), w.dim());
    // corrected: Delta W = 1/m (delta)^T A
    assert_eq!(delta.t().dot(&below).dim(), w.dim());
    let network = sigmoid_network();
    assert_eq!(network.weights(0).shape(), [WIDTHS[0], WIDTHS[1]]);
}

fn sigmoid_network() -> Network<f64> {
    let layers = WIDTHS[1..]
        .iter()
        .map(|&width| LayerConfig::new(width, Activation::Sigmoid));
    crate::support::network(WIDTHS[0], layers.collect(), 4)
}

fn mean_gradient(gradients: &[PerNeuronGradient]) -> Vec<f64> {
    let of_samples = gradients.iter().map(|gradient| {
        let layers = gradient.weights.iter().zip(&gradient.deltas);
        layers
            .flat_map(|(weights, deltas)| in_core_order(weights, deltas))
            .collect::<Array1<f64>>()
    });
    let sum = of_samples.reduce(|sum, gradient| sum + gradient);
    (sum.expect("there are samples") / gradients.len() as f64).to_vec()
}

/// Flattens weights `[n_outputs, n_inputs]` by columns, then one bias per neuron.
fn in_core_order(weights: &[Vec<f64>], biases: &[f64]) -> Vec<f64> {
    let columns = 0..weights[0].len();
    columns
        .flat_map(|k| weights.iter().map(move |row| row[k]))
        .chain(biases.iter().copied())
        .collect()
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// varphi' = varphi (1 − varphi)
fn sigmoid_derivative(z: f64) -> f64 {
    sigmoid(z) * (1.0 - sigmoid(z))
}

fn values_mut(matrix: &mut Array2<f64>) -> &mut [f64] {
    matrix.as_slice_mut().expect("a fresh matrix")
}

/// How Neural Networks Work: one input, one hidden and one output neuron,
/// `y2 = y1 w1 − b1`, `y3 = sigma(y2 w2 − b2)`, `C = y3^2` (the target is 0).
const Y1: f64 = 0.6;
const W1: f64 = 0.2;
const B1: f64 = 0.8;
const W2: f64 = 0.4;
const B2: f64 = 0.9;

/// The sign of b2 in the last layer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum LastBias {
    /// z = y w − b, as in the paper's formula.
    Subtracted,
    /// z = y w + b, as in the paper's calculation.
    Added,
}

/// y2, y3, C and the gradient with respect to (w1, b1, w2, b2), from nn-core.
fn worked_example(parameters: [f64; 4], last_bias: LastBias) -> (f64, f64, f64, [f64; 4]) {
    let [w1, b1, w2, b2] = parameters;
    let sign = if last_bias == LastBias::Added {
        1.0
    } else {
        -1.0
    };
    let layers = vec![
        LayerConfig::new(1, Activation::Identity),
        LayerConfig::new(1, Activation::Sigmoid),
    ];
    let config = NetworkConfig {
        n_inputs: 1,
        layers,
    };
    let mut network = Network::zeros(&config).expect("a valid network");
    // Our bias is added, so it is −b.
    network
        .parameters_mut()
        .copy_from_slice(&[w1, -b1, w2, sign * b2]);
    let (inputs, targets) = (array![[Y1]], array![[0.0]]);
    let samples = value_samples(inputs.view(), targets.view());
    let config = full_batch(Loss::SumOfSquares);
    let (cost, gradient) = first_batch(&network, samples.clone(), &config);
    let checks = check(
        &network,
        &samples,
        Loss::SumOfSquares,
        Regularization::default(),
        4,
    );
    for check in checks.expect("the sample fits") {
        assert!(check.error < 1e-7, "{last_bias:?}: {check:?}");
    }
    let mut cache = nn_core::network::ForwardCache::new(&network, 1);
    let y3 = network.forward(inputs.view(), &mut cache, &Threads::single())[[0, 0]];
    let y2 = cache.layer(0).activations()[0];
    let [dw1, db1, dw2, db2] = gradient[..] else {
        panic!("four parameters");
    };
    (y2, y3, cost, [dw1, -db1, dw2, sign * db2])
}

/// The formulas (3.1) to (3.4) of the paper.
fn worked_gradient(y2: f64, y3: f64, last_bias: LastBias) -> [f64; 4] {
    let sign = if last_bias == LastBias::Added {
        1.0
    } else {
        -1.0
    };
    let outer = 2.0 * y3 * y3 * (1.0 - y3);
    [outer * W2 * Y1, -outer * W2, outer * y2, sign * outer]
}

#[test]
fn the_worked_example_by_its_own_formulas() {
    let (y2, y3, cost, gradient) = worked_example([W1, B1, W2, B2], LastBias::Subtracted);
    assert_close(
        "y2, y3, C",
        &[y2, y3, cost],
        &[-0.68, 0.2365, 0.0559],
        [0.0, 5e-5],
    );
    let by_hand = worked_gradient(y2, y3, LastBias::Subtracted);
    assert_close("gradient", &gradient, &by_hand, [1e-12, 1e-15]);
}

#[test]
fn the_worked_example_as_printed() {
    let (y2, y3, cost, gradient) = worked_example([W1, B1, W2, B2], LastBias::Added);
    assert_close(
        "y2, y3, C",
        &[y2, y3, cost],
        &[-0.68, 0.652, 0.4252],
        [0.0, 5e-5],
    );
    assert_close(
        "as printed",
        &[y2, y3, cost],
        &[-0.68, 0.65, 0.425],
        [0.0, 5e-3],
    );
    let by_hand = worked_gradient(y2, y3, LastBias::Added);
    assert_close("gradient", &gradient, &by_hand, [1e-12, 1e-15]);

    // Printed: (0.037, −0.061, −0.10, −0.15) for (w1, b1, w2, b2). Without the
    // factor 2 of the square, and with b2's sign turned, ours is near.
    let halved = [0.5, 0.5, 0.5, -0.5];
    let near: Vec<f64> = gradient
        .iter()
        .zip(halved)
        .map(|(g, factor)| factor * g)
        .collect();
    assert_close(
        "slips",
        &near,
        &[0.037, -0.061, -0.10, -0.15],
        [0.0, 2.5e-3],
    );
    // With 0.68, the size of y2, in the place of dC/dy3 / 2 = y3 = 0.65, the
    // gradient and the steps (0.037, 0.062, 0.155) come out, digits cut off.
    let outer = 0.68 * y3 * (1.0 - y3);
    let exact = [outer * W2 * Y1, -outer * W2, outer * y2, -outer];
    let cut = |x: f64, digits: i32| (x * 10_f64.powi(digits)).trunc();
    assert_eq!([cut(exact[0], 3), cut(exact[1], 3)], [37.0, -61.0]);
    assert_eq!([cut(exact[2], 2), cut(exact[3], 2)], [-10.0, -15.0]);
    let stepped = [W1 + exact[0], B1 + exact[1], B2 + exact[3]];
    assert_eq!(stepped.map(|p| cut(p, 3)), [237.0, 738.0, 745.0]);
    // w2' repeats the step of w1.
    assert_close("w2'", &[W2 + exact[0]], &[0.437], [0.0, 5e-4]);

    // The printed parameters do give the printed cost.
    let printed = [0.237, 0.738, 0.437, 0.745];
    let (_, _, cost, _) = worked_example(printed, LastBias::Added);
    assert_close("C'", &[cost], &[0.38], [0.0, 5e-3]);
    // Its own rule (4.1), p' = p − grad C, lowers the cost further.
    let stepped = [W1, B1, W2, B2].iter().zip(gradient).map(|(p, g)| p - g);
    let stepped: Vec<f64> = stepped.collect();
    let (_, _, ours, _) = worked_example(
        [stepped[0], stepped[1], stepped[2], stepped[3]],
        LastBias::Added,
    );
    assert!(ours < cost, "{ours}");
}

/// The mean squared error of several outputs is their sum of squares; mean and
/// sum differ by the number of outputs.
#[test]
fn how_they_work_sums_squares() {
    let (a, y) = ([0.2, 0.9, 0.4], [0.0, 1.0, 0.5]);
    let mut error = [0.0; 3];
    let sum = Loss::SumOfSquares.of_row(Activation::Identity, &a, &a, &y, &mut error);
    assert_close("sum", &[sum], &[0.04 + 0.01 + 0.01], SAME);
    assert_close("derivative", &error, &[0.4, -0.2, -0.2], SAME);
    let mean = Loss::Mse.of_row(Activation::Identity, &a, &a, &y, &mut error);
    assert_close("mean", &[3.0 * mean], &[sum], SAME);
}

/// tanh x = 2 / (1 + e^(−2x)) − 1
#[test]
fn tanh_from_the_logistic_function() {
    let x: Vec<f64> = (-60..=60).map(|tenth| f64::from(tenth) / 10.0).collect();
    let mut tanh = x.clone();
    Activation::Tanh.apply(&mut tanh, 1);
    let mut logistic: Vec<f64> = x.iter().map(|x| 2.0 * x).collect();
    Activation::Sigmoid.apply(&mut logistic, 1);
    let identity: Vec<f64> = logistic.iter().map(|sigma| 2.0 * sigma - 1.0).collect();
    assert_close("tanh", &tanh, &identity, [0.0, 1e-15]);
}
