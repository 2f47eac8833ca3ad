//! The program `nn`: train, evaluate and use multilayer perceptrons.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    reason = "this is the one crate that reads a clock"
)]

mod terminal;
mod interrupt;
mod exit;
mod objective;
mod args;
mod run_files;
mod progress;
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

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Arguments, Command};
use nn_train::{Result, flags, instruction_set};

fn main() -> ExitCode {
    interrupt::survive_file_size_limit();
    let result = parse(std::env::args_os()).and_then(|arguments| run(&arguments.command));
    result.unwrap_or_else(|error| exit::report(&error))
}

/// Parses the command line; prints the help, and ends the program, if asked for.
fn parse(words: impl Iterator<Item = OsString>) -> Result<Arguments> {
    let words = flags::of_command_line(words)?;
    let parsed = args::command().try_get_matches_from(words);
    let arguments = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    arguments.map_err(|error| match error.kind() {
        clap::error::ErrorKind::ValueValidation => flags::of_clap(&error),
        _ => error.exit(),
    })
}

fn run(command: &Command) -> Result<ExitCode> {
    instruction_set::check()?;
    match command {
        Command::Train(arguments) => train::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Search(arguments) => search::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Gradcheck(arguments) => return gradcheck::run(arguments),
        Command::Trace(arguments) => trace::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Data(arguments) => data::run(arguments),
        Command::Papers(arguments) => papers::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
    }
    .map(|()| ExitCode::SUCCESS)
}
