//! The program `nn` as its users meet it: started, read, and looked at what
//! it leaves behind.
#![allow(
    clippy::print_stderr,
    reason = "tests say what they look at, and what they skip"
)]

mod support;
mod contract;
mod configuration;
mod determinism;
mod searches;
mod stopping;
mod resuming;
mod changed_settings;
mod bad_files;
mod full_disk;
mod fetching;
mod elsewhere;
mod outputs;
mod menus;
mod names;
mod tables;
mod digits;
mod traces;
mod diagnoses;
mod papers;
mod reports;
mod screens;
mod help;
