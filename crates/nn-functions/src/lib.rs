//! The formulas of neural networks: activation functions, losses, weight
//! initialization, regularization, optimizers and learning-rate schedules.
//!
//! The formulas work on slices and do not depend on networks. `nn-core` builds and trains networks
//! with them, and re-exports this crate.
//!
//! # Main types
//! - Each choice from a list is a [`Menu`]: [`Activation`], [`Init`], [`Loss`],
//!   [`Optimizer`] and [`Schedule`] are closed `enum`s that can also be parsed from
//!   their names. To add an entry, change the file of its `enum` only.
//! - [`LossFunction`] and [`UpdateRule`] are the traits of user-defined losses and
//!   optimizers.
//! - [`Regularization`] adds L1 and L2 terms to a loss.
//!
//! ```
//! use nn_functions::{Activation, Loss, Menu};
//!
//! let relu: Activation = "leaky-relu:slope=0.1".parse()?;
//! let mut values = [-1.0_f32, 2.0];
//! relu.apply(&mut values, 2);
//! assert_eq!(values, [-0.1, 2.0]);
//! assert!(Loss::ALL.contains(&"mse".parse()?));
//! # Ok::<(), nn_error::Error>(())
//! ```
//!
#![doc = include_str!("sources.md")]
#![forbid(unsafe_code)]

pub mod menu;
pub mod activation;
pub mod init;
pub mod loss;
pub mod loss_function;
pub mod regularization;
pub mod update_rule;
pub mod optimizer;
pub mod schedule;

pub use activation::Activation;
pub use init::Init;
pub use loss::Loss;
pub use loss_function::LossFunction;
pub use menu::Menu;
pub use optimizer::Optimizer;
pub use regularization::Regularization;
pub use schedule::Schedule;
pub use update_rule::UpdateRule;
