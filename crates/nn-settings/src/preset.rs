//! The settings of the presets.
//!
//! # Sources
//! Holzmüller, Grinsztajn and Steinwart, "Better by Default: Strong Pre-Tuned MLPs and
//! Boosted Trees on Tabular Data", NeurIPS 2024, [arXiv:2407.04491](https://arxiv.org/abs/2407.04491):
//! RealMLP-TD and RealMLP-TD-S. Differences from the paper: numbers are standardized and have
//! piecewise-linear embeddings, one-hot columns are neither scaled nor embedded, and larger tables
//! are trained for fewer epochs (256 in the paper).
//!
//! Gorishniy, Rubachev and Babenko, "On Embeddings for Numerical Features in Tabular Deep
//! Learning", NeurIPS 2022, [arXiv:2203.05556](https://arxiv.org/abs/2203.05556): the
//! piecewise-linear embeddings.
//!
//! Gorishniy, Kotelnikov and Babenko, "TabM: Advancing Tabular Deep Learning with
//! Parameter-Efficient Ensembling", ICLR 2025, [arXiv:2410.24210](https://arxiv.org/abs/2410.24210):
//! the members of `tabular-small`.

use std::path::Path;

use crate::choice::{Choice, Preset};
use crate::settings::Settings;

/// The settings of `tabular` for all tasks.
const TABULAR: &str = r#"
hidden = "256,256,256"
numeric-embedding = "piecewise-linear"
category-embedding = 8
input-scaling = true
parametric-activation = true
data-init = true
dropout = 0.15
dropout-schedule = "flat-cos"
optimizer = "adamw:beta2=0.95:weight-decay=0.02"
weight-decay-schedule = "flat-cos"
fan-in-lr = true
lr-factors = "bias=0.1:decay=0,scaling=6,parametric=0.1,periodic_embedding=0.1"
schedule = "coslog4"
batch-size = "256"
"#;

/// The settings of `tabular-fast` for all tasks.
const TABULAR_FAST: &str = r#"
hidden = "256,256,256"
numeric-embedding = "piecewise-linear"
input-scaling = true
data-init = true
optimizer = "adamw:beta2=0.95:weight-decay=0"
fan-in-lr = true
lr-factors = "bias=0.1,scaling=6"
schedule = "coslog4"
batch-size = "256"
"#;

/// The settings of `tabular-small` for all tasks.
const TABULAR_SMALL: &str = r#"
members = 8
"#;

/// Additional settings of RealMLP for classification and multi-label classification.
const CLASSIFICATION: &str = r#"
activation = "selu"
label-smoothing = 0.1
lr = 0.04
"#;

/// Additional settings of RealMLP for regression.
const REGRESSION: &str = r#"
activation = "mish"
"#;

/// Minimum number of training samples for the default preset `tabular`, whose schedule needs some
/// hundreds of steps. The default preset of smaller tables is `tabular-small`.
pub const MIN_SAMPLES_OF_DEFAULT: usize = 2000;

/// Settings that can be given without replacing the default preset of tables: settings of the
/// data, and the numbers of networks and of their members.
const WITH_DEFAULT_PRESET: [&str; 30] = [
    "data",
    "validation",
    "test-split",
    "stratify",
    "split-seed",
    "folds",
    "fold",
    "limit-train",
    "train-size",
    "sizes",
    "positive-class",
    "class-weight",
    "target",
    "task",
    "target-transform",
    "header",
    "separator",
    "missing",
    "schema",
    "sample-weight",
    "group",
    "order-by",
    "split-column",
    "categorical",
    "ignore",
    "ensemble",
    "members",
    "calibrate",
    "seed",
    "seeds",
];

impl Preset {
    /// The default preset of a table with this number of training samples.
    pub fn of_table(n_samples: usize) -> Self {
        match n_samples < MIN_SAMPLES_OF_DEFAULT {
            true => Self::TabularSmall,
            false => Self::Tabular,
        }
    }

    /// The settings of the preset for this number of training samples.
    #[expect(clippy::missing_panics_doc, reason = "the presets are valid")]
    pub fn settings(self, is_regression: bool, n_samples: usize) -> Settings {
        let all = match self {
            Self::Plain => return Settings::default(),
            Self::Tabular => TABULAR,
            Self::TabularFast => TABULAR_FAST,
            Self::TabularSmall => TABULAR_SMALL,
        };
        let of_task = match (self, is_regression) {
            (Self::TabularSmall, _) => String::new(),
            (_, false) => CLASSIFICATION.to_owned(),
            (Self::TabularFast, true) => format!("{REGRESSION}lr = 0.07\n"),
            (_, true) => format!("{REGRESSION}clip-outputs = true\nlr = 0.2\n"),
        };
        let (epochs, patience) = self.epochs(n_samples);
        let text = format!("{all}{of_task}epochs = {epochs}\npatience = {patience}\n");
        Settings::parse(Path::new("preset"), text.as_bytes()).expect("a preset is valid")
    }

    /// The number of epochs and the patience. More training samples mean fewer epochs, within
    /// limits, so that large tables do not take hours. The weights of the best epoch are kept.
    fn epochs(self, n_samples: usize) -> (usize, usize) {
        let epochs = |n_in_total: usize| n_in_total / n_samples.max(1);
        if self == Self::TabularSmall {
            let epochs = epochs(100_000).clamp(50, 500);
            return (epochs, epochs / 5);
        }
        // The schedule of the learning rate ends with its smallest rate.
        let epochs = epochs(1_600_000).clamp(32, 256);
        match self {
            Self::TabularFast => (epochs / 4, epochs / 4),
            _ => (epochs, epochs),
        }
    }
}

impl Settings {
    /// The settings with the default preset of large tables, `tabular`; unchanged if a preset or a
    /// setting of the network or of its training is given. [`Preset::of_table`] is the default for
    /// a table of any size.
    pub fn with_default_preset(&self) -> Self {
        let given = self.to_json();
        let mut given = given.as_object().into_iter().flatten();
        match given.all(|(name, _)| WITH_DEFAULT_PRESET.contains(&name.as_str())) {
            true => Self {
                preset: Some(Preset::Tabular.into()),
                ..self.clone()
            },
            false => self.clone(),
        }
    }

    /// The settings with those of the preset, for this number of training samples, in place of
    /// settings that are not given. The result has no preset.
    pub fn with_preset(&self, is_regression: bool, n_samples: usize) -> Self {
        let preset = self.preset.as_ref().map(Choice::value).copied();
        let preset = preset.unwrap_or_default();
        let preset = preset.settings(is_regression, n_samples);
        Self {
            preset: None,
            ..self.clone().or(&preset)
        }
    }
}

/// The settings that the preset sets, as flags: `tabular: --scaling robust ...`; `None`
/// without a preset, or if it sets none.
pub fn preset_flags(settings: &Settings, is_regression: bool, n_samples: usize) -> Option<String> {
    let preset = *settings.preset.as_ref()?.value();
    let given = settings.to_json();
    let all = preset.settings(is_regression, n_samples).to_json();
    let all = all.as_object().into_iter().flatten();
    let flag = |(name, value): (&String, &serde_json::Value)| match value.as_str() {
        Some(text) => format!("--{name} {text}"),
        None => format!("--{name} {value}"),
    };
    let added = all.filter(|(name, _)| given.get(name.as_str()).is_none());
    let flags: Vec<String> = added.map(flag).collect();
    (!flags.is_empty()).then(|| format!("{preset}: {}", flags.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_settings_take_precedence_over_the_preset() {
        let given = Settings {
            preset: Some(Preset::Tabular.into()),
            lr: Some(0.5),
            weight_decay: Some(0.25),
            ..Settings::default()
        };
        let resolved = given.with_preset(true, 25_000);
        let flags = preset_flags(&given, true, 25_000).expect("there is a preset");
        assert!(flags.starts_with("tabular: --"), "{flags}");
        assert!(flags.contains(" --dropout 0.15") && !flags.contains(" --lr 0"));
        assert_eq!((resolved.lr, resolved.epochs), (Some(0.5), Some(64)));
        assert_eq!(resolved.preset, None);
        let optimizer = resolved.optimizer.expect("the preset has an optimizer");
        assert_eq!(optimizer.text(), "adamw:beta2=0.95");
        assert_eq!(resolved.activation.expect("there is one").text(), "mish");
    }

    #[test]
    fn small_tables_are_trained_for_more_epochs() {
        let epochs = |preset: Preset, n_samples| {
            let settings = preset.settings(false, n_samples);
            (settings.epochs.unwrap(), settings.patience.unwrap())
        };
        for (n_samples, expected) in [(0, 256), (6250, 256), (10_000, 160), (1_000_000, 32)] {
            assert_eq!(epochs(Preset::Tabular, n_samples), (expected, expected));
            let fast = expected / 4;
            assert_eq!(epochs(Preset::TabularFast, n_samples), (fast, fast));
        }
        for (n_samples, expected) in [(0, 500), (200, 500), (1000, 100), (10_000, 50)] {
            let small = epochs(Preset::TabularSmall, n_samples);
            assert_eq!(small, (expected, expected / 5));
        }
    }

    #[test]
    fn tables_have_a_default_preset_unless_the_network_is_given() {
        let preset_with = |text: &str| {
            let settings = Settings::parse(Path::new("given"), text.as_bytes()).expect(text);
            settings.with_default_preset().preset.map(|it| *it.value())
        };
        let of_data = "data = \"a.csv\"\ntarget = \"y\"\nseed = 3\nensemble = 5\nmembers = 4\n";
        assert_eq!(preset_with(of_data), Some(Preset::Tabular));
        assert_eq!(preset_with(""), Some(Preset::Tabular));
        for network in ["hidden = \"16\"", "lr = 0.1", "optimizer = \"sgd\""] {
            assert_eq!(
                preset_with(&format!("{of_data}{network}\n")),
                None,
                "{network}"
            );
        }
        let fast = preset_with("preset = \"tabular-fast\"\n");
        assert_eq!(fast, Some(Preset::TabularFast));
        let names = Settings::names();
        for name in WITH_DEFAULT_PRESET {
            assert!(names.iter().any(|it| it == name), "{name}");
        }
    }

    #[test]
    fn the_plain_preset_changes_nothing() {
        let plain = Settings {
            preset: Some(Preset::Plain.into()),
            ..Settings::default()
        };
        assert_eq!(plain.with_preset(false, 100), Settings::default());
    }
}
