//! The targets of samples: classes or values.

use nn_error::{Error, Result};
use nn_tensor::Scalar;

use crate::finite::check_finite;
use crate::rows::{List, Rows};

/// The targets of samples.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Targets<'a, S = f32> {
    /// One class per sample.
    Classes {
        /// The class of each sample, from 0, `[n_samples]`.
        labels: Labels<'a>,
        /// Number of classes.
        n_classes: usize,
    },
    /// Values, `[n_samples, n_outputs]`: regression, or one 0/1 flag per column.
    Values(Rows<'a, S>),
}

/// The class of each sample, in four bytes or in one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Labels<'a> {
    /// Four bytes per class.
    Words(List<'a, u32>),
    /// One byte per class, for up to 256 classes.
    Bytes(List<'a, u8>),
}

impl Labels<'_> {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            Self::Words(labels) => labels.as_slice().len(),
            Self::Bytes(labels) => labels.as_slice().len(),
        }
    }

    /// Returns `true` if there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The class of one sample.
    ///
    /// # Panics
    /// Panics if the sample does not exist.
    #[inline]
    pub fn get(&self, sample: usize) -> u32 {
        match self {
            Self::Words(labels) => labels.as_slice()[sample],
            Self::Bytes(labels) => labels.as_slice()[sample].into(),
        }
    }

    fn into_owned(self) -> Labels<'static> {
        match self {
            Self::Words(labels) => Labels::Words(labels.into_owned()),
            Self::Bytes(labels) => Labels::Bytes(labels.into_owned()),
        }
    }
}

impl<'a, S: Scalar> Targets<'a, S> {
    /// Creates targets from one class per sample, numbered from 0.
    pub fn classes(labels: impl Into<List<'a, u32>>, n_classes: usize) -> Self {
        Self::Classes {
            labels: Labels::Words(labels.into()),
            n_classes,
        }
    }

    /// Creates targets from one class per sample, numbered from 0, in one byte each.
    pub fn byte_classes(labels: impl Into<List<'a, u8>>, n_classes: usize) -> Self {
        Self::Classes {
            labels: Labels::Bytes(labels.into()),
            n_classes,
        }
    }

    /// Creates targets from values: regression, or one 0/1 flag per column.
    pub fn values(values: impl Into<Rows<'a, S>>) -> Self {
        Self::Values(values.into())
    }

    /// Checks the targets and returns the number of targets.
    pub(crate) fn check(&self) -> Result<usize> {
        match self {
            Self::Classes { labels, n_classes } => {
                check_labels(labels, *n_classes)?;
                Ok(labels.len())
            }
            Self::Values(values) => {
                check_finite("target", values.as_slice(), values.n_columns())?;
                Ok(values.n_rows())
            }
        }
    }

    pub(crate) fn into_owned(self) -> Targets<'static, S> {
        match self {
            Self::Classes { labels, n_classes } => Targets::Classes {
                labels: labels.into_owned(),
                n_classes,
            },
            Self::Values(values) => Targets::Values(values.into_owned()),
        }
    }
}

fn check_labels(labels: &Labels<'_>, n_classes: usize) -> Result<()> {
    let is_unknown = |&sample: &usize| labels.get(sample) as usize >= n_classes;
    match (0..labels.len()).find(is_unknown) {
        Some(sample) => Err(Error::Label {
            sample,
            label: labels.get(sample),
            n_classes,
        }),
        None => Ok(()),
    }
}
