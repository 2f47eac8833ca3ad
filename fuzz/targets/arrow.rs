//! Any bytes as an Arrow file.
#![no_main]

#[path = "../harness/table.rs"]
mod table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| table::check(bytes));
