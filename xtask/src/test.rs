//! `cargo xtask test`: the test matrix.
//!
//! | leg | what it would catch |
//! |---|---|
//! | all crates | anything, with the widest instructions of this machine |
//! | features off | a use of what only a feature brings |
//! | instruction sets | a kernel that is wrong only on another machine |

use crate::command::Cargo;
use crate::error::Result;
use crate::step::{Step, run_all};

/// Runs the matrix, stopping at the first leg that fails.
pub(crate) fn run() -> Result<()> {
    run_all(&matrix())
}

/// The legs of the matrix, the one that finds most first.
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

/// The sets below the widest that this machine may have. One that it lacks
/// would silently be replaced by another, so it is left out.
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
