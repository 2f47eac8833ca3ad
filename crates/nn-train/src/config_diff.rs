//! Differences between given settings and the settings of a run.

use nn_files::escaped_path;
use nn_settings::{Error, Result, Settings};
use serde_json::Value;

use crate::data::Data;
use crate::plan::Plan;

/// Returns an error if `flags` differ from the settings of a run. `plan` and `data`
/// belong to the run.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with each difference.
pub fn check_settings(
    flags: &Settings,
    settings: &Settings,
    plan: &Plan,
    data: &Data,
) -> Result<()> {
    let other_data = flags.data.as_ref().filter(|_| flags.data != settings.data);
    let other_data = other_data.map(|name| {
        format!(
            "`data`: expected \"{}\", found \"{}\"",
            escaped_path::shown(&data.origin),
            escaped_path::shown(name).escape_debug()
        )
    });
    // The defaults are those for the data of the run.
    let asked = Plan::new(&flags.clone().or(settings), data)?;
    let others = differences(&plan.settings.to_json(), &asked.settings.to_json(), "`");
    let differences: Vec<String> = other_data.into_iter().chain(others).collect();
    check(&differences, "a run is resumed with its own settings")
        .map_err(|error| error.with_help("leave these settings out, or start a new run with them"))
}

/// Returns an error if a checkpoint and the run's config.toml have different settings.
///
/// # Errors
/// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) with each difference.
pub fn check_checkpoint(checkpoint: &Value, config: &Value) -> Result<()> {
    let differences = differences(checkpoint, config, "");
    check(&differences, "config.toml differs from the checkpoint")
        .map_err(|error| error.with_help("restore the config.toml that the run was started with"))
}

fn check(differences: &[String], what: &str) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!("{what}: {}", differences.join("; "))))
}

/// `lr: expected 0.1, found 0.2`, with `mark` around the names.
fn differences(expected: &Value, found: &Value, mark: &str) -> Vec<String> {
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
            format!(
                "{mark}{name}{mark}: expected {}, found {}",
                text(expected),
                text(found)
            )
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
            differences(&run, &other, "`"),
            [
                "`dropout`: expected none, found 0.5",
                "`lr`: expected 0.1, found 0.2"
            ]
        );
        check_checkpoint(&run, &run).expect("nothing differs");
    }
}
