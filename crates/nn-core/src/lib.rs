//! Multilayer perceptrons from scratch: layers, losses, backpropagation,
//! optimizers, training and an open model file.
//!
//! New to neural networks? [`learn`] goes through one training step by hand.
//!
//! The short way in is [`Mlp`]: `Mlp::classifier().fit(&x, &labels)?`. It is made
//! of the parts below, nothing hidden.
//!
//! # The principal types
//! - A [`NetworkConfig`] is a list of [`LayerConfig`]s; with a seed it makes a
//!   [`Network`], whose parameters are one flat buffer.
//! - [`Samples`] are rows with their targets, borrowed, owned or shared.
//! - A [`TrainingConfig`] says what is made small ([`Loss`]) and how
//!   ([`Optimizer`], [`Schedule`], [`Regularization`]).
//! - A [`Trainer`] joins the three, does one step a call and tells what
//!   happened. There is no hidden loop: [`training`] is also made of public
//!   parts (`examples/02_own_training_loop.rs`).
//! - [`evaluate`] measures; a [`Model`] is a network with all that is needed to
//!   use it again, as a file.
//!
//! Whatever one can choose ([`Activation`], [`Init`], [`Loss`], [`Optimizer`],
//! [`Schedule`]) is a [`Menu`]: a closed `enum` that can also be read from its
//! name, as in `"adam:beta1=0.8".parse()`.
//!
//! ```
//! use nn_core::{
//!     Activation, Loss, Network, NetworkConfig, Samples, Threads, Trainer, TrainingConfig,
//!     evaluate,
//! };
//!
//! // 400 points of a square: does a point lie in the circle of radius 0.7?
//! let place = |index: usize| 0.1 * index as f32 - 0.95;
//! let points: Vec<[f32; 2]> = (0..400).map(|i| [place(i / 20), place(i % 20)]).collect();
//! let labels: Vec<u32> = points.iter().map(|[x, y]| u32::from(x * x + y * y < 0.49)).collect();
//! let samples = Samples::classification(&points, &labels, 2)?;
//!
//! let layers = [(16, Activation::Tanh), (2, Activation::Softmax)];
//! let network = Network::new(&NetworkConfig::new(2, layers), 0)?;
//! let config = TrainingConfig {
//!     learning_rate: 0.02,
//!     epochs: 60,
//!     ..TrainingConfig::new(Loss::CrossEntropy, "adam".parse()?)
//! };
//! let trainer = Trainer::new(network, samples.clone(), None, config, Threads::single())?;
//! let network = trainer.finish()?;
//!
//! let found = evaluate(&network, &samples, Loss::CrossEntropy, &Threads::single())?;
//! assert!(found.accuracy.is_some_and(|accuracy| accuracy > 0.97));
//! assert!(network.predict(&[0.1, -0.3])?[1] > 0.9);
//! # Ok::<(), nn_core::Error>(())
//! ```
//!
//! # The data's way
//!
//! | step | file |
//! |---|---|
//! | rows, split, order, a batch | `batches.rs` |
//! | inputs that change from epoch to epoch | `augmentation.rs` |
//! | initial weights | `init.rs`, into the buffer of `network.rs` |
//! | forward, keeping what backward needs | `network.rs` → `layer/dense.rs`, `batch_norm.rs`, `dropout.rs` → `activation.rs` |
//! | loss of a row and its derivative | `loss.rs` |
//! | backward: the gradient of every parameter | `backprop.rs` → `layer/…` |
//! | regularization | `regularization.rs` |
//! | step, at the rate of the schedule | `optimizer.rs`, `schedule.rs` |
//! | all of this, over and over, as events | `training.rs` |
//! | numbers | `metrics.rs` |
//! | out into the world | `model_file.rs` |
//! | stopped, and continued later | `checkpoint.rs` |
//!
//! Is the gradient right? `gradient_check.rs` compares it with finite
//! differences. Everything works in `f32` (the default) and in `f64`.
//!
//! # Debug builds
//! Without optimization, training takes more than a hundred times as long. These
//! lines in the `Cargo.toml` of a program optimize its dependencies and leave the
//! program itself as it is, quick to build and open to a debugger:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! debug = false
//! debug-assertions = false
//! overflow-checks = false
//! ```
//!
//! # What this is not
//! No convolutions, no recurrence, no automatic differentiation of arbitrary
//! functions, no GPU. No input or output but a `Read` or `Write` handed in, no
//! clock, no global random state: the same configuration, data and seed give
//! the same weights, bit for bit, whatever the number of threads. Data sets are
//! the business of `nn-data`, tables that of `nn-table`, commands that of
//! `nn-cli`.
//!
#![doc = include_str!("sources.md")]
#![forbid(unsafe_code)]

mod error;
pub mod menu;
pub mod rows;
pub mod activation;
pub mod init;
pub mod stage;
pub mod layer;
pub mod memory;
pub mod network;
pub mod predictor;
pub mod loss;
pub mod loss_function;
pub mod regularization;
pub mod backprop;
pub mod update_rule;
pub mod optimizer;
pub mod schedule;
pub mod batches;
pub mod augmentation;
mod block_inputs;
pub mod gradient_check;
pub mod metrics;
pub mod training;
mod tensor_file;
pub mod model_file;
pub mod tensors;
pub mod preprocessing;
pub mod mlp;
pub mod checkpoint;
#[doc(hidden)]
pub mod instances;
pub mod learn;

pub use activation::Activation;
pub use augmentation::Augmentation;
pub use backprop::Gradients;
pub use batches::{Inputs, RowSource, Samples, Targets};
pub use checkpoint::Checkpoint;
pub use error::{Error, ErrorKind, Result};
pub use init::Init;
pub use layer::{Layer, LayerConfig};
pub use loss::Loss;
pub use loss_function::LossFunction;
pub use memory::Memory;
pub use menu::Menu;
pub use metrics::{Evaluation, Metric, evaluate};
pub use mlp::{FittedMlp, Mlp};
pub use model_file::Model;
pub use network::{Network, NetworkConfig};
pub use optimizer::Optimizer;
pub use predictor::Predictor;
pub use regularization::Regularization;
pub use rows::Rows;
pub use schedule::Schedule;
pub use stage::{ActivationFunction, Stage};
pub use training::{Observer, Trainer, TrainingConfig};
pub use update_rule::UpdateRule;

/// Arrays that convert into [`rows::Rows`] and back, in the version that this
/// crate uses.
#[cfg(feature = "ndarray")]
pub use ndarray;
/// Random numbers: the purpose, the seed and an index give the stream.
pub use nn_tensor::random::{Purpose, Stream, Streams};
pub use nn_tensor::{Scalar, Threads};

/// The README's example is a test, too.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
