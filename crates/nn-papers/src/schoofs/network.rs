//! The network 784-64-10 of Schoofs' paper.

/// Network and loss as flags of `nn train`; the paper states neither the batch size
/// nor the number of epochs.
pub(super) const NETWORK: &str =
    "--hidden 64 --output-activation sigmoid --loss quadratic --optimizer sgd";
