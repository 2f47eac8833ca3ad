//! Pages about training runs: the report of one, the comparison of several.
//!
//! It knows no network and no data set; `nn-plot` draws the charts and writes
//! the pages.
//!
//! # The principal types
//! - [`Run`] holds what a run directory tells: settings, [`Epoch`]s,
//!   [`Summary`].
//! - [`RunReport`] is the page of one [`Run`], with its [`Results`].
//! - [`Comparison`] is the page of several.
//! - [`Report`] is a finished page with its charts, ready to be written.
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
//! # What is never trusted
//! Names of classes, runs and files may hold anything: every text is escaped.
//! Numbers may be infinite or NaN, and results may be missing: they are left
//! out. Nothing here panics or fails.
#![forbid(unsafe_code)]

mod run;
mod run_report;
mod comparison;

pub use comparison::{ComparedValue, Comparison};
pub use run::{Epoch, Run, Summary};
pub use run_report::{ClassResult, Report, Results, RunReport};
