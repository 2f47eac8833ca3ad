//! Limits on the JSON in files.

use nn_error::{Error, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

/// Maximum number of values in JSON that is parsed into a tree, where a value of
/// three bytes may take hundreds.
const MAX_VALUES: usize = 100_000;

/// Parses JSON with at most 100 000 values; more values could take far more memory than the file.
/// `what` names the JSON in the error.
///
/// # Errors
/// Returns [`Error::ModelFile`] if there are too many values, or if the JSON is invalid.
pub fn bounded<'b, T: Deserialize<'b>>(json: &'b RawValue, what: &str) -> Result<T> {
    check_n_values(json.get(), MAX_VALUES, what)?;
    serde_json::from_str(json.get())
        .map_err(|error| Error::invalid_file(format!("{what}: {error}")))
}

/// Checks that JSON has at most `most` values; `what` names the JSON in the error.
///
/// # Errors
/// Returns [`Error::ModelFile`] if the JSON has more than `most` values.
pub fn check_n_values(json: &str, most: usize, what: &str) -> Result<()> {
    let found = n_values(json);
    if found <= most {
        return Ok(());
    }
    Err(Error::invalid_file(format!(
        "{what}: expected at most {most} values, found {found}"
    )))
}

/// An upper bound on the number of values in JSON: 1, plus 1 per comma and
/// opening bracket.
fn n_values(json: &str) -> usize {
    let (mut n, mut in_text, mut is_escaped) = (1, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_text,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => n += 1,
            _ => {}
        }
    }
    n
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_brackets_in_text_are_not_counted() {
        for (json, n) in [("0", 1), ("[0,1,2]", 4), (r#"{"a,[":"\\\",[{","b":[]}"#, 4)] {
            assert_eq!(n_values(json), n, "{json}");
        }
    }
}
