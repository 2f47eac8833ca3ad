//! `nn train` on several processes: the command line of the program `nn-mpi`.

use std::env::ArgsOs;
use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use nn_train::{Processes, Result, flags, instruction_set};

use crate::args::threads;
use crate::interrupt::{self, Interrupt};
use crate::train::{self, TrainArguments};
use crate::{STYLES, exit};

/// Trains one network on several processes; the weights are the same as with `nn train`.
///
/// Start it with a launcher of MPI, such as `mpirun -n 4 nn-mpi train`.
#[derive(Debug, Parser)]
#[command(name = "nn-mpi", version, styles = STYLES, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and write a run directory
    Train(Box<TrainArguments>),
}

/// The outcome of the command line.
enum Parsed {
    Train(Box<TrainArguments>),
    /// The help or the version was asked for.
    Shown,
}

/// Runs the command line of the program `nn-mpi` on one of several processes; returns the exit
/// code, the same on all processes.
///
/// Process 0 trains, prints and writes files; the others take part in every training step.
///
/// # Errors
/// Returns the exit code of an error that only this process has, after printing it. The other
/// processes then wait for this process, so the caller has to end them.
pub fn train_on(processes: &Processes) -> Result<u8, u8> {
    interrupt::survive_file_size_limit();
    interrupt::survive_failed_allocations();
    let words = std::env::args_os();
    let facts = [("command line".to_owned(), text(words))];
    let checked = instruction_set::check();
    // All processes compare, before one of them ends because of an error.
    let compared = processes.check_same(&facts);
    if processes.is_first() {
        let code = match checked.and(compared).and_then(|()| train(processes)) {
            Ok(()) => 0,
            Err(error) => exit::report(&error),
        };
        return processes.end(code).map(|()| code).map_err(|_| code);
    }
    // Process 0 reports a different command line.
    follow(processes).map_err(|error| {
        let process = format_args!("process {}", processes.rank());
        exit::report(&error.at(process))
    })
}

/// The command line as text, without the name of the program.
fn text(words: ArgsOs) -> String {
    let words = words
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned());
    words.collect::<Vec<_>>().join(" ")
}

fn train(processes: &Processes) -> Result<()> {
    match parse(std::env::args_os(), true)? {
        Parsed::Shown => Ok(()),
        Parsed::Train(arguments) => train::run(&arguments, Some(processes)),
    }
}

/// Takes part in the training runs of process 0. An invalid command line is reported by
/// process 0.
fn follow(processes: &Processes) -> Result<u8> {
    // Process 0 saves the run after a signal.
    Interrupt::listen()?;
    match parse(std::env::args_os(), false) {
        Ok(Parsed::Train(arguments)) => {
            let (data_dir, n_threads) = arguments.of_every_process();
            processes.follow(data_dir, &threads(n_threads))
        }
        Ok(Parsed::Shown) | Err(_) => processes.follow("".as_ref(), &threads(Some(1))),
    }
}

/// Parses the command line; shows the help, if the user asks for it, on the process that
/// `shows` it.
fn parse(words: impl Iterator<Item = OsString>, shows: bool) -> Result<Parsed> {
    let words = flags::of_command_line(words)?;
    let command = Arguments::command().mut_subcommand("train", flags::with_defaults);
    let parsed = command.try_get_matches_from(words);
    let arguments = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    match arguments {
        Ok(Arguments {
            command: Command::Train(arguments),
        }) => Ok(Parsed::Train(arguments)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion if shows => {
                // A closed pipe is not an error.
                let _ = error.print();
                Ok(Parsed::Shown)
            }
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Parsed::Shown),
            _ => Err(flags::of_clap(&error)),
        },
    }
}
