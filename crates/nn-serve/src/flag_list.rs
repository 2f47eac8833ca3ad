//! What can be chosen on the page, taken from the definitions of the command
//! line and from the menus, so that nothing is listed twice.

use nn_core::init::Init;
use nn_core::{Activation, Loss, Menu, Optimizer, Schedule};
use nn_data::augment::Augment;
use serde::Serialize;

use super::experiment;

/// One flag of `nn train`.
#[derive(Debug, Serialize)]
pub(super) struct Flag {
    name: String,
    heading: String,
    help: String,
    /// What stands for the value in the help text.
    value: String,
    /// What can be chosen, if that is a list.
    choices: Vec<String>,
}

/// Every flag that decides a result, in the order of the help text.
pub(super) fn flags() -> Vec<Flag> {
    let command = experiment::flags();
    let described = command.get_arguments().filter_map(|flag| {
        let name = flag.get_long()?;
        let values = flag.get_value_names().unwrap_or_default();
        let value = values
            .first()
            .map(|value| value.to_string())
            .unwrap_or_default();
        Some(Flag {
            heading: flag.get_help_heading().unwrap_or_default().to_owned(),
            help: flag
                .get_help()
                .map(|help| help.to_string())
                .unwrap_or_default(),
            choices: choices(name, &value),
            name: name.to_owned(),
            value,
        })
    });
    described.collect()
}

fn choices(name: &str, value: &str) -> Vec<String> {
    match name {
        "activation" => names::<Activation>(),
        "init" => names::<Init>(),
        "loss" => names::<Loss>(),
        "optimizer" => names::<Optimizer>(),
        "schedule" => names::<Schedule>(),
        "augment" => Augment::NAMES.map(str::to_owned).to_vec(),
        _ if value.contains('|') && !value.contains(char::is_uppercase) => {
            value.split('|').map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

fn names<M: Menu>() -> Vec<String> {
    M::ALL.iter().map(|entry| entry.name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_described() {
        let flags = flags();
        let find = |name: &str| {
            flags
                .iter()
                .find(|flag| flag.name == name)
                .expect("it is there")
        };
        assert!(flags.len() > 30 && flags.iter().all(|flag| !flag.help.is_empty()));
        assert_eq!(find("optimizer").choices, names::<Optimizer>());
        assert_eq!(find("reduction").choices, ["mean", "sum"]);
        assert_eq!(find("batch-norm").choices, ["true", "false"]);
        assert!(find("data").choices.is_empty() && find("batch-size").choices.is_empty());
    }
}
