//! Batch normalization of weighted sums (Ioffe & Szegedy 2015, algorithm 1).
//!
//! For every neuron, over the n rows of a batch:
//!
//! ```text
//! μ  = (1/n) Σ zᵢ          σ² = (1/n) Σ (zᵢ − μ)²
//! x̂ᵢ = (zᵢ − μ)/√(σ² + ε)
//! yᵢ = γ·x̂ᵢ + β
//! ```
//!
//! In inference, μ and σ² are running averages collected in training, with the
//! unbiased σ² as in PyTorch: `running ← 0.9·running + 0.1·batch`.
//!
//! A single row has no variance. If its σ² of 0 were averaged in once per epoch, the
//! running variance would fall far below the true one. Therefore a
//! [`Trainer`](crate::Trainer) merges a last batch of one row into the previous batch,
//! and returns an error if every batch has one row (PyTorch returns an error for each such batch).
//! For the same reason, [`forward`] does not update the running variance from one row.
//!
//! Backward, with δ = ∂C/∂y:
//!
//! ```text
//! ∂C/∂γ  = Σ δᵢ·x̂ᵢ         ∂C/∂β = Σ δᵢ
//! ∂C/∂zᵢ = γ/√(σ² + ε) · (δᵢ − (1/n) ∂C/∂β − x̂ᵢ·(1/n) ∂C/∂γ)
//! ```

use nn_error::{Error, Result};
use nn_tensor::function::update_averages;
use nn_tensor::{Kernel, Scalar, vectorize};

use super::pass::{Backward, Forward, Kind, Mode, Place, TensorSpec, no_argument, write};

/// ε, added to the variance.
pub const EPSILON: f64 = 1e-5;

/// Weight of a new batch in the running averages.
pub const MOMENTUM: f64 = 0.1;

/// Batch normalization of each value over the rows of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchNorm;

impl Kind for BatchNorm {
    const NAME: &'static str = "batch-norm";

    /// A layer has a separate field for this stage.
    fn fits(_place: Place) -> bool {
        false
    }

    fn is_in_place(&self) -> bool {
        true
    }

    fn parse(argument: &str) -> Result<Self> {
        no_argument(Self::NAME, argument).map(|()| Self)
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let shape = [n_inputs];
        vec![
            TensorSpec::parameter("batch_norm.gamma", &shape, 1.0),
            TensorSpec::parameter("batch_norm.beta", &shape, 0.0),
            TensorSpec::statistic("batch_norm.running_mean", &shape, 0.0),
            TensorSpec::statistic("batch_norm.running_variance", &shape, 1.0),
        ]
    }

    /// x̂, 1/√(σ² + ε), and a row of sums.
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        [n_inputs * n_rows, n_inputs, n_inputs]
    }

    /// The gradients of γ and β, summed over the batch.
    fn scratch(&self, n_inputs: usize) -> usize {
        2 * n_inputs
    }

    fn forward<S: Scalar>(&self, mut pass: Forward<'_, S>) {
        pass.copy_inputs();
        let (gamma, beta) = pass.parameters.split_at(pass.parameters.len() / 2);
        let [normalized, inverse_std, scratch] = pass.cache;
        match pass.mode {
            Mode::Inference(statistics) => {
                let (mean, variance) = statistics.split_at(gamma.len());
                infer(pass.outputs, gamma, beta, mean, variance);
            }
            Mode::Training { statistics, .. } => {
                let (mean, variance) = statistics.split_at_mut(gamma.len());
                let running = Running {
                    mean,
                    variance,
                    scratch,
                };
                let normalized = &mut normalized[..pass.outputs.len()];
                forward(pass.outputs, gamma, beta, running, normalized, inverse_std);
            }
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let width = pass.width;
        let gamma = &pass.target.parameters()[..width];
        if !pass.is_training {
            return backward_in_inference(pass.error, gamma, &pass.statistics[width..]);
        }
        let [normalized, inverse_std, _] = pass.cache;
        let (gamma_sums, beta_sums) = pass.scratch[..2 * width].split_at_mut(width);
        let normalized = &normalized[..pass.error.len()];
        backward(
            pass.error,
            normalized,
            inverse_std,
            gamma,
            gamma_sums,
            beta_sums,
        );
        let (gradient, written) = pass.target.gradient();
        write(&pass.scratch[..2 * width], gradient, written);
    }
}

/// The backward pass in inference, where batch normalization is a factor
/// γ/√(σ² + ε) per value.
fn backward_in_inference<S: Scalar>(error: &mut [S], gamma: &[S], variance: &[S]) {
    let epsilon = S::from_f64(EPSILON);
    for error in error.chunks_exact_mut(gamma.len()) {
        for ((error, &gamma), &variance) in error.iter_mut().zip(gamma).zip(variance) {
            *error *= gamma / (variance + epsilon).sqrt();
        }
    }
}

/// Normalizes a batch in training.
///
/// # Shapes
/// `sums` and `normalized` are `[batch, width]`, row-major; everything else is
/// `[width]`. `sums` holds z before the call and y after it; `normalized` receives x̂
/// and `inverse_std` 1/√(σ² + ε), which [`backward`] needs. A batch of one row does not
/// change the running variance, and an empty batch changes nothing.
///
/// # Panics
/// Panics if the lengths do not match.
pub fn forward<S: Scalar>(
    sums: &mut [S],
    gamma: &[S],
    beta: &[S],
    running: Running<'_, S>,
    normalized: &mut [S],
    inverse_std: &mut [S],
) {
    let width = gamma.len();
    assert!(sums.len() == normalized.len() && sums.len().is_multiple_of(width));
    let n = sums.len() / width;
    if n == 0 {
        return;
    }
    let inverse_n = S::from_f64(1.0 / n as f64);
    let mean = &mut *running.scratch;
    column_sums(sums, mean);
    mean.iter_mut().for_each(|mean| *mean *= inverse_n);
    for (normalized, row) in normalized
        .chunks_exact_mut(width)
        .zip(sums.chunks_exact(width))
    {
        for ((normalized, &z), &mean) in normalized.iter_mut().zip(row).zip(&*mean) {
            *normalized = z - mean;
        }
    }
    let variance = inverse_std;
    column_sums_of_squares(normalized, variance);
    variance
        .iter_mut()
        .for_each(|variance| *variance *= inverse_n);
    let momentum = S::from_f64(MOMENTUM);
    update_averages(running.mean, mean, momentum);
    if n > 1 {
        let unbiased = S::from_f64(n as f64 / (n - 1) as f64);
        // The mean is no longer needed.
        let unbiased_variance = &mut *running.scratch;
        for (unbiased_variance, &variance) in unbiased_variance.iter_mut().zip(&*variance) {
            *unbiased_variance = unbiased * variance;
        }
        update_averages(running.variance, unbiased_variance, momentum);
    }
    let epsilon = S::from_f64(EPSILON);
    variance
        .iter_mut()
        .for_each(|variance| *variance = S::one() / (*variance + epsilon).sqrt());
    let inverse_std = &*variance;
    for (row, normalized) in sums
        .chunks_exact_mut(width)
        .zip(normalized.chunks_exact_mut(width))
    {
        for j in 0..width {
            normalized[j] *= inverse_std[j];
            row[j] = gamma[j] * normalized[j] + beta[j];
        }
    }
}

/// The running averages of batch normalization, with a buffer of the same width.
#[derive(Debug)]
pub struct Running<'a, S> {
    /// Running mean of z.
    pub mean: &'a mut [S],
    /// Running variance of z.
    pub variance: &'a mut [S],
    /// Scratch buffer, overwritten.
    pub scratch: &'a mut [S],
}

/// Normalizes a batch in inference, with the running averages.
///
/// # Shapes
/// `sums` is `[batch, width]`, everything else `[width]`.
pub fn infer<S: Scalar>(sums: &mut [S], gamma: &[S], beta: &[S], mean: &[S], variance: &[S]) {
    let epsilon = S::from_f64(EPSILON);
    for row in sums.chunks_exact_mut(gamma.len()) {
        for j in 0..row.len() {
            let inverse_std = S::one() / (variance[j] + epsilon).sqrt();
            row[j] = gamma[j] * ((row[j] - mean[j]) * inverse_std) + beta[j];
        }
    }
}

/// Turns ∂C/∂y into ∂C/∂z, in place, and overwrites the gradients of γ and β.
///
/// With batch normalization, batches are never split into blocks, so no gradients have to be
/// accumulated.
///
/// # Shapes
/// `error` and `normalized` are `[batch, width]`, everything else `[width]`.
///
/// # Panics
/// Panics if the lengths do not match.
pub fn backward<S: Scalar>(
    error: &mut [S],
    normalized: &[S],
    inverse_std: &[S],
    gamma: &[S],
    gamma_gradient: &mut [S],
    beta_gradient: &mut [S],
) {
    let width = gamma.len();
    assert!(error.len() == normalized.len() && error.len().is_multiple_of(width));
    let inverse_n = S::from_f64(width as f64 / error.len() as f64);
    column_sums(error, beta_gradient);
    gamma_gradient.fill(S::zero());
    for (error, normalized) in error
        .chunks_exact(width)
        .zip(normalized.chunks_exact(width))
    {
        for ((sum, &error), &normalized) in gamma_gradient.iter_mut().zip(error).zip(normalized) {
            *sum += error * normalized;
        }
    }
    for (error, normalized) in error
        .chunks_exact_mut(width)
        .zip(normalized.chunks_exact(width))
    {
        for j in 0..width {
            let mean_part = inverse_n * beta_gradient[j];
            let spread_part = normalized[j] * inverse_n * gamma_gradient[j];
            error[j] = gamma[j] * inverse_std[j] * (error[j] - mean_part - spread_part);
        }
    }
}

/// The error for batches of one row.
pub(crate) fn too_few_rows() -> Error {
    Error::Conflict {
        what: "batch normalization".to_owned(),
        problem: "needs batches of at least 2 rows, found 1".to_owned(),
    }
}

fn column_sums<S: Scalar>(matrix: &[S], sums: &mut [S]) {
    vectorize(ColumnSums {
        matrix,
        sums,
        function: |x| x,
    });
}

fn column_sums_of_squares<S: Scalar>(matrix: &[S], sums: &mut [S]) {
    vectorize(ColumnSums {
        matrix,
        sums,
        function: |x| x * x,
    });
}

struct ColumnSums<'a, S, F> {
    matrix: &'a [S],
    sums: &'a mut [S],
    function: F,
}

impl<S: Scalar, F: Fn(S) -> S> Kernel for ColumnSums<'_, S, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.sums.fill(S::zero());
        for row in self.matrix.chunks_exact(self.sums.len()) {
            for (sum, &value) in self.sums.iter_mut().zip(row) {
                *sum += (self.function)(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_centered_and_scaled() {
        let mut sums = [1.0_f64, 10.0, 3.0, 20.0, 5.0, 60.0];
        let (mut mean, mut variance) = ([0.0; 2], [1.0; 2]);
        let (mut normalized, mut inverse_std, mut scratch) = ([0.0; 6], [0.0; 2], [0.0; 2]);
        let running = Running {
            mean: &mut mean,
            variance: &mut variance,
            scratch: &mut scratch,
        };
        forward(
            &mut sums,
            &[2.0, 1.0],
            &[0.5, 0.0],
            running,
            &mut normalized,
            &mut inverse_std,
        );
        // Column 0: mean 3, variance 8/3 (unbiased 4); x̂ = ∓√(3/2), 0.
        let expected = 1.5_f64.sqrt();
        assert!((sums[0] - (0.5 - 2.0 * expected)).abs() < 1e-5);
        assert!((sums[2] - 0.5).abs() < 1e-12);
        assert!((mean[0] - 0.3).abs() < 1e-12 && (variance[0] - 1.3).abs() < 1e-12);
    }

    #[test]
    fn a_single_row_does_not_change_the_running_variance() {
        let (mut mean, mut variance) = ([0.0_f64; 2], [4.0; 2]);
        let (mut normalized, mut inverse_std, mut scratch) = ([9.0; 2], [0.0; 2], [0.0; 2]);
        for sums in [&mut [3.0, 5.0][..], &mut []] {
            let running = Running {
                mean: &mut mean,
                variance: &mut variance,
                scratch: &mut scratch,
            };
            let normalized = &mut normalized[..sums.len()];
            forward(
                sums,
                &[2.0, 1.0],
                &[0.5, 0.0],
                running,
                normalized,
                &mut inverse_std,
            );
            assert!((mean[0] - 0.3).abs() < 1e-12 && (mean[1] - 0.5).abs() < 1e-12);
            assert_eq!(variance, [4.0; 2]);
        }
        assert_eq!(normalized, [0.0; 2]);
    }
}
