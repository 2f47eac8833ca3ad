//! Tests parse the arguments of a task as the program does.

use clap::{Args, Command};

/// The arguments that `line` gives to a task.
pub(crate) fn parse<A: Args>(line: &str) -> Result<A, clap::Error> {
    let command = A::augment_args(Command::new("task").no_binary_name(true));
    let matches = command.try_get_matches_from(line.split_whitespace())?;
    A::from_arg_matches(&matches)
}
