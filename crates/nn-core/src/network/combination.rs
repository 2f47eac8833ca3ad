//! The outputs of a network with several members: the mean of the members' outputs, and
//! the temperature.
//!
//! The M members of a network are the networks of an ensemble, or the members that share
//! layers (see [`Members`](crate::stage::Members)). Member m gives zₘ and aₘ = φ(zₘ):
//!
//! ```text
//! ā = (1/M)·Σ aₘ
//! z̄ = ln ā                  softmax:  softmax(ln ā) = ā
//! z̄ = ln(Σ aₘ / Σ (1 − aₘ)) sigmoid:  σ(z̄) = ā
//! z̄ = (1/M)·Σ zₘ            other activations
//! z = z̄/T,  a = φ(z)        temperature T (Guo et al. 2017, section 4.2)
//! ```
//!
//! (Lakshminarayanan et al. 2017, section 2.4.) Losses of probabilities are computed from
//! z, so z has the probabilities of the mean. The temperature is applied to the mean, not to
//! the members, because a mean of calibrated probabilities is not calibrated (Rahaman &
//! Thiery 2021).

use nn_functions::Activation;
use nn_tensor::{AlignedSlice, Scalar};

/// The buffers for the combined outputs of a block of rows.
#[derive(Clone, Debug)]
pub(crate) struct Combination<S> {
    activation: Activation,
    n_outputs: usize,
    n_members: usize,
    temperature: f64,
    /// Σ a over the members, `[n_rows, n_outputs]`.
    outputs: Vec<f64>,
    /// Σ (1 − a) for sigmoid, otherwise Σ z.
    others: Vec<f64>,
    z: AlignedSlice<S>,
    a: AlignedSlice<S>,
}

impl<S: Scalar> Combination<S> {
    /// Creates the buffers for up to `max_rows` rows.
    pub(crate) fn new(
        activation: Activation,
        n_outputs: usize,
        max_rows: usize,
        n_members: usize,
        temperature: f64,
    ) -> Self {
        let n_values = max_rows * n_outputs;
        Self {
            activation,
            n_outputs,
            n_members,
            temperature,
            outputs: vec![0.0; n_values],
            others: vec![0.0; n_values],
            z: AlignedSlice::new(S::zero(), n_values),
            a: AlignedSlice::new(S::zero(), n_values),
        }
    }

    /// Starts a block of `n_rows` rows.
    pub(super) fn clear(&mut self, n_rows: usize) {
        let n_values = n_rows * self.n_outputs;
        self.outputs[..n_values].fill(0.0);
        self.others[..n_values].fill(0.0);
    }

    /// Adds the outputs of one or several members, `[n_rows, n_members, n_outputs]`.
    pub(super) fn add(&mut self, n_rows: usize, z: &[S], a: &[S]) {
        let width = self.n_outputs;
        let is_sigmoid = self.activation == Activation::Sigmoid;
        let per_row = z.len() / n_rows.max(1);
        let rows = z.chunks_exact(per_row).zip(a.chunks_exact(per_row));
        let sums = self.outputs.chunks_exact_mut(width);
        let sums = sums.zip(self.others.chunks_exact_mut(width));
        for ((z, a), (outputs, others)) in rows.zip(sums) {
            let members = z.chunks_exact(width).zip(a.chunks_exact(width));
            for (z, a) in members {
                let values = z.iter().zip(a).zip(outputs.iter_mut().zip(&mut *others));
                for ((z, a), (output, other)) in values {
                    let z = z.into_f64();
                    *output += a.into_f64();
                    *other += if is_sigmoid { 1.0 / (1.0 + z.exp()) } else { z };
                }
            }
        }
    }

    /// Computes z and a from the sums of all members.
    pub(super) fn finish(&mut self, n_rows: usize) {
        let n_values = n_rows * self.n_outputs;
        let (activation, n_members) = (self.activation, self.n_members as f64);
        let is_single = self.n_members == 1;
        let sums = self.outputs[..n_values].iter().zip(&self.others);
        let values = self.z.iter_mut().zip(self.a.iter_mut());
        for ((&outputs, &others), (z, a)) in sums.zip(values) {
            let mean = match activation {
                Activation::Sigmoid => (positive(outputs) / positive(others)).ln(),
                Activation::Softmax if !is_single => positive(outputs / n_members).ln(),
                _ => others / n_members,
            };
            *z = S::from_f64(mean / self.temperature);
            *a = S::from_f64(outputs / n_members);
        }
        if self.temperature != 1.0 {
            let (z, a) = (&self.z[..n_values], &mut self.a[..n_values]);
            a.copy_from_slice(z);
            activation.apply(a, self.n_outputs);
        }
    }

    /// z of the first `n_rows` rows.
    pub(super) fn z(&self, n_rows: usize) -> &[S] {
        &self.z[..n_rows * self.n_outputs]
    }

    /// a of the first `n_rows` rows.
    pub(super) fn a(&self, n_rows: usize) -> &[S] {
        &self.a[..n_rows * self.n_outputs]
    }
}

/// The value, but at least the smallest positive normal number, so that its logarithm is
/// finite. NaN stays NaN.
fn positive(value: f64) -> f64 {
    if value < f64::MIN_POSITIVE {
        f64::MIN_POSITIVE
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combined(
        activation: Activation,
        members: &[&[f64]],
        temperature: f64,
    ) -> (Vec<f64>, Vec<f64>) {
        let width = members[0].len();
        let mut combination = Combination::new(activation, width, 1, members.len(), temperature);
        combination.clear(1);
        for &z in members {
            let mut a = z.to_vec();
            activation.apply(&mut a, width);
            combination.add(1, z, &a);
        }
        combination.finish(1);
        (combination.z(1).to_vec(), combination.a(1).to_vec())
    }

    fn assert_near(found: &[f64], expected: &[f64]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    /// σ(0) = 1/2 and σ(ln 3) = 3/4: the mean is 5/8, whose logit is ln(5/3).
    #[test]
    fn sigmoids_are_averaged_as_probabilities() {
        let (z, a) = combined(Activation::Sigmoid, &[&[0.0], &[3.0_f64.ln()]], 1.0);
        assert_near(&a, &[0.625]);
        assert_near(&z, &[(5.0_f64 / 3.0).ln()]);
    }

    /// (1/2, 1/2) and (1/4, 3/4): the mean is (3/8, 5/8).
    #[test]
    fn softmax_is_averaged_as_probabilities() {
        let members: [&[f64]; 2] = [&[7.0, 7.0], &[0.0, 3.0_f64.ln()]];
        let (z, a) = combined(Activation::Softmax, &members, 1.0);
        assert_near(&a, &[0.375, 0.625]);
        assert_near(&[z[1] - z[0]], &[(5.0_f64 / 3.0).ln()]);
    }

    /// With T = 2, the odds 9 become 3.
    #[test]
    fn the_temperature_divides_the_logits() {
        let (z, a) = combined(Activation::Sigmoid, &[&[9.0_f64.ln()]], 2.0);
        assert_near(&a, &[0.75]);
        assert_near(&z, &[3.0_f64.ln()]);
        let (_, a) = combined(Activation::Softmax, &[&[0.0, 9.0_f64.ln()]], 2.0);
        assert_near(&a, &[0.25, 0.75]);
    }

    #[test]
    fn values_are_averaged() {
        let (_, a) = combined(Activation::Identity, &[&[1.0, -4.0], &[2.0, 8.0]], 1.0);
        assert_near(&a, &[1.5, 2.0]);
    }

    /// The probability of the wrong class is far below the smallest `f32`.
    #[test]
    fn the_loss_of_certain_members_stays_finite() {
        let (z, _) = combined(Activation::Sigmoid, &[&[80.0], &[80.0]], 1.0);
        assert!((z[0] - 80.0).abs() < 1e-9, "{}", z[0]);
        let (z, _) = combined(Activation::Sigmoid, &[&[2000.0], &[2000.0]], 1.0);
        assert!(z[0].is_finite());
    }
}
