//! Samples: inputs with targets, the train/validation split, and the order of the samples in an
//! epoch.

pub use nn_samples::{
    Inputs, Labels, RowBlocks, RowIndices, RowSource, Samples, Targets, WindowedOrder,
    grouped_folds, grouped_split, shuffle, split, split_stratified,
};
