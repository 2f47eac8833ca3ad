//! The common interface of all menus: names with parameters, and errors that list the
//! valid names and parameters.
//!
//! A menu is a closed `enum` in one file. An entry is written
//! `name` or `name:parameter=value:parameter=value`, for example `relu`,
//! `leaky-relu:slope=0.01` or `adam:beta1=0.9:beta2=0.99`. Everything that
//! offers a choice (command line, help, gradient check, golden tests) iterates
//! over [`Menu::ALL`], so a new entry appears everywhere automatically.

use std::fmt;

use nn_error::{Error, Result, shorten};

pub use nn_error::Range;

/// A closed list of named options, implemented by this crate's enums only.
pub trait Menu: Copy + PartialEq + fmt::Debug + sealed::Sealed + 'static {
    /// The kind of option, in the singular, such as `activation`.
    const KIND: &'static str;

    /// Every entry, with its default parameters.
    const ALL: &'static [Self];

    /// The name of the entry, in lower case with hyphens.
    fn name(&self) -> &'static str;

    /// The formula, as text.
    fn formula(&self) -> &'static str;

    /// The source of the method; empty for textbook methods.
    fn source(&self) -> &'static str;

    /// Alternative names that are accepted but not listed.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// The parameters of the entry, to read or set.
    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        Vec::new()
    }

    /// Names that mean something else in another library. Parsing rejects them with an
    /// explanation and the nearest entry.
    fn foreign_names() -> &'static [ForeignName] {
        &[]
    }

    /// Describes a conflict between parameters that are each in range, if there is one.
    fn conflict(&self) -> Option<String> {
        None
    }

    /// Checks that every parameter is in its range.
    ///
    /// ```
    /// use nn_functions::{Activation, Menu};
    ///
    /// let error = Activation::LeakyRelu { slope: -0.5 }.check().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "leaky-relu:slope: expected a number above 0, found -0.5"
    /// );
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::OutOfRange`], or [`Error::Conflict`] for parameters that cannot be used
    /// together.
    fn check(&self) -> Result<()> {
        let mut entry = *self;
        let name = entry.name();
        for parameter in entry.parameters() {
            parameter.check(name)?;
        }
        match self.conflict() {
            None => Ok(()),
            Some(problem) => Err(Error::Conflict {
                what: name.to_owned(),
                problem,
            }),
        }
    }

    /// The name with every parameter and its value.
    ///
    /// ```
    /// use nn_functions::{Menu, Optimizer};
    ///
    /// let adam: Optimizer = "adam".parse()?;
    /// assert_eq!(adam.with_parameters(), "adam:beta1=0.9:beta2=0.999:epsilon=1e-8");
    /// # Ok::<(), nn_error::Error>(())
    /// ```
    fn with_parameters(&self) -> String {
        let mut entry = *self;
        let parameters = entry.parameters();
        let parameters = parameters.iter().map(|parameter| {
            let value = match *parameter.value {
                value if value != 0.0 && value.abs() < 1e-4 => format!("{value:e}"),
                value => value.to_string(),
            };
            format!(":{}={value}", parameter.name)
        });
        self.name().to_owned() + &parameters.collect::<String>()
    }

    /// All names, separated by commas.
    fn names() -> String {
        let names: Vec<_> = Self::ALL.iter().map(Self::name).collect();
        names.join(", ")
    }
}

/// A name that means something else in another library and is not on the menu.
#[derive(Clone, Copy, Debug)]
pub struct ForeignName {
    /// Name of the entry in the other library.
    pub name: &'static str,
    /// Meaning of the name in the other library.
    pub meaning: &'static str,
    /// The nearest entry of the menu.
    pub instead: &'static str,
}

/// A numeric parameter of a menu entry.
#[derive(Debug)]
pub struct Parameter<'a> {
    name: &'static str,
    value: &'a mut f64,
    range: Range,
}

impl<'a> Parameter<'a> {
    /// A parameter whose values must lie in `range`.
    pub fn new(name: &'static str, value: &'a mut f64, range: Range) -> Self {
        Self { name, value, range }
    }

    /// The name of the parameter.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The range of valid values.
    pub fn range(&self) -> Range {
        self.range
    }

    /// Sets the value without checking it; [`Menu::check`] does that.
    pub fn set(&mut self, value: f64) {
        *self.value = value;
    }

    fn check(&self, entry: &str) -> Result<f64> {
        let what = format!("{entry}:{}", self.name);
        self.range.check(&what, *self.value)
    }
}

/// Parses `name:parameter=value:…`; commas may separate parameters as well.
///
/// # Errors
/// Returns [`Error::UnknownName`], [`Error::UnknownParameter`] or
/// [`Error::OutOfRange`], each with the valid choices.
pub(crate) fn parse<M: Menu>(text: &str) -> Result<M> {
    let mut parts = text.trim().split([':', ',']);
    let name = parts.next().unwrap_or_default().trim();
    let mut entry = *M::ALL
        .iter()
        .find(|entry| entry.name() == name || entry.aliases().contains(&name))
        .ok_or_else(|| unknown::<M>(name))?;
    for part in parts {
        set_parameter(&mut entry, part)?;
    }
    entry.check()?;
    Ok(entry)
}

fn unknown<M: Menu>(name: &str) -> Error {
    match M::foreign_names().iter().find(|it| it.name == name) {
        Some(&ForeignName {
            name,
            meaning,
            instead,
        }) => Error::ForeignName {
            menu: M::KIND,
            name,
            meaning,
            instead,
        },
        None => Error::UnknownName {
            menu: M::KIND,
            name: shorten(name),
            expected: M::names(),
        },
    }
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
    let what = format!("{entry_name}:{}", parameter.name);
    let value: f64 = text.trim().parse().map_err(|_| Error::OutOfRange {
        what: what.clone(),
        expected: parameter.range.to_string(),
        found: format!("\"{}\"", shorten(text)),
    })?;
    parameter.set(value);
    parameter.check(entry_name)?;
    Ok(())
}

/// Formats an entry for [`parse`], without parameters that have their default value.
pub(crate) fn write<M: Menu>(entry: M, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(entry.name())?;
    let mut entry = entry;
    let name = entry.name();
    let default = M::ALL.iter().find(|default| default.name() == name);
    let defaults: Vec<f64> = default.map_or_else(Vec::new, |default| {
        let mut default = *default;
        default
            .parameters()
            .iter()
            .map(|parameter| *parameter.value)
            .collect()
    });
    for (parameter, default) in entry.parameters().iter().zip(defaults) {
        if *parameter.value != default {
            write!(f, ":{}={}", parameter.name, parameter.value)?;
        }
    }
    Ok(())
}

/// Implements `FromStr` and `Display` for a [`Menu`].
macro_rules! menu_text {
    ($menu:ty) => {
        impl $crate::menu::sealed::Sealed for $menu {}

        impl std::str::FromStr for $menu {
            type Err = ::nn_error::Error;

            fn from_str(text: &str) -> ::nn_error::Result<Self> {
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

pub(crate) mod sealed {
    pub trait Sealed {}
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;
    use std::fmt::Display;
    use std::str::FromStr;

    use super::*;

    /// Checks the properties that every menu must have.
    pub(crate) fn check<M: Menu + Display + FromStr<Err = Error>>() {
        let mut names = HashSet::new();
        let formulas: HashSet<_> = M::ALL.iter().map(Menu::formula).collect();
        assert_eq!(
            formulas.len(),
            M::ALL.len(),
            "two entries have the same formula"
        );
        for entry in M::ALL {
            assert!(
                names.insert(entry.name()),
                "duplicate name {}",
                entry.name()
            );
            assert_eq!(entry.name().parse::<M>().unwrap(), *entry);
            assert!(!entry.formula().is_empty(), "{entry}");
            for alias in entry.aliases() {
                assert!(names.insert(alias), "duplicate name {alias}");
                assert_eq!(alias.parse::<M>().unwrap(), *entry);
            }
            assert_eq!(entry.to_string(), entry.name());
            let mut changed = *entry;
            for parameter in changed.parameters() {
                assert!(
                    parameter.range.contains(*parameter.value),
                    "{entry}:{}",
                    parameter.name
                );
                *parameter.value *= 0.5;
            }
            if changed.to_string().parse::<M>().is_ok() {
                assert_eq!(changed.to_string().parse::<M>().unwrap(), changed);
            }
            check_ranges(*entry);
            let error = format!("{}:no-such=1", entry.name())
                .parse::<M>()
                .unwrap_err();
            assert!(matches!(error, Error::UnknownParameter { .. }));
        }
        let error = "no such".parse::<M>().unwrap_err().to_string();
        assert!(error.starts_with(&format!(
            "unknown {} \"no such\"; expected one of: ",
            M::KIND
        )));
        assert!(M::ALL.iter().all(|entry| error.contains(entry.name())));
    }

    /// An error about a parameter out of range contains its name.
    fn check_ranges<M: Menu>(entry: M) {
        entry.check().expect("the defaults are in range");
        let mut entry = entry;
        for index in 0..entry.parameters().len() {
            for value in [f64::NAN, f64::INFINITY, -0.5, 0.0, 0.5, 1.0, 7.0] {
                let mut changed = entry;
                let parameter = &mut changed.parameters()[index];
                parameter.set(value);
                if parameter.range().contains(value) {
                    continue;
                }
                let what = format!("{}:{}", entry.name(), parameter.name());
                let message = changed.check().unwrap_err().to_string();
                assert!(message.starts_with(&what), "{message}");
            }
        }
    }

    #[test]
    fn parameters_that_exclude_each_other_are_refused() {
        use crate::init::Init;
        let error = "uniform:low=1:high=-1".parse::<Init>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "uniform: expected low to be at most high, found low 1 and high -1"
        );
    }

    #[test]
    fn foreign_names_are_refused_with_the_nearest_entry() {
        use crate::init::Init;
        for foreign in Init::foreign_names() {
            let error = foreign.name.parse::<Init>().unwrap_err();
            let help = error.help().expect("there is one");
            assert!(help.contains(foreign.instead), "{help}");
            assert!(foreign.instead.parse::<Init>().is_ok());
        }
    }

    #[test]
    fn parameters_may_be_separated_by_commas() {
        use crate::init::Init;
        assert_eq!(
            "normal:mean=1,std=2".parse::<Init>().unwrap(),
            "normal:mean=1:std=2".parse::<Init>().unwrap()
        );
    }
}
