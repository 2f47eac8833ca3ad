//! Any bytes as an IDX file.
#![no_main]

#[path = "../harness/idx.rs"]
mod idx;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| idx::check(bytes));
