//! Any bytes as a PNG of a digit.
#![no_main]

#[path = "../harness/png.rs"]
mod png;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| png::check(bytes));
