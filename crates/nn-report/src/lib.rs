//! Reports, comparisons and diagnoses of training runs.
//!
//! - [`write()`] writes `report.html` and its charts into a run directory.
//! - [`RunRecord`] has the contents of a run directory, without the model.
//! - [`Comparison`] is the page that compares several runs; [`differences`] are the paired tests
//!   of their differences.
//! - [`RepeatedRuns`] is the report of a cross-validation, several seeds or a learning curve.
//! - [`Diagnosis`] lists the problems of a run, and flags to try.
//!
//! ```
//! use nn_report::{Comparison, RunRecord, RunReport};
//! use nn_train::Summary;
//!
//! let run = |name: &str, accuracy| RunRecord {
//!     name: name.to_owned(),
//!     summary: Summary { test_accuracy: Some(accuracy), ..Summary::default() },
//!     ..RunRecord::default()
//! };
//! let report = RunReport { run: run("first", 0.91), ..RunReport::default() };
//! assert!(report.build().page.html().contains("first"));
//!
//! let runs = vec![run("first", 0.91), run("second", 0.93)];
//! let comparison = Comparison { runs, ..Comparison::default() };
//! let results = comparison.results();
//! let accuracy = results.iter().find(|line| line.name == "test accuracy").unwrap();
//! assert_eq!(accuracy.best, [1]); // the second run
//! ```
//!
//! # Untrusted text
//! Names of classes, runs and files may contain any characters, because every text is escaped.
//! Missing results, and numbers that are infinite or NaN, are omitted.
#![forbid(unsafe_code)]

mod record;
mod measure;
mod curves;
mod evaluation_charts;
mod permutation_importance;
mod importance;
mod run_report;
mod comparison;
mod repeated_runs;
mod difference;
mod results;
mod weights;
mod write;
mod doctor;

pub use comparison::{ComparedValue, Comparison};
pub use difference::{Difference, PairedMeasure, PairedTest, differences};
pub use doctor::{CheckResult, Diagnosis, ExaminedRun, Finding, RunEnd, Suggestion};
pub use evaluation_charts::{Chart, EvaluationChart};
pub use importance::Importance;
pub use permutation_importance::{ColumnImportance, N_SHUFFLES, permutation_importance};
pub use record::RunRecord;
pub use repeated_runs::{RepeatedRuns, ResultTable};
pub use run_report::{ClassResult, Report, Results, RunReport};
pub use write::{PLOTS, Sources, WrittenReport, replace, write, write_repeated, write_report_of};
