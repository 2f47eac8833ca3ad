//! Any bytes as a schema file, or as a stored preprocessing.
#![no_main]

#[path = "../harness/schema.rs"]
mod schema;
#[path = "../harness/table.rs"]
mod table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schema::check(bytes));
