//! Tests of nn-search through its public interface, in one binary.
#![allow(clippy::print_stdout, reason = "a test says what it measured")]

mod functions;
mod minima;
mod properties;
mod study;
mod rounds;
