//! Output of lines to standard output and standard error.
//!
//! Class names, column names, file names and settings come from untrusted files. A terminal
//! interprets control characters in untrusted text (CWE-150): ESC ] 52 overwrites the clipboard,
//! U+202E reverses the text after it. All output of this crate is written through [`Line`], which
//! escapes control characters.
//!
//! A closed pipe (`nn … | head`) is not an error: the program ends without a message. If the pipe
//! closes during training, the training run continues until its result is saved.

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde_json::Value;

/// Output that can be written as one line: text for people, or JSON.
pub(crate) trait Line {
    /// The line with escapes for the characters that a terminal would execute.
    fn safe(&self) -> String;
}

impl Line for str {
    /// Escapes as in a Rust literal: `\u{1b}`, `\n`.
    fn safe(&self) -> String {
        let mut safe = String::with_capacity(self.len());
        for letter in self.chars() {
            if is_unsafe(letter) {
                safe.extend(letter.escape_default());
            } else {
                safe.push(letter);
            }
        }
        safe
    }
}

impl Line for String {
    fn safe(&self) -> String {
        self.as_str().safe()
    }
}

impl Line for Value {
    fn safe(&self) -> String {
        Json(self.to_string()).safe()
    }
}

impl<T: Line + ?Sized> Line for &T {
    fn safe(&self) -> String {
        (**self).safe()
    }
}

/// Serialized JSON.
pub(crate) struct Json(pub(crate) String);

impl Line for Json {
    /// Non-ASCII characters occur only in strings, in which the escape `\u202e` means
    /// the same character: the value does not change.
    fn safe(&self) -> String {
        let mut safe = String::with_capacity(self.0.len());
        for letter in self.0.chars() {
            if is_unsafe(letter) {
                let units = &mut [0; 2];
                let units = letter.encode_utf16(units).iter();
                safe.extend(units.map(|unit| format!("\\u{unit:04x}")));
            } else {
                safe.push(letter);
            }
        }
        safe
    }
}

/// Returns `true` if a character affects the terminal beyond its own cell: control characters
/// (C0, DEL, C1), bidirectional controls, invisible characters, line separators.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// Writes a line to standard output.
pub(crate) fn line(text: impl Line) {
    end_if_closed(write_line(text));
}

/// Writes a machine-readable file to standard output: unchanged to a pipe, as escaped
/// lines to a terminal.
pub(crate) fn file(text: &[u8]) {
    let text = String::from_utf8_lossy(text);
    if is_interactive() {
        text.lines().for_each(line);
    } else {
        end_if_closed(io::stdout().lock().write_all(text.as_bytes()));
    }
}

/// Writes a line for a command that continues when the pipe is closed.
pub(crate) fn report(text: impl Line) {
    let written = write_line(text);
    end_if_closed(written.or_else(|error| match error.kind() {
        ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }));
}

/// Writes a line to standard error.
pub(crate) fn error_line(text: impl Line) {
    // If standard error is closed, the exit code still reports the error.
    let _ = writeln!(io::stderr().lock(), "{}", text.safe());
}

/// Returns `true` if standard output is a terminal.
pub(crate) fn is_interactive() -> bool {
    io::stdout().is_terminal()
}

/// Returns `true` if lines can be redrawn: the output is a terminal that can move its cursor.
pub(crate) fn can_redraw() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
    is_interactive() && io::stderr().is_terminal() && !is_dumb
}

/// Usable columns of the terminal. The last column stays empty, because some terminals
/// start a new line after it.
pub(crate) fn width() -> usize {
    let columns = console::Term::stderr().size_checked();
    columns.map_or(79, |(_, columns)| usize::from(columns).saturating_sub(1))
}

/// Returns `true` if this program was started with `cargo run`, which sets `CARGO`.
pub(crate) fn is_run_by_cargo() -> bool {
    std::env::var_os("CARGO").is_some()
}

/// The command that starts this program, for hints.
pub(crate) fn program() -> &'static str {
    if is_run_by_cargo() {
        "cargo run -p nn-cli --"
    } else {
        "nn"
    }
}

/// A duration: `3.94 s`, `12.3 ms`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 0.1 {
        format!("{:.1} ms", 1e3 * seconds)
    } else {
        format!("{seconds:.2} s")
    }
}

/// A fraction in percent, or a dash.
pub(crate) fn percent(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "-".to_owned(), |it| format!("{:.2} %", 100.0 * it))
}

/// A number with its noun: `1 trial`, `2 trials`.
pub(crate) fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(not(test))]
fn write_line(text: impl Line) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", text.safe())
}

/// Prints a line; in tests, the test harness captures it and shows it if the test fails.
#[cfg(test)]
#[expect(clippy::print_stdout, reason = "only tests print like this")]
fn write_line(text: impl Line) -> io::Result<()> {
    println!("{}", text.safe());
    Ok(())
}

fn end_if_closed(written: io::Result<()>) {
    if let Err(error) = written {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        error_line(format!("error: standard output: {error}"));
        error_line(
            "  help: check the file or pipe that receives the output, and the free disk space",
        );
        std::process::exit(5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let cases = [
            ("\u{1b}]52;c;ZXZpbA==\u{7}x", r"\u{1b}]52;c;ZXZpbA==\u{7}x"),
            ("a\nerror: b\r\t", r"a\nerror: b\r\t"),
            ("\u{7f}\u{9b}31m", r"\u{7f}\u{9b}31m"),
            ("a\u{202e}b\u{2066}\u{200f}", r"a\u{202e}b\u{2066}\u{200f}"),
            (
                "\u{200b}\u{feff}\u{2028}\u{e0041}",
                r"\u{200b}\u{feff}\u{2028}\u{e0041}",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(text.safe(), expected);
            assert_eq!(expected.safe(), expected, "once is enough");
        }
        let plain = "Zürich 東京 עברית e\u{301} हिन्दी \"'\\ 😀 ↓ R² █";
        assert_eq!(plain.safe(), plain);
    }

    #[test]
    fn nouns_agree_with_their_numbers() {
        let texts = [0, 1, 2].map(|number| counted(number, "trial"));
        assert_eq!(texts, ["0 trials", "1 trial", "2 trials"]);
    }

    #[test]
    fn json_keeps_its_value() {
        let value = serde_json::json!({ "a\u{202e}": "\u{1b}\u{7f}\u{9b}\n\u{e0041}é" });
        let safe = value.safe();
        assert!(!safe.chars().any(is_unsafe), "{safe}");
        assert_eq!(serde_json::from_str::<Value>(&safe).unwrap(), value);
    }
}
