//! The inputs of samples: values, bytes or a source of rows.

use std::fmt::Debug;
use std::sync::Arc;

use nn_error::{Range, Result};
use nn_tensor::{Kernel, Scalar, vectorize};

use crate::finite::check_finite;
use crate::rows::Rows;

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
        /// The bytes, one row per sample.
        values: Rows<'a, u8>,
        /// Factor that multiplies each byte, such as 1/255 for pixels.
        scale: f64,
    },
    /// Rows that are read one block at a time during training.
    Source(Arc<dyn RowSource<S>>),
}

/// A source of inputs that are read on demand, such as a file larger than memory.
///
/// [`Inputs::source`] turns a source into inputs. A trainer reads a block of rows per call, in the
/// order of the epoch, so the rows are read in random order unless
/// `nn_core::TrainingConfig::shuffle` is off. For a stream, whose rows arrive once, use
/// `nn_core::Trainer::step_on`.
///
/// ```
/// use nn_error::Result;
/// use nn_samples::{Inputs, RowSource, Samples, Targets};
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
/// # Ok::<(), nn_error::Error>(())
/// ```
pub trait RowSource<S>: Debug + Send + Sync + 'static {
    /// Number of rows.
    fn n_rows(&self) -> usize;

    /// Number of values per row.
    fn n_inputs(&self) -> usize;

    /// Reads the given rows into `inputs`, one after the other.
    ///
    /// Every call with the same row index must return the same values. NaN and infinite values end
    /// training with an error.
    ///
    /// # Shapes
    /// `inputs [rows.len(), n_inputs]`
    ///
    /// # Errors
    /// Returns [`Error::Io`](nn_error::Error::Io), or another error that says why the rows cannot
    /// be read.
    fn read(&self, rows: &[u32], inputs: &mut [S]) -> Result<()>;

    /// The blocks in which the source reads its rows. With `Some`, a trainer shuffles blocks of
    /// rows and then the rows of a window of blocks, see
    /// [`WindowedOrder`](crate::WindowedOrder); with `None`, the default, it shuffles all rows.
    fn blocks(&self) -> Option<RowBlocks> {
        None
    }

    /// Announces rows that will be read soon, so that the source can read their blocks in the
    /// background. The default does nothing.
    fn prefetch(&self, rows: &[u32]) {
        let _ = rows;
    }

    /// A digest of all inputs, if the source has one. A checkpoint compares the digest instead of
    /// reading all rows.
    fn digest(&self) -> Option<String> {
        None
    }
}

/// The blocks of a [`RowSource`] and the window in which rows are shuffled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowBlocks {
    /// Number of consecutive rows per block.
    pub block_rows: usize,
    /// Number of blocks per window.
    pub window_blocks: usize,
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

    /// Creates inputs from a source that is read one block at a time.
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

    /// Checks the values; the values of a source are checked when they are read.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Values(values) => check_finite("input", values.as_slice(), values.n_columns()),
            Self::Bytes { scale, .. } => {
                Range::Finite.check("scale of the bytes", *scale)?;
                Ok(())
            }
            Self::Source(_) => Ok(()),
        }
    }

    pub(crate) fn into_owned(self) -> Inputs<'static, S> {
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

/// Computes `inputs ← scale·bytes`; both slices have the same length.
pub fn scale_bytes<S: Scalar>(bytes: &[u8], scale: S, inputs: &mut [S]) {
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
