//! The program `nn`: train, evaluate and use multilayer perceptrons.
//!
//! This is a library only for programs that start the same commands in a different way, such
//! as `nn-mpi`. To train networks in a program of your own, use the crate `nn-train`.
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
mod progress;
mod finiteness;
mod training;
mod repeated_training;
mod train;
mod evaluate;
mod predict;
mod report;
mod compare;
mod search;
mod inspect;
mod export;
mod import;
mod gradcheck;
mod trace;
mod doctor;
mod data;
mod papers;
#[cfg(feature = "serve")]
mod serve;
mod help;
mod shared_training;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use nn_train::{Result, flags, instruction_set};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Trains, evaluates and uses multilayer perceptrons.
#[derive(Debug, Parser)]
#[command(name = "nn", version, styles = STYLES, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
#[command(after_help = "Start with `nn train`, which needs no data and no flags.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and write a run directory
    Train(Box<train::TrainArguments>),
    /// Evaluate a run: loss, accuracy, confusion matrix
    Evaluate(evaluate::EvaluateArguments),
    /// Predict with a trained model: images, rows of a CSV file, or test samples
    Predict(predict::PredictArguments),
    /// Search for good settings: random, grid or Bayesian
    Search(Box<search::SearchArguments>),
    /// Write a report with charts to each run directory
    Report(report::ReportArguments),
    /// Compare runs side by side: settings, results, curves
    Compare(compare::CompareArguments),
    /// Show the layers, the parameters and the origin of a model
    Inspect(inspect::InspectArguments),
    /// Export a model: ONNX, C or Rust source code, safetensors
    Export(export::ExportArguments),
    /// Import a model of another program: ONNX, or weights of PyTorch, Keras or scikit-learn
    Import(Box<import::ImportArguments>),
    /// Check the gradient of a configuration against finite differences
    Gradcheck(Box<gradcheck::GradcheckArguments>),
    /// Show every value computed in one training step on one sample
    Trace(trace::TraceArguments),
    /// Diagnose a training run and suggest flags to try
    Doctor(doctor::DoctorArguments),
    /// List, show, download and export data sets
    Data(data::DataArguments),
    /// Reproduce the experiments of five teaching papers and check their claims
    Papers(papers::PapersArguments),
    /// Serve a live page: draw a digit, watch a network train, compare two training runs
    #[cfg(feature = "serve")]
    Serve(serve::ServeArguments),
    /// Print the help of a command, or a list: optimizers, losses, activations, schedules, initializers
    Help(help::HelpArguments),
    /// Print the completion script for a shell
    Completions(help::CompletionsArguments),
    /// Print the manual page, or write one per command
    Man(help::ManArguments),
}

pub use shared_training::train_on;

/// Runs the command line of this program.
pub fn main() -> ExitCode {
    interrupt::survive_file_size_limit();
    interrupt::survive_failed_allocations();
    let result = parse(std::env::args_os()).and_then(|arguments| run(&arguments.command));
    result.unwrap_or_else(|error| exit::report(&error).into())
}

/// Parses the command line; prints the help and exits if the user asks for it.
fn parse(words: impl Iterator<Item = OsString>) -> Result<Arguments> {
    let words = flags::of_command_line(words)?;
    let parsed = command().try_get_matches_from(words);
    let arguments = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    arguments.map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => error.exit(),
        _ => flags::of_clap(&error),
    })
}

/// The command line, with the defaults of the settings in the help.
fn command() -> clap::Command {
    let command = Arguments::command();
    let with_settings = ["train", "search", "gradcheck"].into_iter();
    let command = with_settings.fold(command, |command, name| {
        command.mut_subcommand(name, flags::with_defaults)
    });
    command.mut_subcommand("search", search::with_help_of_trials)
}

fn run(command: &Command) -> Result<ExitCode> {
    instruction_set::check()?;
    match command {
        Command::Train(arguments) => train::run(arguments, None),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Search(arguments) => search::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Compare(arguments) => compare::run(arguments),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Gradcheck(arguments) => return gradcheck::run(arguments),
        Command::Trace(arguments) => trace::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Data(arguments) => data::run(arguments),
        Command::Papers(arguments) => papers::run(arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(arguments),
        Command::Help(arguments) => help::help(arguments, self::command()),
        Command::Completions(arguments) => help::completions(arguments, self::command()),
        Command::Man(arguments) => help::man(arguments, self::command()),
    }
    .map(|()| ExitCode::SUCCESS)
}
