//! The probability from which a class or a label is predicted.

use std::str::FromStr;

use nn_core::{Activation, Model};
use nn_settings::{Error, Result};
use nn_table::TargetEncoding;

use crate::prediction::class_names;
use crate::trained_model::preprocessing_of;

/// The threshold of a probability: the second of two classes, or a label, is predicted
/// if its probability is at least the threshold.
///
/// ```
/// use nn_train::Threshold;
///
/// assert_eq!("0.3".parse(), Ok(Threshold::Value(0.3)));
/// assert_eq!("auto".parse(), Ok(Threshold::Auto));
/// assert!("2".parse::<Threshold>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// The same threshold for all labels, from 0 to 1.
    Value(f64),
    /// The threshold with the highest balanced accuracy on the validation samples.
    Auto,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let number = text.parse().ok();
        let number = number.filter(|number| (0.0..=1.0).contains(number));
        let wrong = || "expected a probability from 0 to 1, or auto".to_owned();
        number.map(Self::Value).ok_or_else(wrong)
    }
}

/// Number of thresholds of a model: 1 for two classes, otherwise the number of labels.
///
/// # Errors
/// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for a model without probabilities of two
/// classes or of labels.
pub(crate) fn n_thresholds(model: &Model) -> Result<usize> {
    let n_classes = class_names(model).len();
    let (n, what) = match preprocessing_of(model)?.map(|it| it.target) {
        Some(TargetEncoding::Regression(_)) => (0, "predicts numbers".to_owned()),
        Some(TargetEncoding::MultiLabel(names)) => (names.len(), String::new()),
        _ if n_classes == 2 => (1, String::new()),
        _ => (0, format!("has {n_classes} classes")),
    };
    let activation = model.network.output_layer().activation;
    let are_probabilities = [Activation::Sigmoid, Activation::Softmax].contains(&activation);
    match (n, are_probabilities) {
        (0, _) => Err(Error::usage(format!(
            "a threshold needs two classes or labels; this model {what}"
        ))),
        (_, false) => Err(Error::usage(format!(
            "a threshold needs probabilities; the output activation of this model is {activation}"
        ))),
        (n, true) => Ok(n),
    }
}
