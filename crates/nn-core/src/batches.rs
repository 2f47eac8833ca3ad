//! Samples: inputs with targets, train/validation split, and the order of an epoch.

pub use nn_samples::{Inputs, RowSource, Samples, Targets, shuffle, split, split_stratified};
