//! The losses of a block of rows, and the error δ for the backward pass.
//!
//! ```text
//! C  = Σ wᵢ·C(aᵢ, yᵢ) / Σ wᵢ      wᵢ: weight of the sample times its class's
//! δᴸ = wᵢ/(B·w̄) · ∂Cᵢ/∂zᴸ        (times −η if the step is included)
//! ```
//!
//! B is the number of rows in the batch and w̄ the mean weight of all training
//! rows. So the effect of a row does not depend on the other rows of its batch,
//! and a weight of w equals w repetitions of the row.

use nn_error::{Error, Result};
use nn_functions::Loss;
use nn_functions::loss::LossRows;
use nn_samples::{Samples, Targets};
use nn_tensor::reduce::is_argmax;
use nn_tensor::{Kernel, Scalar, Threads, vectorize};

use super::progress::EpochSums;
use super::{ClassWeights, TrainingConfig};
use crate::backprop::Gradients;
use crate::criterion::{Criterion, LOSS_ROWS};
use crate::network::{ForwardCache, Network};

/// The computation of the losses of a block of rows.
pub(super) struct BlockLoss<'a, S> {
    pub(super) config: &'a TrainingConfig,
    pub(super) criterion: &'a Criterion<S>,
    pub(super) network: &'a Network<S>,
    pub(super) class_weights: Option<&'a [S]>,
    /// Positions of the samples, each once per member.
    pub(super) positions: &'a [u32],
    /// Factor on every error.
    pub(super) scale: S,
}

/// Maximum number of parts that a block is split into for threads.
const MAX_LOSS_PARTS: usize = 16;

/// Consecutive rows of a block.
struct LossPart<'a, S> {
    positions: &'a [u32],
    z: &'a [S],
    a: &'a [S],
    targets: &'a mut [S],
    errors: &'a mut [S],
    sums: EpochSums,
}

impl<S> LossPart<'_, S> {
    /// Splits the rows into parts; unused parts are `None`.
    fn parts(self, width: usize) -> [Option<Self>; MAX_LOSS_PARTS] {
        let rows = LOSS_ROWS.max(self.positions.len().div_ceil(MAX_LOSS_PARTS));
        let mut positions = self.positions.chunks(rows);
        let mut z = self.z.chunks(rows * width);
        let mut a = self.a.chunks(rows * width);
        let mut targets = self.targets.chunks_mut(rows * width);
        let mut errors = self.errors.chunks_mut(rows * width);
        std::array::from_fn(|_| {
            Some(LossPart {
                positions: positions.next()?,
                z: z.next()?,
                a: a.next()?,
                targets: targets.next()?,
                errors: errors.next()?,
                sums: EpochSums::default(),
            })
        })
    }
}

impl<S: Scalar> BlockLoss<'_, S> {
    /// Writes the targets and δᴸ of every row, and sums losses and correct
    /// predictions, part by part in a fixed order.
    pub(super) fn errors(
        &self,
        samples: &Samples<'_, S>,
        cache: &ForwardCache<S>,
        gradients: &mut Gradients<S>,
        targets: &mut [S],
        threads: &Threads,
    ) -> EpochSums {
        let last = self.network.layers().len() - 1;
        let outputs = cache.layer(last);
        let (n_rows, width) = (self.positions.len(), self.network.n_outputs());
        let n_members = self.network.plan().n_members;
        let mut block = LossPart {
            positions: self.positions,
            z: outputs.pre_activations(),
            a: outputs.activations(),
            targets: &mut targets[..n_rows * width],
            errors: gradients.error_mut(last, n_rows / n_members),
            sums: EpochSums::default(),
        };
        if n_rows <= LOSS_ROWS {
            self.errors_of(samples, &mut block);
            return block.sums;
        }
        let mut parts = block.parts(width);
        threads.for_each(&mut parts, |_, part| {
            part.iter_mut()
                .for_each(|part| self.errors_of(samples, part));
        });
        let mut sums = EpochSums::default();
        parts.iter().flatten().for_each(|part| sums.add(part.sums));
        sums
    }

    fn errors_of(&self, samples: &Samples<'_, S>, part: &mut LossPart<'_, S>) {
        match (samples.targets(), self.criterion.menu) {
            (Targets::Classes { n_classes, .. }, Some(loss))
                if *n_classes == self.network.n_outputs()
                    && loss.takes_classes()
                    && self.config.label_smoothing == 0.0 =>
            {
                self.errors_of_classes(loss, samples, part);
            }
            _ => self.errors_of_targets(samples, part),
        }
    }

    /// Computes the errors from class labels, bit for bit as
    /// [`errors_of_targets`](Self::errors_of_targets): δ = a except at the class.
    fn errors_of_classes(&self, loss: Loss, samples: &Samples<'_, S>, part: &mut LossPart<'_, S>) {
        let width = self.network.n_outputs();
        let is_weighted = self.class_weights.is_some() || samples.has_weights();
        if !is_weighted {
            scaled(part.a, self.scale, part.errors);
        }
        let outputs = part.z.chunks_exact(width).zip(part.a.chunks_exact(width));
        let mut rows = outputs.zip(part.errors.chunks_exact_mut(width));
        for positions in part.positions.chunks(LOSS_ROWS) {
            // The samples may be in any order. Reading many labels at once overlaps
            // the waits for memory.
            let mut classes = [0; LOSS_ROWS];
            for (class, &position) in classes.iter_mut().zip(positions) {
                let label = samples.label(position as usize);
                *class = label.expect("there are classes") as usize;
            }
            for ((&position, class), ((z, a), error)) in
                positions.iter().zip(classes).zip(&mut rows)
            {
                let weight = if is_weighted {
                    weight_of(samples, self.class_weights, position as usize)
                } else {
                    S::one()
                };
                let factor = weight * self.scale;
                if is_weighted {
                    scaled(a, factor, error);
                }
                error[class] = (a[class] - S::one()) * factor;
                part.sums.add(EpochSums {
                    loss: (weight * loss.of_class(z, a, class)).into_f64(),
                    weight: weight.into_f64(),
                    n_correct: u64::from(is_argmax(a, class)),
                    n: 1,
                });
            }
        }
    }

    fn errors_of_targets(&self, samples: &Samples<'_, S>, part: &mut LossPart<'_, S>) {
        let (loss, output) = (&self.criterion.function, self.network.output_layer());
        let width = output.n_outputs;
        let smoothing = S::from_f64(self.config.label_smoothing);
        let is_weighted = self.class_weights.is_some() || samples.has_weights();
        let mut losses = [S::zero(); LOSS_ROWS];
        let chunk = LOSS_ROWS * width;
        let outputs = part.z.chunks(chunk).zip(part.a.chunks(chunk));
        let errors = part
            .targets
            .chunks_mut(chunk)
            .zip(part.errors.chunks_mut(chunk));
        let chunks = part.positions.chunks(LOSS_ROWS).zip(outputs.zip(errors));
        for (positions, ((z, a), (y, error))) in chunks {
            samples.copy_targets(positions, smoothing, y);
            let rows = LossRows {
                width,
                z,
                a,
                y,
                error: &mut *error,
            };
            loss.of_rows(output.activation, rows, &mut losses[..positions.len()]);
            if !is_weighted {
                vectorize(Scale(error, self.scale));
            }
            let rows = a.chunks_exact(width).zip(error.chunks_exact_mut(width));
            for ((&position, &value), (a, error)) in positions.iter().zip(&losses).zip(rows) {
                let position = position as usize;
                let mut weight = S::one();
                if is_weighted {
                    weight = weight_of(samples, self.class_weights, position);
                    Scale(error, weight * self.scale).run();
                }
                let label = samples.label(position);
                let is_correct =
                    label.is_some_and(|label| loss.predicted_class(a) == label as usize);
                part.sums.add(EpochSums {
                    loss: (weight * value).into_f64(),
                    weight: weight.into_f64(),
                    n_correct: u64::from(is_correct),
                    n: 1,
                });
            }
        }
    }
}

/// Multiplies by a factor, and sets tiny results to 0 as [`scaled`].
struct Scale<'a, S>(&'a mut [S], S);

impl<S: Scalar> Kernel for Scale<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self(values, factor) = self;
        for value in values {
            *value = (*value * factor).flushed_root();
        }
    }
}

/// Computes `to ← factor·from`. A result becomes 0 if its square would be subnormal: the
/// errors of confident predictions and their products would be subnormal, which is slow.
fn scaled<S: Scalar>(from: &[S], factor: S, to: &mut [S]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = (from * factor).flushed_root();
    }
}

pub(super) fn weight_of<S: Scalar>(
    samples: &Samples<'_, S>,
    class_weights: Option<&[S]>,
    position: usize,
) -> S {
    let weight = samples.weight(position);
    match (class_weights, samples.label(position)) {
        (Some(class_weights), Some(label)) => weight * class_weights[label as usize],
        _ => weight,
    }
}

/// The total weight Σ wᵢ of all training rows; `None` if every weight is 1.
///
/// # Errors
/// Returns [`Error::Conflict`] if the total is 0.
pub(super) fn total_weight<S: Scalar>(
    train: &Samples<'_, S>,
    class_weights: Option<&[S]>,
) -> Result<Option<f64>> {
    if class_weights.is_none() && !train.has_weights() {
        return Ok(None);
    }
    let weights = (0..train.len()).map(|position| weight_of(train, class_weights, position));
    let total: f64 = weights.map(Scalar::into_f64).sum();
    if total > 0.0 {
        return Ok(Some(total));
    }
    Err(Error::Conflict {
        what: "class and sample weights".to_owned(),
        problem: "expected a training row with a weight above 0, found none".to_owned(),
    })
}

/// The weight of every class; `None` without class weights.
pub(super) fn class_weights<S: Scalar>(
    weights: &ClassWeights,
    train: &Samples<'_, S>,
) -> Result<Option<Vec<S>>> {
    if *weights == ClassWeights::None {
        return Ok(None);
    }
    if let (ClassWeights::Given(given), true) = (weights, train.is_empty()) {
        return Ok(Some(given.iter().copied().map(S::from_f64).collect()));
    }
    let counts = train.class_counts().ok_or_else(|| Error::Conflict {
        what: "class weights".to_owned(),
        problem: "need class labels as targets".to_owned(),
    })?;
    match weights {
        ClassWeights::Given(given) if given.len() != counts.len() => Err(Error::Shape {
            what: "number of class weights",
            expected: counts.len(),
            found: given.len(),
        }),
        ClassWeights::Given(given) => Ok(Some(given.iter().copied().map(S::from_f64).collect())),
        ClassWeights::Balanced | ClassWeights::None => {
            let mean_count = train.len() as f64 / counts.len() as f64;
            let balanced = counts
                .iter()
                .map(|&count| S::from_f64(mean_count / count.max(1) as f64));
            Ok(Some(balanced.collect()))
        }
    }
}
