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
        let config = Config::new(arguments, fixed, &space);
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
