//! Samples: inputs with their targets and weights.

use nn_error::{Error, Range, Result, check_count};
use nn_tensor::Scalar;
use nn_tensor::random::{Purpose, Streams};
use nn_tensor::sparse::CsrBytes;

use crate::finite::check_finite;
use crate::inputs::{Inputs, RowBlocks, scale_bytes};
use crate::row_indices::RowIndices;
use crate::rows::{List, Rows};
use crate::split::{check_fractions, split, split_stratified};
use crate::targets::Targets;

/// Validated inputs with their targets; borrowed, owned or shared.
///
/// Samples made from owned arrays and vectors are `Samples<'static>` and can be
/// sent to other threads. Clones, selections and splits never copy the values.
///
/// ```
/// use nn_samples::{Samples, Targets};
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
    rows: RowIndices,
    /// Whether the targets are known to be numbers.
    are_numbers: bool,
}

impl<'a, S: Scalar> Samples<'a, S> {
    /// Creates samples from inputs and targets.
    ///
    /// # Errors
    /// Returns [`Error::Shape`] if the numbers of inputs and targets differ, [`Error::Label`] for a
    /// class that does not exist, [`Error::NotFinite`] for a value that is NaN or infinite,
    /// [`Error::OutOfRange`] for a scale of bytes that is not finite.
    pub fn new(inputs: impl Into<Inputs<'a, S>>, targets: Targets<'a, S>) -> Result<Self> {
        Self::join(inputs.into(), targets)
    }

    /// Creates samples for classification, with one class per sample.
    ///
    /// ```
    /// use nn_samples::Samples;
    ///
    /// let inputs = [[0.0_f32, 1.0], [1.0, 0.0]];
    /// let borrowed = Samples::classification(&inputs, &[1, 0], 2)?;
    /// let owned: Samples<'static> = Samples::classification(inputs.to_vec(), vec![1, 0], 2)?;
    /// let n_samples = std::thread::spawn(move || owned.len()).join().unwrap();
    /// assert_eq!(n_samples, borrowed.len());
    /// # Ok::<(), nn_error::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `inputs [n_samples, n_inputs]`, `labels [n_samples]`.
    ///
    /// # Errors
    /// Returns the same errors as [`new`](Self::new).
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
    /// Returns the same errors as [`new`](Self::new).
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
            rows: RowIndices::from(0..n_rows),
            are_numbers: false,
        })
    }

    /// Creates an empty set of samples for this number of inputs and outputs.
    pub fn none(n_inputs: usize, n_outputs: usize) -> Self {
        Self {
            inputs: Inputs::values(Rows::new(&[], n_inputs)),
            targets: Targets::values(Rows::new(&[], n_outputs)),
            weights: None,
            rows: RowIndices::default(),
            are_numbers: false,
        }
    }

    /// Sets the weight of each sample.
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
    /// Returns [`Error::Shape`] if the numbers of weights and samples differ, [`Error::OutOfRange`]
    /// for a weight that is negative, NaN or infinite.
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

    /// Declares the targets to be numbers, not labels, even if each of them is 0 or 1.
    ///
    /// Without this declaration, targets that are all 0 or 1 count as labels, and an evaluation
    /// computes their accuracy. A constant number that was standardized is always 0.
    ///
    /// ```
    /// use nn_samples::Samples;
    ///
    /// let samples = Samples::regression(&[[1.0_f32], [2.0]], &[[0.0], [0.0]])?;
    /// assert!(!samples.has_numbers());
    /// assert!(samples.of_numbers().has_numbers());
    /// # Ok::<(), nn_error::Error>(())
    /// ```
    #[must_use]
    pub fn of_numbers(mut self) -> Self {
        self.are_numbers = true;
        self
    }

    /// Whether the targets are numbers: they were declared to be, or one of them is neither 0
    /// nor 1.
    pub fn has_numbers(&self) -> bool {
        let Targets::Values(values) = &self.targets else {
            return false;
        };
        let is_flag = |y: &S| *y == S::zero() || *y == S::one();
        let mut rows = self.rows.iter().map(|row| values.row(row as usize));
        self.are_numbers || rows.any(|row| !row.iter().all(is_flag))
    }

    /// Copies borrowed arrays, so that the samples can outlive them.
    ///
    /// All rows are copied, including rows that were not selected.
    #[must_use]
    #[inline(never)]
    pub fn into_owned(self) -> Samples<'static, S> {
        Samples {
            inputs: self.inputs.into_owned(),
            targets: self.targets.into_owned(),
            weights: self.weights.map(List::into_owned),
            rows: self.rows,
            are_numbers: self.are_numbers,
        }
    }

    /// Randomly splits the samples into parts of the given fractions, stratified by
    /// class.
    ///
    /// The result depends only on the number of samples, their classes and `seed`. Classes are
    /// split by the rule of [`split_stratified`]; the first part has at least one sample per class.
    ///
    /// The last part is drawn from all samples, the part before it from the rest,
    /// and so on; the first part keeps the remaining samples. Each part keeps the
    /// order of the samples and may be empty.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use nn_samples::Samples;
    ///
    /// let labels: Vec<u32> = (0..100).map(|row| u32::from(row < 20)).collect();
    /// let samples = Samples::classification(Array2::<f32>::zeros((100, 3)), labels, 2)?;
    /// let [train, validation, test] = samples.split(&[0.8, 0.1, 0.1], 0)?;
    /// assert_eq!([train.len(), validation.len(), test.len()], [80, 10, 10]);
    /// assert_eq!(test.class_counts().unwrap(), [8, 2]);
    /// # Ok::<(), nn_error::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`] for a fraction that is not in 0..=1, and for
    /// fractions whose sum is not 1.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn split<const N: usize>(&self, fractions: &[f64; N], seed: u64) -> Result<[Self; N]> {
        let parts = self.split_by(fractions, seed, true)?;
        Ok(parts.try_into().expect("one part per fraction"))
    }

    /// Randomly splits the samples into parts of the given fractions, without regard to
    /// classes.
    ///
    /// # Errors
    /// Returns the same errors as [`split`](Self::split).
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

    /// Selects the samples at the given positions, in the order of `positions`.
    ///
    /// # Panics
    /// Panics if a position does not exist.
    #[must_use]
    #[inline(never)]
    pub fn select(&self, positions: &[u32]) -> Self {
        self.select_all(&RowIndices::from(positions))
    }

    /// Selects the samples at the given positions, as [`select`](Self::select) does; consecutive
    /// positions need no memory.
    ///
    /// # Panics
    /// Panics if a position does not exist.
    #[must_use]
    #[inline(never)]
    pub fn select_all(&self, positions: &RowIndices) -> Self {
        Self {
            inputs: self.inputs.clone(),
            targets: self.targets.clone(),
            weights: self.weights.clone(),
            rows: self.rows.select(positions),
            are_numbers: self.are_numbers,
        }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns `true` if there are no samples.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of values per row.
    pub fn n_inputs(&self) -> usize {
        let [_, n_inputs] = self.inputs.shape();
        n_inputs
    }

    /// The targets of all rows from which the samples were selected.
    pub fn targets(&self) -> &Targets<'a, S> {
        &self.targets
    }

    /// The number of classes, if the targets are classes.
    pub fn n_classes(&self) -> Option<usize> {
        match self.targets {
            Targets::Classes { n_classes, .. } => Some(n_classes),
            Targets::Values(_) => None,
        }
    }

    /// The class of the sample at `position`, if the targets are classes.
    pub fn label(&self, position: usize) -> Option<u32> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels.get(self.rows.get(position) as usize)),
            Targets::Values(_) => None,
        }
    }

    /// The number of samples per class, if the targets are classes.
    pub fn class_counts(&self) -> Option<Vec<usize>> {
        let Targets::Classes { labels, n_classes } = &self.targets else {
            return None;
        };
        let mut counts = vec![0; *n_classes];
        for row in self.rows.iter() {
            counts[labels.get(row as usize) as usize] += 1;
        }
        Some(counts)
    }

    /// The weight of the sample at `position`.
    pub fn weight(&self, position: usize) -> S {
        self.weights.as_ref().map_or_else(S::one, |weights| {
            weights.as_slice()[self.rows.get(position) as usize]
        })
    }

    /// Checks that at least one sample has a weight above 0.
    ///
    /// # Errors
    /// Returns [`Error::Conflict`] if all weights are 0.
    pub fn check_weights(&self) -> Result<()> {
        let is_positive = |position| self.weight(position) > S::zero();
        if !self.has_weights() || (0..self.len()).any(is_positive) {
            return Ok(());
        }
        Err(Error::Conflict {
            what: "sample weights".to_owned(),
            problem: format!("expected a weight above 0, but all {} are 0", self.len()),
        })
    }

    /// Returns `true` if weights were set with [`with_weights`](Self::with_weights).
    pub fn has_weights(&self) -> bool {
        self.weights.is_some()
    }

    /// Copies the inputs of the sample at `position`.
    ///
    /// # Errors
    /// Returns the same errors as [`read_inputs`](Self::read_inputs).
    ///
    /// # Panics
    /// Panics if the length of `inputs` is not the number of inputs.
    pub fn copy_inputs(&self, position: usize, inputs: &mut [S]) -> Result<()> {
        self.read_inputs(&[position as u32], inputs)
    }

    /// Copies the inputs of the samples at `positions`, one after the other.
    ///
    /// # Shapes
    /// `inputs [positions.len(), n_inputs]`
    ///
    /// # Errors
    /// Returns the error of a [`RowSource`](crate::RowSource) that fails, or [`Error::NotFinite`]
    /// if its values are NaN or infinite. Reading other inputs cannot fail.
    ///
    /// # Panics
    /// Panics if the length of `inputs` is not `positions.len() · n_inputs`.
    pub fn read_inputs(&self, positions: &[u32], inputs: &mut [S]) -> Result<()> {
        let n_inputs = self.n_inputs();
        let n_values = positions.len() * n_inputs;
        assert_eq!(inputs.len(), n_values, "number of values to read");
        let rows = positions.iter().map(|&position| self.row(position));
        match &self.inputs {
            Inputs::Values(values) => copy_rows(values, rows, inputs),
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

    /// The blocks in which the inputs are read; `None` unless they come from a
    /// [`RowSource`](crate::RowSource) with blocks.
    pub fn blocks(&self) -> Option<RowBlocks> {
        match &self.inputs {
            Inputs::Source(source) => source.blocks(),
            Inputs::Values(_) | Inputs::Bytes { .. } => None,
        }
    }

    /// Announces the samples at `positions` to the source of the inputs, which can then read them
    /// in the background; other inputs need no announcement.
    pub fn prefetch(&self, positions: impl Iterator<Item = u32>) {
        if let Inputs::Source(source) = &self.inputs {
            let rows: Vec<u32> = positions.map(|position| self.row(position)).collect();
            source.prefetch(&rows);
        }
    }

    /// The digest of all inputs of a [`RowSource`](crate::RowSource) that has one.
    pub fn source_digest(&self) -> Option<String> {
        match &self.inputs {
            Inputs::Source(source) => source.digest(),
            Inputs::Values(_) | Inputs::Bytes { .. } => None,
        }
    }

    /// All rows from which the samples were selected, and the scale of the bytes; `None` if the
    /// inputs are not bytes.
    pub fn byte_inputs(&self) -> Option<(&Rows<'a, u8>, f64)> {
        match &self.inputs {
            Inputs::Bytes { values, scale } => Some((values, *scale)),
            Inputs::Values(_) | Inputs::Source(_) => None,
        }
    }

    /// The index of the row at `position`.
    pub fn row(&self, position: u32) -> u32 {
        self.rows.get(position as usize)
    }

    /// The fraction of nonzero inputs; `None` if a sparse representation would not be faster.
    pub fn density(&self) -> Option<f64> {
        let (values, _) = self.byte_inputs()?;
        CsrBytes::density(values.matrix(), &self.rows.to_list())
    }

    /// The inputs as sparse rows and the value of each byte; `None` if a sparse representation
    /// would not be faster.
    pub fn sparse_inputs(&self) -> Option<(CsrBytes, Box<[S; 256]>)> {
        let (values, scale) = self.byte_inputs()?;
        let scale = S::from_f64(scale);
        let factors = std::array::from_fn(|byte| S::from_u8(byte as u8) * scale);
        Some((
            CsrBytes::from_rows(values.matrix(), &self.rows.to_list())?,
            Box::new(factors),
        ))
    }

    /// Appends the stored bytes of the sample at `position`: inputs, target, weight.
    ///
    /// # Errors
    /// Returns the same errors as [`read_inputs`](Self::read_inputs).
    pub fn write_stored(&self, position: usize, bytes: &mut Vec<u8>) -> Result<()> {
        let row = self.rows.get(position) as usize;
        match &self.inputs {
            Inputs::Bytes { values, .. } => bytes.extend_from_slice(values.row(row)),
            Inputs::Values(values) => write_all(values.row(row), bytes),
            Inputs::Source(_) => {
                let mut values = vec![S::zero(); self.n_inputs()];
                self.read_inputs(&[position as u32], &mut values)?;
                write_all(&values, bytes);
            }
        }
        self.write_stored_target(position, bytes);
        Ok(())
    }

    /// Appends the stored bytes of the target and the weight of the sample at `position`.
    pub fn write_stored_target(&self, position: usize, bytes: &mut Vec<u8>) {
        let row = self.rows.get(position) as usize;
        match &self.targets {
            Targets::Classes { labels, .. } => bytes.extend(labels.get(row).to_le_bytes()),
            Targets::Values(values) => write_all(values.row(row), bytes),
        }
        if self.has_weights() {
            self.weight(position).write_le(bytes);
        }
    }

    /// Writes the target of the sample at `position`.
    ///
    /// Classes are one-hot encoded, or 0 and 1 if the network has a single output for two classes.
    /// Label smoothing ε mixes in the uniform distribution: y ← (1 − ε)·y + ε/K (Szegedy et al.
    /// 2016, section 7), with K = 2 for a single output.
    ///
    /// # Panics
    /// Panics if the length of `target` is not the number of outputs.
    pub fn copy_target(&self, position: usize, smoothing: S, target: &mut [S]) {
        let row = self.rows.get(position) as usize;
        match &self.targets {
            Targets::Classes { labels, n_classes } => {
                let k = S::from_f64((*n_classes).max(2) as f64);
                let (off, on) = (smoothing / k, S::one() - smoothing + smoothing / k);
                let label = labels.get(row) as usize;
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

    /// Copies the targets of the samples at `positions`, as [`copy_target`](Self::copy_target)
    /// does.
    ///
    /// # Shapes
    /// `targets [positions.len(), n_outputs]`
    ///
    /// # Panics
    /// Panics under the same conditions as [`copy_target`](Self::copy_target).
    pub fn copy_targets(&self, positions: &[u32], smoothing: S, targets: &mut [S]) {
        if let Targets::Values(values) = &self.targets {
            let rows = positions.iter().map(|&position| self.row(position));
            return copy_rows(values, rows, targets);
        }
        let width = targets.len() / positions.len().max(1);
        for (&position, target) in positions.iter().zip(targets.chunks_exact_mut(width)) {
            self.copy_target(position as usize, smoothing, target);
        }
    }

    /// Checks that the samples match a network with this number of inputs and outputs.
    ///
    /// # Errors
    /// Returns [`Error::Empty`] if there are no samples, [`Error::Shape`] if the number of inputs
    /// or outputs differs from the network.
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
/// Copies rows of a matrix, with one copy for rows that follow one another.
fn copy_rows<S: Scalar>(from: &Rows<'_, S>, rows: impl Iterator<Item = u32>, to: &mut [S]) {
    let (values, width) = (from.as_slice(), from.n_columns());
    let mut rows = rows.map(|row| row as usize).peekable();
    let mut rest = to;
    while let Some(start) = rows.next() {
        let mut end = start + 1;
        while rows.next_if_eq(&end).is_some() {
            end += 1;
        }
        let run = &values[start * width..end * width];
        let (copied, later) = rest.split_at_mut(run.len());
        copied.copy_from_slice(run);
        rest = later;
    }
    assert!(rest.is_empty(), "a value per column of each row");
}
