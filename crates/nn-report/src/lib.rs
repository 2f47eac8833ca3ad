//! Pages about training runs: the report of one, the comparison of several; and the
//! diagnosis of a run.
//!
//! - [`write()`] writes `report.html` and its charts into a run directory.
//! - [`RunRecord`] is what a run directory says, without the model.
//! - [`Comparison`] is the page of several runs.
//! - [`Diagnosis`] lists what is wrong with a run, and what to try.
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
//! Names of classes, runs and files may hold anything: every text is escaped. Numbers
//! may be infinite or NaN, and results may be missing: they are left out.
#![forbid(unsafe_code)]

mod record;
mod curves;
mod run_report;
mod comparison;
mod results;
mod weights;
mod write;
mod doctor;

pub use comparison::{ComparedValue, Comparison};
pub use doctor::{Diagnosis, Finding, Suggestion};
pub use record::RunRecord;
pub use run_report::{ClassResult, Report, Results, RunReport};
pub use write::{PLOTS, Sources, WrittenReport, replace, write, write_report_of};
