//! The network of the paper.

/// Network and loss as flags of `nn train`; the paper does not state the batch
/// size and the number of epochs.
pub(super) const NETWORK: &str =
    "--hidden 64 --output-activation sigmoid --loss quadratic --optimizer sgd --seed 0";
