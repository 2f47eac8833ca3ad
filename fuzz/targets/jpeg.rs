//! Any bytes after the start of a JPEG file, as the picture of a digit.
#![no_main]

#[path = "../harness/image.rs"]
mod image;
#[path = "../harness/magic.rs"]
mod magic;

use magic::with_magic;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    image::check(&with_magic(bytes, 0, b"\xff\xd8\xff"), true);
});
