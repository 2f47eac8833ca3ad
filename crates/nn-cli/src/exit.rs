//! Prints the error that ends a command, and returns its exit code.

use std::fmt::Display;

use nn_train::{Error, ErrorKind, flags};

use crate::interrupt;
use crate::terminal;

/// Prints an error with its hint and returns its exit code.
pub(crate) fn report(error: &Error) -> u8 {
    let help = error.help().unwrap_or(default_help(error.kind()));
    terminal::error_line(format!("error: {}", as_typed(&error.to_string())));
    terminal::error_line(format!("  help: {}", as_typed(help)));
    code(error.kind())
}

/// Converts a message of a library: settings become flags, and `nn` becomes the command
/// that the user typed.
pub(crate) fn as_typed(text: &str) -> String {
    let program = format!("`{} ", terminal::program());
    flags::in_text(text).replace("`nn ", &program)
}

/// Prints a note to standard error.
pub(crate) fn note(note: &impl Display) {
    terminal::error_line(format!("note: {}", as_typed(&note.to_string())));
}

/// The exit codes, as documented for scripts.
fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => 2,
        ErrorKind::Data => 3,
        ErrorKind::Network => 4,
        ErrorKind::Io => 5,
        ErrorKind::Diverged => 6,
        ErrorKind::Interrupted => interrupt::exit_code(),
        _ => 1,
    }
}

/// The default hint for each kind of error.
fn default_help(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Usage => "add --help to the command to see its options",
        ErrorKind::Data => "check the file; if it is damaged, copy or download it again",
        ErrorKind::Network => "check the connection and run the command again",
        ErrorKind::Io => "check the path, its permissions and the free disk space",
        ErrorKind::Diverged => "try a lower --lr",
        _ => "run the command again",
    }
}
