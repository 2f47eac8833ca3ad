//! Whether settings are those that a run was begun with, and which are not.

use std::path::Path;

use serde_json::Value;

use crate::data_name;
use crate::datasets::Data;
use crate::failure::{Failure, Result};
use crate::plan::Plan;
use crate::run_dir::CONFIG;
use crate::settings::Settings;
use crate::terminal;

/// Refuses flags that are not what the run in `directory` was begun with.
///
/// # Errors
/// Exit code 2, with each difference and with the command that trains again
/// with these flags.
pub(crate) fn check_flags(
    flags: &Settings,
    settings: &Settings,
    plan: &Plan,
    data: &Data,
    directory: &Path,
) -> Result<()> {
    let other_data = flags.data.as_ref().filter(|_| flags.data != settings.data);
    let other_data = other_data.map(|name| {
        format!(
            "data: expected \"{}\", found \"{}\"",
            data_name::shown(&data.origin),
            data_name::shown(name).escape_debug()
        )
    });
    // Whatever other data would make of the defaults, the run has its own.
    let asked = Plan::new(&flags.clone().or(settings), data)?;
    let others = differences(&plan.settings.to_json(), &asked.settings.to_json());
    let differences: Vec<String> = other_data.into_iter().chain(others).collect();
    check(&differences, "a run is resumed with its own settings").map_err(|failure| {
        let program = terminal::program();
        let config = terminal::quoted(&directory.join(CONFIG).to_string_lossy());
        let flags = as_typed(&flags.to_json());
        failure.help(format!(
            "leave these flags out, or train again with them: \
             `{program} train --config {config}{flags}`"
        ))
    })
}

/// Refuses a checkpoint whose settings are not those of the run's config.toml.
pub(crate) fn check_checkpoint(checkpoint: &Value, config: &Value) -> Result<()> {
    let differences = differences(checkpoint, config);
    check(&differences, "config.toml differs from the checkpoint").map_err(|failure| {
        failure.help("give the run's config.toml the settings of its checkpoint again")
    })
}

fn check(differences: &[String], what: &str) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{what}: {}",
        differences.join("; ")
    )))
}

/// ` --epochs 20 --lr 0.5`: settings as flags.
fn as_typed(settings: &Value) -> String {
    let flags = settings.as_object().into_iter().flatten();
    flags
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let separator = if value.starts_with('-') { '=' } else { ' ' };
            format!(" --{name}{separator}{}", terminal::quoted(&value))
        })
        .collect()
}

/// `lr: expected 0.1, found 0.2`
fn differences(expected: &Value, found: &Value) -> Vec<String> {
    let names = [expected, found].map(|settings| settings.as_object().into_iter().flatten());
    let mut names: Vec<&String> = names.into_iter().flatten().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let text = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
    names
        .into_iter()
        .map(|name| (name, expected.get(name), found.get(name)))
        .filter(|(_, expected, found)| expected != found)
        .map(|(name, expected, found)| {
            format!("{name}: expected {}, found {}", text(expected), text(found))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_difference_is_named() {
        let run = json!({ "lr": 0.1, "hidden": "8", "seed": 0 });
        let other = json!({ "lr": 0.2, "hidden": "8", "dropout": 0.5, "seed": 0 });
        assert_eq!(
            differences(&run, &other),
            [
                "dropout: expected none, found 0.5",
                "lr: expected 0.1, found 0.2"
            ]
        );
        check_checkpoint(&run, &run).expect("nothing differs");
    }

    #[test]
    fn settings_are_written_as_flags() {
        let flags =
            json!({ "lr": 0.5, "hidden": "", "data": "a b.csv", "batch-norm": true, "l1": null });
        assert_eq!(
            as_typed(&flags),
            " --batch-norm true --data 'a b.csv' --hidden '' --lr 0.5"
        );
    }
}
