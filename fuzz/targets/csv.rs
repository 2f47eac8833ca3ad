//! Any bytes as a CSV file.
#![no_main]

#[path = "../harness/csv.rs"]
mod csv;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| csv::check(bytes));
