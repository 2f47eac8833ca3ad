//! Tests of the public interface.

mod random_model;
mod graph;
mod tables;
mod source_code;
