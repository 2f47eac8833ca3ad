//! The metrics of a run. Reports and comparisons show the metrics under the same names, in
//! the same format and in the same order.
//!
//! | name | key of `summary.json` |
//! |---|---|
//! | test accuracy, test loss | `test_accuracy`, `test_loss` |
//! | baseline (most frequent class), baseline (training mean) | `baseline` |
//! | test AUC, test balanced accuracy | `test_auc`, `test_balanced_accuracy` |
//! | test R², test root mean square error | `test_r2`, `test_rmse` |
//! | validation accuracy, validation loss | `validation_accuracy`, `validation_loss` |
//! | training accuracy, training loss | `train_accuracy`, `train_loss` |
//! | parameters | `parameters` |
//! | epochs | `epochs` |
//! | best epoch | `best_epoch` |
//! | training time | `train_seconds` |
//! | time per epoch | `seconds_per_epoch` |

use nn_plot::number;

use crate::record::RunRecord;

/// A number of a run.
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) best: Best,
    pub(crate) value: fn(&RunRecord) -> Option<f64>,
    /// The 95 % confidence interval of a single run on its test samples.
    pub(crate) interval: fn(&RunRecord) -> Option<(f64, f64)>,
    pub(crate) text: fn(f64) -> String,
}

impl Measure {
    /// The least and the greatest possible value.
    pub(crate) fn limits(&self) -> (f64, f64) {
        match self.best {
            Highest if self.name.contains("R²") => (f64::NEG_INFINITY, 1.0),
            Highest | Baseline if self.name.contains("mean)") => (0.0, f64::INFINITY),
            Highest | Baseline => (0.0, 1.0),
            LowestLoss | LowestError | Shortest | Neither => (0.0, f64::INFINITY),
        }
    }
}

/// Which of several runs is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Best {
    /// That with the highest number.
    Highest,
    /// That with the lowest loss, if the loss functions are the same.
    LowestLoss,
    /// That with the lowest error.
    LowestError,
    /// That with the shortest time.
    Shortest,
    /// None: the measure is what a constant prediction gets.
    Baseline,
    /// None.
    Neither,
}

use Best::{Baseline, Highest, LowestError, LowestLoss, Neither, Shortest};

/// All numbers, the most important first.
pub(crate) const ALL: [Measure; 17] = [
    Measure {
        name: "test accuracy",
        best: Highest,
        value: |run| run.summary.test_accuracy,
        interval: |run| run.summary.test_accuracy_interval,
        text: number::percent,
    },
    Measure {
        name: "baseline (most frequent class)",
        best: Baseline,
        value: |run| {
            run.summary
                .baseline
                .filter(|_| run.summary.test_rmse.is_none())
        },
        interval: |_| None,
        text: number::percent,
    },
    Measure {
        name: "test AUC",
        best: Highest,
        value: |run| run.summary.test_auc,
        interval: |_| None,
        text: number::number,
    },
    Measure {
        name: "test balanced accuracy",
        best: Highest,
        value: |run| run.summary.test_balanced_accuracy,
        interval: |_| None,
        text: number::percent,
    },
    Measure {
        name: "test R²",
        best: Highest,
        value: |run| run.summary.test_r2,
        interval: |_| None,
        text: number::number,
    },
    Measure {
        name: "test root mean square error",
        best: LowestError,
        value: |run| run.summary.test_rmse,
        interval: |run| run.summary.test_rmse_interval,
        text: number::number,
    },
    Measure {
        name: "baseline (training mean)",
        best: Baseline,
        value: |run| {
            run.summary
                .baseline
                .filter(|_| run.summary.test_rmse.is_some())
        },
        interval: |_| None,
        text: number::number,
    },
    Measure {
        name: "test loss",
        best: LowestLoss,
        value: |run| run.summary.test_loss,
        interval: |_| None,
        text: number::number,
    },
    Measure {
        name: "validation accuracy",
        best: Highest,
        value: |run| run.summary.validation_accuracy,
        interval: |_| None,
        text: number::percent,
    },
    Measure {
        name: "validation loss",
        best: LowestLoss,
        value: |run| run.summary.validation_loss,
        interval: |_| None,
        text: number::number,
    },
    Measure {
        name: "training accuracy",
        best: Highest,
        value: |run| run.summary.train_accuracy,
        interval: |_| None,
        text: number::percent,
    },
    Measure {
        name: "training loss",
        best: LowestLoss,
        value: |run| run.summary.train_loss,
        interval: |_| None,
        text: number::number,
    },
    Measure {
        name: "parameters",
        best: Neither,
        value: |run| run.summary.parameters.map(|n| n as f64),
        interval: |_| None,
        text: count,
    },
    Measure {
        name: "epochs",
        best: Neither,
        value: |run| Some(run.epochs.len().max(run.summary.epochs) as f64),
        interval: |_| None,
        text: count,
    },
    Measure {
        name: "best epoch",
        best: Neither,
        value: |run| run.summary.best_epoch.map(|n| n as f64),
        interval: |_| None,
        text: count,
    },
    Measure {
        name: "training time",
        best: Shortest,
        value: |run| run.summary.train_seconds,
        interval: |_| None,
        text: number::seconds,
    },
    Measure {
        name: "time per epoch",
        best: Shortest,
        value: |run| run.summary.seconds_per_epoch,
        interval: |_| None,
        text: number::seconds,
    },
];

fn count(value: f64) -> String {
    number::count(value as u64)
}
