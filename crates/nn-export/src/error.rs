//! The error type: why a model cannot be exported.

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of an export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A part of the network that the exported formats cannot express.
    #[error("{what} cannot be exported")]
    Unsupported {
        /// The part of the network, such as `stage snake of layer 1`.
        what: String,
    },
    /// A weight that is NaN or infinite.
    #[error("the model has NaN or infinite weights")]
    NotFinite,
    /// A preprocessing with a different number of inputs or outputs than the network.
    #[error("{what}: the preprocessing has {expected}, but the network has {found}")]
    Mismatch {
        /// What was counted: `inputs` or `outputs`.
        what: &'static str,
        /// Number in the preprocessing.
        expected: usize,
        /// Number in the network.
        found: usize,
    },
    /// An option that does not apply to the model.
    #[error("{option}: {problem}")]
    NotApplicable {
        /// The option, such as `inputs columns`.
        option: &'static str,
        /// Why the option does not apply.
        problem: String,
    },
    /// An exported model that computes different outputs than the network.
    #[error(
        "row {row}, output {output}: the exported model computes {found}, the network {expected}"
    )]
    Differs {
        /// The row, counted from 1.
        row: usize,
        /// The output, counted from 1.
        output: usize,
        /// The output of the network.
        expected: f32,
        /// The output of the exported model.
        found: f32,
    },
    /// A file that would be larger than its format allows.
    #[error("the {format} file would have {n_bytes} bytes; the format allows {limit}")]
    TooLarge {
        /// The format of the file.
        format: &'static str,
        /// Size of the file.
        n_bytes: usize,
        /// Largest size.
        limit: usize,
    },
    /// An invalid preprocessing in the model file.
    #[error(transparent)]
    Table(#[from] nn_table::Error),
    /// An invalid model.
    #[error(transparent)]
    Core(#[from] nn_core::Error),
}

impl Error {
    /// A hint how to fix the problem, if there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Unsupported { .. } => Some(
                "train with the activation functions that `nn help activations` lists".to_owned(),
            ),
            Self::NotFinite => Some("train again, for example with a lower `lr`".to_owned()),
            Self::Differs { .. } => Some(
                "values that are far from the training data, or a column whose mean is many times \
                 its standard deviation, lose digits in single precision; without the data set, \
                 the export is checked with random values"
                    .to_owned(),
            ),
            Self::Table(error) => error.help(),
            Self::Core(error) => error.help(),
            Self::Mismatch { .. } | Self::NotApplicable { .. } | Self::TooLarge { .. } => None,
        }
    }
}
