//! Any bytes as a configuration file.
#![no_main]
#![allow(dead_code, reason = "the program uses more of these files")]

#[path = "../../crates/nn-cli/src/terminal.rs"]
mod terminal;
#[path = "../../crates/nn-cli/src/failure.rs"]
mod failure;
#[path = "../../crates/nn-cli/src/data_name.rs"]
mod data_name;
#[path = "../../crates/nn-cli/src/regular_file.rs"]
mod regular_file;
#[path = "../../crates/nn-cli/src/settings.rs"]
mod settings;
#[path = "../harness/configuration.rs"]
mod configuration;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| configuration::check(bytes));
