//! Any bytes as a model file.
#![no_main]

#[path = "../harness/sealing.rs"]
mod sealing;
#[path = "../harness/model.rs"]
mod model;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| model::check(bytes));
