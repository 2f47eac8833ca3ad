//! Any bytes as a PNG of a digit.
#![no_main]

#[path = "../harness/image.rs"]
mod image;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| image::check(bytes, false));
