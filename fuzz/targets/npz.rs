//! Any bytes as an archive of arrays of NumPy.
#![no_main]

#[path = "../harness/table.rs"]
mod table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| table::check(bytes));
