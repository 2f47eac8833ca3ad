//! Checks of counts, and shortening of user input for error messages.

use crate::{Error, Result};

/// Returns an error if a count differs from the expected count; `what` names the count in the
/// error message.
///
/// # Errors
/// Returns [`Error::Shape`] if the counts differ.
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

/// Returns the first 40 characters of an untrusted text, escaped to ASCII.
pub fn shorten(text: &str) -> String {
    text.chars()
        .take(40)
        .flat_map(char::escape_default)
        .collect()
}
