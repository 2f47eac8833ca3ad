//! The constant prediction of the baseline.

use serde::{Deserialize, Serialize};

use crate::task::Task;

/// A constant prediction, fitted to the training samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConstantPrediction {
    /// The most frequent class.
    Class(u32),
    /// The more frequent value of each label.
    Labels(Vec<bool>),
    /// The mean of each target, in the units of the table.
    Means(Vec<f64>),
}

impl ConstantPrediction {
    /// Whether the prediction is one for this task.
    pub(crate) fn suits(&self, task: Task) -> bool {
        match (self, task) {
            (Self::Class(class), Task::Classification(n)) => (*class as usize) < n,
            (Self::Labels(labels), Task::MultiLabel(n)) => labels.len() == n,
            (Self::Means(means), Task::Regression(n)) => means.len() == n,
            _ => false,
        }
    }
}
