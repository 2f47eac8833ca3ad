//! A search that is about to run trials: its configuration and its data.

use std::path::PathBuf;
use std::slice;

use nn_tensor::Threads;
use nn_train::Result;

use crate::progress::Progress;

use super::arguments::SearchArguments;
use super::config::{CONFIG, Config};
use super::space;
use super::trial_data::{DataSource, TrialData};

/// The configuration and the data of a search, read from the arguments or from the directory of an
/// existing search.
pub(super) struct PreparedSearch<'a> {
    pub(super) config: Config,
    /// The directory of the search, if it exists already.
    pub(super) old: Option<PathBuf>,
    pub(super) data: TrialData<'a>,
}

impl<'a> PreparedSearch<'a> {
    pub(super) fn new(
        arguments: &'a SearchArguments,
        progress: &Progress,
        threads: &'a Threads,
    ) -> Result<Self> {
        let source = |search| DataSource {
            data_dir: &arguments.folder.data_dir,
            threads,
            search,
        };
        if let Some(name) = &arguments.resume {
            let (config, path) = Config::resumed(arguments, name)?;
            let source = source(Some(path.clone()));
            let first = source.first(&config.train)?;
            return Ok(Self {
                data: TrialData::new(source, &config.train, first)?,
                config,
                old: Some(path),
            });
        }
        let fixed = Config::fixed_settings(arguments, |note| {
            progress.notes(slice::from_ref(note));
        })?;
        let old = arguments
            .name()
            .map(|name| arguments.work.runs_dir.join(name));
        let old = old.filter(|path| path.join(CONFIG).is_file());
        let source = source(old.clone());
        let (fixed, space, first) = match &arguments.space {
            Some(text) => {
                let space = space::parse(text)?;
                space::refuse_fixed(&space, &arguments.settings)?;
                let first = source.first(&fixed)?;
                (fixed, space, first)
            }
            None => {
                let (fixed, first) = source.first_with_default_preset(fixed)?;
                let space = space::default_for(&fixed, &first)?;
                (fixed, space, first)
            }
        };
        let config = Config::new(arguments, fixed, first.n_train(), &space);
        if let Some(path) = &old {
            config.expect_same(&Config::read(path)?, path)?;
        }
        Ok(Self {
            data: TrialData::new(source, &config.train, first)?,
            config,
            old,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use clap::Parser;
    use nn_train::choice::Preset;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: SearchArguments,
    }

    /// The configuration of a search on a table with this number of rows.
    fn config(n_rows: usize, flags: &[&str]) -> Config {
        let name = format!(
            "nn-prepared-{}-{n_rows}{}",
            std::process::id(),
            flags.concat()
        );
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("the temporary folder is writable");
        let path = folder.join("table.csv");
        let rows = (0..n_rows).fold("x,y\n".to_owned(), |mut text, row| {
            writeln!(text, "{row}.5,{}.25", row * row % 1009).expect("a text can be written");
            text
        });
        std::fs::write(&path, rows).expect("the temporary folder is writable");
        let path = path.to_string_lossy();
        let words = ["search", "--data", &*path, "--target", "y"];
        let line = Line::parse_from(words.iter().chain(flags));
        let threads = Threads::single();
        let progress = Progress::new(false, true);
        let search = PreparedSearch::new(&line.arguments, &progress, &threads);
        std::fs::remove_dir_all(&folder).expect("the folder can be removed");
        search.expect("the search can be prepared").config
    }

    /// The preset and the space.
    fn prepared(n_rows: usize, flags: &[&str]) -> (Option<String>, String) {
        let config = config(n_rows, flags);
        let preset = config.train.preset.as_ref();
        (preset.map(ToString::to_string), config.space)
    }

    #[test]
    fn trials_with_a_cyclic_learning_rate_are_not_stopped_in_its_first_waves() {
        let stopping = |flags: &[&str]| config(100, flags).stopping.to_string();
        assert_eq!(stopping(&[]), "median");
        let epochs = Preset::Tabular.settings(false, 100).epochs;
        let steps = epochs.expect("the preset sets the epochs") * 7 / 15;
        let expected = format!("median:trials=5:steps={steps}");
        assert_eq!(stopping(&["--preset", "tabular"]), expected);
        let short = ["--schedule", "coslog4", "--epochs", "15"];
        assert_eq!(stopping(&short), "median:trials=5:steps=7");
        let given = ["--preset", "tabular", "--stopping", "none"];
        assert_eq!(stopping(&given), "none");
    }

    #[test]
    fn tables_have_the_default_preset_of_their_size_and_its_space() {
        let [tabular, small] = ["tabular", "tabular-small"].map(|it| Some(it.to_owned()));
        let (preset, space) = prepared(2600, &[]);
        assert_eq!(preset, tabular);
        assert!(space.contains("numeric-embedding="), "{space}");
        // 1872 of 2600 and 2016 of 2800 rows train the first fold.
        assert_eq!(prepared(2600, &["--folds", "5"]).0, small);
        assert_eq!(prepared(2800, &["--folds", "5"]).0, tabular);
        for flags in [&["--epochs", "3"][..], &["--space", "lr=0.1..0.2"]] {
            let (preset, space) = prepared(2600, flags);
            assert_eq!(preset, None, "{flags:?}");
            assert!(!space.contains("numeric-embedding="), "{space}");
        }
        let (preset, space) = prepared(2400, &[]);
        assert_eq!(preset, small);
        assert!(space.contains("lr=log:0.0001..0.03"), "{space}");
    }
}
