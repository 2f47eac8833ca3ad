//! Two variants of the paper's network: as described in its text, and as implemented
//! in its code.

use crate::context::Context;

/// Flags for 42 000 samples of MNIST, 1000 of them for validation.
fn samples(context: &Context<'_>) -> &'static str {
    if context.is_mnist() {
        "--limit-train 42000 --validation 0.0238095238"
    } else {
        "--validation 0.0238095238"
    }
}

const NETWORK: &str =
    "--hidden 10 --activation relu --loss cross-entropy --optimizer sgd --batch-size full";

/// The learning rate of the code, which trains on 41 000 samples and divides their
/// summed gradient by 42 000: 0.1 · 41 000 / 42 000.
pub(super) const CODE_RATE: f64 = 0.0976190476;

/// A setup of the network.
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) init: &'static str,
    pub(super) rate: f64,
}

pub(super) const VARIANTS: [Variant; 2] = [
    Variant {
        name: "text: weights 0..1",
        init: "uniform:low=0:high=1",
        rate: 0.1,
    },
    Variant {
        name: "code: weights -0.5..0.5",
        init: "uniform:low=-0.5:high=0.5",
        rate: CODE_RATE,
    },
];

/// The flags of `nn train` for a setup.
pub(super) fn flags(
    context: &Context<'_>,
    variant: &Variant,
    iterations: usize,
    seed: u64,
) -> String {
    let Variant { init, rate, .. } = variant;
    let samples = samples(context);
    format!(
        "{samples} {NETWORK} --init {init} --bias-init {init} --lr {rate} --epochs {iterations} --seed {seed}"
    )
}
