//! Whether settings are those that a run was begun with, and which are not.

use serde_json::Value;

use crate::data_name;
use crate::datasets::Data;
use crate::failure::{Failure, Result};
use crate::plan::Plan;
use crate::settings::Settings;

/// Refuses flags that are not what the run was begun with.
pub(crate) fn check_flags(
    flags: &Settings,
    settings: &Settings,
    plan: &Plan,
    data: &Data,
) -> Result<()> {
    if let Some(name) = &flags.data
        && settings.data.as_ref() != Some(name)
    {
        return Err(other_settings(&[format!(
            "data: the run has \"{}\", asked for \"{}\"",
            data_name::shown(&data.origin),
            data_name::shown(name).escape_debug()
        )]));
    }
    let asked = Plan::new(&flags.clone().or(settings), data)?;
    check_settings(
        &plan.settings.to_json(),
        &asked.settings.to_json(),
        "asked for",
    )
}

/// Refuses other settings than those of the run.
pub(crate) fn check_settings(run: &Value, other: &Value, how: &str) -> Result<()> {
    let differences = differences(run, other, how);
    if differences.is_empty() {
        return Ok(());
    }
    Err(other_settings(&differences))
}

fn other_settings(differences: &[String]) -> Failure {
    Failure::usage(format!(
        "a run is resumed with its own settings: {}",
        differences.join("; ")
    ))
    .help("leave these flags out, or train anew without --resume")
}

/// `lr: the run has 0.1, asked for 0.2`
fn differences(run: &Value, other: &Value, how: &str) -> Vec<String> {
    let names = [run, other].map(|settings| settings.as_object().into_iter().flatten());
    let mut names: Vec<&String> = names.into_iter().flatten().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let text = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
    names
        .into_iter()
        .map(|name| (name, run.get(name), other.get(name)))
        .filter(|(_, run, other)| run != other)
        .map(|(name, run, other)| {
            format!("{name}: the run has {}, {how} {}", text(run), text(other))
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
            differences(&run, &other, "asked for"),
            [
                "dropout: the run has none, asked for 0.5",
                "lr: the run has 0.1, asked for 0.2"
            ]
        );
        check_settings(&run, &run, "asked for").expect("nothing differs");
    }
}
