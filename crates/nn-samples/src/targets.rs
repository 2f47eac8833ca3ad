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
        labels: List<'a, u32>,
        /// Number of classes.
        n_classes: usize,
    },
    /// Values, `[n_samples, n_outputs]`: regression, or one 0/1 flag per column.
    Values(Rows<'a, S>),
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
    pub(crate) fn check(&self) -> Result<usize> {
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
