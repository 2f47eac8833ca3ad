//! Any bytes as a NumPy archive of weights.
#![no_main]

#[path = "../harness/foreign.rs"]
mod foreign;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| foreign::check(bytes));
