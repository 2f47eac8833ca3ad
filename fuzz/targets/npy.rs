//! Any bytes after the magic number of an array of NumPy.
#![no_main]

#[path = "../harness/magic.rs"]
mod magic;
#[path = "../harness/table.rs"]
mod table;

use magic::with_magic;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| table::check(&with_magic(bytes, 1, b"\x93NUMPY")));
