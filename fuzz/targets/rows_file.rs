//! Reads any bytes as a file of rows.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../harness/rows_file.rs"]
mod rows_file;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("nn-fuzz-rows-{}", std::process::id()));
    rows_file::check(bytes, &path);
});
