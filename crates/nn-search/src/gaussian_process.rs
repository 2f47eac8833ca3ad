//! Gaussian process regression with a Matérn 5/2 kernel, one length scale per
//! dimension (automatic relevance determination), and estimated noise.
//!
//! ```text
//! k(x, x') = σ²·(1 + √5·r + 5/3·r²)·exp(−√5·r)      r² = Σ_d |x_d − x'_d|²/ℓ_d²
//! K = [k(x_i, x_j)] + τ²·I,   L·Lᵀ = K,   α = K⁻¹·y
//! mean(x) = k(x)ᵀ·α           variance(x) = k(x, x) − |L⁻¹·k(x)|²
//! ln p(y) = −½·yᵀα − Σ ln L_ii − n/2·ln 2π
//! ∂ ln p/∂θ = ½·tr((α·αᵀ − K⁻¹)·∂K/∂θ)
//! ```
//!
//! Sources: Rasmussen & Williams 2006, equations 4.17, 5.8, 5.9 and algorithm 2.1; Snoek,
//! Larochelle & Adams 2012, equation 5, for the kernel. The targets should have mean 0
//! and variance 1, and the inputs should lie in the unit cube.
//!
//! # Fitting
//! θ = (ln ℓ_1, …, ln ℓ_D, ln σ², ln τ²) maximizes ln p(y) + ln p(θ) by projected BFGS from several
//! starts. The priors p(θ) are wide normal distributions. The priors matter only if there are few
//! points and the likelihood is flat: in this case, maximum likelihood alone would end at a bound
//! and be overconfident.

use std::f64::consts::{LN_2, PI};

use crate::cholesky::{Cholesky, dot};
use crate::minimize::{Minimum, minimize};

const SQRT_5: f64 = 2.236_067_977_499_79;

/// The fitted hyperparameters of the kernel and the noise.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hyperparameters {
    /// ℓ, one per dimension.
    pub(crate) length_scales: Vec<f64>,
    /// σ².
    pub(crate) signal_variance: f64,
    /// τ².
    pub(crate) noise_variance: f64,
}

/// Range and log-normal prior of a hyperparameter.
struct Prior {
    low: f64,
    high: f64,
    median: f64,
    /// Standard deviation of the logarithm.
    std: f64,
}

const LENGTH_SCALE: Prior = Prior {
    low: 0.03,
    high: 30.0,
    median: 0.6,
    std: 1.0,
};
const SIGNAL_VARIANCE: Prior = Prior {
    low: 0.05,
    high: 50.0,
    median: 1.0,
    std: 1.0,
};
const NOISE_VARIANCE: Prior = Prior {
    low: 1e-6,
    high: 1.0,
    median: 1e-4,
    std: 3.0,
};

/// Starting points of the optimization, as factors of the prior medians.
const STARTS: [f64; 3] = [1.0, 0.3, 3.0];

impl Prior {
    fn bounds(&self) -> (f64, f64) {
        (libm::log(self.low), libm::log(self.high))
    }

    /// `−ln p(θ)` without its constant, and its derivative.
    fn penalty(&self, log_value: f64) -> (f64, f64) {
        let z = (log_value - libm::log(self.median)) / self.std;
        (0.5 * z * z, z / self.std)
    }
}

/// Inputs `[n_points, n_coordinates]`; several coordinates may belong to one
/// dimension.
#[derive(Clone, Debug)]
pub(crate) struct Inputs {
    pub(crate) rows: Vec<Vec<f64>>,
    /// Number of coordinates of each dimension.
    pub(crate) widths: Vec<usize>,
}

impl Inputs {
    /// `|a_d − b_d|²` for each dimension `d`.
    fn squared_distances<'a>(
        &'a self,
        a: &'a [f64],
        b: &'a [f64],
    ) -> impl Iterator<Item = f64> + 'a {
        let mut start = 0;
        self.widths.iter().map(move |width| {
            let block = start..start + width;
            start = block.end;
            let pairs = a[block.clone()].iter().zip(&b[block]);
            pairs.map(|(a, b)| (a - b) * (a - b)).sum()
        })
    }
}

/// A fitted Gaussian process.
#[derive(Clone, Debug)]
pub(crate) struct GaussianProcess {
    inputs: Inputs,
    hyperparameters: Hyperparameters,
    /// `1/ℓ²`.
    inverse_squares: Vec<f64>,
    cholesky: Cholesky,
    alpha: Vec<f64>,
}

impl GaussianProcess {
    /// Fits the hyperparameters and conditions on the data.
    ///
    /// # Panics
    /// Panics if there is no data, or the numbers of inputs and targets differ.
    pub(crate) fn fit(inputs: Inputs, targets: &[f64]) -> Self {
        let hyperparameters = Evidence::new(&inputs, targets).maximize();
        Self::condition(inputs, targets, hyperparameters)
    }

    /// Conditions on the data with given hyperparameters.
    ///
    /// # Panics
    /// Panics under the same conditions as [`GaussianProcess::fit`].
    pub(crate) fn condition(
        inputs: Inputs,
        targets: &[f64],
        hyperparameters: Hyperparameters,
    ) -> Self {
        assert_eq!(inputs.rows.len(), targets.len(), "one target per input");
        let inverse_squares: Vec<f64> = hyperparameters
            .length_scales
            .iter()
            .map(|scale| 1.0 / (scale * scale))
            .collect();
        let n = targets.len();
        let mut covariance = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let distances = inputs.squared_distances(&inputs.rows[i], &inputs.rows[j]);
                let squared = weighted_sum(distances, &inverse_squares);
                covariance[i * n + j] = hyperparameters.signal_variance * matern_5_2(squared);
            }
            covariance[i * n + i] =
                hyperparameters.signal_variance + hyperparameters.noise_variance;
        }
        let cholesky = Cholesky::with_jitter(&covariance, n)
            .expect("a Matérn kernel with noise is positive definite");
        let alpha = cholesky.solve(targets);
        Self {
            inputs,
            hyperparameters,
            inverse_squares,
            cholesky,
            alpha,
        }
    }

    pub(crate) fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }

    /// Predicted mean and variance of the function at `x`, without noise.
    pub(crate) fn predict(&self, x: &[f64]) -> (f64, f64) {
        let signal_variance = self.hyperparameters.signal_variance;
        let mut covariances: Vec<f64> = self
            .inputs
            .rows
            .iter()
            .map(|row| {
                let distances = self.inputs.squared_distances(row, x);
                signal_variance * matern_5_2(weighted_sum(distances, &self.inverse_squares))
            })
            .collect();
        let mean = dot(&covariances, &self.alpha);
        self.cholesky.solve_lower(&mut covariances);
        let variance = signal_variance - dot(&covariances, &covariances);
        (mean, variance.max(0.0))
    }
}

fn weighted_sum(values: impl Iterator<Item = f64>, weights: &[f64]) -> f64 {
    values
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum()
}

/// The kernel for σ² = 1 as a function of `r²`.
fn matern_5_2(squared: f64) -> f64 {
    let root = SQRT_5 * squared.sqrt();
    (1.0 + root + root * root / 3.0) * libm::exp(-root)
}

/// The marginal likelihood of the data as a function of the hyperparameters.
struct Evidence<'a> {
    targets: &'a [f64],
    /// `|x_i,d − x_j,d|²` for each dimension and, within, each pair `j < i`.
    squared_distances: Vec<Vec<f64>>,
}

impl<'a> Evidence<'a> {
    fn new(inputs: &Inputs, targets: &'a [f64]) -> Self {
        let mut squared_distances = vec![Vec::new(); inputs.widths.len()];
        for (i, a) in inputs.rows.iter().enumerate() {
            for b in &inputs.rows[..i] {
                let of_pair = inputs.squared_distances(a, b);
                for (dimension, squared) in squared_distances.iter_mut().zip(of_pair) {
                    dimension.push(squared);
                }
            }
        }
        Self {
            targets,
            squared_distances,
        }
    }

    fn priors(&self) -> Vec<&'static Prior> {
        let mut priors = vec![&LENGTH_SCALE; self.squared_distances.len()];
        priors.extend([&SIGNAL_VARIANCE, &NOISE_VARIANCE]);
        priors
    }

    /// The hyperparameters with the maximum posterior density.
    fn maximize(&self) -> Hyperparameters {
        let priors = self.priors();
        let bounds: Vec<_> = priors.iter().map(|prior| prior.bounds()).collect();
        let minima = STARTS.map(|factor| {
            let start = priors.iter().map(|prior| libm::log(factor * prior.median));
            let start: Vec<f64> = start.collect();
            let objective = |theta: &[f64], gradient: &mut [f64]| {
                self.negative_log_posterior(theta, &priors, gradient)
            };
            minimize(objective, &start, &bounds)
        });
        let best = minima
            .into_iter()
            .reduce(|best: Minimum, other| {
                if other.value < best.value {
                    other
                } else {
                    best
                }
            })
            .expect("there is at least one start");
        self.hyperparameters(&best.at)
    }

    fn hyperparameters(&self, theta: &[f64]) -> Hyperparameters {
        let n_dimensions = self.squared_distances.len();
        Hyperparameters {
            length_scales: theta[..n_dimensions]
                .iter()
                .map(|&theta| libm::exp(theta))
                .collect(),
            signal_variance: libm::exp(theta[n_dimensions]),
            noise_variance: libm::exp(theta[n_dimensions + 1]),
        }
    }

    fn negative_log_posterior(
        &self,
        theta: &[f64],
        priors: &[&Prior],
        gradient: &mut [f64],
    ) -> f64 {
        let mut value = self.negative_log_likelihood(theta, gradient);
        for ((&theta, prior), gradient) in theta.iter().zip(priors).zip(gradient) {
            let (penalty, derivative) = prior.penalty(theta);
            value += penalty;
            *gradient += derivative;
        }
        value
    }

    /// `−ln p(y)`; writes its gradient with respect to `theta`.
    fn negative_log_likelihood(&self, theta: &[f64], gradient: &mut [f64]) -> f64 {
        let n = self.targets.len();
        let hyperparameters = self.hyperparameters(theta);
        let weights: Vec<f64> = hyperparameters
            .length_scales
            .iter()
            .map(|scale| 1.0 / (scale * scale))
            .collect();
        let pairs = self.kernel_of_pairs(&weights, hyperparameters.signal_variance);
        let diagonal = hyperparameters.signal_variance + hyperparameters.noise_variance;
        let covariance = square(&pairs.covariances, diagonal, n);
        let Some(cholesky) = Cholesky::with_jitter(&covariance, n) else {
            return f64::INFINITY;
        };
        let alpha = cholesky.solve(self.targets);
        self.write_gradient(
            &hyperparameters,
            &weights,
            &pairs,
            &cholesky,
            &alpha,
            gradient,
        );
        0.5 * dot(self.targets, &alpha)
            + cholesky.half_log_determinant()
            + 0.5 * n as f64 * (LN_2 + libm::log(PI))
    }

    fn kernel_of_pairs(&self, weights: &[f64], signal_variance: f64) -> Pairs {
        let n_pairs = self.squared_distances[0].len();
        let mut squared = vec![0.0; n_pairs];
        for (distances, weight) in self.squared_distances.iter().zip(weights) {
            for (sum, distance) in squared.iter_mut().zip(distances) {
                *sum += weight * distance;
            }
        }
        let mut pairs = Pairs {
            covariances: Vec::with_capacity(n_pairs),
            derivatives: Vec::with_capacity(n_pairs),
        };
        for squared in squared {
            let root = SQRT_5 * squared.sqrt();
            let decay = signal_variance * libm::exp(-root);
            pairs
                .covariances
                .push((1.0 + root + root * root / 3.0) * decay);
            pairs.derivatives.push(5.0 / 3.0 * (1.0 + root) * decay);
        }
        pairs
    }

    /// With `W = K⁻¹ − α·αᵀ` the derivative is `½·Σ_ij W_ij·∂K_ij/∂θ`; the
    /// matrices are symmetric, so each pair counts twice.
    fn write_gradient(
        &self,
        hyperparameters: &Hyperparameters,
        weights: &[f64],
        pairs: &Pairs,
        cholesky: &Cholesky,
        alpha: &[f64],
        gradient: &mut [f64],
    ) {
        let n = alpha.len();
        let inverse = cholesky.inverse();
        let mut of_pairs = Vec::with_capacity(pairs.derivatives.len());
        let mut trace = 0.0;
        for i in 0..n {
            of_pairs.extend((0..i).map(|j| inverse[i * n + j] - alpha[i] * alpha[j]));
            trace += inverse[i * n + i] - alpha[i] * alpha[i];
        }
        let signal = dot(&of_pairs, &pairs.covariances);
        for (weighted, derivative) in of_pairs.iter_mut().zip(&pairs.derivatives) {
            *weighted *= derivative;
        }
        let n_dimensions = weights.len();
        for ((slot, distances), weight) in gradient
            .iter_mut()
            .zip(&self.squared_distances)
            .zip(weights)
        {
            *slot = weight * dot(&of_pairs, distances);
        }
        gradient[n_dimensions] = signal + 0.5 * trace * hyperparameters.signal_variance;
        gradient[n_dimensions + 1] = 0.5 * trace * hyperparameters.noise_variance;
    }
}

/// Kernel values of all pairs of inputs.
struct Pairs {
    /// `k(x_i, x_j)`.
    covariances: Vec<f64>,
    /// `σ²·5/3·(1 + √5·r)·exp(−√5·r)`; multiplied by `|x_i,d − x_j,d|²/ℓ_d²`, it is
    /// `∂k/∂ ln ℓ_d`.
    derivatives: Vec<f64>,
}

/// A lower triangular matrix from its diagonal and its pairs `j < i`.
fn square(pairs: &[f64], diagonal: f64, n: usize) -> Vec<f64> {
    let mut matrix = vec![0.0; n * n];
    let mut start = 0;
    for i in 0..n {
        matrix[i * n..i * n + i].copy_from_slice(&pairs[start..start + i]);
        matrix[i * n + i] = diagonal;
        start += i;
    }
    matrix
}

#[cfg(test)]
mod tests {
    use nn_tensor::random::{Purpose, Stream, Streams};

    use super::*;

    fn stream(index: u64) -> Stream {
        Streams::new(0).stream(Purpose::Test, index)
    }

    fn random_inputs(n: usize, widths: &[usize], stream: &mut Stream) -> Inputs {
        let width: usize = widths.iter().sum();
        Inputs {
            rows: (0..n)
                .map(|_| (0..width).map(|_| stream.uniform()).collect())
                .collect(),
            widths: widths.to_vec(),
        }
    }

    fn assert_close(found: f64, expected: f64, tolerance: f64) {
        let error = (found - expected).abs();
        assert!(error < tolerance, "{found} against {expected}");
    }

    /// Golden numbers by `scripts/gaussian_process_reference.py`.
    #[test]
    fn posterior_and_likelihood_agree_with_numpy() {
        let points = [[0.1, 0.2], [0.4, 0.9], [0.8, 0.3], [0.6, 0.6], [0.95, 0.05]];
        let inputs = Inputs {
            rows: points.map(|point| point.to_vec()).to_vec(),
            widths: vec![1, 1],
        };
        let targets = [0.5, -1.2, 0.3, -0.4, 0.8];
        let hyperparameters = Hyperparameters {
            length_scales: vec![0.3, 0.7],
            signal_variance: 1.5,
            noise_variance: 0.01,
        };
        let theta = [0.3_f64, 0.7, 1.5, 0.01].map(f64::ln);
        let likelihood =
            -Evidence::new(&inputs, &targets).negative_log_likelihood(&theta, &mut [0.0; 4]);
        assert_close(likelihood, -5.59894291676166, 1e-11);
        let model = GaussianProcess::condition(inputs, &targets, hyperparameters);
        for (query, mean, variance) in [
            ([0.5, 0.5], -0.5057259828460549, 0.20917375688727602),
            ([0.1, 0.2], 0.4935254956288115, 0.009926448373023256),
            ([0.0, 1.0], -0.17615469491724822, 1.1311013014365607),
        ] {
            let prediction = model.predict(&query);
            assert_close(prediction.0, mean, 1e-11);
            assert_close(prediction.1, variance, 1e-11);
        }
    }

    #[test]
    fn gradient_agrees_with_finite_differences() {
        const STEP: f64 = 1e-5;
        let mut stream = stream(1);
        let inputs = random_inputs(12, &[1, 3, 1], &mut stream);
        let targets: Vec<f64> = (0..12).map(|_| stream.normal()).collect();
        let evidence = Evidence::new(&inputs, &targets);
        let priors = evidence.priors();
        let theta = [-0.7, 0.2, -1.5, 0.3, -3.0];
        let mut gradient = [0.0; 5];
        evidence.negative_log_posterior(&theta, &priors, &mut gradient);
        for (index, found) in gradient.into_iter().enumerate() {
            let at = |shift| {
                let mut shifted = theta;
                shifted[index] += shift;
                evidence.negative_log_posterior(&shifted, &priors, &mut [0.0; 5])
            };
            let numeric = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            assert_close(found, numeric, 1e-6 * numeric.abs().max(1.0));
        }
    }

    #[test]
    fn kernel_matrices_are_positive_definite() {
        let mut stream = stream(2);
        for _ in 0..50 {
            let n = 2 + stream.below(20) as usize;
            let inputs = random_inputs(n, &[1, 1, 2], &mut stream);
            let weights = [0; 3].map(|_| libm::exp(stream.uniform_in(-4.0, 4.0)));
            let pairs = Evidence::new(&inputs, &[]).kernel_of_pairs(&weights, 1.0);
            let covariance = square(&pairs.covariances, 1.0, n);
            assert!(Cholesky::factor(&covariance, n, 0.0).is_some());
        }
    }

    /// Draws from a process with known hyper-parameters; 150 points are
    /// enough to find them again.
    #[test]
    fn hyperparameters_are_recovered() {
        const N: usize = 150;
        let mut stream = stream(3);
        let inputs = random_inputs(N, &[1, 1], &mut stream);
        let weights = [0.2_f64, 1.5].map(|scale| 1.0 / (scale * scale));
        let pairs = Evidence::new(&inputs, &[]).kernel_of_pairs(&weights, 1.0);
        let mut covariance = square(&pairs.covariances, 1.01, N);
        for i in 0..N {
            for j in 0..i {
                covariance[j * N + i] = covariance[i * N + j];
            }
        }
        let normal: Vec<f64> = (0..N).map(|_| stream.normal()).collect();
        let targets = draw(&covariance, &normal);
        let found = GaussianProcess::fit(inputs, &targets);
        let found = found.hyperparameters();
        let ratio = |found: f64, truth: f64| (found / truth).ln().abs();
        assert!(ratio(found.length_scales[0], 0.2) < 0.5, "{found:?}");
        assert!(ratio(found.length_scales[1], 1.5) < 0.7, "{found:?}");
        assert!(ratio(found.noise_variance, 0.01) < 0.7, "{found:?}");
    }

    /// `L·normal`, as `K·(L⁻ᵀ·normal)` would be; by the definition of `L`,
    /// found here one row at a time.
    fn draw(covariance: &[f64], normal: &[f64]) -> Vec<f64> {
        let n = normal.len();
        let cholesky = Cholesky::with_jitter(covariance, n).unwrap();
        // L⁻¹·(column j of K) is row j of L.
        (0..n)
            .map(|j| {
                let mut row: Vec<f64> = (0..n).map(|i| covariance[i * n + j]).collect();
                cholesky.solve_lower(&mut row);
                dot(&row, normal)
            })
            .collect()
    }

    #[test]
    fn doubt_is_small_at_data_and_large_far_away() {
        let inputs = Inputs {
            rows: vec![vec![0.1], vec![0.2], vec![0.3]],
            widths: vec![1],
        };
        let model = GaussianProcess::fit(inputs, &[-1.0, 0.0, 1.0]);
        let (mean, near) = model.predict(&[0.2]);
        let (_, far) = model.predict(&[1.0]);
        assert!(mean.abs() < 0.1, "{mean}");
        assert!(near < 0.1 * far, "{near} against {far}");
    }
}
