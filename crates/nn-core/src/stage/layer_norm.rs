//! Layer normalization of each row (Ba, Kiros & Hinton 2016, section 3).
//!
//! Over the n values of a row:
//!
//! ```text
//! μ  = (1/n) Σⱼ zⱼ           σ² = (1/n) Σⱼ (zⱼ − μ)²
//! x̂ⱼ = (zⱼ − μ)/√(σ² + ε)
//! yⱼ = γⱼ·x̂ⱼ + βⱼ
//! ```
//!
//! Training and inference are identical, and rows are independent.
//!
//! Backward, with δ = ∂C/∂y, g = γ ⊙ δ, and means over the row:
//!
//! ```text
//! ∂C/∂γⱼ = Σ rows δⱼ·x̂ⱼ      ∂C/∂βⱼ = Σ rows δⱼ
//! ∂C/∂zⱼ = (gⱼ − mean(g) − x̂ⱼ·mean(g ⊙ x̂)) / √(σ² + ε)
//! ```

use nn_error::Result;
use nn_tensor::Scalar;

use super::pass::{Backward, Forward, Kind, TensorSpec, no_argument};

/// ε, added to the variance, as in PyTorch.
pub const EPSILON: f64 = 1e-5;

/// Layer normalization with a scale γ and a shift β per value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerNorm;

impl Kind for LayerNorm {
    const NAME: &'static str = "layer-norm";

    fn is_in_place(&self) -> bool {
        true
    }

    fn parse(argument: &str) -> Result<Self> {
        no_argument(Self::NAME, argument).map(|()| Self)
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        vec![
            TensorSpec::parameter("layer_norm.gamma", &[n_inputs], 1.0),
            TensorSpec::parameter("layer_norm.beta", &[n_inputs], 0.0),
        ]
    }

    /// x̂, and 1/√(σ² + ε) of each row.
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        [n_inputs * n_rows, n_rows, 0]
    }

    fn forward<S: Scalar>(&self, mut pass: Forward<'_, S>) {
        pass.copy_inputs();
        let (gamma, beta) = pass.parameters.split_at(pass.parameters.len() / 2);
        let [normalized, inverse_std, _] = pass.cache;
        let rows = pass.outputs.chunks_exact_mut(gamma.len());
        let cached = normalized
            .chunks_exact_mut(gamma.len())
            .zip(&mut **inverse_std);
        for (row, (normalized, inverse_std)) in rows.zip(cached) {
            *inverse_std = normalize(row, normalized);
            let affine = gamma.iter().zip(beta);
            for ((y, &x), (&gamma, &beta)) in row.iter_mut().zip(&*normalized).zip(affine) {
                *y = gamma * x + beta;
            }
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let width = pass.width;
        let [normalized, inverse_std, _] = pass.cache;
        let (gradient, written) = pass.target.gradient();
        written.prepare(gradient);
        let (gamma_gradient, beta_gradient) = gradient.split_at_mut(width);
        let rows = pass.error.chunks_exact(width);
        for (error, normalized) in rows.zip(normalized.chunks_exact(width)) {
            for j in 0..width {
                gamma_gradient[j] += error[j] * normalized[j];
                beta_gradient[j] += error[j];
            }
        }
        let gamma = &pass.target.parameters()[..width];
        let rows = pass.error.chunks_exact_mut(width);
        let cached = normalized.chunks_exact(width).zip(&**inverse_std);
        for (error, (normalized, &inverse_std)) in rows.zip(cached) {
            error_of_row(error, normalized, inverse_std, gamma);
        }
    }
}

/// Computes x̂ of a row and returns 1/√(σ² + ε).
fn normalize<S: Scalar>(row: &[S], normalized: &mut [S]) -> S {
    let inverse_n = S::from_f64(1.0 / row.len() as f64);
    let mean = sum(row.iter().copied()) * inverse_n;
    for (x, &z) in normalized.iter_mut().zip(row) {
        *x = z - mean;
    }
    let variance = sum(normalized.iter().map(|&x| x * x)) * inverse_n;
    let inverse_std = S::one() / (variance + S::from_f64(EPSILON)).sqrt();
    normalized.iter_mut().for_each(|x| *x *= inverse_std);
    inverse_std
}

/// Turns ∂C/∂y into ∂C/∂z for a row, in place.
fn error_of_row<S: Scalar>(error: &mut [S], normalized: &[S], inverse_std: S, gamma: &[S]) {
    let inverse_n = S::from_f64(1.0 / error.len() as f64);
    error
        .iter_mut()
        .zip(gamma)
        .for_each(|(g, &gamma)| *g *= gamma);
    let mean = sum(error.iter().copied()) * inverse_n;
    let products = error.iter().zip(normalized).map(|(&g, &x)| g * x);
    let mean_product = sum(products) * inverse_n;
    for (g, &x) in error.iter_mut().zip(normalized) {
        *g = inverse_std * (*g - mean - x * mean_product);
    }
}

fn sum<S: Scalar>(values: impl Iterator<Item = S>) -> S {
    values.fold(S::zero(), |sum, value| sum + value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_centered_and_scaled() {
        let mut normalized = [0.0_f64; 4];
        let inverse_std = normalize(&[1.0, 2.0, 3.0, 6.0], &mut normalized);
        // Mean 3, variance 14/4.
        assert!((inverse_std - 1.0 / (3.5 + EPSILON).sqrt()).abs() < 1e-15);
        assert!((normalized[3] - 3.0 * inverse_std).abs() < 1e-15);
        assert!(normalized.iter().sum::<f64>().abs() < 1e-15);
    }

    #[test]
    fn a_row_of_equal_values_becomes_beta() {
        let mut normalized = [9.0_f32; 3];
        normalize(&[7.0; 3], &mut normalized);
        assert_eq!(normalized, [0.0; 3]);
    }
}
