//! Any bytes as an ONNX file of another program.
#![no_main]

#[path = "../harness/foreign.rs"]
mod foreign;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| foreign::check(bytes));
