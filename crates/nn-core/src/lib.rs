//! Multilayer perceptrons from scratch: layers, losses, backpropagation,
//! optimizers, training and an open model file.
//!
//! New to neural networks? [`learn`] explains one training step with an example.
//!
//! The high-level interface is [`Mlp`]: `Mlp::classifier().fit(&x, &labels)?`.
//! `Mlp` uses only the public types below.
//!
//! # Main types
//! - A [`NetworkConfig`] is a list of [`LayerConfig`]s. A [`Network`] is created
//!   from a configuration and a seed; its parameters are one flat buffer.
//! - [`Samples`] are inputs with their targets, borrowed, owned or shared.
//! - A [`TrainingConfig`] chooses the [`Loss`], the [`Optimizer`], its
//!   [`Schedule`], the [`Regularization`] and so on.
//! - A [`Trainer`] trains a network on samples, one step per call, and reports an
//!   event after each step. The loop can also be written from public parts
//!   (`examples/02_own_training_loop.rs`).
//! - [`evaluate`] computes loss, accuracy and other metrics. A [`Model`] is a
//!   network with everything that predictions need, and can be saved to a file.
//!
//! Each choice from a list ([`Activation`], [`Init`], [`Loss`], [`Optimizer`],
//! [`Schedule`]) is a [`Menu`]: an `enum` that can also be parsed from its name, as
//! in `"adam:beta1=0.8".parse()`.
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
//! # Data flow
//!
//! | step | file |
//! |---|---|
//! | samples, train/validation split, order of the samples in an epoch | nn-samples `samples.rs`, `split.rs` |
//! | data augmentation | `augmentation.rs` |
//! | inputs of a block of rows | `block_inputs.rs` |
//! | initial weights | nn-functions `init.rs`, into the buffer of `network.rs` |
//! | forward pass, with the forward cache for the backward pass | `network.rs` → `stage/dense.rs`, `stage/batch_norm.rs`, `stage/dropout.rs` → nn-functions `activation.rs` |
//! | loss of a row and its derivative | nn-functions `loss.rs` |
//! | backward pass: the gradient with respect to every parameter | `backprop.rs` → `stage/…` |
//! | L1 and L2 regularization | nn-functions `regularization.rs` |
//! | parameter update, with the learning rate of the schedule | nn-functions `optimizer.rs`, `schedule.rs` |
//! | training loop | `training.rs` |
//! | loss, accuracy and other metrics | `metrics.rs` |
//! | model file | `model_file.rs` → nn-safetensors |
//! | checkpoint, to resume training | `checkpoint.rs` → nn-safetensors |
//!
//! `gradient_check.rs` compares the gradient with finite differences. Everything
//! works in `f32` (the default) and in `f64`.
//!
//! # Debug builds
//! Without optimization, training takes more than a hundred times as long. These
//! lines in the `Cargo.toml` of a program optimize its dependencies, but not the
//! program itself, which stays quick to build and easy to debug:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 3
//! debug = false
//! debug-assertions = false
//! overflow-checks = false
//! ```
//!
//! # Limits
//! The crate has no convolutional or recurrent layers, no automatic differentiation of
//! arbitrary functions and no GPU support. Data sets are in `nn-data`, tables in `nn-table`,
//! and the command line in `nn-cli`.
//!
//! # Reproducibility
//! The same configuration, data and seed give the same weights, bit for bit, for
//! any number of threads. The crate reads no clock, has no global random state, and
//! does no input or output except through a `Read` or `Write` that the caller supplies.
//!
#![doc = include_str!("sources.md")]
#![forbid(unsafe_code)]

pub mod stage;
pub mod layer;
pub mod memory;
pub mod network;
pub mod predictor;
mod criterion;
pub mod backprop;
pub mod batches;
pub mod augmentation;
pub mod exchange;
mod block_inputs;
pub mod gradient_check;
pub mod metrics;
pub mod training;
pub mod model_file;
pub mod tensors;
pub mod preprocessing;
pub mod mlp;
pub mod checkpoint;
pub mod processes;
#[doc(hidden)]
pub mod instances;
pub mod learn;

pub use augmentation::Augmentation;
pub use backprop::Gradients;
pub use checkpoint::Checkpoint;
pub use exchange::Exchange;
pub use layer::{Layer, LayerConfig};
pub use memory::Memory;
pub use metrics::{Evaluation, Metric, evaluate};
pub use mlp::{FittedMlp, Mlp};
pub use model_file::Model;
pub use network::{Network, NetworkConfig};
pub use predictor::Predictor;
pub use stage::{ActivationFunction, Stage};
pub use training::{Observer, Trainer, TrainingConfig};

/// The `ndarray` crate, in the version whose arrays convert to and from [`rows::Rows`].
#[cfg(feature = "ndarray")]
pub use ndarray;
pub use nn_error::{Error, ErrorKind, Result};
pub use nn_functions::{
    Activation, Init, Loss, LossFunction, Menu, Optimizer, Regularization, Schedule, UpdateRule,
    activation, init, loss, loss_function, menu, optimizer, regularization, schedule, update_rule,
};
pub use nn_samples::{Inputs, RowSource, Rows, Samples, Targets, rows};
/// Random streams, each determined by a purpose, a seed and an index.
pub use nn_tensor::random::{Purpose, Stream, Streams};
pub use nn_tensor::{Scalar, Threads};
