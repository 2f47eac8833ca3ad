//! The program `nn`: train, evaluate and use multilayer perceptrons.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "this is the one crate that reads a clock"
)]

mod terminal;
mod failure;
mod instructions;
mod objective;
mod data_name;
mod regular_file;
mod settings;
mod args;
mod spellings;
mod selection;
mod note;
mod memory;
mod task;
mod division;
mod request;
mod table;
mod datasets;
mod plan;
mod training_memory;
mod deformation;
mod doubt;
mod disk;
mod atomic_file;
mod metrics_file;
mod checkpoints;
mod run_dir;
mod difference;
mod run_files;
mod progress;
mod interrupt;
mod restart;
mod course;
mod finiteness;
mod evaluate;
mod predict;
mod report;
mod compare;
mod train;
mod search;
mod inspect;
mod gradcheck;
mod trace;
mod doctor;
mod data;
mod papers;
mod serve;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use failure::Result;

fn main() -> ExitCode {
    interrupt::survive_file_size_limit();
    let words = match spellings::of_command_line(std::env::args_os()) {
        Ok(words) => words,
        Err(failure) => return failure.report(),
    };
    let arguments = Arguments::parse_from(words);
    match run(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: &Command) -> Result<()> {
    instructions::check()?;
    match command {
        Command::Train(arguments) => train::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Search(arguments) => search::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Gradcheck(arguments) => gradcheck::run(arguments),
        Command::Trace(arguments) => trace::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Data(arguments) => data::run(arguments),
        Command::Papers(arguments) => papers::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
    }
}
