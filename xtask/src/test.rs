//! `cargo xtask test`: the test matrix.
//!
//! | tests | what they can find |
//! |---|---|
//! | all crates | any fault, with the widest instruction set of this machine |
//! | features off | code that depends on a disabled feature |
//! | instruction sets | a kernel that is wrong with a narrower instruction set only |

use crate::command::Cargo;
use crate::error::Result;
use crate::step::{Step, run_all};

/// Runs the test matrix and stops at the first failure.
pub(crate) fn run() -> Result<()> {
    run_all(&matrix())
}

/// The commands of the test matrix; the one that finds most faults comes first.
pub(crate) fn matrix() -> Vec<Step> {
    let mut legs = vec![
        Cargo::new("test --workspace"),
        Cargo::new("test -p nn-data --no-default-features"),
    ];
    legs.extend(forced_instruction_sets().map(|set| {
        Cargo::new("test -p nn-tensor -p nn-functions -p nn-samples -p nn-core --tests")
            .environment("NN_INSTRUCTION_SET", set)
    }));
    legs.into_iter().map(Step::cargo).collect()
}

/// The instruction sets below the widest one of this machine. Sets that the machine lacks
/// are left out, because `nn` would silently use a different set.
pub(crate) fn forced_instruction_sets() -> impl Iterator<Item = &'static str> {
    let has_avx2 = {
        #[cfg(target_arch = "x86_64")]
        {
            std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            false
        }
    };
    std::iter::once("portable").chain(has_avx2.then_some("avx2"))
}
