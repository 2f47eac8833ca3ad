//! What can be wrong with a configuration, with data, or with a training.

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who or what is at fault; a program chooses its exit code by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A name or number chosen by the user.
    Usage,
    /// Data or a model file that does not fit.
    Data,
    /// Training that ran away.
    Diverged,
    /// Reading or writing failed.
    Io,
}

/// Everything that can go wrong in this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that is not on a menu.
    #[error("unknown {menu} \"{name}\"; expected one of: {expected}")]
    UnknownName {
        /// What was being chosen, such as `activation`.
        menu: &'static str,
        /// What was written.
        name: String,
        /// The right names.
        expected: String,
    },
    /// A name that means something else where it comes from.
    #[error("{menu} \"{name}\": {meaning}")]
    ForeignName {
        /// The menu, such as `initialiser`.
        menu: &'static str,
        /// The name.
        name: &'static str,
        /// What it means, and where.
        meaning: &'static str,
        /// The entry that comes nearest.
        instead: &'static str,
    },
    /// A parameter that a menu's entry does not have.
    #[error("{entry} has no parameter \"{parameter}\"; it has: {expected}")]
    UnknownParameter {
        /// Name of the entry.
        entry: &'static str,
        /// What was written.
        parameter: String,
        /// The right names, or `none`.
        expected: String,
    },
    /// A number outside its range.
    #[error("{what}: expected {expected}, found {found}")]
    OutOfRange {
        /// What the number is for.
        what: String,
        /// The range.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Two settings that exclude each other.
    #[error("{what}: {problem}")]
    Conflict {
        /// The setting.
        what: String,
        /// Why it cannot be.
        problem: String,
    },
    /// Data whose width or number does not fit.
    #[error("{what}: expected {expected}, found {found}")]
    Shape {
        /// What is being compared.
        what: &'static str,
        /// What would fit.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A class number that does not exist.
    #[error("label {label} of sample {sample}: expected a class below {n_classes}")]
    Label {
        /// Row, counted from 0.
        sample: usize,
        /// What stands there.
        label: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// An input or target that is NaN or infinite.
    #[error("{what} {column} of sample {sample} is {value}; expected a finite number")]
    NotFinite {
        /// `input` or `target`.
        what: &'static str,
        /// Row, counted from 0.
        sample: usize,
        /// Column, counted from 0.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// There is nothing to train on or to evaluate.
    #[error("0 samples")]
    Empty,
    /// Loss or gradient became infinite or NaN.
    #[error(
        "{what} became {value} at epoch {epoch}, batch {batch}, layer {layer} (learning rate {})",
        in_few_digits(*learning_rate)
    )]
    Diverged {
        /// `loss`, `gradient`, ….
        what: &'static str,
        /// `NaN` or `inf`.
        value: String,
        /// Epoch, counted from 1.
        epoch: usize,
        /// Batch within the epoch, counted from 1.
        batch: usize,
        /// The first layer in which it shows, counted from 1.
        layer: usize,
        /// Learning rate at that step.
        learning_rate: f64,
    },
    /// A checkpoint of another training: other data or other settings.
    #[error("{what}: the checkpoint has {saved}, this training has {found}")]
    OtherTraining {
        /// What differs.
        what: String,
        /// What the checkpoint was made with.
        saved: String,
        /// What the training was made with.
        found: String,
    },
    /// A model file or a checkpoint that cannot be believed.
    #[error("{problem}")]
    ModelFile {
        /// What was expected and what was found.
        problem: String,
    },
    /// A model or a checkpoint whose description is too long for a file.
    #[error("a file has {found} bytes of names and settings, at most {most} can be read again")]
    HeaderTooLong {
        /// Length of the header in bytes.
        found: u64,
        /// The most that is read.
        most: u64,
    },
    /// The memory that is left does not suffice.
    #[error("out of memory: {bytes} bytes are needed, and there are fewer")]
    OutOfMemory {
        /// What was asked for.
        bytes: u64,
    },
    /// A model file or a checkpoint with a NaN or an infinity in it.
    #[error("tensor {tensor}: number {index} is {value}")]
    NotFiniteWeight {
        /// Name of the tensor.
        tensor: String,
        /// Which number, counted from 0.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// A tensor whose shape is not that of its place in the network.
    #[error("layer {layer}: tensor {tensor}: expected shape {expected:?}, found {found:?}")]
    TensorShape {
        /// Layer, counted from 1.
        layer: usize,
        /// Name of the tensor.
        tensor: String,
        /// Shape in PyTorch's layout.
        expected: Vec<usize>,
        /// Shape of the tensor.
        found: Vec<usize>,
    },
    /// Tensors that are missing, unknown or too many.
    #[error("{problem}")]
    Tensors {
        /// Which tensors, and what was expected.
        problem: String,
    },
    /// A raw row for a model whose preprocessing this crate cannot apply.
    #[error("the model was trained on a table, and nn-core cannot turn raw rows into its inputs")]
    UnknownPreprocessing,
    /// The reader or writer handed in failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Error {
    /// Who or what is at fault.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownName { .. }
            | Self::ForeignName { .. }
            | Self::UnknownParameter { .. }
            | Self::OutOfRange { .. }
            | Self::Conflict { .. }
            | Self::HeaderTooLong { .. }
            | Self::OutOfMemory { .. }
            | Self::OtherTraining { .. } => ErrorKind::Usage,
            Self::Shape { .. }
            | Self::Label { .. }
            | Self::NotFinite { .. }
            | Self::Empty
            | Self::ModelFile { .. }
            | Self::TensorShape { .. }
            | Self::Tensors { .. }
            | Self::UnknownPreprocessing
            | Self::NotFiniteWeight { .. } => ErrorKind::Data,
            Self::Diverged { .. } => ErrorKind::Diverged,
            Self::Io(_) => ErrorKind::Io,
        }
    }

    /// How to mend it, if that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Diverged { learning_rate, .. } => {
                let half = in_few_digits(learning_rate / 2.0);
                Some(format!("try a learning rate below {half}"))
            }
            Self::ForeignName { instead, .. } => Some(format!("write {instead}")),
            Self::TensorShape {
                expected, found, ..
            } if expected.iter().rev().eq(found) => Some(
                "transpose it: PyTorch's weights are [n_outputs, n_inputs], nn-core's \
                 [n_inputs, n_outputs]"
                    .to_owned(),
            ),
            Self::UnknownPreprocessing => Some(
                "use `nn predict`, or give the preprocessing to Model::predict_row_with".to_owned(),
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

/// A number as people write it: 0.001, 1e300.
fn in_few_digits(number: f64) -> String {
    if (1e-5..1e7).contains(&number) {
        number.to_string()
    } else {
        format!("{number:e}")
    }
}

/// Whether a number of values is the expected one.
pub(crate) fn check_count(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape {
        what,
        expected,
        found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_told_in_few_digits() {
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
