//! Parsing of arguments in tests, as the program parses them.

use clap::{Args, Command};

/// Parses the arguments of a task from a line.
pub(crate) fn parse<A: Args>(line: &str) -> Result<A, clap::Error> {
    let command = A::augment_args(Command::new("task").no_binary_name(true));
    let matches = command.try_get_matches_from(line.split_whitespace())?;
    A::from_arg_matches(&matches)
}
