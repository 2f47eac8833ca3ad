//! Any bytes as a schema file, or as a stored preprocessing.
#![no_main]

#[path = "../harness/schema.rs"]
mod schema;
#[allow(dead_code, reason = "the options come from the schema")]
#[path = "../harness/table.rs"]
mod table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| schema::check(bytes));
