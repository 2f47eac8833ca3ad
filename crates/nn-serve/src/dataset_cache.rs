//! The data sets that were used last.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use nn_tensor::Threads;

use nn_train::DataRequest;
use nn_train::Result;
use nn_train::Settings;
use nn_train::SplitOptions;
use nn_train::data::{self, Data};

/// Largest number of data sets, each with its split.
const MOST_DATA: usize = 2;

/// The data sets that were used last, with the folder of all.
#[derive(Debug)]
pub(super) struct DatasetCache {
    data_dir: PathBuf,
    /// The newest first, each with its name and its split.
    entries: Mutex<VecDeque<(String, Arc<Data>)>>,
}

impl DatasetCache {
    pub(super) fn new(data_dir: PathBuf) -> Self {
        Self {
            data_dir,
            entries: Mutex::new(VecDeque::new()),
        }
    }

    /// The folder that data sets are loaded from.
    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The data set of these settings, or the default one, split by them.
    pub(super) fn get(&self, settings: &Settings) -> Result<Arc<Data>> {
        let selection = SplitOptions::new(settings)?;
        let name = match &settings.data {
            Some(name) => name.as_str(),
            None => data::default_name(&self.data_dir),
        };
        let key = format!("{name} {selection:?}");
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, data)) = entries.iter().find(|(known, _)| *known == key) {
            return Ok(Arc::clone(data));
        }
        let request = DataRequest::for_training(name, &self.data_dir, &selection);
        let data = Arc::new(Data::load(&request, &Threads::all())?);
        entries.truncate(MOST_DATA - 1);
        entries.push_front((key, Arc::clone(&data)));
        Ok(data)
    }
}
