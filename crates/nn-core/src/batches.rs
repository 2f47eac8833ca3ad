//! Samples: inputs with targets, train/validation split, and the order of an epoch.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::Arc;

use nn_error::{Error, Range, Result, check_count};
use nn_tensor::random::{Purpose, Stream, Streams};
use nn_tensor::sparse::CsrBytes;
use nn_tensor::{Kernel, Scalar, vectorize};

use crate::rows::{List, Rows, check_finite};

/// The inputs of samples, `[n_samples, n_inputs]`.
///
/// Arrays, slices of rows and [`Rows`] convert into [`Values`](Self::Values).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Inputs<'a, S = f32> {
    /// Floating-point values.
    Values(Rows<'a, S>),
    /// Bytes, such as pixels; the network reads `scale·byte`.
    Bytes {
        /// The bytes.
        values: Rows<'a, u8>,
        /// Factor on each byte, such as 1/255 for pixels.
        scale: f64,
    },
    /// Rows that are read block by block during training.
    Source(Arc<dyn RowSource<S>>),
}

/// The targets of samples.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Targets<'a, S = f32> {
    /// One class per sample.
    Classes {
        /// The class of each sample, from 0, `[n_samples]`.
        labels: List<'a, u32>,
        /// Number of classes.
        n_classes: usize,
    },
    /// Values, `[n_samples, n_outputs]`: regression, or one 0/1 flag per column.
    Values(Rows<'a, S>),
}

/// A source of inputs that are read on demand, such as a file larger than memory.
///
/// [`Inputs::source`] turns a source into inputs. A trainer reads a block of rows
/// per call, in the order of the epoch, so reading is random access unless
/// [`shuffle`](crate::TrainingConfig::shuffle) is off. For a stream, whose rows
/// arrive once, use [`Trainer::step_on`](crate::Trainer::step_on).
///
/// ```
/// use nn_core::batches::{Inputs, RowSource, Targets};
/// use nn_core::{Result, Samples};
///
/// /// Row i is [i, i²].
/// #[derive(Debug)]
/// struct Squares;
///
/// impl RowSource<f32> for Squares {
///     fn n_rows(&self) -> usize {
///         1000
///     }
///
///     fn n_inputs(&self) -> usize {
///         2
///     }
///
///     fn read(&self, rows: &[u32], inputs: &mut [f32]) -> Result<()> {
///         for (&row, inputs) in rows.iter().zip(inputs.chunks_exact_mut(2)) {
///             inputs.copy_from_slice(&[row as f32, (row * row) as f32]);
///         }
///         Ok(())
///     }
/// }
///
/// let labels: Vec<u32> = (0..1000).map(|row| row % 2).collect();
/// let samples = Samples::new(Inputs::source(Squares), Targets::classes(labels, 2))?;
/// let [train, test] = samples.split(&[0.8, 0.2], 0)?;
/// assert_eq!((train.len(), test.len()), (800, 200));
/// # Ok::<(), nn_core::Error>(())
/// ```
pub trait RowSource<S>: Debug + Send + Sync + 'static {
    /// Number of rows.
    fn n_rows(&self) -> usize;

    /// Number of values per row.
    fn n_inputs(&self) -> usize;

    /// Reads these rows into `inputs`, one after the other.
    ///
    /// The same row index must always give the same values. NaN and infinite values
    /// end training with an error.
    ///
    /// # Shapes
    /// `inputs [rows.len(), n_inputs]`
    ///
    /// # Errors
    /// [`Error::Io`], or another error with the reason why rows cannot be read.
    fn read(&self, rows: &[u32], inputs: &mut [S]) -> Result<()>;
}

impl<'a, S: Scalar> Inputs<'a, S> {
    /// Creates inputs from values, borrowed or owned.
    pub fn values(values: impl Into<Rows<'a, S>>) -> Self {
        Self::Values(values.into())
    }

    /// Creates inputs from bytes, such as pixels; the network reads `scale·byte`.
    pub fn bytes(values: impl Into<Rows<'a, u8>>, scale: f64) -> Self {
        Self::Bytes {
            values: values.into(),
            scale,
        }
    }

    /// Creates inputs from a source that is read block by block.
    pub fn source(source: impl RowSource<S>) -> Self {
        Self::Source(Arc::new(source))
    }

    /// The shape `[n_samples, n_inputs]`.
    pub fn shape(&self) -> [usize; 2] {
        match self {
            Self::Values(values) => values.shape(),
            Self::Bytes { values, .. } => values.shape(),
            Self::Source(source) => [source.n_rows(), source.n_inputs()],
        }
    }

    /// Checks the values; those of a source are checked when they are read.
    fn check(&self) -> Result<()> {
        match self {
            Self::Values(values) => check_finite("input", values.as_slice(), values.n_columns()),
            Self::Bytes { scale, .. } => {
                Range::Finite.check("scale of the bytes", *scale)?;
                Ok(())
            }
            Self::Source(_) => Ok(()),
        }
    }

    fn into_owned(self) -> Inputs<'static, S> {
        match self {
            Self::Values(values) => Inputs::Values(values.into_owned()),
            Self::Bytes { values, scale } => Inputs::Bytes {
                values: values.into_owned(),
                scale,
            },
            Self::Source(source) => Inputs::Source(source),
        }
    }
}

impl<'a, S: Scalar, T: Into<Rows<'a, S>>> From<T> for Inputs<'a, S> {
    fn from(values: T) -> Self {
        Self::Values(values.into())
    }
}

impl<'a, S: Scalar> Targets<'a, S> {
    /// Creates targets from one class per sample, numbered from 0.
    pub fn classes(labels: impl Into<List<'a, u32>>, n_classes: usize) -> Self {
        Self::Classes {
            labels: labels.into(),
            n_classes,
        }
    }

    /// Creates targets from values: regression, or one 0/1 flag per column.
    pub fn values(values: impl Into<Rows<'a, S>>) -> Self {
        Self::Values(values.into())
    }

    /// Checks the targets and returns the number of targets.
    fn check(&self) -> Result<usize> {
        match self {
            Self::Classes { labels, n_classes } => {
                check_labels(labels.as_slice(), *n_classes)?;
                Ok(labels.as_slice().len())
            }
            Self::Values(values) => {
                check_finite("target", values.as_slice(), values.n_columns())?;
                Ok(values.n_rows())
            }
        }
    }

    fn into_owned(self) -> Targets<'static, S> {
        match self {
            Self::Classes { labels, n_classes } => Targets::Classes {
                labels: labels.into_owned(),
                n_classes,
            },
            Self::Values(values) => Targets::Values(values.into_owned()),
        }
    }
}

/// Inputs with their targets, checked; borrowed, owned or shared.
///
/// Samples made from owned arrays and vectors are `Samples<'static>` and can be
/// sent to other threads. Clones, selections and splits never copy the values.
///
/// ```
/// use nn_core::batches::{Samples, Targets};
///
/// let inputs = [[0.0_f32, 1.0], [1.0, 0.0]];
/// let error = Samples::new(&inputs, Targets::classes(&[1, 2], 2)).unwrap_err();
/// assert_eq!(error.to_string(), "label 2 of sample 1: expected a class below 2");
/// ```
#[derive(Clone, Debug)]
pub struct Samples<'a, S = f32> {
    inputs: Inputs<'a, S>,
    targets: Targets<'a, S>,
    /// One weight per row of `inputs`; `None` if all weights are 1.
    weights: Option<List<'a, S>>,
    /// The rows of `inputs` that belong to these samples.
    rows: Vec<u32>,
}

impl<'a, S: Scalar> Samples<'a, S> {
    /// Creates samples from inputs and targets.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of targets than of inputs,
    /// [`Error::Label`] for a class that does not exist, [`Error::NotFinite`] for a
    /// value that is NaN or infinite, [`Error::OutOfRange`] for a scale of bytes
    /// that is not finite.
    pub fn new(inputs: impl Into<Inputs<'a, S>>, targets: Targets<'a, S>) -> Result<Self> {
        Self::join(inputs.into(), targets)
    }

    /// Creates samples with one class each.
    ///
    /// ```
    /// use nn_core::Samples;
    ///
    /// let inputs = [[0.0_f32, 1.0], [1.0, 0.0]];
    /// let borrowed = Samples::classification(&inputs, &[1, 0], 2)?;
    /// let owned: Samples<'static> = Samples::classification(inputs.to_vec(), vec![1, 0], 2)?;
    /// let n_samples = std::thread::spawn(move || owned.len()).join().unwrap();
    /// assert_eq!(n_samples, borrowed.len());
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `inputs [n_samples, n_inputs]`, `labels [n_samples]`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn classification(
        inputs: impl Into<Inputs<'a, S>>,
        labels: impl Into<List<'a, u32>>,
        n_classes: usize,
    ) -> Result<Self> {
        Self::join(inputs.into(), Targets::classes(labels, n_classes))
    }

    /// Creates samples whose targets are values: regression, or one 0/1 flag per
    /// column.
    ///
    /// # Shapes
    /// `inputs [n_samples, n_inputs]`, `targets [n_samples, n_outputs]`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn regression(
        inputs: impl Into<Inputs<'a, S>>,
        targets: impl Into<Rows<'a, S>>,
    ) -> Result<Self> {
        Self::join(inputs.into(), Targets::values(targets))
    }

    #[inline(never)]
    pub(crate) fn join(inputs: Inputs<'a, S>, targets: Targets<'a, S>) -> Result<Self> {
        inputs.check()?;
        let [n_samples, _] = inputs.shape();
        check_count("number of targets", n_samples, targets.check()?)?;
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

    /// Creates an empty set of samples for this number of inputs and outputs.
    pub(crate) fn none(n_inputs: usize, n_outputs: usize) -> Self {
        Self {
            inputs: Inputs::values(Rows::new(&[], n_inputs)),
            targets: Targets::values(Rows::new(&[], n_outputs)),
            weights: None,
            rows: Vec::new(),
        }
    }

    /// Sets one weight per sample.
    ///
    /// On average over the batches, a weight of 2 has the effect of repeating the
    /// sample, for any batch size:
    ///
    /// ```text
    /// gradient of a batch = (1/B) Σ (wᵢ/w̄)·gᵢ
    /// ```
    ///
    /// over the B rows of the batch, where w̄ is the mean weight of all training
    /// rows (times the class weights). Losses are reported as Σ wᵢ·Cᵢ / Σ wᵢ.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of weights than of samples,
    /// [`Error::OutOfRange`] for a weight that is negative, NaN or infinite.
    pub fn with_weights(mut self, weights: impl Into<List<'a, S>>) -> Result<Self> {
        let weights: List<'a, S> = weights.into();
        let values = weights.as_slice();
        check_count("number of sample weights", self.rows.len(), values.len())?;
        for (sample, weight) in values.iter().enumerate() {
            Range::NotNegative.check(&format!("weight of sample {sample}"), weight.into_f64())?;
        }
        self.weights = Some(weights);
        Ok(self)
    }

    /// Copies borrowed arrays, so that the samples can outlive them.
    ///
    /// All rows are copied, also those that were not selected.
    #[must_use]
    #[inline(never)]
    pub fn into_owned(self) -> Samples<'static, S> {
        Samples {
            inputs: self.inputs.into_owned(),
            targets: self.targets.into_owned(),
            weights: self.weights.map(List::into_owned),
            rows: self.rows,
        }
    }

    /// Randomly splits the samples into parts of these fractions, stratified by
    /// class.
    ///
    /// The result depends only on the number of samples, their classes and `seed`.
    /// Classes are split by the rule of [`split_stratified`]; the first part has at
    /// least one sample of each class.
    ///
    /// The last part is drawn from all samples, the part before it from the rest,
    /// and so on; the first part keeps the remaining samples. Each part keeps the
    /// order of the samples and may be empty.
    ///
    /// ```
    /// use nn_core::ndarray::Array2;
    /// use nn_core::Samples;
    ///
    /// let labels: Vec<u32> = (0..100).map(|row| u32::from(row < 20)).collect();
    /// let samples = Samples::classification(Array2::<f32>::zeros((100, 3)), labels, 2)?;
    /// let [train, validation, test] = samples.split(&[0.8, 0.1, 0.1], 0)?;
    /// assert_eq!([train.len(), validation.len(), test.len()], [80, 10, 10]);
    /// assert_eq!(test.class_counts().unwrap(), [8, 2]);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OutOfRange`] for a fraction that is not in 0..=1, and for
    /// fractions whose sum is not 1.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn split<const N: usize>(&self, fractions: &[f64; N], seed: u64) -> Result<[Self; N]> {
        let parts = self.split_by(fractions, seed, true)?;
        Ok(parts.try_into().expect("one part per fraction"))
    }

    /// Randomly splits the samples into parts of these fractions, without regard to
    /// classes.
    ///
    /// # Errors
    /// As [`split`](Self::split).
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn split_unstratified<const N: usize>(
        &self,
        fractions: &[f64; N],
        seed: u64,
    ) -> Result<[Self; N]> {
        let parts = self.split_by(fractions, seed, false)?;
        Ok(parts.try_into().expect("one part per fraction"))
    }

    /// Splits the samples into one part per fraction.
    #[inline(never)]
    pub(crate) fn split_by(
        &self,
        fractions: &[f64],
        seed: u64,
        is_stratified: bool,
    ) -> Result<Vec<Self>> {
        check_fractions(fractions)?;
        let streams = Streams::new(seed);
        let mut left: Vec<u32> = (0..self.len() as u32).collect();
        let mut parts = vec![Vec::new(); fractions.len()];
        for (index, part) in (1..fractions.len()).rev().enumerate() {
            // From a fraction of all samples to a fraction of the remaining ones.
            let rest: f64 = fractions[..=part].iter().sum();
            let fraction = fractions[part] / rest.max(f64::MIN_POSITIVE);
            let labels = left.iter().map(|&position| self.label(position as usize));
            let mut stream = streams.stream(Purpose::Split, index as u64);
            let (kept, held_back) = match labels.collect::<Option<Vec<u32>>>() {
                Some(classes) if is_stratified => split_stratified(&classes, fraction, &mut stream),
                _ => split(left.len(), fraction, &mut stream),
            };
            let in_all = |places: Vec<u32>| places.iter().map(|&at| left[at as usize]).collect();
            (parts[part], left) = (in_all(held_back), in_all(kept));
        }
        if let Some(first) = parts.first_mut() {
            *first = left;
        }
        Ok(parts.iter().map(|part| self.select(part)).collect())
    }

    /// Selects the samples at these positions, in this order.
    ///
    /// # Panics
    /// If a position does not exist.
    #[must_use]
    #[inline(never)]
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

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of values per row.
    pub fn n_inputs(&self) -> usize {
        let [_, n_inputs] = self.inputs.shape();
        n_inputs
    }

    /// The targets of all rows that these samples were selected from.
    pub fn targets(&self) -> &Targets<'a, S> {
        &self.targets
    }

    /// The class of the sample at `position`, if the targets are classes.
    pub fn label(&self, position: usize) -> Option<u32> {
        match &self.targets {
            Targets::Classes { labels, .. } => {
                Some(labels.as_slice()[self.rows[position] as usize])
            }
            Targets::Values(_) => None,
        }
    }

    /// The number of samples per class, if the targets are classes.
    pub fn class_counts(&self) -> Option<Vec<usize>> {
        let Targets::Classes { labels, n_classes } = &self.targets else {
            return None;
        };
        let mut counts = vec![0; *n_classes];
        for &row in &self.rows {
            counts[labels.as_slice()[row as usize] as usize] += 1;
        }
        Some(counts)
    }

    /// The weight of the sample at `position`.
    pub fn weight(&self, position: usize) -> S {
        self.weights.as_ref().map_or_else(S::one, |weights| {
            weights.as_slice()[self.rows[position] as usize]
        })
    }

    /// Checks that a sample has a weight above 0.
    ///
    /// # Errors
    /// [`Error::Conflict`] if all weights are 0.
    pub(crate) fn check_weights(&self) -> Result<()> {
        let is_positive = |position| self.weight(position) > S::zero();
        if !self.has_weights() || (0..self.len()).any(is_positive) {
            return Ok(());
        }
        Err(Error::Conflict {
            what: "sample weights".to_owned(),
            problem: format!("expected a weight above 0, but all {} are 0", self.len()),
        })
    }

    /// Whether weights were set with [`with_weights`](Self::with_weights).
    pub fn has_weights(&self) -> bool {
        self.weights.is_some()
    }

    /// Copies the inputs of the sample at `position`.
    ///
    /// # Errors
    /// As [`read_inputs`](Self::read_inputs).
    ///
    /// # Panics
    /// If the length of `inputs` is not the number of inputs.
    pub fn copy_inputs(&self, position: usize, inputs: &mut [S]) -> Result<()> {
        self.read_inputs(&[position as u32], inputs)
    }

    /// Copies the inputs of the samples at `positions`, one after the other.
    ///
    /// # Shapes
    /// `inputs [positions.len(), n_inputs]`
    ///
    /// # Errors
    /// For a [`RowSource`] only: its errors, and [`Error::NotFinite`] for a value
    /// that is NaN or infinite.
    ///
    /// # Panics
    /// If `inputs` has another length.
    pub fn read_inputs(&self, positions: &[u32], inputs: &mut [S]) -> Result<()> {
        let n_inputs = self.n_inputs();
        let n_values = positions.len() * n_inputs;
        assert_eq!(inputs.len(), n_values, "number of values to read");
        let rows = positions.iter().map(|&position| self.row(position));
        match &self.inputs {
            Inputs::Values(values) => {
                for (row, inputs) in rows.zip(inputs.chunks_exact_mut(n_inputs)) {
                    inputs.copy_from_slice(values.row(row as usize));
                }
            }
            Inputs::Bytes { values, scale } => {
                for (row, inputs) in rows.zip(inputs.chunks_exact_mut(n_inputs)) {
                    scale_bytes(values.row(row as usize), S::from_f64(*scale), inputs);
                }
            }
            Inputs::Source(source) => {
                let rows: Vec<u32> = rows.collect();
                source.read(&rows, inputs)?;
                check_read(inputs, &rows, n_inputs)?;
            }
        }
        Ok(())
    }

    /// All rows that these samples were selected from, and their scale, if the
    /// inputs are bytes.
    pub(crate) fn byte_inputs(&self) -> Option<(&Rows<'a, u8>, f64)> {
        match &self.inputs {
            Inputs::Bytes { values, scale } => Some((values, *scale)),
            Inputs::Values(_) | Inputs::Source(_) => None,
        }
    }

    /// The index of the row at `position`.
    pub(crate) fn row(&self, position: u32) -> u32 {
        self.rows[position as usize]
    }

    /// The fraction of nonzero inputs, if a sparse representation is faster.
    pub(crate) fn density(&self) -> Option<f64> {
        let (values, _) = self.byte_inputs()?;
        CsrBytes::density(values.matrix(), &self.rows)
    }

    /// The inputs as sparse rows and the value of each byte; `None` if a sparse
    /// representation is not faster.
    pub(crate) fn sparse_inputs(&self) -> Option<(CsrBytes, Box<[S; 256]>)> {
        let (values, scale) = self.byte_inputs()?;
        let scale = S::from_f64(scale);
        let factors = std::array::from_fn(|byte| S::from_u8(byte as u8) * scale);
        Some((
            CsrBytes::from_rows(values.matrix(), &self.rows)?,
            Box::new(factors),
        ))
    }

    /// Appends the stored bytes of the sample at `position`: inputs, target, weight.
    pub(crate) fn write_stored(&self, position: usize, bytes: &mut Vec<u8>) -> Result<()> {
        let row = self.rows[position] as usize;
        match &self.inputs {
            Inputs::Bytes { values, .. } => bytes.extend_from_slice(values.row(row)),
            Inputs::Values(values) => write_all(values.row(row), bytes),
            Inputs::Source(_) => {
                let mut values = vec![S::zero(); self.n_inputs()];
                self.read_inputs(&[position as u32], &mut values)?;
                write_all(&values, bytes);
            }
        }
        match &self.targets {
            Targets::Classes { labels, .. } => bytes.extend(labels.as_slice()[row].to_le_bytes()),
            Targets::Values(values) => write_all(values.row(row), bytes),
        }
        if self.has_weights() {
            self.weight(position).write_le(bytes);
        }
        Ok(())
    }

    /// Writes the target of the sample at `position`.
    ///
    /// Classes are one-hot encoded, or 0 and 1 if the network has a single output
    /// for two classes. Label smoothing ε mixes in the uniform distribution:
    /// y ← (1 − ε)·y + ε/K (Szegedy et al. 2016, section 7), K = 2 for a single
    /// output.
    ///
    /// # Panics
    /// If the length of `target` is not the number of outputs.
    pub fn copy_target(&self, position: usize, smoothing: S, target: &mut [S]) {
        let row = self.rows[position] as usize;
        match &self.targets {
            Targets::Classes { labels, n_classes } => {
                let k = S::from_f64((*n_classes).max(2) as f64);
                let (off, on) = (smoothing / k, S::one() - smoothing + smoothing / k);
                let label = labels.as_slice()[row] as usize;
                match target {
                    [single] => *single = if label == 1 { on } else { off },
                    _ => {
                        target.fill(off);
                        target[label] = on;
                    }
                }
            }
            Targets::Values(values) => target.copy_from_slice(values.row(row)),
        }
    }

    /// Checks that the samples fit a network with this number of inputs and outputs.
    ///
    /// # Errors
    /// [`Error::Empty`] without samples, [`Error::Shape`] for other widths.
    pub fn check_fit(&self, n_inputs: usize, n_outputs: usize) -> Result<()> {
        if self.is_empty() {
            return Err(Error::Empty);
        }
        check_count("number of inputs per sample", n_inputs, self.n_inputs())?;
        match &self.targets {
            Targets::Classes {
                n_classes: 0..=2, ..
            } if n_outputs == 1 => Ok(()),
            Targets::Classes { n_classes, .. } => {
                check_count("outputs of the network", *n_classes, n_outputs)
            }
            Targets::Values(values) => {
                check_count("outputs of the network", values.n_columns(), n_outputs)
            }
        }
    }
}

/// Appends values as little-endian bytes.
fn write_all<S: Scalar>(values: &[S], bytes: &mut Vec<u8>) {
    values.iter().for_each(|value| value.write_le(bytes));
}

/// Checks that the values of rows from a [`RowSource`] are finite.
fn check_read<S: Scalar>(inputs: &[S], rows: &[u32], n_inputs: usize) -> Result<()> {
    check_finite("input", inputs, n_inputs).map_err(|error| match error {
        Error::NotFinite {
            what,
            sample,
            column,
            value,
        } => Error::NotFinite {
            what,
            sample: rows[sample] as usize,
            column,
            value,
        },
        error => error,
    })
}

/// Computes `inputs ← scale·bytes`.
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

fn check_fractions(fractions: &[f64]) -> Result<()> {
    let out_of_range = |what: String, expected: &str, found: f64| Error::OutOfRange {
        what,
        expected: expected.to_owned(),
        found: found.to_string(),
    };
    let is_fraction = |fraction: &f64| (0.0..=1.0).contains(fraction);
    if let Some(part) = fractions.iter().position(|fraction| !is_fraction(fraction)) {
        let what = format!("fraction {part} of the split");
        return Err(out_of_range(what, "a number from 0 to 1", fractions[part]));
    }
    let sum: f64 = fractions.iter().sum();
    if (sum - 1.0).abs() > 1e-9 {
        let what = "sum of the split's fractions".to_owned();
        return Err(out_of_range(what, "1", sum));
    }
    Ok(())
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

/// Randomly splits `0..n` into training and validation indices, each in ascending
/// order.
///
/// `held_back` is the fraction of validation indices; their number is rounded.
pub fn split(n: usize, held_back: f64, stream: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let n_held_back = (n as f64 * held_back).round() as usize;
    let mut order = stream.permutation(n);
    let mut kept = order.split_off(n_held_back.min(n));
    order.sort_unstable();
    kept.sort_unstable();
    (kept, order)
}

/// Randomly splits `0..classes.len()` into training and validation indices, with the
/// same fraction of each class (stratified).
///
/// `classes` holds the class of each index. Both results are in ascending order.
///
/// Of a class with n_c indices, n_c·f rounded up or down are for validation, but
/// never all: each class keeps at least one training index. The largest remainder
/// (Hamilton's method) decides which classes round up: those whose n_c·f has the
/// largest fractional part, until there are as many validation indices as from
/// [`split`], n·f rounded. Equal remainders are ordered at random, as are the
/// indices within a class. There are fewer than n·f validation indices only if small
/// classes keep their last index.
///
/// ```
/// use nn_core::batches::split_stratified;
/// use nn_tensor::random::{Purpose, Streams};
///
/// // Six indices of class 0, four of class 1, one of class 2.
/// let classes = [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2];
/// let mut stream = Streams::new(0).stream(Purpose::Split, 0);
/// let (kept, held_back) = split_stratified(&classes, 0.5, &mut stream);
/// let count = |class| held_back.iter().filter(|&&at| classes[at as usize] == class).count();
/// // 11 · 0.5, rounded, is 6; class 2 keeps its only index.
/// assert_eq!([held_back.len(), kept.len()], [6, 5]);
/// assert!(count(0) >= 3 && count(1) >= 2 && count(2) == 0);
/// ```
///
/// # Panics
/// If there are more than 2³² positions.
pub fn split_stratified(
    classes: &[u32],
    held_back: f64,
    stream: &mut Stream,
) -> (Vec<u32>, Vec<u32>) {
    let order = stream.permutation(classes.len());
    let mut left = held_back_by_class(classes, held_back, &order);
    let (mut chosen, mut kept) = (Vec::new(), Vec::new());
    for position in order {
        match left.get_mut(&classes[position as usize]) {
            Some(n) if *n > 0 => {
                *n -= 1;
                chosen.push(position);
            }
            _ => kept.push(position),
        }
    }
    chosen.sort_unstable();
    kept.sort_unstable();
    (kept, chosen)
}

/// The number of validation indices of each class, by the largest remainder;
/// classes are ordered by their first appearance in `order`.
fn held_back_by_class(classes: &[u32], fraction: f64, order: &[u32]) -> HashMap<u32, usize> {
    let mut sizes: Vec<(u32, usize)> = Vec::new();
    let mut places = HashMap::new();
    for &position in order {
        let class = classes[position as usize];
        let place = *places.entry(class).or_insert_with(|| {
            sizes.push((class, 0));
            sizes.len() - 1
        });
        sizes[place].1 += 1;
    }
    let quota = |n: usize| n as f64 * fraction;
    let most = |n: usize| n.saturating_sub(1);
    let mut counts: HashMap<u32, usize> = sizes
        .iter()
        .map(|&(class, n)| (class, (quota(n) as usize).min(most(n))))
        .collect();
    let total = quota(classes.len()).round() as usize;
    let missing = total.saturating_sub(counts.values().sum());
    sizes.retain(|&(class, n)| counts[&class] < most(n));
    // A stable sort keeps the order of equal remainders.
    sizes.sort_by(|a, b| quota(b.1).fract().total_cmp(&quota(a.1).fract()));
    for (class, _) in sizes.into_iter().take(missing) {
        *counts.entry(class).or_default() += 1;
    }
    counts
}

/// Overwrites `order` with the random order of the samples in one epoch.
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
    use ndarray::{Array2, array};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_split_is_a_partition() {
        for (n, fraction, expected) in [
            (10, 0.3, 3),
            (7, 0.0, 0),
            (1, 0.1, 0),
            (5, 1.0, 5),
            (0, 0.5, 0),
        ] {
            let (training, validation) =
                split(n, fraction, &mut Streams::new(1).stream(Purpose::Split, 0));
            assert_eq!(validation.len(), expected);
            let mut all = [training, validation].concat();
            all.sort_unstable();
            assert!(all.iter().copied().eq(0..n as u32));
        }
    }

    fn stratified(classes: &[u32], fraction: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
        split_stratified(
            classes,
            fraction,
            &mut Streams::new(seed).stream(Purpose::Split, 0),
        )
    }

    fn count(classes: &[u32], positions: &[u32], class: u32) -> usize {
        let of_class = |position: &&u32| classes[**position as usize] == class;
        positions.iter().filter(of_class).count()
    }

    /// Golden values of `scripts/random_reference.py`.
    #[test]
    fn stratified_splits_never_change() {
        let classes = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3];
        let (kept, held_back) = stratified(&classes, 0.3, 7);
        assert_eq!(kept, [0, 2, 3, 5, 7, 9, 10, 11, 12]);
        assert_eq!(held_back, [1, 4, 6, 8]);
    }

    /// 0.1 of twelve rows of each of three classes is 3.6, so 4 rows: one of each
    /// class and a second one of a random class.
    #[test]
    fn equal_remainders_are_distributed_at_random() {
        let classes: Vec<u32> = (0..36).map(|row| row / 12).collect();
        let mut chosen = [0; 3];
        for seed in 0..60 {
            let (_, held_back) = stratified(&classes, 0.1, seed);
            assert_eq!(held_back.len(), 4);
            for class in 0..3 {
                chosen[class as usize] += count(&classes, &held_back, class) - 1;
            }
        }
        assert!(chosen.iter().all(|&n| n > 5), "{chosen:?}");
        assert_eq!(chosen.iter().sum::<usize>(), 60);
    }

    #[test]
    fn every_class_keeps_a_position() {
        for (classes, fraction, expected) in [
            (&[5][..], 0.9, 0),
            (&[], 0.5, 0),
            (&[1, 1], 0.9, 1),
            (&[0, 1, 2, 3], 0.5, 0),
            // 4.5 rounds to 5, without the single position of class 2.
            (&[0, 0, 0, 0, 1, 1, 1, 1, 2], 0.5, 5),
        ] {
            let (kept, held_back) = stratified(classes, fraction, 3);
            assert_eq!(held_back.len(), expected, "{classes:?}");
            assert_eq!(kept.len(), classes.len() - expected);
        }
    }

    proptest! {
        #[test]
        fn each_class_is_split_by_the_same_fraction(
            classes in proptest::collection::vec(0..6_u32, 0..200),
            fraction in 0.0..=0.5_f64,
            seed in 0..1000_u64,
        ) {
            let (kept, held_back) = stratified(&classes, fraction, seed);
            let mut all = [kept, held_back.clone()].concat();
            all.sort_unstable();
            prop_assert!(all.iter().copied().eq(0..classes.len() as u32));
            let everything: Vec<u32> = (0..classes.len() as u32).collect();
            let mut has_single = false;
            for class in 0..6 {
                let n = count(&classes, &everything, class);
                let found = count(&classes, &held_back, class);
                has_single |= n == 1;
                prop_assert!((found as f64 - n as f64 * fraction).abs() <= 1.0 + 1e-9);
                prop_assert!(n == 0 || found < n);
            }
            let expected = (classes.len() as f64 * fraction).round() as usize;
            prop_assert!(held_back.len() <= expected);
            if !has_single {
                prop_assert_eq!(held_back.len(), expected);
            }
            prop_assert_eq!(held_back, stratified(&classes, fraction, seed).1);
        }
    }

    #[test]
    fn samples_are_split_into_parts() {
        let labels: Vec<u32> = (0..50).map(|row| u32::from(row % 5 == 0)).collect();
        let inputs = Array2::from_shape_fn((50, 1), |(row, _)| row as f64);
        let samples = Samples::classification(&inputs, &labels, 2).unwrap();
        let sizes = |parts: &[Samples<'_, f64>]| -> Vec<Vec<usize>> {
            let counts = parts.iter().map(|part| part.class_counts().unwrap());
            counts.collect()
        };
        let parts = samples.split(&[0.6, 0.2, 0.2], 4).unwrap();
        assert_eq!(sizes(&parts), [[24, 6], [8, 2], [8, 2]]);
        let mut rows: Vec<u32> = parts.iter().flat_map(|part| part.rows.clone()).collect();
        rows.sort_unstable();
        assert!(rows.iter().copied().eq(0..50));
        // Two parts agree with `split_stratified`; a part of a part keeps its rows.
        let [kept, held_back] = samples.split(&[0.7, 0.3], 4).unwrap();
        let mut stream = Streams::new(4).stream(Purpose::Split, 0);
        let expected = split_stratified(&labels, 0.3, &mut stream);
        assert_eq!((kept.rows, held_back.rows.clone()), expected);
        let [half, _] = held_back.split_unstratified(&[0.5, 0.5], 0).unwrap();
        assert!(half.rows.iter().all(|row| held_back.rows.contains(row)));
        // Regression; parts may be empty.
        let samples = Samples::regression(&inputs, &inputs).unwrap();
        let parts = samples.split(&[0.9, 0.1, 0.0, 0.0], 0).unwrap();
        assert_eq!(parts.map(|part| part.len()), [45, 5, 0, 0]);
        let [all] = samples.split(&[1.0], 0).unwrap();
        assert_eq!(all.len(), 50);
        for (fractions, message) in [
            (
                [0.5, 0.4],
                "sum of the split's fractions: expected 1, found 0.9",
            ),
            (
                [1.5, -0.5],
                "fraction 0 of the split: expected a number from 0 to 1, found 1.5",
            ),
        ] {
            let error = samples.split(&fractions, 0).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn owned_samples_equal_borrowed_ones() {
        let pixels = array![[0_u8, 255], [255, 0], [51, 0]];
        let weights = vec![1.0, 2.0, 3.0];
        let owned: Samples<'static, f64> = {
            let labels = vec![0, 2, 1];
            let borrowed =
                Samples::classification(Inputs::bytes(&pixels, 0.5), &labels, 3).unwrap();
            borrowed.with_weights(&weights).unwrap().into_owned()
        };
        let given = Samples::classification(Inputs::bytes(pixels, 0.5), vec![0, 2, 1], 3).unwrap();
        let given = given.with_weights(weights).unwrap();
        let [mut left, mut right] = [Vec::new(), Vec::new()];
        for position in 0..3 {
            owned.write_stored(position, &mut left).unwrap();
            given.write_stored(position, &mut right).unwrap();
        }
        assert_eq!(left, right);
        assert_eq!(owned.class_counts(), Some(vec![1, 1, 1]));
    }

    /// Golden values of `scripts/random_reference.py`.
    #[test]
    fn splits_and_orders_never_change() {
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
        let inputs = Inputs::bytes(pixels.view(), 1.0 / 255.0);
        let targets = Targets::classes(&[0, 2, 1], 3);
        let samples: Samples<'_, f64> = Samples::new(inputs, targets).unwrap();
        let mut input = [0.0; 2];
        samples.select(&[2]).read_inputs(&[0], &mut input).unwrap();
        assert_eq!(input, [0.2, 0.0]);
        let mut target = [9.0; 3];
        samples.copy_target(1, 0.0, &mut target);
        assert_eq!(target, [0.0, 0.0, 1.0]);
        samples.copy_target(1, 0.3, &mut target);
        assert!((target[2] - 0.8).abs() < 1e-12 && (target[0] - 0.1).abs() < 1e-12);
        assert_eq!(samples.class_counts().unwrap(), [1, 1, 1]);
    }

    #[test]
    fn invalid_samples_are_refused() {
        let values = array![[1.0, 2.0], [f64::NAN, 4.0]];
        let targets = Targets::classes(&[0, 1], 2);
        let error = Samples::new(values.view(), targets.clone()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "input 0 of sample 1 is NaN; expected a finite number"
        );
        let values = array![[1.0, 2.0]];
        let error = Samples::new(Inputs::values(values.view()), targets).unwrap_err();
        assert_eq!(error.to_string(), "number of targets: expected 1, found 2");
    }
}
