//! Any bytes after the magic number of a JPEG file.
#![no_main]

#[path = "../harness/image.rs"]
mod image;
#[path = "../harness/magic.rs"]
mod magic;

use magic::with_magic;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    image::check(&with_magic(bytes, 0, b"\xff\xd8\xff"), true);
});
