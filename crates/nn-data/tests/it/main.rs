//! Tests of nn-data through its public interface, in one binary.
#![allow(
    clippy::print_stdout,
    reason = "a test says what it measured or skipped"
)]

mod support;
mod idx;
mod dataset;
#[cfg(feature = "download")]
mod server;
#[cfg(feature = "download")]
mod download;
mod mnist;
