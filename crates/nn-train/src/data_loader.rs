//! Loads data sets for training runs.

use std::path::Path;

use nn_image::ImageSize;
use nn_settings::{Preset, Result, Settings};
use nn_table::{Progress, TableOptions};
use nn_tensor::Threads;

use crate::data::{Data, GLYPHS, default_name};
use crate::data_request::DataRequest;
use crate::note::Note;
use crate::source_model::SourceModel;
use crate::split::Split;
use crate::split_options::SplitOptions;
use crate::table;

/// Loads data sets for the settings of training runs.
///
/// ```
/// use nn_train::{DataLoader, Settings, Threads};
///
/// let settings = Settings {
///     data: Some("glyphs".into()),
///     limit_train: Some(60),
///     folds: Some(3),
///     fold: Some(1),
///     ..Settings::default()
/// };
/// let threads = Threads::single();
/// let loader = DataLoader::new("datasets".as_ref(), &threads);
/// let data = loader.load(&settings)?;
/// assert_eq!(data.splits()?.test.map(|test| test.len()), Some(20));
///
/// let data = loader.with_validation_folds().load(&settings)?;
/// assert_eq!(data.splits()?.validation.len(), 20);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DataLoader<'a> {
    data_dir: &'a Path,
    threads: &'a Threads,
    run: Option<&'a Path>,
    progress: Progress<'a>,
    fold_split: Split,
}

impl<'a> DataLoader<'a> {
    /// Loads data sets by name from `data_dir`.
    pub fn new(data_dir: &'a Path, threads: &'a Threads) -> Self {
        Self {
            data_dir,
            threads,
            run: None,
            progress: Progress::NONE,
            fold_split: Split::Test,
        }
    }

    /// Loads the data set of a run or of a search that is resumed: relative paths are also
    /// resolved from the folders above `run`.
    #[must_use]
    pub fn of_run(self, run: &'a Path) -> Self {
        Self {
            run: Some(run),
            ..self
        }
    }

    /// Shows the progress of reading a large table.
    #[must_use]
    pub fn with_progress(self, progress: Progress<'a>) -> Self {
        Self { progress, ..self }
    }

    /// Makes the samples of a fold validation samples. The test samples are those without folds.
    #[must_use]
    pub fn with_validation_folds(self) -> Self {
        Self {
            fold_split: Split::Validation,
            ..self
        }
    }

    /// Loads the data set named in the settings, or the default one.
    ///
    /// # Errors
    /// Returns an error if the settings are invalid or the data cannot be loaded.
    pub fn load(self, settings: &Settings) -> Result<Data> {
        self.load_or_small(settings, None)
    }

    /// Loads the data set for settings that may get the default preset of tables, and returns the
    /// settings: those with the preset if the data are a table. The preset depends on the number
    /// of training samples and changes how a table is encoded, so this number is found while the
    /// table is loaded. `of_run` returns the settings of the first of several training runs.
    ///
    /// # Errors
    /// Returns the errors of [`load`](Self::load) and of `of_run`.
    pub fn load_with_default_preset(
        self,
        settings: Settings,
        of_run: impl Fn(&Settings) -> Result<Settings>,
    ) -> Result<(Settings, Data)> {
        let run = of_run(&settings)?;
        let Some(mut preset) = table::with_default_preset(&settings) else {
            return Ok((settings, self.load(&run)?));
        };
        let small = self.options(&run)?.table;
        let data = self.load_or_small(&of_run(&preset)?, Some(&small))?;
        if !data.has_columns() {
            return Ok((settings, data));
        }
        preset.preset = Some(Preset::of_table(data.n_train()).into());
        Ok((preset, data))
    }

    /// Loads the data set for the settings. A table with fewer training samples than the preset
    /// `tabular` needs is encoded with the options `small`, if there are any.
    fn load_or_small(self, settings: &Settings, small: Option<&TableOptions>) -> Result<Data> {
        let source = SourceModel::open(settings, self.run)?;
        let settings = &match &source {
            Some(source) => source.complete(settings),
            None => settings.clone(),
        };
        let mut options = self.options(settings)?;
        if let Some([height, width]) = source.as_ref().and_then(SourceModel::image_size) {
            options.image_size = options.image_size.or(Some(ImageSize { height, width }));
        }
        let default = default_name(self.data_dir);
        let name = settings.data.as_deref().unwrap_or(default);
        let request = DataRequest {
            run: self.run,
            progress: self.progress,
            source: source.as_ref(),
            small_table: small,
            ..DataRequest::for_training(name, self.data_dir, &options)
        };
        let mut data = Data::load(&request, self.threads)?;
        if let Some(source) = source {
            data.start_from(source, settings)?;
        }
        if settings.data.is_none() && name == GLYPHS {
            data.notes.insert(0, Note::BuiltInDigits);
        }
        Ok(data)
    }

    fn options(self, settings: &Settings) -> Result<SplitOptions> {
        let options = SplitOptions::new(settings)?;
        Ok(match self.fold_split {
            Split::Validation => options.with_validation_fold(),
            Split::Train | Split::Test => options,
        })
    }
}

impl Data {
    /// Loads the data set named in the settings, or the default one, for training.
    ///
    /// # Errors
    /// Returns an error if the settings are invalid or the data cannot be loaded.
    pub fn for_training(settings: &Settings, data_dir: &Path, threads: &Threads) -> Result<Self> {
        DataLoader::new(data_dir, threads).load(settings)
    }

    /// Loads the data set of a run, to resume its training.
    ///
    /// # Errors
    /// Returns the same errors as [`for_training`](Self::for_training).
    pub fn of_run(
        settings: &Settings,
        run: &Path,
        data_dir: &Path,
        threads: &Threads,
    ) -> Result<Self> {
        DataLoader::new(data_dir, threads)
            .of_run(run)
            .load(settings)
    }
}
