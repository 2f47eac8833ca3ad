//! Any bytes as an IDX file, compressed or not.
#![no_main]

#[path = "../harness/idx_gzip.rs"]
mod idx_gzip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| idx_gzip::check(bytes));
