//! Any text as an entry of a menu.
#![no_main]

#[path = "../harness/names.rs"]
mod names;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| names::check(bytes));
