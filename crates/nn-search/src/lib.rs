//! Hyper-parameter search: which settings make an expensive function small.
//!
//! It knows no network. Whoever searches asks for a trial, spends minutes on
//! it, and tells what came out.
//!
//! # The principal types
//! - [`Space`] names what may vary and between which bounds; a [`Point`] is one
//!   choice in it, printed as command-line flags.
//! - [`Strategy`] is how the next point is chosen: random, grid, Bayesian.
//! - [`Study`] puts them to work: [`Study::ask`], [`Study::report`],
//!   [`Study::tell`]. Its journal lets an interrupted search go on as if
//!   nothing had happened.
//! - [`Stopping`] ends bad trials early.
//! - [`Surrogate`] is what the Bayesian strategy believes after the trials
//!   so far: a Gaussian process, for plots.
//!
//! ```
//! use nn_search::{Outcome, Settings, Study};
//!
//! let space = "lr=log:1e-4..1 hidden=int:16..256".parse()?;
//! let mut study = Study::new(Settings::new(space), std::io::sink())?;
//! for _ in 0..12 {
//!     let trial = study.ask()?.expect("only a grid comes to an end");
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
//! A suggestion is a pure function of the settings, the seed, and the trials
//! asked for and told before. Logarithms and exponentials come from `libm`,
//! so that it does not depend on the operating system either.
//!
//! # What this is not
//! No more than one objective, no conditional dimensions, no threads of its
//! own: several trials may run at once, but who runs them is the caller.
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
mod suggestion;
mod journal;
mod study;

pub use dimension::{Dimension, Domain, Value};
pub use error::{DimensionProblem, Error, ErrorKind, Result};
pub use menu::Menu;
pub use space::{Point, Space};
pub use stopping::{Decision, Stopping};
pub use strategy::Strategy;
pub use study::{Settings, Study};
pub use surrogate::{Prediction, Surrogate};
pub use trial::{Goal, Outcome, Trial};
