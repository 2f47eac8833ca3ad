//! The claims of five teaching papers on neural networks, as runnable experiments.
//!
//! A [`Paper`] is a list of [`Claim`]s and errata. [`run`] trains the networks of a claim, with the
//! same results as an `nn train` command, compares the printed values with the measured ones, and
//! gives a [`Verdict`]: *reproduced*, *explained* (the printed value is impossible, and a run shows
//! why), *undecided* (more seeds are needed), *not reproduced*, or *not judged* (the data set
//! differs from that of the paper). A value that depends on the seed is measured with several
//! seeds, and the 95 % confidence interval of its mean decides: the claim holds if the interval
//! lies within the tolerance, and fails if it lies outside. A [`Store`] keeps the results in a
//! folder that also contains `report.html`, a page with tables and figures.
//!
//! This program runs one claim, as `nn papers run` does:
//!
//! ```
//! use nn_papers::{Options, Paper, Store, Verdict, claims};
//!
//! # let folder = std::env::temp_dir().join(format!("nn-papers-{}", std::process::id()));
//! let options = Options {
//!     data_dir: "datasets".as_ref(),
//!     data: "glyphs",
//!     is_quick: true,
//!     rerun: false,
//!     threads: nn_tensor::Threads::all(),
//! };
//! let claims = claims(&Paper::ALL, &["H1".to_owned()])?;
//! let mut store = Store::open(&folder)?;
//! nn_papers::run(&claims, &options, &mut store, &|line| println!("{line}"), &|| false)?;
//!
//! let result = store.result("H1").expect("the claim was run");
//! assert_eq!(result.outcome.verdict, Verdict::Explained);
//! # std::fs::remove_dir_all(&folder).expect("the folder of the results");
//! # Ok::<(), nn_train::Error>(())
//! ```
//!
//! # Sources
//! The five papers are manuscripts without a stable address. This documentation uses their
//! short names:
//!
//! - **newbies**: Jared Orihuela Contreras, *Neural Networks for Newbies*,
//!   [Universidad Nacional de Ingeniería](https://www.uni.edu.pe), Lima.
//! - **schoofs**: Benjamin Schoofs, *Artificial Neural Networks*, August 10, 2022.
//! - **bordeaux**: Meaza Eyakem Gebreamlak, Sebastián Cajas Ordoñez, *Neural Networks:
//!   Implementing a Neural Network from Scratch*,
//!   [University of Bordeaux](https://www.u-bordeaux.fr).
//! - **how-they-work**: *How Neural Networks Work* (author not named).
//! - **gultekin**: Semih Gultekin, *Exploring Neural Networks through a Mathematical
//!   Approach*, with [the author's code](https://github.com/ppoptart12/NeuralNetworkFromScratch).
//!
//! Works that the papers build on:
//!
//! - Y. LeCun, C. Cortes, C. J. C. Burges,
//!   [The MNIST Database of Handwritten Digits](http://yann.lecun.com/exdb/mnist/).
//! - M. A. Nielsen (2015), [Neural Networks and Deep Learning](http://neuralnetworksanddeeplearning.com).
//!   The network and the quadratic cost of schoofs come from this book.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "the seconds of a claim are part of its result"
)]

mod figure;
mod judgment;
mod interval;
mod outcome;
mod store;
mod training;
mod snapshot;
mod gradient;
mod context;
mod claim;
mod newbies;
mod schoofs;
mod bordeaux;
mod how_they_work;
mod gultekin;
mod paper;
mod drawing;
mod page;
mod run;
pub mod text;

pub use bordeaux::fit_table_two;
pub use claim::{Claim, Erratum};
pub use context::Options;
pub use judgment::Judgment;
pub use outcome::{Command, Outcome, Row, Verdict};
pub use paper::{Paper, claims};
pub use run::{run, run_shared};
pub use store::{ClaimResult, Store};
