//! A sample, and one training step with it.

use serde::Serialize;

use super::step::Step;

/// A sample, and one training step with it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Trace {
    pub(crate) dataset: String,
    pub(crate) split: &'static str,
    /// Index of the sample in its split, counted from 0.
    pub(crate) index: usize,
    /// Height and width, if the sample is an image.
    pub(crate) image_size: Option<(usize, usize)>,
    /// Empty for regression.
    pub(crate) class_names: Vec<String>,
    /// The true class, for classification.
    pub(crate) label: Option<usize>,
    /// The predicted class, for classification.
    pub(crate) predicted: Option<usize>,
    /// Whether the weights are the trained ones or the initial ones.
    pub(crate) is_trained: bool,
    pub(crate) step: Step,
}
