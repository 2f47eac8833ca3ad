//! Samples: inputs with targets, the train/validation split, and the order of the samples in an
//! epoch.

pub use nn_samples::{Inputs, RowSource, Samples, Targets, shuffle, split, split_stratified};
