//! The settings that `nn data convert` has applied to a file of rows.

use nn_settings::{Error, Result, Settings};
use serde_json::{Map, Value};

/// The settings of a conversion. They determine the columns, their preprocessing and the splits, so
/// a training run cannot change them.
const NAMES: [&str; 21] = [
    "image-size",
    "validation",
    "test-split",
    "stratify",
    "folds",
    "fold",
    "target",
    "task",
    "target-transform",
    "header",
    "separator",
    "missing",
    "sample-weight",
    "group",
    "order-by",
    "split-column",
    "categorical",
    "ignore",
    "scaling",
    "numeric-embedding",
    "category-embedding",
];

/// The settings that a conversion applies, as an object of JSON. The schema file is a part of the
/// preprocessing.
pub(crate) fn of(settings: &Settings) -> Map<String, Value> {
    let Value::Object(mut all) = settings.to_json() else {
        return Map::new();
    };
    all.retain(|name, value| NAMES.contains(&&**name) && !value.is_null());
    all
}

/// Adds the settings of a conversion to those of a training run.
///
/// # Errors
/// Returns an error for a setting that differs from the conversion.
pub(crate) fn merge(settings: &Settings, applied: &Map<String, Value>) -> Result<Settings> {
    let given = of(settings);
    for (name, value) in &given {
        let expected = applied.get(name);
        if expected != Some(value) {
            let expected = expected.map_or_else(|| "no value".to_owned(), Value::to_string);
            return Err(Error::usage(format!(
                "`{name}`: the file of rows was converted with {expected}, found {value}"
            ))
            .with_help(format!(
                "leave `{name}` out, or convert the data again with this value"
            )));
        }
    }
    let applied = serde_json::from_value(Value::Object(applied.clone()));
    let applied: Settings = applied.map_err(|error| {
        Error::new(
            nn_settings::ErrorKind::Data,
            format!("settings in the file of rows: {error}"),
        )
    })?;
    Ok(settings.clone().or(&applied))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_cannot_change_the_conversion() {
        let settings = Settings {
            target: Some("price".into()),
            validation: Some(0.2),
            epochs: Some(3),
            ..Settings::default()
        };
        let applied = of(&settings);
        assert_eq!(applied.len(), 2);
        let asked = Settings {
            epochs: Some(5),
            validation: Some(0.2),
            ..Settings::default()
        };
        let merged = merge(&asked, &applied).unwrap();
        assert_eq!(
            (merged.target.as_deref(), merged.epochs),
            (Some("price"), Some(5))
        );
        let other = Settings {
            validation: Some(0.1),
            ..Settings::default()
        };
        let error = merge(&other, &applied).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`validation`: the file of rows was converted with 0.2, found 0.1"
        );
    }

    /// A name that is not a setting would have no effect.
    #[test]
    fn all_names_are_settings() {
        let known = serde_json::to_value(Settings::default()).unwrap();
        let known = known.as_object().unwrap();
        for name in NAMES {
            assert!(known.contains_key(name), "{name}");
        }
    }
}
