//! The settings that can be chosen on the page: the flags of `nn train`, from the
//! definition of its command line.

use std::any::TypeId;

use nn_train::{command_line, flags};
use serde::Serialize;

/// A flag of `nn train`.
#[derive(Debug, Serialize)]
pub(crate) struct Flag {
    name: String,
    heading: String,
    help: String,
    /// The placeholder of its value in the help text.
    value: String,
    /// Whether the value is a number that may have a fraction.
    is_decimal: bool,
    /// The possible values, if they form a list.
    choices: Vec<String>,
}

/// All flags of the settings, in the order of the help text.
pub(crate) fn flag_list() -> Vec<Flag> {
    let command = flags::with_defaults(flags::command());
    let flags = command.get_arguments().filter_map(|flag| {
        let value = flag.get_value_names().unwrap_or_default();
        let value = value.first().map(ToString::to_string).unwrap_or_default();
        let names = flag.get_possible_values();
        let names = names.iter().map(|value| value.get_name().to_owned());
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        Some(Flag {
            name: flag.get_long()?.to_owned(),
            heading: flag.get_help_heading().unwrap_or_default().to_owned(),
            help: command_line::in_text(&help),
            is_decimal: flag.get_value_parser().type_id() == TypeId::of::<f64>(),
            choices: if names.len() > 0 {
                names.collect()
            } else {
                alternatives(&value)
            },
            value,
        })
    });
    flags.collect()
}

/// The values of a placeholder such as `mean|sum`.
fn alternatives(value: &str) -> Vec<String> {
    if value.contains('|') && !value.contains(char::is_uppercase) {
        value.split('|').map(str::to_owned).collect()
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_described() {
        let flags = flag_list();
        let find = |name: &str| {
            let found = flags.iter().find(|flag| flag.name == name);
            found.expect("it is a flag")
        };
        assert!(flags.len() > 30 && flags.iter().all(|flag| !flag.help.is_empty()));
        assert!(find("optimizer").choices.contains(&"adam".to_owned()));
        assert_eq!(find("reduction").choices, ["mean", "sum"]);
        assert_eq!(find("batch-norm").choices, ["true", "false"]);
        assert!(find("data").choices.is_empty() && find("batch-size").choices.is_empty());
        assert!(
            find("epochs").help.ends_with(&"[default: 10]"),
            "{}",
            find("epochs").help
        );
        assert!(flags.iter().all(|flag| !flag.help.contains("`init`")));
        for name in ["lr", "dropout", "l2", "validation", "averaging"] {
            assert!(find(name).is_decimal, "{name}");
        }
        for name in ["epochs", "hidden", "optimizer", "data", "batch-size"] {
            assert!(!find(name).is_decimal, "{name}");
        }
    }
}
