//! Parses the name of a choice, such as the name of a separator.

use crate::{Error, Result};

/// The choice with this name.
pub(crate) fn choice<T: Copy>(
    what: &'static str,
    name: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<T> {
    all.iter()
        .copied()
        .find(|&candidate| name_of(candidate) == name)
        .ok_or_else(|| Error::UnknownChoice {
            what,
            name: name.to_owned(),
            choices: all.iter().map(|&candidate| name_of(candidate)).collect(),
        })
}
