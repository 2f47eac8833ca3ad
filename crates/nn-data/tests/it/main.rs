//! Tests of nn-data through its public interface, in one binary.

mod support;
mod idx;
mod dataset;
#[cfg(feature = "download")]
mod server;
#[cfg(feature = "download")]
mod download;
mod mnist;
