//! Tests of the crate as a whole, one module a theme.
#![allow(
    clippy::print_stdout,
    reason = "a test says what it measured or skipped"
)]

mod digits;
mod tables;
