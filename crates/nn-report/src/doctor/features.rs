//! Predictions of ridge regression on random features, which are the outputs of a wide hidden
//! layer that is not trained.
//!
//! The features are the outputs of random relu neurons (Rahimi & Recht 2008, "Random
//! features for large-scale kernel machines"). Ridge regression with the penalty λ and
//! its leave-one-out predictions have a closed form (Allen 1974, "PRESS"): with the
//! centered features H, A = HᵀH + λI and h = 1/n + the diagonal of H·A⁻¹·Hᵀ, the
//! leave-one-out residual of a sample is its ordinary residual divided by 1 − h. For smooth
//! functions of many inputs, this predictor is better than the nearest neighbor.

use nn_core::init::Init;
use nn_core::network::ForwardCache;
use nn_core::{Activation, LayerConfig, Network, NetworkConfig, Rows};
use nn_tensor::Threads;

/// Number of neurons.
const N_FEATURES: usize = 200;

/// Penalties to choose from, as fractions of the sum of squares of a feature.
const PENALTIES: [f64; 3] = [1e-5, 1e-3, 1e-1];

/// Predicts each sample by the regression on all others, once for each penalty.
///
/// `inputs` is `[n_samples, n_inputs]`, `targets` and each of the results are
/// `[n_samples, n_outputs]`.
///
/// # Errors
/// Returns an error if there is not enough memory for the features.
pub(super) fn predictions_by_others(
    inputs: &[f32],
    n_inputs: usize,
    targets: &[f64],
    n_outputs: usize,
) -> Result<Vec<Vec<f64>>, String> {
    let features = features(inputs, n_inputs)?;
    let regression = Regression {
        features: centred(&features, N_FEATURES),
        targets: centred(targets, n_outputs),
        n_outputs,
    };
    let predict = |penalty: f64| {
        let residuals = regression.residuals(penalty);
        let pairs = targets.iter().zip(residuals);
        pairs.map(|(target, residual)| target - residual).collect()
    };
    Ok(PENALTIES.map(predict).to_vec())
}

/// The outputs of random neurons, `[n_samples, N_FEATURES]`.
fn features(inputs: &[f32], n_inputs: usize) -> Result<Vec<f64>, String> {
    let mut layer = LayerConfig::new(N_FEATURES, Activation::Relu);
    layer.bias_init = Init::Uniform {
        low: -1.0,
        high: 1.0,
    };
    let network = Network::<f32>::new(&NetworkConfig::new(n_inputs, [layer]), 0);
    let network = network.map_err(|error| error.to_string())?;
    let n_samples = inputs.len() / n_inputs;
    let inputs = Rows::new(standardized(inputs, n_inputs), n_inputs);
    let mut cache = ForwardCache::new(&network, n_samples);
    network.forward(inputs.borrow(), &mut cache, &Threads::single());
    let outputs = cache.layer(0).activations().iter();
    Ok(outputs.copied().map(f64::from).collect())
}

/// Number of standard deviations at which inputs are cut off: a few far values would
/// decide on the weights of linear features.
const LARGEST: f64 = 3.0;

/// Each column with mean 0 and standard deviation 1, without far values; constant columns
/// are 0.
fn standardized(inputs: &[f32], n_inputs: usize) -> Vec<f32> {
    let values: Vec<f64> = inputs.iter().copied().map(f64::from).collect();
    let mut values = centred(&values, n_inputs);
    let n_samples = (values.len() / n_inputs).max(1) as f64;
    let mut squares = vec![0.0; n_inputs];
    for row in values.chunks_exact(n_inputs) {
        for (square, x) in squares.iter_mut().zip(row) {
            *square += x * x / n_samples;
        }
    }
    for row in values.chunks_exact_mut(n_inputs) {
        for (x, square) in row.iter_mut().zip(&squares) {
            *x = (*x / square.sqrt().max(1e-6)).clamp(-LARGEST, LARGEST);
        }
    }
    values.into_iter().map(|x| x as f32).collect()
}

/// Each column minus its mean.
fn centred(values: &[f64], width: usize) -> Vec<f64> {
    let n_rows = (values.len() / width).max(1) as f64;
    let mut means = vec![0.0; width];
    for row in values.chunks_exact(width) {
        for (mean, x) in means.iter_mut().zip(row) {
            *mean += x / n_rows;
        }
    }
    let rows = values.chunks_exact(width);
    let rows = rows.flat_map(|row| row.iter().zip(&means).map(|(x, mean)| x - mean));
    rows.collect()
}

/// A linear regression with a penalty.
struct Regression {
    /// `[n_samples, N_FEATURES]`, with mean 0.
    features: Vec<f64>,
    /// `[n_samples, n_outputs]`, with mean 0.
    targets: Vec<f64>,
    n_outputs: usize,
}

impl Regression {
    /// Target minus prediction of each sample by all others, `[n_samples, n_outputs]`.
    fn residuals(&self, penalty: f64) -> Vec<f64> {
        let (mut products, moments) = self.normal_equations();
        let trace: f64 = (0..N_FEATURES).map(|i| products[i * N_FEATURES + i]).sum();
        let penalty = penalty * trace / N_FEATURES as f64 + f64::MIN_POSITIVE;
        for i in 0..N_FEATURES {
            products[i * N_FEATURES + i] += penalty;
        }
        factorize(&mut products, N_FEATURES);
        // With A = L·Lᵀ, a prediction is the product of L⁻¹·h and L⁻¹·Hᵀ·Y.
        let mut solved = moments;
        for column in solved.chunks_exact_mut(N_FEATURES) {
            substitute(&products, column);
        }
        let n_samples = self.features.len() / N_FEATURES;
        let mut residuals = Vec::with_capacity(self.targets.len());
        let rows = self.features.chunks_exact(N_FEATURES);
        for (row, targets) in rows.zip(self.targets.chunks_exact(self.n_outputs)) {
            let mut row = row.to_vec();
            substitute(&products, &mut row);
            let leverage = 1.0 / n_samples as f64 + dot(&row, &row);
            for (column, target) in solved.chunks_exact(N_FEATURES).zip(targets) {
                residuals.push((target - dot(&row, column)) / (1.0 - leverage).max(1e-3));
            }
        }
        residuals
    }

    /// HᵀH, `[N_FEATURES, N_FEATURES]`, and HᵀY, `[n_outputs, N_FEATURES]`.
    fn normal_equations(&self) -> (Vec<f64>, Vec<f64>) {
        let mut products = vec![0.0; N_FEATURES * N_FEATURES];
        let mut moments = vec![0.0; self.n_outputs * N_FEATURES];
        let rows = self.features.chunks_exact(N_FEATURES);
        for (row, targets) in rows.zip(self.targets.chunks_exact(self.n_outputs)) {
            for (sums, &h) in products.chunks_exact_mut(N_FEATURES).zip(row) {
                add_multiple(sums, h, row);
            }
            for (sums, &y) in moments.chunks_exact_mut(N_FEATURES).zip(targets) {
                add_multiple(sums, y, row);
            }
        }
        (products, moments)
    }
}

fn add_multiple(sums: &mut [f64], factor: f64, row: &[f64]) {
    for (sum, x) in sums.iter_mut().zip(row) {
        *sum += factor * x;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Replaces a symmetric, positive definite matrix by its Cholesky factor L, which is
/// below the diagonal and on it.
fn factorize(matrix: &mut [f64], n: usize) {
    for i in 0..n {
        for j in 0..=i {
            let (earlier, row) = matrix.split_at(i * n);
            let known = if j < i {
                &earlier[j * n..][..j]
            } else {
                &row[..j]
            };
            let rest = row[j] - dot(known, &row[..j]);
            matrix[i * n + j] = if j < i {
                rest / matrix[j * n + j]
            } else {
                rest.max(f64::MIN_POSITIVE).sqrt()
            };
        }
    }
}

/// Replaces v by L⁻¹·v.
fn substitute(factor: &[f64], v: &mut [f64]) {
    let n = v.len();
    for i in 0..n {
        let row = &factor[i * n..][..n];
        v[i] = (v[i] - dot(&row[..i], &v[..i])) / row[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [4, 2; 2, 5] = L·Lᵀ with L = [2, 0; 1, 2].
    #[test]
    fn a_matrix_is_factorized() {
        let mut matrix = [4.0, 2.0, 2.0, 5.0];
        factorize(&mut matrix, 2);
        assert_eq!([matrix[0], matrix[2], matrix[3]], [2.0, 1.0, 2.0]);
        let mut v = [4.0, 8.0];
        substitute(&matrix, &mut v);
        assert_eq!(v, [2.0, 3.0]);
    }

    /// The formula for all samples agrees with a regression on the others of one.
    #[test]
    fn a_sample_is_predicted_without_its_target() {
        let inputs: Vec<f32> = (0..40).map(|i| i as f32 / 20.0).collect();
        let targets: Vec<f64> = inputs.iter().map(|&x| f64::from(x).sin()).collect();
        let of = |targets: &[f64]| {
            let found = predictions_by_others(&inputs, 1, targets, 1).expect("few samples");
            found[1][7]
        };
        let expected = of(&targets);
        let mut changed = targets.clone();
        changed[7] = 100.0;
        assert!((of(&changed) - expected).abs() < 1e-6, "{expected}");
        assert!((expected - targets[7]).abs() < 0.1, "{expected}");
    }
}
