//! The data of several training runs: runs that differ only in the seed have the same data.

use std::sync::Arc;

use nn_settings::{Result, Settings};

use super::repetition::Repetition;
use crate::data::Data;

/// Loads the data of all runs that the settings ask for, to train them in turn. `first` is the
/// data of the first run, and `load` loads the data for the settings of another run.
///
/// ```
/// use nn_train::repeated_training::data_of_all;
/// use nn_train::{DataLoader, Repetition, Settings, Threads};
///
/// let settings = Settings {
///     data: Some("glyphs".into()),
///     limit_train: Some(60),
///     folds: Some(3),
///     seeds: Some(2),
///     ..Settings::default()
/// };
/// let threads = Threads::single();
/// let loader = DataLoader::new("datasets".as_ref(), &threads).with_validation_folds();
/// let first = loader.load(&Repetition::first(&settings)?)?;
/// let runs = data_of_all(&settings, first, |settings| loader.load(settings))?;
/// assert_eq!(runs.len(), 6);
/// for (_, data) in &runs {
///     assert_eq!(data.splits()?.validation.len(), 20);
/// }
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// Returns the errors of [`Repetition::all`] and of `load`.
pub fn data_of_all(
    settings: &Settings,
    first: Data,
    load: impl Fn(&Settings) -> Result<Data>,
) -> Result<Vec<(Repetition, Arc<Data>)>> {
    let mut first = Some(first);
    let mut last = LastData::default();
    let repetitions = Repetition::all(settings)?.into_iter();
    repetitions
        .map(|repetition| {
            let settings = repetition.settings(settings);
            let data = last.of(&settings, || {
                first.take().map_or_else(|| load(&settings), Ok)
            })?;
            Ok((repetition, data))
        })
        .collect()
}

/// The data of the last run, which the next run can use if it differs only in the seed.
#[derive(Default)]
pub(super) struct LastData(Option<(Settings, Arc<Data>)>);

impl LastData {
    pub(super) fn of(
        &mut self,
        settings: &Settings,
        load: impl FnOnce() -> Result<Data>,
    ) -> Result<Arc<Data>> {
        let key = Settings {
            seed: settings.seed.filter(|_| settings.split_seed.is_none()),
            ..settings.clone()
        };
        if let Some((_, data)) = self.0.as_ref().filter(|(last, _)| *last == key) {
            return Ok(data.clone());
        }
        let data = Arc::new(load()?);
        self.0 = Some((key, data.clone()));
        Ok(data)
    }
}
