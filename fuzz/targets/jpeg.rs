//! Any bytes as a JPEG of a digit; the corpus makes the difference to `png`.
#![no_main]

#[path = "../harness/image.rs"]
mod image;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| image::check(bytes));
