//! The results of an evaluation, for the text and the JSON output.

use nn_core::Model;
use nn_report::ColumnImportance;
use nn_train::{Data, Metrics, Split};

/// The results of an evaluation.
pub(super) struct Results<'a> {
    pub(super) model: &'a Model,
    pub(super) data: &'a Data,
    pub(super) split: Split,
    pub(super) metrics: Metrics,
    /// The metrics without the temperature, if the model has one.
    pub(super) uncalibrated: Option<Metrics>,
    /// The thresholds of the classes or labels, if they are not the default ones.
    pub(super) thresholds: Option<Vec<f64>>,
    /// The permutation importance of the columns, if it was asked for.
    pub(super) importance: Option<Vec<ColumnImportance>>,
}
