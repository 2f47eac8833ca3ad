//! Any bytes as a safetensors file of another program.
#![no_main]

#[path = "../harness/foreign.rs"]
mod foreign;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| foreign::check(bytes));
