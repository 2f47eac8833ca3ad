//! Any text as the names of class folders.
#![no_main]

#[path = "../harness/class_names.rs"]
mod class_names;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| class_names::check(bytes));
