//! Multilayer perceptrons from scratch.
#![forbid(unsafe_code)]

mod error;
pub mod menu;
pub mod activation;
pub mod init;
pub mod layer;
pub mod network;
pub mod loss;
pub mod penalty;
pub mod backprop;
pub mod optimizer;
pub mod schedule;
pub mod batches;
pub mod gradient_check;
pub mod metrics;
pub mod training;
pub mod model_file;

pub use activation::Activation;
pub use error::{Error, ErrorKind, Result};
pub use init::Init;
pub use layer::{Layer, LayerConfig};
pub use loss::Loss;
pub use menu::Menu;
pub use model_file::Model;
pub use network::{Network, NetworkConfig};
pub use optimizer::Optimizer;
pub use penalty::Penalty;
pub use schedule::Schedule;
pub use training::{Trainer, TrainingConfig};
