//! Schoofs' equations, neuron by neuron and as matrices.
//!
//! ```text
//! z = Σᵢ wᵢxᵢ + b (1)    φ = aᴸ ∘ … ∘ a¹ (2)    aˡ = φ(Wˡx + bˡ) (3)    ρ ← ρ − η∇C (4)
//! b ← b − ηδ (5)    w ← w − ηδa (6)    δˡⱼ = Σₖ δˡ⁺¹ₖ wˡ⁺¹ₖⱼ φ′(zˡⱼ) (7)
//! X, B: rows (8, 9)    Aˡ = φ(Aˡ⁻¹(Wˡ)ᵀ + Bˡ) (10)    δˡ: one row per sample (11)
//! ΔWˡ = (1/m)(δˡ)ᵀAˡ⁻¹ (12, corrected)    δˡ = (δˡ⁺¹Wˡ⁺¹) ⊙ φ′(Zˡ) (13, corrected)
//! ```

use ndarray::Array2;
use nn_core::batches::{Inputs, Samples, Targets};
use nn_core::{Activation, LayerConfig, Loss, Network, NetworkConfig, Streams};
use nn_tensor::Threads;
use nn_tensor::random::Purpose;
use nn_train::Result;

use crate::context::Context;
use crate::gradient::{Batch, largest_gradient_error};
use crate::outcome::{Outcome, Row};

/// m, the batch size.
const M: usize = 4;

/// Widths of the example network, from the input to the output.
const WIDTHS: [usize; 4] = [3, 5, 4, 2];

/// η, the learning rate of a step.
const ETA: f64 = 0.7;

pub(super) fn equations(_: &Context<'_>) -> Result<Outcome> {
    let mut network = example()?;
    let mut stream = Streams::new(0).stream(Purpose::Test, 0);
    let inputs = Array2::from_shape_simple_fn((M, WIDTHS[0]), || stream.normal());
    let targets = Array2::from_shape_simple_fn((M, WIDTHS[3]), || stream.uniform());
    let samples = Samples::new(
        Inputs::values(inputs.view()),
        Targets::values(targets.view()),
    )?;
    let mut matrix = Batch::new(&network, M);
    matrix.read(&samples, 0..M)?;
    matrix.loss_and_gradient(Loss::Quadratic, &mut network, &Threads::single());
    let comparison = Comparison::new(&network, &inputs, &targets, &matrix);
    let mut rows = vec![
        Row::at_most(
            "activations: difference between equation (10) and equations (1)–(3)",
            comparison.activations,
            1e-12,
        ),
        Row::at_most(
            "errors: difference between equations (13) and (7)",
            comparison.errors,
            1e-12,
        ),
        Row::at_most(
            "gradient: difference between equation (12) and equations (5) and (6)",
            largest_difference(matrix.gradients().values(), &comparison.gradient),
            1e-12,
        ),
        Row::at_most(
            "gradient: relative difference between equation (12) and finite differences",
            largest_gradient_error(&network, &samples, Loss::Quadratic)?,
            1e-7,
        ),
    ];
    rows.extend(shape_rows());
    let gradient = comparison.gradient.iter();
    let largest = gradient.fold(0.0_f64, |largest, g| largest.max(g.abs()));
    Ok(Outcome::judged(
        rows,
        format!(
            "A network of {WIDTHS:?} sigmoid neurons on {M} samples, quadratic cost, f64, seed 0; a \
             step with learning rate {ETA} changes the parameter with the largest derivative by \
             {:.3}. According to (12) as printed, ΔW of the first layer has the shape of the transpose of W.",
            ETA * largest
        ),
    ))
}

/// The per-neuron form, and its largest differences from the matrix form of nn-core,
/// (8) to (13).
struct Comparison {
    activations: f64,
    errors: f64,
    /// The gradient by the per-neuron form, in nn-core's order.
    gradient: Vec<f64>,
}

impl Comparison {
    fn new(
        network: &Network<f64>,
        inputs: &Array2<f64>,
        targets: &Array2<f64>,
        matrix: &Batch<f64>,
    ) -> Self {
        let neurons = PerNeuron::new(network);
        let mut comparison = Self {
            activations: 0.0,
            errors: 0.0,
            gradient: vec![0.0; network.parameters().len()],
        };
        for row in 0..M {
            let [x, y] = [inputs, targets].map(|values| values.row(row).to_vec());
            let forward = neurons.forward(&x);
            let deltas = neurons.errors(&forward, &y);
            for (l, width) in WIDTHS[1..].iter().enumerate() {
                let columns = row * width..(row + 1) * width;
                let a = &matrix.cache().layer(l).activations()[columns.clone()];
                let difference = largest_difference(a, &forward.activations[l]);
                comparison.activations = comparison.activations.max(difference);
                let delta = &matrix.gradients().error(l, M)[columns];
                // nn-core's δ contains the 1/m of (12).
                let scaled: Vec<f64> = delta.iter().map(|delta| M as f64 * delta).collect();
                let difference = largest_difference(&scaled, &deltas[l]);
                comparison.errors = comparison.errors.max(difference);
            }
            let gradient = neurons.gradient(&x, &forward, &deltas);
            let mean = comparison.gradient.iter_mut().zip(gradient);
            mean.for_each(|(mean, g)| *mean += g / M as f64);
        }
        comparison
    }
}

/// The shapes of (12) and (13) as printed, for a layer of 5 neurons with 3 inputs
/// and a next layer of 4 neurons.
fn shape_rows() -> Vec<Row> {
    let [d, n, above] = [WIDTHS[0], WIDTHS[1], WIDTHS[2]];
    let [a, delta, w]: [Array2<f64>; 3] = [(M, d), (M, n), (n, d)].map(Array2::zeros);
    let printed = a.t().dot(&delta).dim();
    let corrected = delta.t().dot(&a).dim();
    let error_above: Array2<f64> = Array2::zeros((M, above));
    let next: Array2<f64> = Array2::zeros((above, n));
    let fits = |w: &Array2<f64>| error_above.ncols() == w.nrows();
    vec![
        Row::holds(
            "shapes of W, of (12) as printed and of (12) as corrected",
            "equal",
            format!("{:?}, {printed:?}, {corrected:?}", w.dim()),
            printed != w.dim() && corrected == w.dim(),
        ),
        Row::holds(
            "whether the product in (13) is defined for W of layer l and of layer l + 1",
            "l",
            format!("{}, {}", fits(&w), fits(&next)),
            !fits(&w) && fits(&next),
        ),
    ]
}

fn example() -> Result<Network<f64>> {
    let layers = WIDTHS[1..]
        .iter()
        .map(|&width| LayerConfig::new(width, Activation::Sigmoid));
    Ok(Network::new(
        &NetworkConfig {
            n_inputs: WIDTHS[0],
            layers: layers.collect(),
        },
        0,
    )?)
}

/// The network as sums over single neurons: `weights[l][j][k]` is the weight of
/// neuron j for its input k.
struct PerNeuron {
    weights: Vec<Vec<Vec<f64>>>,
    biases: Vec<Vec<f64>>,
}

/// z and a of every layer for one sample.
struct Forward {
    sums: Vec<Vec<f64>>,
    activations: Vec<Vec<f64>>,
}

impl PerNeuron {
    fn new(network: &Network<f64>) -> Self {
        let layers = 0..network.layers().len();
        let weights = |l| {
            let weights = network.weights(l);
            let columns = 0..weights.n_columns();
            columns
                .map(|j| weights.column(j).copied().collect())
                .collect()
        };
        Self {
            weights: layers.clone().map(weights).collect(),
            biases: layers.map(|l| network.bias(l).to_vec()).collect(),
        }
    }

    fn forward(&self, x: &[f64]) -> Forward {
        let mut forward = Forward {
            sums: Vec::new(),
            activations: Vec::new(),
        };
        let mut a = x.to_vec();
        for (weights, biases) in self.weights.iter().zip(&self.biases) {
            let z: Vec<f64> = weights
                .iter()
                .zip(biases)
                .map(|(w, b)| w.iter().zip(&a).map(|(w, x)| w * x).sum::<f64>() + b)
                .collect();
            a = z.iter().map(|&z| sigmoid(z)).collect();
            forward.sums.push(z);
            forward.activations.push(a.clone());
        }
        forward
    }

    /// δ of every layer, from the last to the first.
    fn errors(&self, forward: &Forward, y: &[f64]) -> Vec<Vec<f64>> {
        let last = self.weights.len() - 1;
        let mut deltas: Vec<Vec<f64>> = forward.sums.iter().map(|z| vec![0.0; z.len()]).collect();
        for j in 0..y.len() {
            deltas[last][j] =
                (forward.activations[last][j] - y[j]) * sigmoid_derivative(forward.sums[last][j]);
        }
        for l in (0..last).rev() {
            for j in 0..deltas[l].len() {
                deltas[l][j] = (0..deltas[l + 1].len())
                    .map(|k| deltas[l + 1][k] * self.weights[l + 1][k][j])
                    .sum::<f64>()
                    * sigmoid_derivative(forward.sums[l][j]);
            }
        }
        deltas
    }

    /// In nn-core's order: W transposed, then b, layer by layer.
    fn gradient(&self, x: &[f64], forward: &Forward, deltas: &[Vec<f64>]) -> Vec<f64> {
        let mut gradient = Vec::new();
        for (l, delta) in deltas.iter().enumerate() {
            let below = if l == 0 {
                x
            } else {
                &forward.activations[l - 1]
            };
            for a in below {
                gradient.extend(delta.iter().map(|delta| delta * a));
            }
            gradient.extend(delta);
        }
        gradient
    }
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f64::max)
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// φ′ = φ(1 − φ)
fn sigmoid_derivative(z: f64) -> f64 {
    sigmoid(z) * (1.0 - sigmoid(z))
}
