//! `cargo xtask sanitize` and `cargo xtask miri`: check the `unsafe` code of nn-tensor with
//! tools that find memory errors.
//!
//! | tool | finds | needs |
//! |---|---|---|
//! | AddressSanitizer | reads and writes outside of an allocation or after its end, with every instruction set of this machine | nothing |
//! | Miri | the same, and aliasing violations, uninitialized memory and data races, with portable instructions only | nightly with `miri` |

use std::process::Command;

use crate::command::{Cargo, run_process};
use crate::error::Result;
use crate::step::{Step, run_all};
use crate::{test, workspace};

/// Tests to run under Miri: those that use `native` with small sizes. Other tests multiply
/// large matrices, which would take hours.
const FOR_MIRI: [&str; 8] = [
    "small_shapes",
    "pairs_of_rows",
    "a_group_has",
    "aligned",
    "matrix",
    "scratch",
    "every_item",
    "reduce",
];

/// Runs the tests of nn-tensor under AddressSanitizer.
pub(crate) fn sanitize() -> Result<()> {
    let triple = workspace::triple()?;
    let folder = workspace::target().join("sanitize");
    let tests = Cargo::new("test -p nn-tensor --lib --tests --target")
        .arguments([triple])
        .environment("RUSTFLAGS", "-Zsanitizer=address")
        // The pinned compiler knows sanitizers, but not as a promise.
        .environment("RUSTC_BOOTSTRAP", "1")
        .environment("CARGO_TARGET_DIR", folder.to_string_lossy());
    let narrower = test::forced_instruction_sets()
        .map(|set| tests.clone().environment("NN_INSTRUCTION_SET", set));
    let mut steps: Vec<Step> = narrower.map(Step::cargo).collect();
    steps.push(Step::cargo(tests));
    run_all(&steps)
}

/// Runs the small tests of nn-tensor under Miri.
pub(crate) fn miri() -> Result<()> {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "miri", "test", "-p", "nn-tensor"])
        .args(["--lib", "--tests", "--"])
        .args(FOR_MIRI)
        .env("NN_INSTRUCTION_SET", "portable")
        // Walking the stack of a test that panics takes it minutes.
        .env("RUST_BACKTRACE", "0")
        .env("CARGO_TARGET_DIR", workspace::target().join("miri"))
        .env("MIRIFLAGS", "-Zmiri-disable-isolation");
    run_process(&mut command).inspect_err(|_| {
        println!("to install Miri: rustup component add miri rust-src --toolchain nightly");
    })
}
