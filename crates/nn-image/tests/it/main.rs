//! Tests of nn-image through its public interface, in one binary.
#![allow(
    clippy::print_stdout,
    reason = "a test says what it measured or skipped"
)]

mod scratch;
mod image_folder;
mod digits;
