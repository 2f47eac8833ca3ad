//! Writing to standard output and standard error.
//!
//! A reader that has gone away (`nn … | head`) is no error: the program ends
//! quietly, except that a training goes on to save what it learns.

use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Writes a line to standard output.
pub(crate) fn line(text: impl Display) {
    end_if_closed(write_line(text));
}

/// Writes a line about work that goes on even if nobody reads about it.
pub(crate) fn report(text: impl Display) {
    let written = write_line(text);
    end_if_closed(written.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }));
}

/// Writes a line to standard error.
pub(crate) fn error_line(text: impl Display) {
    // Where nobody can read the error, the exit code still tells it.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person is watching standard output.
pub(crate) fn is_interactive() -> bool {
    io::stdout().is_terminal()
}

/// Whether what was written can be written over: a person is watching, on a
/// terminal that can move its cursor.
pub(crate) fn can_redraw() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    is_interactive() && io::stderr().is_terminal() && !is_dumb
}

/// Columns of the terminal, one of them left free: some terminals begin a new
/// line after the last one.
pub(crate) fn width() -> usize {
    let columns = console::Term::stderr().size_checked();
    columns.map_or(79, |(_, columns)| usize::from(columns).saturating_sub(1))
}

/// Whether this program was started with `cargo run`, which tells so.
pub(crate) fn is_run_by_cargo() -> bool {
    std::env::var_os("CARGO").is_some()
}

/// What to type to start this program, for hints.
pub(crate) fn program() -> &'static str {
    if is_run_by_cargo() {
        "cargo run -p nn-cli --"
    } else {
        "nn"
    }
}

/// A word of a command, in single quotes if a shell would read it as anything
/// but itself.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_=.,:/+".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else if word.contains('\0') {
        // A byte that is no UTF-8; see `data_name`.
        let word = word.replace('\\', r"\\").replace('\'', r"\'");
        format!("$'{}'", word.replace('\0', r"\x"))
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Digits in groups of three: 203530 is `203 530`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A short time: `3.94 s`, `12.3 ms`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 0.1 {
        format!("{:.1} ms", 1e3 * seconds)
    } else {
        format!("{seconds:.2} s")
    }
}

/// A share in percent, or a dash.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", 100.0 * share))
}

#[cfg(not(test))]
fn write_line(text: impl Display) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// In a way that the test harness sees, and shows if a test fails.
#[cfg(test)]
#[expect(clippy::print_stdout, reason = "tests alone print like this")]
fn write_line(text: impl Display) -> io::Result<()> {
    println!("{text}");
    Ok(())
}

fn end_if_closed(written: io::Result<()>) {
    if let Err(error) = written {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        error_line(format!(
            "error: standard output: {error}\n  help: check where the output goes, and the disk"
        ));
        std::process::exit(5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_every_word_as_it_is() {
        assert_eq!(quoted("--data=mnist"), "--data=mnist");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("it's \0E9\\"), r"$'it\'s \xE9\\'");
    }

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1 000");
        assert_eq!(grouped(12_345_678), "12 345 678");
    }
}
