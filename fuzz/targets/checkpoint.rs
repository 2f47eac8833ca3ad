//! Any bytes as a checkpoint.
#![no_main]

#[path = "../harness/sealing.rs"]
mod sealing;
#[path = "../harness/checkpoint.rs"]
mod checkpoint;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checkpoint::check(bytes));
