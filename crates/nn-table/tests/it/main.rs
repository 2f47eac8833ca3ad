//! Tests of nn-table through its public interface, in one binary.
#![allow(clippy::print_stdout, reason = "a test says what it skipped")]

mod damage;
mod formats;
mod reading;
mod splits;
mod tables;
