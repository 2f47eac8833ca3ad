//! The error type: why a file cannot be imported.

use crate::format::Format;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of an import. The message does not contain the path of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of another format.
    #[error("expected an ONNX file, a safetensors file or a NumPy archive (.npz), found {found}")]
    UnknownFormat {
        /// The format of the file.
        found: &'static str,
        /// How to convert the file.
        help: &'static str,
    },
    /// A damaged file.
    #[error("expected {format}: {problem}")]
    Damaged {
        /// The format of the file.
        format: Format,
        /// Description of the damage.
        problem: String,
    },
    /// A model file of this project, which needs no import.
    #[error("this is a model file of nn, which needs no import")]
    OwnModel,
    /// A part of the model that a network of nn-core cannot express.
    #[error("{place}: {problem}")]
    Unsupported {
        /// The node or the tensor.
        place: String,
        /// What cannot be expressed, and what is supported.
        problem: String,
    },
    /// A weight that is NaN or infinite.
    #[error("{tensor}: element {index} is {value}, expected a finite number")]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// Index of the element in the file, counted from 0.
        index: usize,
        /// The element.
        value: f64,
    },
    /// Tensors that do not form a chain of dense layers.
    #[error("{problem}")]
    Chain {
        /// Description of the problem, with the shapes.
        problem: String,
    },
    /// An option that does not match the file.
    #[error("`{option}`: {problem}")]
    BadOption {
        /// The option, such as `columns`.
        option: &'static str,
        /// The expected and the found value.
        problem: String,
    },
    /// The file or its external data cannot be read.
    #[error(transparent)]
    File(#[from] nn_files::Error),
    /// An invalid network.
    #[error(transparent)]
    Core(#[from] nn_core::Error),
    /// An invalid preprocessing in the metadata of the file.
    #[error(transparent)]
    Table(#[from] nn_table::Error),
}

impl Error {
    pub(crate) fn unsupported(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Unsupported {
            place: place.into(),
            problem: problem.into(),
        }
    }

    pub(crate) fn chain(problem: impl Into<String>) -> Self {
        Self::Chain {
            problem: problem.into(),
        }
    }

    pub(crate) fn option(option: &'static str, problem: impl Into<String>) -> Self {
        Self::BadOption {
            option,
            problem: problem.into(),
        }
    }

    /// A hint how to fix the problem, if there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::UnknownFormat { help, .. } => help,
            Self::Damaged { .. } => "the file is damaged; save it again",
            Self::OwnModel => "use the file itself as RUN, as in `nn evaluate model.safetensors`",
            Self::NotFinite { .. } => "the training of this model diverged; train it again",
            Self::Unsupported { .. } | Self::Chain { .. } => {
                "a network of dense layers with the activation functions of \
                 `nn help activations` can be imported"
            }
            Self::File(error) => return error.help().map(str::to_owned),
            Self::Table(error) => return error.help(),
            Self::Core(error) => return error.help(),
            Self::BadOption { .. } => return None,
        };
        Some(help.to_owned())
    }
}

/// The first characters of a text from a file, escaped.
pub(crate) fn shown(text: &str) -> String {
    const MAX_CHARACTERS: usize = 60;
    let mut characters = text.chars();
    let first = characters.by_ref().take(MAX_CHARACTERS);
    let escaped: String = first.flat_map(char::escape_debug).collect();
    match characters.next() {
        None => escaped,
        Some(_) => escaped + "...",
    }
}
