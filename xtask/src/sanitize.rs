//! `cargo xtask sanitize` and `cargo xtask miri`: nn-tensor's `unsafe` under
//! instruments that see what a test alone does not.
//!
//! | instrument | sees | needs |
//! |---|---|---|
//! | AddressSanitizer | reads and writes outside of what was asked for, or after its end, with every instruction set of this machine | nothing |
//! | Miri | the same, and references that must not meet, uninitialized memory, races | nightly with `miri`; runs the portable instructions only |

use std::process::Command;

use crate::command::{Cargo, run_process};
use crate::error::Result;
use crate::step::{Step, run_all};
use crate::{test, workspace};

/// Tests that Miri is shown: all that go through `native` at small sizes.
/// Others multiply large matrices, which takes it hours.
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
        println!("Miri comes with: rustup component add miri rust-src --toolchain nightly");
    })
}
