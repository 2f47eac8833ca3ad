//! Hyperparameter search: minimizes or maximizes an expensive function.
//!
//! The crate does not depend on neural networks. The caller asks for a trial,
//! evaluates it, and reports the outcome.
//!
//! # The principal types
//! - [`Space`] is the search space: named dimensions with their ranges. A
//!   [`Point`] has one value per dimension, formatted as command-line arguments.
//! - [`Strategy`] chooses the next point: random, grid or Bayesian search.
//! - [`Study`] runs the search: [`Study::ask`], [`Study::report`],
//!   [`Study::tell`]. An interrupted search is resumed exactly from its journal.
//! - [`WorkerJournal`] records the trials of one of several workers that share a search.
//! - [`Stopping`] stops unpromising trials early.
//! - [`Surrogate`] is the model of the objective, a Gaussian process.
//!
//! ```
//! use nn_search::{Outcome, Settings, Study};
//!
//! let space = "lr=log:1e-4..1 hidden=int:16..256".parse()?;
//! let mut study = Study::new(Settings::new(space), std::io::sink())?;
//! for _ in 0..12 {
//!     let trial = study.ask()?.expect("only a grid search ends");
//!     let (lr, hidden) = (trial.point.real("lr"), trial.point.integer("hidden"));
//!     let loss = (lr.log10() + 2.0).powi(2) + 1.0 / hidden as f64;
//!     study.tell(trial.id, Outcome::Finished(loss))?;
//! }
//! let best = study.best().expect("twelve trials have finished");
//! assert!(best.objective().unwrap() < 1.0, "{}", best.point);
//! # Ok::<(), nn_search::Error>(())
//! ```
//!
//! # Determinism
//! A suggested point is a pure function of the settings, the seed and the trials of earlier
//! rounds with their outcomes. Logarithms and exponentials come from `libm`, so
//! that the result does not depend on the operating system.
//!
//! # Limitations
//! A study has a single objective and no conditional dimensions. The trials of a round may run
//! in parallel ([`Study::is_ready`]); the caller runs them.
#![forbid(unsafe_code)]

mod error;
mod menu;
mod dimension;
mod space;
mod design;
mod cholesky;
mod minimize;
mod gaussian_process;
mod expected_improvement;
mod strategy;
mod trial;
mod stopping;
mod targets;
mod surrogate;
mod journal;
mod settings;
mod suggestion;
mod worker_journal;
mod study;

pub use dimension::{Dimension, Domain, Value};
pub use error::{DimensionProblem, Error, ErrorKind, Result};
pub use menu::Menu;
pub use settings::Settings;
pub use space::{Point, Space};
pub use stopping::{Decision, Stopping};
pub use strategy::Strategy;
pub use study::Study;
pub use surrogate::{Prediction, Surrogate};
pub use trial::{Goal, Outcome, Trial};
pub use worker_journal::{EndedTrial, WorkerJournal};
