//! Any bytes as a configuration file.
#![no_main]

#[path = "../harness/configuration.rs"]
mod configuration;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| configuration::check(bytes));
