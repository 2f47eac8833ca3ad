//! Stochastic gradient descent, one sample at a time.

use nn_train::Result;

use crate::context::Context;
use crate::training::{MeasuredEpochs, Training};

/// The hidden layer, which the paper does not state.
pub(super) const HIDDEN: &str = "--hidden 64 --activation relu --init he --bias-init zeros";

/// Trains on one sample at a time.
pub(super) fn train_stochastic(context: &Context<'_>, seed: u64) -> Result<Training<f64>> {
    let flags = stochastic_flags(context, seed);
    context.train_and_test(&flags, &MeasuredEpochs::Every(1))
}

/// The flags of [`train_stochastic`].
pub(super) fn stochastic_flags(context: &Context<'_>, seed: u64) -> String {
    flags_for(context.full_or_quick(5, 2), seed)
}

/// Flags of `nn train` for one sample at a time.
pub(super) fn flags_for(epochs: usize, seed: u64) -> String {
    format!(
        "{HIDDEN} --loss cross-entropy --optimizer sgd --lr 0.01 --batch-size 1 --epochs {epochs} --validation 0 --seed {seed}"
    )
}
