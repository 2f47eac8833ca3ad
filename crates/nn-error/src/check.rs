//! Checks of counts, and user input in error messages.

use crate::{Error, Result};

/// Checks that a count is the expected one; `what` names it in the error.
///
/// # Errors
/// [`Error::Shape`].
pub fn check_count(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    Err(Error::Shape {
        what,
        expected,
        found,
    })
}

/// The first 40 characters of an untrusted text, escaped to ASCII.
pub fn shorten(text: &str) -> String {
    text.chars()
        .take(40)
        .flat_map(char::escape_default)
        .collect()
}
