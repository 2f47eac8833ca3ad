//! The program `nn` as its users meet it: started, read, and looked at what
//! it leaves behind.
#![allow(
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests say what they look at, and what they skip, and wait no longer than they should"
)]

mod support;
mod live;
mod contract;
mod configuration;
mod determinism;
mod searches;
mod shared_searches;
mod splits;
mod stopping;
mod resuming;
mod fine_tuning;
mod changed_settings;
mod bad_files;
mod odd_runs;
mod strictness;
mod full_disk;
mod fetching;
mod elsewhere;
mod outputs;
mod exports;
mod imports;
mod menus;
mod names;
mod tables;
mod rows_files;
mod memory;
mod escapes;
mod evaluation;
mod ensembles;
mod digits;
mod images;
mod traces;
mod diagnoses;
mod papers;
mod reports;
mod serve_access;
mod serve_safety;
mod serve_drawing;
mod serve_training;
mod screens;
mod help;
mod readme;
mod repeated;
