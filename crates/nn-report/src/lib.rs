//! HTML pages about training runs: reports of a run and comparisons of several.
//!
//! The crate depends on `nn-plot` only, which draws the charts and formats the
//! pages.
//!
//! # The principal types
//! - [`Run`] is the content of a run directory: settings, epochs ([`Epoch`]) and
//!   [`Summary`].
//! - [`RunReport`] is the content of a report: a [`Run`] with its [`Results`].
//! - [`Comparison`] is the content of a comparison of runs.
//! - [`Report`] is a page with its charts.
//!
//! ```
//! use nn_report::{Comparison, Run, RunReport, Summary};
//!
//! let run = |name: &str, accuracy| Run {
//!     name: name.to_owned(),
//!     summary: Summary { test_accuracy: Some(accuracy), ..Summary::default() },
//!     ..Run::default()
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
//! # Untrusted input
//! Names of classes, runs and files are escaped. NaN, infinite numbers and missing
//! results are left out. No function of this crate panics or returns an error.
#![forbid(unsafe_code)]

mod run;
mod run_report;
mod comparison;

pub use comparison::{ComparedValue, Comparison};
pub use run::{Epoch, Run, Summary};
pub use run_report::{ClassResult, Report, Results, RunReport};
