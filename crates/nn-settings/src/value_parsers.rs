//! The clap parsers of setting values (feature `clap`).

use std::ffi::OsStr;
use std::str::FromStr;

use clap::builder::{
    OsStringValueParser, PossibleValue, RangedU64ValueParser, StringValueParser, TypedValueParser,
};
use clap::{Arg, Command};
use nn_core::Menu;
use nn_data::augment::Augment;
use nn_files::escaped_path;

use crate::choice::Choice;
use crate::error::Result;

/// Parses the name of a data set or a path, which need not be UTF-8.
pub fn data_parser() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().try_map(escaped_path::escaped)
}

/// Parses whole numbers that TOML can hold, so that every run can be repeated
/// from its configuration file.
pub(crate) fn whole_number<T: TryFrom<u64> + Clone + Send + Sync>() -> RangedU64ValueParser<T> {
    RangedU64ValueParser::new().range(0..=i64::MAX as u64)
}

/// Parses a setting with an entry of the menu `M`; the names of the entries are
/// offered as shell completions.
pub(crate) fn menu_parser<T, M: Menu>() -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = nn_core::Error> + Clone + Send + Sync + 'static,
{
    let names = M::ALL.iter().map(Menu::name).collect();
    Names(names).try_map(|text| text.parse())
}

/// Parses data augmentations, whose names are offered as shell completions.
pub(crate) fn augment_parser() -> impl TypedValueParser<Value = Choice<Augment>> {
    Names(Augment::NAMES.to_vec()).try_map(|text| text.parse())
}

/// A parser of any text, with names for shell completions.
#[derive(Clone)]
struct Names(Vec<&'static str>);

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names = self.0.iter().copied();
        Some(Box::new(names.map(PossibleValue::new)))
    }
}
