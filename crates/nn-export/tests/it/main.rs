//! Tests of the public interface.
#![allow(clippy::print_stderr, reason = "tests say what they skip")]

mod random_model;
mod graph;
mod tables;
mod source_code;
