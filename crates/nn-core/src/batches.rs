//! Samples, their division into training and validation rows, their order,
//! and the batches gathered from them.

use ndarray::ArrayView2;
use nn_tensor::random::{Purpose, Stream, Streams};
use nn_tensor::sparse::SparseBytes;
use nn_tensor::{Kernel, Scalar, vectorize};

use crate::{Error, Result};

/// The rows that go into a network, `[n_samples, n_inputs]`.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a, S> {
    /// Bytes, such as pixels; a network sees `scale·value`.
    Bytes {
        /// Row after row.
        values: ArrayView2<'a, u8>,
        /// 1/255 for pixels.
        scale: f64,
    },
    /// Numbers.
    Values(ArrayView2<'a, S>),
}

/// The right answers.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a, S> {
    /// One class a row.
    Classes {
        /// Class numbers, `[n_samples]`.
        labels: &'a [u32],
        /// Number of classes.
        n_classes: usize,
    },
    /// Numbers, `[n_samples, n_outputs]`.
    Values(ArrayView2<'a, S>),
}

/// Rows with their right answers, checked; borrowed from whoever loaded them.
///
/// ```
/// use ndarray::array;
/// use nn_core::batches::{Inputs, Samples, Targets};
///
/// let inputs = array![[0.0_f32, 1.0], [1.0, 0.0]];
/// let targets = Targets::Classes { labels: &[1, 2], n_classes: 2 };
/// let error = Samples::new(Inputs::Values(inputs.view()), targets).unwrap_err();
/// assert_eq!(error.to_string(), "label 2 of sample 1: expected a class below 2");
/// ```
#[derive(Clone, Debug)]
pub struct Samples<'a, S = f32> {
    inputs: Inputs<'a, S>,
    targets: Targets<'a, S>,
    /// One weight a row of `inputs`; none means 1.
    weights: Option<&'a [S]>,
    /// The rows of `inputs` that belong to these samples.
    rows: Vec<u32>,
}

impl<'a, S: Scalar> Samples<'a, S> {
    /// Joins inputs and targets.
    ///
    /// # Errors
    /// [`Error::Shape`] if their numbers differ, [`Error::Label`] for a class
    /// that does not exist, [`Error::NotFinite`] for NaN and infinities.
    pub fn new(inputs: Inputs<'a, S>, targets: Targets<'a, S>) -> Result<Self> {
        let n_samples = match &inputs {
            Inputs::Bytes { values, .. } => values.nrows(),
            Inputs::Values(values) => {
                check_finite("input", *values)?;
                values.nrows()
            }
        };
        let n_targets = match &targets {
            Targets::Classes { labels, n_classes } => {
                check_labels(labels, *n_classes)?;
                labels.len()
            }
            Targets::Values(values) => {
                check_finite("target", *values)?;
                values.nrows()
            }
        };
        check_count("number of targets", n_samples, n_targets)?;
        let n_rows = u32::try_from(n_samples).map_err(|_| Error::Shape {
            what: "number of samples",
            expected: u32::MAX as usize,
            found: n_samples,
        })?;
        Ok(Self {
            inputs,
            targets,
            weights: None,
            rows: (0..n_rows).collect(),
        })
    }

    /// Gives every sample a weight: weight 2 counts like the sample twice.
    ///
    /// # Errors
    /// [`Error::Shape`] if their number is not that of the samples,
    /// [`Error::OutOfRange`] for a weight that is negative or not finite.
    pub fn with_weights(mut self, weights: &'a [S]) -> Result<Self> {
        check_count("number of sample weights", self.rows.len(), weights.len())?;
        for (sample, weight) in weights.iter().enumerate() {
            crate::menu::Range::NotNegative
                .check(&format!("weight of sample {sample}"), weight.into_f64())?;
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// The samples at these positions, in this order.
    ///
    /// # Panics
    /// If a position does not exist.
    #[must_use]
    pub fn select(&self, positions: &[u32]) -> Self {
        let rows = positions
            .iter()
            .map(|&position| self.rows[position as usize]);
        Self {
            rows: rows.collect(),
            ..self.clone()
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Width of a row.
    pub fn n_inputs(&self) -> usize {
        match &self.inputs {
            Inputs::Bytes { values, .. } => values.ncols(),
            Inputs::Values(values) => values.ncols(),
        }
    }

    /// The right answers, of all rows that these samples were selected from.
    pub fn targets(&self) -> Targets<'a, S> {
        self.targets
    }

    /// The right class of the sample at `position`, if classes are to be learned.
    pub fn label(&self, position: usize) -> Option<u32> {
        match self.targets {
            Targets::Classes { labels, .. } => Some(labels[self.rows[position] as usize]),
            Targets::Values(_) => None,
        }
    }

    /// How often each class occurs, if classes are to be learned.
    pub fn class_counts(&self) -> Option<Vec<usize>> {
        let Targets::Classes { labels, n_classes } = self.targets else {
            return None;
        };
        let mut counts = vec![0; n_classes];
        for &row in &self.rows {
            counts[labels[row as usize] as usize] += 1;
        }
        Some(counts)
    }

    /// Weight of the sample at `position`.
    pub fn weight(&self, position: usize) -> S {
        self.weights
            .map_or_else(S::one, |weights| weights[self.rows[position] as usize])
    }

    /// Whether samples have weights of their own.
    pub fn has_weights(&self) -> bool {
        self.weights.is_some()
    }

    /// Copies the inputs of the sample at `position`.
    ///
    /// # Panics
    /// If `inputs` does not have the width of a row.
    pub fn copy_inputs(&self, position: usize, inputs: &mut [S]) {
        let row = self.rows[position] as usize;
        match &self.inputs {
            Inputs::Bytes { values, scale } => {
                let scale = S::from_f64(*scale);
                assert_eq!(inputs.len(), values.ncols(), "width of a sample");
                match values.row(row).to_slice() {
                    Some(bytes) => scale_bytes(bytes, scale, inputs),
                    None => inputs
                        .iter_mut()
                        .zip(values.row(row))
                        .for_each(|(input, &value)| *input = S::from_u8(value) * scale),
                }
            }
            Inputs::Values(values) => {
                assert_eq!(inputs.len(), values.ncols(), "width of a sample");
                for (input, &value) in inputs.iter_mut().zip(values.row(row)) {
                    *input = value;
                }
            }
        }
    }

    /// All rows that these samples were selected from and their scale, if they
    /// are bytes.
    pub(crate) fn byte_inputs(&self) -> Option<(ArrayView2<'a, u8>, f64)> {
        match self.inputs {
            Inputs::Bytes { values, scale } => Some((values, scale)),
            Inputs::Values(_) => None,
        }
    }

    /// Which of those rows stands at `position`.
    pub(crate) fn row(&self, position: u32) -> u32 {
        self.rows[position as usize]
    }

    /// The fraction of inputs that are not 0, where leaving out the zeros pays.
    pub(crate) fn density(&self) -> Option<f64> {
        match &self.inputs {
            Inputs::Bytes { values, .. } => SparseBytes::density(*values, &self.rows),
            Inputs::Values(_) => None,
        }
    }

    /// The inputs without their zeros, position by position, and the number
    /// that each byte stands for; `None` where that would not pay.
    pub(crate) fn sparse_inputs(&self) -> Option<(SparseBytes, Box<[S; 256]>)> {
        let Inputs::Bytes { values, scale } = &self.inputs else {
            return None;
        };
        let scale = S::from_f64(*scale);
        let factors = std::array::from_fn(|byte| S::from_u8(byte as u8) * scale);
        Some((
            SparseBytes::from_rows(*values, &self.rows)?,
            Box::new(factors),
        ))
    }

    /// Appends what is stored of the sample at `position`: inputs, target,
    /// weight.
    pub(crate) fn write_stored(&self, position: usize, bytes: &mut Vec<u8>) {
        let row = self.rows[position] as usize;
        match &self.inputs {
            Inputs::Bytes { values, .. } => match values.row(row).to_slice() {
                Some(values) => bytes.extend_from_slice(values),
                None => bytes.extend(values.row(row)),
            },
            Inputs::Values(values) => {
                values.row(row).iter().for_each(|v| v.write_le(bytes));
            }
        }
        match &self.targets {
            Targets::Classes { labels, .. } => bytes.extend(labels[row].to_le_bytes()),
            Targets::Values(values) => {
                values.row(row).iter().for_each(|v| v.write_le(bytes));
            }
        }
        if self.has_weights() {
            self.weight(position).write_le(bytes);
        }
    }

    /// Writes the answer wanted for the sample at `position`.
    ///
    /// A class becomes 1 at its place and 0 elsewhere (one-hot), or, where the
    /// network has a single output for two classes, its number. Label
    /// smoothing ε mixes in the uniform distribution: y ← (1 − ε)·y + ε/K
    /// (Szegedy et al. 2016, section 7), K = 2 for a single output.
    ///
    /// # Panics
    /// If `target` does not have the width of an answer.
    pub fn copy_target(&self, position: usize, smoothing: S, target: &mut [S]) {
        let row = self.rows[position] as usize;
        match &self.targets {
            Targets::Classes { labels, n_classes } => {
                let k = S::from_f64(n_classes.max(&2).to_owned() as f64);
                let (off, on) = (smoothing / k, S::one() - smoothing + smoothing / k);
                let label = labels[row] as usize;
                match target {
                    [single] => *single = if label == 1 { on } else { off },
                    _ => {
                        target.fill(off);
                        target[label] = on;
                    }
                }
            }
            Targets::Values(values) => {
                for (target, &value) in target.iter_mut().zip(values.row(row)) {
                    *target = value;
                }
            }
        }
    }

    /// Whether a network with so many inputs and outputs can learn these samples.
    ///
    /// # Errors
    /// [`Error::Empty`], or [`Error::Shape`] with both widths.
    pub fn check_fit(&self, n_inputs: usize, n_outputs: usize) -> Result<()> {
        if self.is_empty() {
            return Err(Error::Empty);
        }
        check_count(
            "values in a sample (the model decides)",
            n_inputs,
            self.n_inputs(),
        )?;
        match self.targets {
            Targets::Classes {
                n_classes: 0..=2, ..
            } if n_outputs == 1 => Ok(()),
            Targets::Classes { n_classes, .. } => {
                check_count("outputs of the network", n_classes, n_outputs)
            }
            Targets::Values(values) => {
                check_count("outputs of the network", values.ncols(), n_outputs)
            }
        }
    }
}

/// `inputs ← scale·bytes`
pub(crate) fn scale_bytes<S: Scalar>(bytes: &[u8], scale: S, inputs: &mut [S]) {
    vectorize(ScaleBytes {
        bytes,
        scale,
        inputs,
    });
}

struct ScaleBytes<'a, S> {
    bytes: &'a [u8],
    scale: S,
    inputs: &'a mut [S],
}

impl<S: Scalar> Kernel for ScaleBytes<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (input, &byte) in self.inputs.iter_mut().zip(self.bytes) {
            *input = S::from_u8(byte) * self.scale;
        }
    }
}

fn check_count(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Shape {
            what,
            expected,
            found,
        })
    }
}

fn check_labels(labels: &[u32], n_classes: usize) -> Result<()> {
    match labels.iter().position(|&label| label as usize >= n_classes) {
        Some(sample) => Err(Error::Label {
            sample,
            label: labels[sample],
            n_classes,
        }),
        None => Ok(()),
    }
}

fn check_finite<S: Scalar>(what: &'static str, values: ArrayView2<'_, S>) -> Result<()> {
    match values.indexed_iter().find(|(_, value)| !value.is_finite()) {
        Some(((sample, column), value)) => Err(Error::NotFinite {
            what,
            sample,
            column,
            value: value.into_f64(),
        }),
        None => Ok(()),
    }
}

/// Divides the positions `0..n` at random: those that are kept, and a share
/// (rounded) that is held back, each in ascending order.
pub fn split(n: usize, held_back: f64, stream: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let n_held_back = (n as f64 * held_back).round() as usize;
    let mut order = stream.permutation(n);
    let mut kept = order.split_off(n_held_back.min(n));
    order.sort_unstable();
    kept.sort_unstable();
    (kept, order)
}

/// The order of the samples in one epoch.
///
/// # Panics
/// If there are more than 2³² samples.
pub fn shuffle(order: &mut [u32], epoch: u64, streams: Streams) {
    for (position, slot) in order.iter_mut().enumerate() {
        *slot = u32::try_from(position).expect("samples are counted in 32 bits");
    }
    streams.stream(Purpose::Shuffle, epoch).shuffle(order);
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_split_is_a_partition() {
        for (n, share, expected) in [
            (10, 0.3, 3),
            (7, 0.0, 0),
            (1, 0.1, 0),
            (5, 1.0, 5),
            (0, 0.5, 0),
        ] {
            let (training, validation) =
                split(n, share, &mut Streams::new(1).stream(Purpose::Split, 0));
            assert_eq!(validation.len(), expected);
            let mut all = [training, validation].concat();
            all.sort_unstable();
            assert!(all.iter().copied().eq(0..n as u32));
        }
    }

    /// Golden values of `scripts/random_reference.py`.
    #[test]
    fn divisions_and_orders_never_change() {
        let (kept, held_back) = split(12, 0.25, &mut Streams::new(7).stream(Purpose::Split, 0));
        assert_eq!(kept, [0, 2, 3, 6, 7, 8, 9, 10, 11]);
        assert_eq!(held_back, [1, 4, 5]);
        let mut order = [0; 10];
        shuffle(&mut order, 3, Streams::new(7));
        assert_eq!(order, [5, 2, 0, 8, 1, 7, 3, 6, 4, 9]);
    }

    #[test]
    fn an_epoch_visits_every_sample_and_epochs_differ() {
        let mut first = vec![0; 100];
        shuffle(&mut first, 0, Streams::new(1));
        let mut second = first.clone();
        shuffle(&mut second, 1, Streams::new(1));
        assert_ne!(first, second);
        second.sort_unstable();
        assert!(second.iter().copied().eq(0..100));
    }

    #[test]
    fn targets_are_encoded() {
        let pixels = array![[0_u8, 255], [255, 0], [51, 0]];
        let inputs = Inputs::Bytes {
            values: pixels.view(),
            scale: 1.0 / 255.0,
        };
        let targets = Targets::Classes {
            labels: &[0, 2, 1],
            n_classes: 3,
        };
        let samples: Samples<'_, f64> = Samples::new(inputs, targets).unwrap();
        let mut input = [0.0; 2];
        samples.select(&[2]).copy_inputs(0, &mut input);
        assert_eq!(input, [0.2, 0.0]);
        let mut target = [9.0; 3];
        samples.copy_target(1, 0.0, &mut target);
        assert_eq!(target, [0.0, 0.0, 1.0]);
        samples.copy_target(1, 0.3, &mut target);
        assert!((target[2] - 0.8).abs() < 1e-12 && (target[0] - 0.1).abs() < 1e-12);
        assert_eq!(samples.class_counts().unwrap(), [1, 1, 1]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let values = array![[1.0, 2.0], [f64::NAN, 4.0]];
        let targets = Targets::Classes {
            labels: &[0, 1],
            n_classes: 2,
        };
        let error = Samples::new(Inputs::Values(values.view()), targets).unwrap_err();
        assert_eq!(
            error.to_string(),
            "input 0 of sample 1 is NaN; expected a finite number"
        );
        let values = array![[1.0, 2.0]];
        let error = Samples::new(Inputs::Values(values.view()), targets).unwrap_err();
        assert_eq!(error.to_string(), "number of targets: expected 1, found 2");
    }
}
