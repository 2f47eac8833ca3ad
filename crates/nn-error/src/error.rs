//! The error type, with a category and a hint for each error.

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The category of an error, for example to choose an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An invalid name or value chosen by the user.
    Usage,
    /// Invalid data or an invalid model file, or data that does not match the model.
    Data,
    /// A training run that diverged.
    Diverged,
    /// A failed read or write.
    Io,
}

/// An error of `nn-core` or of a crate that `nn-core` depends on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An unknown name, for example the name of an activation function that does not exist.
    #[error("unknown {menu} \"{name}\"; expected one of: {expected}")]
    UnknownName {
        /// Kind of the unknown name, such as `activation`.
        menu: &'static str,
        /// The unknown name.
        name: String,
        /// The valid names, separated by commas.
        expected: String,
    },
    /// A name that has a different meaning in another library.
    #[error("{menu} \"{name}\": {meaning}")]
    ForeignName {
        /// Kind of the name, such as `initializer`.
        menu: &'static str,
        /// The name, as used in the other library.
        name: &'static str,
        /// Meaning of the name in the other library.
        meaning: &'static str,
        /// The valid name that comes closest to this meaning.
        instead: &'static str,
    },
    /// A parameter that does not exist, for example a parameter that an optimizer does not have.
    #[error("{entry} has no parameter \"{parameter}\"; it has: {expected}")]
    UnknownParameter {
        /// Name to which the unknown parameter was passed, such as `adam`.
        entry: &'static str,
        /// Name of the unknown parameter.
        parameter: String,
        /// Names of the parameters that exist, or `none`.
        expected: String,
    },
    /// A value outside its range.
    #[error("{what}: expected {expected}, found {found}")]
    OutOfRange {
        /// Name of the value that is out of range.
        what: String,
        /// Description of the valid range.
        expected: String,
        /// The value that is out of range.
        found: String,
    },
    /// Two settings that cannot be used together.
    #[error("{what}: {problem}")]
    Conflict {
        /// Name of the setting.
        what: String,
        /// Description of the conflict.
        problem: String,
    },
    /// A size or count that does not match.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// Name of the size or count, such as `number of targets`.
        what: &'static str,
        /// The expected size or count.
        expected: usize,
        /// The actual size or count.
        found: usize,
    },
    /// A class label out of range.
    #[error("label {label} of sample {sample}: expected a class below {n_classes}")]
    Label {
        /// Index of the sample, counted from 0.
        sample: usize,
        /// The label that is out of range.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// An input or target that is NaN or infinite.
    #[error("{what} {column} of sample {sample} is {value}; expected a finite number")]
    NotFinite {
        /// `input` or `target`.
        what: &'static str,
        /// Index of the sample, counted from 0.
        sample: usize,
        /// Column, counted from 0.
        column: usize,
        /// The NaN or infinite value.
        value: f64,
    },
    /// A data set without samples.
    #[error("0 samples")]
    Empty,
    /// A loss, gradient or other value that became NaN or infinite during training.
    #[error(
        "{what} became {value} at epoch {epoch}, batch {batch}, layer {layer} (learning rate {})",
        short_notation(*learning_rate)
    )]
    Diverged {
        /// Name of the value: `loss`, `gradient`, ….
        what: &'static str,
        /// `NaN` or `inf`.
        value: String,
        /// Epoch, counted from 1.
        epoch: usize,
        /// Batch within the epoch, counted from 1.
        batch: usize,
        /// First affected layer, counted from 1.
        layer: usize,
        /// Learning rate of the step.
        learning_rate: f64,
    },
    /// A checkpoint of a training run with different data or settings.
    #[error("{what}: the checkpoint has {saved}, but this training run has {found}")]
    CheckpointMismatch {
        /// Name of the setting or data that differs.
        what: String,
        /// Value in the checkpoint.
        saved: String,
        /// Value in the training run.
        found: String,
    },
    /// An invalid model file or checkpoint.
    #[error("{problem}")]
    ModelFile {
        /// Description of the problem: expected and found values.
        problem: String,
    },
    /// A model or checkpoint that cannot be written, because its header would be too long to be
    /// read.
    #[error("file header too long: {found} bytes of names and settings, expected at most {most}")]
    HeaderTooLong {
        /// Length of the header in bytes.
        found: u64,
        /// Maximum length in bytes.
        most: u64,
    },
    /// Not enough memory.
    #[error("out of memory: {bytes} bytes are needed")]
    OutOfMemory {
        /// Number of bytes requested.
        bytes: u64,
    },
    /// A NaN or infinite element in a model file or checkpoint.
    #[error("tensor {tensor}: element {index} is {value}")]
    NotFiniteWeight {
        /// Name of the tensor.
        tensor: String,
        /// Index of the element, counted from 0.
        index: usize,
        /// The NaN or infinite value.
        value: f64,
    },
    /// A tensor whose shape does not match its layer.
    #[error("layer {layer}: tensor {tensor}: expected shape {expected:?}, found {found:?}")]
    TensorShape {
        /// Layer, counted from 1.
        layer: usize,
        /// Name of the tensor.
        tensor: String,
        /// Expected shape, in PyTorch's layout.
        expected: Vec<usize>,
        /// Actual shape of the tensor.
        found: Vec<usize>,
    },
    /// Missing, unknown or superfluous tensors.
    #[error("{problem}")]
    Tensors {
        /// Names of the unexpected or missing tensors, and what was expected.
        problem: String,
    },
    /// A raw row for a model whose preprocessing this crate cannot apply.
    #[error(
        "the model was trained on a table, and nn-core cannot apply the table's preprocessing to raw rows"
    )]
    UnknownPreprocessing,
    /// Rows of a source that are damaged or missing.
    #[error("{problem}")]
    RowSource {
        /// The source, the place of the damage, what was expected and what was found.
        problem: String,
        /// How to fix the source, if that is known.
        help: Option<&'static str>,
    },
    /// An error from the reader or writer that the caller passed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Creates an error for an invalid model file or checkpoint.
    pub fn invalid_file(problem: String) -> Self {
        Self::ModelFile { problem }
    }

    /// Category of the error, for example to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownName { .. }
            | Self::ForeignName { .. }
            | Self::UnknownParameter { .. }
            | Self::OutOfRange { .. }
            | Self::Conflict { .. }
            | Self::HeaderTooLong { .. }
            | Self::OutOfMemory { .. }
            | Self::CheckpointMismatch { .. } => ErrorKind::Usage,
            Self::Shape { .. }
            | Self::Label { .. }
            | Self::NotFinite { .. }
            | Self::Empty
            | Self::ModelFile { .. }
            | Self::TensorShape { .. }
            | Self::Tensors { .. }
            | Self::UnknownPreprocessing
            | Self::RowSource { .. }
            | Self::NotFiniteWeight { .. } => ErrorKind::Data,
            Self::Diverged { .. } => ErrorKind::Diverged,
            Self::Io(_) => ErrorKind::Io,
        }
    }

    /// A hint on how to fix the error, if there is one.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::RowSource { help, .. } => help.map(str::to_owned),
            Self::Diverged { learning_rate, .. } => {
                let half = short_notation(learning_rate / 2.0);
                Some(format!("try a learning rate below {half}"))
            }
            Self::ForeignName { instead, .. } => Some(format!("use {instead}")),
            Self::UnknownName { name, expected, .. } => did_you_mean(name, expected),
            Self::UnknownParameter {
                parameter,
                expected,
                ..
            } => did_you_mean(parameter, expected),
            Self::TensorShape {
                expected, found, ..
            } if expected.iter().rev().eq(found) => Some(
                "transpose it: PyTorch's weights are [n_outputs, n_inputs], nn-core's \
                 [n_inputs, n_outputs]"
                    .to_owned(),
            ),
            Self::UnknownPreprocessing => Some(
                "use `nn predict`, or pass the preprocessing to Model::predict_row_with".to_owned(),
            ),
            Self::OutOfMemory { .. } => {
                Some("use narrower layers, smaller batches or fewer samples".to_owned())
            }
            Self::HeaderTooLong { .. } => {
                Some("use fewer or shorter names of classes, columns and categories".to_owned())
            }
            _ => None,
        }
    }
}

/// Returns a hint with the name that is most similar to `name`. `expected` has the valid
/// names, separated by commas. `None` if no name is similar.
///
/// ```
/// let hint = nn_error::did_you_mean("adan", "sgd, adam, rmsprop");
/// assert_eq!(hint.as_deref(), Some("did you mean adam?"));
/// ```
pub fn did_you_mean(name: &str, expected: &str) -> Option<String> {
    const SIMILAR: f64 = 0.75;
    let similarity = |candidate: &str| strsim::jaro_winkler(name, candidate);
    let nearest = expected
        .split(", ")
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(nearest) >= SIMILAR).then(|| format!("did you mean {nearest}?"))
}

/// Formats a number in short notation: 0.001, 1e300.
fn short_notation(number: f64) -> String {
    if (1e-5..1e7).contains(&number) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let error = |name: &str| Error::UnknownName {
            menu: "optimizer",
            name: name.to_owned(),
            expected: "sgd, adam, adamw, rmsprop".to_owned(),
        };
        assert_eq!(error("adan").help().unwrap(), "did you mean adam?");
        assert_eq!(error("rms-prop").help().unwrap(), "did you mean rmsprop?");
        assert_eq!(error("xyz").help(), None);
    }

    #[test]
    fn learning_rates_are_in_short_notation() {
        let error = |learning_rate| Error::Diverged {
            what: "loss",
            value: "NaN".to_owned(),
            epoch: 1,
            batch: 2,
            layer: 3,
            learning_rate,
        };
        for (rate, text, half) in [
            (0.001, "0.001", "0.0005"),
            (100.0, "100", "50"),
            (1e308, "1e308", "5e307"),
            (1e-9, "1e-9", "5e-10"),
        ] {
            let expected =
                format!("loss became NaN at epoch 1, batch 2, layer 3 (learning rate {text})");
            assert_eq!(error(rate).to_string(), expected);
            let help = format!("try a learning rate below {half}");
            assert_eq!(error(rate).help(), Some(help));
        }
    }
}
