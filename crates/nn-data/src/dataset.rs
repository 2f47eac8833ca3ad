//! Rows and labels, ready for a network.

use ndarray::Array2;

/// A data set: what to train on and what to test on.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Name in the catalog, or of the folder or file it came from.
    pub name: String,
    /// Rows to train (and validate) on.
    pub train: Split,
    /// Rows to look at once, at the end. May be empty.
    pub test: Split,
    /// Names of the classes; empty for regression.
    pub class_names: Vec<String>,
    /// Height and width if the rows are images.
    pub image_size: Option<(usize, usize)>,
}

/// Some rows with what a network should answer for each.
#[derive(Clone, Debug)]
pub struct Split {
    /// One row a sample.
    pub inputs: Inputs,
    /// One entry a sample.
    pub targets: Targets,
}

/// The rows, `[n_samples, n_inputs]`.
#[derive(Clone, Debug)]
pub enum Inputs {
    /// Grey values 0..=255 as stored; a network sees them divided by 255.
    Pixels(Array2<u8>),
    /// Numbers that a network sees as they are.
    Features(Array2<f32>),
}

/// The right answers.
#[derive(Clone, Debug)]
pub enum Targets {
    /// Class numbers, `[n_samples]`, each below the number of classes.
    Classes(Vec<u32>),
    /// Numbers (regression) or 0/1 flags (several labels a row),
    /// `[n_samples, n_outputs]`.
    Values(Array2<f32>),
}
