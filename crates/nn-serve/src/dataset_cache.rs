//! A cache of the most recently used data sets.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nn_tensor::Threads;
use nn_train::data::{self, Data};
use nn_train::{DataRequest, Result, Settings, SplitOptions};

/// Largest number of data sets, each with its split.
const MAX_ENTRIES: usize = 2;

/// The data sets that were used last, and the folder of all data sets.
#[derive(Debug)]
pub(crate) struct DatasetCache {
    data_dir: PathBuf,
    /// The newest first, each with its name and its split.
    entries: Mutex<VecDeque<(String, Arc<Data>)>>,
}

impl DatasetCache {
    /// An empty cache for the data sets of this folder.
    pub(crate) fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            entries: Mutex::new(VecDeque::new()),
        }
    }

    /// The folder of the data sets.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The data set that these settings name, or the default one, split by them.
    ///
    /// # Errors
    /// Returns an error if the settings are invalid or the data set cannot be loaded.
    pub(crate) fn get(&self, settings: &Settings) -> Result<Arc<Data>> {
        let options = SplitOptions::new(settings)?;
        let name = match &settings.data {
            Some(name) => name.as_str(),
            None => data::default_name(&self.data_dir),
        };
        let key = format!("{name} {options:?}");
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, data)) = entries.iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(data));
        }
        let request = DataRequest::for_training(name, &self.data_dir, &options);
        let data = Arc::new(Data::load(&request, &Threads::all())?);
        entries.truncate(MAX_ENTRIES - 1);
        entries.push_front((key, Arc::clone(&data)));
        Ok(data)
    }
}
