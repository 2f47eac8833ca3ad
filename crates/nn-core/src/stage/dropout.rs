//! Dropout: in training, every output is dropped with probability p and the others
//! are scaled by 1/(1 − p), so inference needs no change.
//!
//! ```text
//! m = 0 with probability p, else 1/(1 − p)
//! forward   a' = a ⊙ m
//! backward  δ  = δ' ⊙ m
//! ```
//!
//! (Srivastava et al. 2014, section 10, the inverted form.)

use nn_error::{Range, Result};
use nn_tensor::random::Stream;
use nn_tensor::{Kernel, Scalar, vectorize};

use super::pass::{Backward, Forward, Kind, Mode, Place};

/// Dropout of each value with a fixed probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Probability that a value is dropped.
    pub probability: f64,
}

impl Kind for Dropout {
    const NAME: &'static str = "dropout";

    /// A layer has a separate field for this stage.
    fn fits(_place: Place) -> bool {
        false
    }

    fn argument(&self) -> String {
        self.probability.to_string()
    }

    fn parse(argument: &str) -> Result<Self> {
        let probability = argument.parse().unwrap_or(f64::NAN);
        let probability = Range::Fraction.check(Self::NAME, probability)?;
        Ok(Self { probability })
    }

    /// The dropout mask.
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        [n_inputs * n_rows, 0, 0]
    }

    /// Passes its inputs through in inference.
    fn forward<S: Scalar>(&self, mut pass: Forward<'_, S>) {
        pass.copy_inputs();
        if let Mode::Training {
            randomness, layer, ..
        } = pass.mode
        {
            let mask = &mut pass.cache[0][pass.n_skipped..][..pass.outputs.len()];
            let probability = self.probability * randomness.dropout_factor();
            let mut stream = randomness.dropout(layer);
            if pass.n_skipped > 0 {
                stream.skip(pass.n_skipped as u64);
            }
            draw_mask(mask, probability, &mut stream);
            vectorize(Multiply {
                values: pass.outputs,
                mask,
            });
        }
    }

    fn backward<S: Scalar>(&self, pass: Backward<'_, S>) {
        if pass.is_training {
            backward(
                pass.error,
                &pass.cache[0][pass.n_skipped..][..pass.error.len()],
            );
        }
    }
}

/// Draws the random dropout mask of one layer for one block of rows.
pub fn draw_mask<S: Scalar>(mask: &mut [S], p: f64, stream: &mut Stream) {
    let keep = S::from_f64(1.0 / (1.0 - p));
    // With 32 random bits, the error of the probability is below 2⁻³².
    let threshold = (p * 2.0_f64.powi(32)) as u64;
    for value in mask {
        let is_dropped = u64::from(stream.bits()) < threshold;
        *value = if is_dropped { S::zero() } else { keep };
    }
}

/// Applies a dropout mask to values: `outputs ← values ⊙ mask`.
///
/// # Panics
/// Panics if the slices differ in length.
pub fn forward<S: Scalar>(values: &[S], mask: &[S], outputs: &mut [S]) {
    assert!(values.len() == mask.len() && mask.len() == outputs.len());
    outputs.copy_from_slice(values);
    vectorize(Multiply {
        values: outputs,
        mask,
    });
}

/// Applies a dropout mask to the error: `error ← error ⊙ mask`.
///
/// # Panics
/// Panics if the slices differ in length.
pub fn backward<S: Scalar>(error: &mut [S], mask: &[S]) {
    assert_eq!(error.len(), mask.len());
    vectorize(Multiply {
        values: error,
        mask,
    });
}

struct Multiply<'a, S> {
    values: &'a mut [S],
    mask: &'a [S],
}

impl<S: Scalar> Kernel for Multiply<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (value, &factor) in self.values.iter_mut().zip(self.mask) {
            *value *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use nn_tensor::random::{Purpose, Streams};

    use super::*;

    /// Golden values of `scripts/random_reference.py`.
    #[test]
    fn masks_are_stable() {
        let mut mask = [0.0_f64; 16];
        draw_mask(
            &mut mask,
            0.3,
            &mut Streams::new(7).stream(Purpose::Dropout, 5),
        );
        let kept = mask.map(|factor| u8::from(factor > 0.0));
        assert_eq!(kept, [1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn the_dropped_fraction_is_p_and_the_mean_is_1() {
        let mut mask = vec![0.0_f64; 100_000];
        draw_mask(
            &mut mask,
            0.3,
            &mut Streams::new(1).stream(Purpose::Dropout, 0),
        );
        let dropped = mask.iter().filter(|&&m| m == 0.0).count() as f64 / 1e5;
        assert!((dropped - 0.3).abs() < 0.01);
        assert!((mask.iter().sum::<f64>() / 1e5 - 1.0).abs() < 0.02);
    }
}
