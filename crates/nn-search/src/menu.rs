//! Menus: closed lists of named choices with integer parameters.
//!
//! An entry is written `name` or `name:parameter=count:…`, for example `grid:points=5`.
//! The command line and its help use [`Menu::ALL`].

use std::fmt;

use crate::{Error, Result};

/// A closed list of choices.
pub trait Menu: Copy + PartialEq + fmt::Debug + 'static {
    /// Name of the menu in the singular, such as `strategy`.
    const KIND: &'static str;

    /// All entries, with their default parameters.
    const ALL: &'static [Self];

    /// Name of the entry, in lower case with hyphens.
    fn name(&self) -> &'static str;

    /// Mutable access to the parameters of the entry.
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }

    /// Names of all entries, separated by commas.
    fn names() -> String {
        let names: Vec<_> = Self::ALL.iter().map(Self::name).collect();
        names.join(", ")
    }
}

/// An integer parameter of a menu entry.
#[derive(Debug)]
pub struct Parameter<'a> {
    name: &'static str,
    value: &'a mut usize,
    least: usize,
}

impl<'a> Parameter<'a> {
    /// Creates a parameter with a minimum value of `least`.
    pub(crate) fn new(name: &'static str, value: &'a mut usize, least: usize) -> Self {
        Self { name, value, least }
    }
}

/// Parses `name:parameter=count:…`.
///
/// # Errors
/// Returns [`Error::UnknownName`], [`Error::UnknownParameter`] or [`Error::Parameter`].
pub(crate) fn parse<M: Menu>(text: &str) -> Result<M> {
    let mut parts = text.trim().split(':');
    let name = parts.next().unwrap_or_default().trim();
    let mut entry = *M::ALL
        .iter()
        .find(|entry| entry.name() == name)
        .ok_or_else(|| Error::UnknownName {
            menu: M::KIND,
            name: shorten(name),
            expected: M::names(),
        })?;
    for part in parts {
        set_parameter(&mut entry, part)?;
    }
    Ok(entry)
}

fn set_parameter<M: Menu>(entry: &mut M, part: &str) -> Result<()> {
    let entry_name = entry.name();
    let (name, text) = part.split_once('=').unwrap_or((part, ""));
    let mut parameters = entry.parameters();
    let names: Vec<_> = parameters.iter().map(|parameter| parameter.name).collect();
    let parameter = parameters
        .iter_mut()
        .find(|parameter| parameter.name == name.trim())
        .ok_or_else(|| Error::UnknownParameter {
            entry: entry_name,
            parameter: shorten(name),
            expected: if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            },
        })?;
    *parameter.value = text
        .trim()
        .parse()
        .ok()
        .filter(|&value| value >= parameter.least)
        .ok_or_else(|| Error::Parameter {
            entry: entry_name,
            parameter: parameter.name,
            least: parameter.least,
            found: shorten(text),
        })?;
    Ok(())
}

/// Truncates a text that may be long.
fn shorten(text: &str) -> String {
    text.chars().take(40).collect()
}

/// Formats an entry for [`parse`], with all parameters, so that a journal does not
/// depend on defaults.
pub(crate) fn write<M: Menu>(mut entry: M, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(entry.name())?;
    for parameter in entry.parameters() {
        write!(f, ":{}={}", parameter.name, parameter.value)?;
    }
    Ok(())
}

/// Implements `FromStr` and `Display` for a [`Menu`].
macro_rules! menu_text {
    ($menu:ty) => {
        impl std::str::FromStr for $menu {
            type Err = $crate::Error;

            fn from_str(text: &str) -> $crate::Result<Self> {
                $crate::menu::parse(text)
            }
        }

        impl std::fmt::Display for $menu {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::menu::write(*self, f)
            }
        }
    };
}
pub(crate) use menu_text;

#[cfg(test)]
pub(crate) mod tests {
    use std::fmt::Display;
    use std::str::FromStr;

    use super::*;

    /// Checks the invariants of a menu.
    pub(crate) fn check<M: Menu + Display + FromStr<Err = Error>>() {
        for entry in M::ALL {
            assert_eq!(entry.name().parse::<M>().unwrap(), *entry);
            let mut changed = *entry;
            for parameter in changed.parameters() {
                assert!(*parameter.value >= parameter.least, "{entry}");
                *parameter.value += 3;
            }
            assert_eq!(changed.to_string().parse::<M>().unwrap(), changed);
            let unknown = format!("{}:no-such=1", entry.name()).parse::<M>();
            assert!(matches!(unknown, Err(Error::UnknownParameter { .. })));
        }
        let error = "no such".parse::<M>().unwrap_err().to_string();
        assert!(M::ALL.iter().all(|entry| error.contains(entry.name())));
    }
}
