//! A data set, ready for training: loaded by name, folder or table, and split.

use std::path::Path;
use std::sync::Arc;

use nn_core::batches::{Inputs, Labels, RowIndices, Samples, Targets};
use nn_core::metrics::{Evaluation, RegressionErrors};
use nn_data::{Dataset, catalog, glyphs, has_idx_files};
use nn_error::did_you_mean;
use nn_files::escaped_path;
use nn_image::{FolderNote, ImageFolder, ImageSize};
use nn_settings::{Error, ErrorKind, Result, Settings};
use nn_table::{Preprocessing, TargetColumn, TargetEncoding};
use nn_tensor::Threads;

use crate::constant_prediction::ConstantPrediction;
use crate::data_request::DataRequest;
use crate::grouped;
use crate::location::locate_data;
use crate::memory;
use crate::note::{ClassCounts, Note};
use crate::rows_data::{self, RowsData};
use crate::source_model::SourceModel;
use crate::split::Split;
use crate::split_options::SplitOptions;
use crate::split_rows::{SplitColumns, SplitIndices, SplitRows};
use crate::table;
use crate::task::{Task, with_counterpart};

/// Name of the built-in data set of generated digits.
pub const GLYPHS: &str = "glyphs";

/// Seed of the built-in digits.
const GLYPHS_SEED: u64 = 0;

/// The default data set, if it is in the data folder.
const PREFERRED: &str = "mnist";

/// Factor that scales the bytes of pixels to network inputs from 0 to 1, for all networks that
/// this crate trains.
pub const PIXEL_SCALE: f64 = 1.0 / 255.0;

/// A data set with its task and its split.
#[derive(Clone, Debug)]
pub struct Data {
    /// Training and test samples, before the validation samples are split off.
    pub dataset: Dataset,
    /// The learning task.
    pub task: Task,
    /// Names of the classes; empty for regression.
    pub class_names: Vec<String>,
    /// The value of the setting `data` that loads this data set again.
    pub origin: String,
    /// The preprocessing of the table; `None` for other data sets.
    pub preprocessing: Option<Preprocessing>,
    /// Notes about the data, such as an inferred task.
    pub notes: Vec<Note>,
    /// The size to which the images of a folder of PNG and JPEG files were resized;
    /// `None` for other data sets.
    pub folder_image_size: Option<ImageSize>,
    /// Factor that converts the bytes of pixels to inputs of the network.
    pub pixel_scale: f64,
    /// SHA-256 of the file, if it is a table.
    pub table_sha256: Option<String>,
    /// `Some(true)` if the split is stratified by class, otherwise `None`. For runs of program
    /// versions without stratification, the value is `None`.
    pub stratify: Option<bool>,
    /// The model that training starts from, if the setting `from` names one.
    pub source: Option<Arc<SourceModel>>,
    /// The best constant prediction of the training samples of the model that is evaluated on
    /// this data set; `None` if the model was trained on this data set, or if it is unknown.
    pub constant_prediction: Option<ConstantPrediction>,
    sample_weights: Option<Vec<f32>>,
    rows: SplitIndices,
    /// The file of rows that has the samples; `dataset` then has none.
    file: Option<RowsData>,
}

/// The samples of each split.
#[derive(Clone, Debug)]
pub struct Splits<'a> {
    /// Training samples.
    pub train: Samples<'a>,
    /// Validation samples; may be empty.
    pub validation: Samples<'a>,
    /// Test samples, if there are any.
    pub test: Option<Samples<'a>>,
}

impl<'a> Splits<'a> {
    /// The samples of one split.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Data`] if the split has no samples.
    pub fn get(self, split: Split) -> Result<Samples<'a>> {
        let samples = match split {
            Split::Train => Some(self.train),
            Split::Validation => Some(self.validation).filter(|samples| !samples.is_empty()),
            Split::Test => self.test,
        };
        samples.ok_or_else(|| Error::new(ErrorKind::Data, format!("there are no {split} samples")))
    }
}

/// The name of the default data set: MNIST if it is in the data folder, otherwise
/// the built-in digits.
pub fn default_name(data_dir: &Path) -> &'static str {
    match catalog::find(PREFERRED) {
        Ok(source) if source.is_present(data_dir) => PREFERRED,
        _ => GLYPHS,
    }
}

/// A data set that is not a table.
#[derive(Debug)]
pub struct LoadedDataset {
    /// The data set.
    pub dataset: Dataset,
    /// Number of validation samples in the data set, at the end of the training samples.
    pub n_validation: usize,
    /// The size to which the images of a folder of PNG and JPEG files were resized;
    /// `None` for other data sets.
    pub folder_image_size: Option<ImageSize>,
    /// Notes about the files of a folder of images.
    pub notes: Vec<FolderNote>,
}

impl From<Dataset> for LoadedDataset {
    fn from(dataset: Dataset) -> Self {
        Self {
            dataset,
            n_validation: 0,
            folder_image_size: None,
            notes: Vec::new(),
        }
    }
}

/// Loads a data set by its name, or from a folder of IDX files or of images. If `run` is
/// given, its data set is also searched for relative to the run. The built-in digits have
/// at most `limit_train` training samples.
///
/// # Errors
/// Returns an error if the data set does not exist or cannot be read.
pub fn load_dataset(
    name: &str,
    data_dir: &Path,
    run: Option<&Path>,
    options: &SplitOptions,
    threads: &Threads,
) -> Result<LoadedDataset> {
    if name == GLYPHS {
        let n_train = options.limit_train.unwrap_or(glyphs::N_TRAIN);
        return Ok(glyphs::dataset_of(GLYPHS_SEED, n_train, threads).into());
    }
    let path = escaped_path::path(name);
    if path.is_dir() {
        return load_folder(&path, options.image_size, threads);
    }
    match catalog::find(name) {
        Ok(source) => Ok(Dataset::load(source, data_dir)?.into()),
        Err(_) if locate_data(&path, run).is_dir() => {
            load_folder(&locate_data(&path, run), options.image_size, threads)
        }
        Err(_) => {
            let known = names().collect::<Vec<_>>().join(", ");
            let help = did_you_mean(name, &known)
                .unwrap_or_else(|| "`nn data list` shows the data sets".to_owned());
            Err(Error::usage(format!(
                "unknown data set \"{}\"; expected a folder of IDX files or of images, a table, or \
                 one of: {known}",
                escaped_path::shown(name).escape_debug(),
            ))
            .with_help(help))
        }
    }
}

/// Loads a folder of IDX files, or of class folders with PNG and JPEG files.
fn load_folder(
    path: &Path,
    image_size: Option<ImageSize>,
    threads: &Threads,
) -> Result<LoadedDataset> {
    if has_idx_files(path)? {
        return Ok(Dataset::load_idx_folder(path)?.into());
    }
    let folder = ImageFolder::open(path)?;
    let chosen = folder.choose_size(image_size, threads)?;
    let n_bytes = folder.n_images().saturating_mul(chosen.size.n_pixels());
    let what = format!(
        "{}: {} images of {} pixels",
        path.display(),
        grouped(folder.n_images()),
        chosen.size
    );
    memory::check(&what, n_bytes as u64, "set a smaller `image-size`")?;
    let images = folder.read(chosen, threads)?;
    Ok(LoadedDataset {
        dataset: images.dataset,
        n_validation: images.n_validation,
        folder_image_size: Some(chosen.size),
        notes: images.notes,
    })
}

/// The names of all data sets.
pub fn names() -> impl Iterator<Item = &'static str> {
    catalog::ALL
        .iter()
        .map(|source| source.name)
        .chain([GLYPHS])
}

impl Data {
    /// Loads a data set and determines its task and its split.
    ///
    /// # Errors
    /// Returns an error if the data set does not exist, cannot be read, or does not match the
    /// model.
    pub fn load(request: &DataRequest<'_>, threads: &Threads) -> Result<Self> {
        let path = escaped_path::path(request.name);
        let located = locate_data(&path, request.run);
        let mut data = if table::is_rows_file(&located) {
            Self::of_rows_file(&located, request)?
        } else if table::is_table(&located) {
            let loaded = table::load(&located, request)?;
            Self {
                class_names: loaded.dataset.class_names.clone(),
                task: loaded.task,
                dataset: loaded.dataset,
                origin: request.name.to_owned(),
                preprocessing: Some(loaded.preprocessing),
                notes: loaded.notes,
                folder_image_size: None,
                pixel_scale: PIXEL_SCALE,
                stratify: loaded.is_stratified.then_some(true),
                source: None,
                constant_prediction: None,
                sample_weights: loaded.sample_weights,
                rows: loaded.rows.into(),
                file: None,
                table_sha256: Some(loaded.sha256),
            }
        } else {
            let DataRequest {
                run,
                name,
                data_dir,
                options,
                ..
            } = *request;
            let loaded = load_dataset(name, data_dir, run, options, threads)?;
            let mut dataset = loaded.dataset;
            with_counterpart(&mut dataset.class_names);
            let classes = labels(&dataset.train).filter(|_| request.is_stratified());
            let columns = SplitColumns {
                classes: classes.map(<[u32]>::to_vec),
                ..SplitColumns::default()
            };
            Self {
                class_names: dataset.class_names.clone(),
                task: Task::Classification(dataset.n_classes()),
                stratify: columns.classes.as_ref().map(|_| true),
                rows: SplitRows::with_validation(
                    dataset.train.len(),
                    loaded.n_validation,
                    options,
                    !dataset.test.is_empty(),
                    &columns,
                )?
                .into(),
                file: None,
                dataset,
                origin: request.name.to_owned(),
                preprocessing: None,
                folder_image_size: loaded.folder_image_size,
                pixel_scale: PIXEL_SCALE,
                table_sha256: None,
                notes: loaded.notes.into_iter().map(Note::Images).collect(),
                sample_weights: None,
                source: None,
                constant_prediction: None,
            }
        };
        if let Some(class) = request.options.positive_class {
            data.class_names = one_against_the_rest(&mut data.dataset, class)?;
            data.file = data.file.map(|file| file.one_against_the_rest(class));
            data.task = Task::Classification(2);
        }
        if request.model.is_none() {
            data.notes.extend(data.class_notes(request.options));
        }
        Ok(data)
    }

    /// Opens a file of rows. Only the targets and weights are read into memory.
    fn of_rows_file(path: &Path, request: &DataRequest<'_>) -> Result<Self> {
        let rows_data::Loaded {
            file,
            dataset,
            task,
            preprocessing,
            folder_image_size,
            splits,
        } = rows_data::load(path, request)?;
        Ok(Self {
            class_names: dataset.class_names.clone(),
            task,
            dataset,
            origin: request.name.to_owned(),
            preprocessing,
            notes: Vec::new(),
            folder_image_size,
            table_sha256: Some(file.digest().to_owned()),
            stratify: None,
            source: None,
            constant_prediction: None,
            pixel_scale: PIXEL_SCALE,
            sample_weights: None,
            rows: splits,
            file: Some(file),
        })
    }

    /// SHA-256 of the file of a table, or of all samples of other data.
    pub fn sha256(&self) -> String {
        let file = self.table_sha256.clone();
        file.unwrap_or_else(|| self.dataset.sha256())
    }

    /// The file of rows that has the samples, if they are not in memory.
    pub fn rows_file(&self) -> Option<&RowsData> {
        self.file.as_ref()
    }

    /// Numbers the classes as the model does from which training starts, if the model has the
    /// same classes, and notes a split that differs from the split of the model.
    pub(crate) fn start_from(&mut self, source: SourceModel, settings: &Settings) -> Result<()> {
        let sorted = |names: &[String]| {
            let mut names = names.to_vec();
            names.sort();
            names
        };
        let names = source.class_names();
        if self.preprocessing.is_none() && sorted(names) == sorted(&self.class_names) {
            self.number_classes_as(names)?;
        }
        let is_same =
            source.has_data_of(settings) || source.has_table(self.table_sha256.as_deref());
        if is_same && !source.has_split_of(settings) {
            self.notes.push(Note::OtherSplit {
                model: source.path(),
            });
        }
        self.source = Some(Arc::new(source));
        Ok(())
    }

    /// Gives the classes of a folder of images the numbers that a model has for them.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Data`] for a class that the model does not have.
    pub(crate) fn number_classes_as(&mut self, names: &[String]) -> Result<()> {
        let number = |name: &String| {
            let number = names.iter().position(|known| known == name);
            number.map(|number| number as u32).ok_or_else(|| {
                let problem = format!(
                    "{}: class \"{}\": expected a class of the model, one of: {}",
                    escaped_path::shown(&self.origin),
                    name.escape_debug(),
                    names.join(", ")
                );
                Error::new(ErrorKind::Data, problem)
                    .with_help("rename or remove the folder of the class")
            })
        };
        let numbers: Vec<u32> = self.class_names.iter().map(number).collect::<Result<_>>()?;
        for part in [&mut self.dataset.train, &mut self.dataset.test] {
            if let nn_data::Targets::Classes(classes) = &mut part.targets {
                classes
                    .iter_mut()
                    .for_each(|class| *class = numbers[*class as usize]);
            }
        }
        self.class_names = names.to_vec();
        self.dataset.class_names = names.to_vec();
        self.task = Task::Classification(names.len());
        Ok(())
    }

    /// Notes about the classes of a classification.
    fn class_notes(&self, options: &SplitOptions) -> Vec<Note> {
        let in_memory = |part| labels(part).map(|labels| Labels::Words(labels.into()));
        let classes = match &self.file {
            Some(file) => file.labels(),
            None => in_memory(&self.dataset.train),
        };
        let Some(classes) = classes else {
            return Vec::new();
        };
        let own_test = in_memory(&self.dataset.test).unwrap_or(Labels::Words((&[]).into()));
        let count = |labels: &Labels<'_>, rows: &mut dyn Iterator<Item = u32>| {
            let mut counts = vec![0; self.class_names.len()];
            rows.for_each(|row| counts[labels.get(row as usize) as usize] += 1);
            counts
        };
        let all = |labels: &Labels<'_>| count(labels, &mut (0..labels.len() as u32));
        let of = |rows: &RowIndices| count(&classes, &mut rows.iter());
        let weights = match &self.file {
            Some(file) => file.weights(),
            None => self.sample_weights.as_deref(),
        };
        let has_weight = |row: &u32| weights.is_none_or(|it| it[*row as usize] > 0.0);
        let SplitIndices {
            train,
            validation,
            test,
        } = &self.rows;
        let both = all(&classes).into_iter().zip(all(&own_test));
        let counts = ClassCounts {
            all: both.map(|(a, b)| a + b).collect(),
            train: of(train),
            weighted: count(&classes, &mut train.iter().filter(has_weight)),
            validation: of(validation),
            test: if own_test.is_empty() || !test.is_empty() {
                of(test)
            } else {
                all(&own_test)
            },
        };
        let mut notes = counts.notes(&self.class_names);
        let table = &options.table;
        let columns = [&table.group, &table.order_by, &table.split_column];
        if columns.iter().any(|column| column.is_some()) {
            notes.extend(counts.uneven(&self.class_names));
        }
        notes
    }

    /// Number of inputs of a network for this data set.
    pub fn n_inputs(&self) -> usize {
        self.dataset.n_inputs()
    }

    /// Number of training samples.
    pub fn n_train(&self) -> usize {
        self.rows.train.len()
    }

    /// Name and standardization of each predicted number, to convert the network's
    /// outputs into the table's units. Empty for other data sets.
    fn target_columns(&self) -> &[TargetColumn] {
        match self.preprocessing.as_ref().map(|it| &it.target) {
            Some(TargetEncoding::Regression(columns)) => columns,
            _ => &[],
        }
    }

    /// Returns `true` for a table whose columns are not pixels.
    pub fn has_columns(&self) -> bool {
        let preprocessing = self.preprocessing.as_ref();
        preprocessing.is_some_and(|it| it.image_size().is_none())
    }

    /// Names of the regression targets; empty for other tasks.
    pub fn target_names(&self) -> impl Iterator<Item = &str> {
        self.target_columns().iter().map(|column| &*column.name)
    }

    /// Whether every predicted number is a factor times an output of the network plus a
    /// constant. It is not if the target is transformed or predictions are clipped.
    pub(crate) fn predictions_are_affine(&self) -> bool {
        let mut targets = self.target_columns().iter();
        targets.all(|column| column.transform.is_identity() && column.range.is_none())
    }

    /// The errors of a regression with the targets of the table, in its units; `None` for
    /// other tasks.
    pub(crate) fn errors_of(&self, evaluation: &Evaluation) -> Option<RegressionErrors> {
        let errors = evaluation.regression.as_ref()?;
        match self.target_columns() {
            [] => Some(errors.clone()),
            columns => {
                let scales = columns.iter().map(|column| column.standardization.std);
                Some(errors.scaled(&scales.collect::<Vec<_>>()))
            }
        }
    }

    /// Shape of one sample.
    pub fn input_shape(&self) -> Vec<usize> {
        match self.dataset.image_size {
            Some((height, width)) => vec![height, width],
            None => vec![self.n_inputs()],
        }
    }

    /// The samples of each split.
    ///
    /// # Errors
    /// Returns an error if the data set is inconsistent, for example if a label has no class.
    pub fn splits(&self) -> Result<Splits<'_>> {
        let mut all = match &self.file {
            Some(file) => file.samples()?,
            None => self.samples(&self.dataset.train)?,
        };
        if let Some(weights) = &self.sample_weights {
            all = all.with_weights(weights)?;
        }
        all = self.declared(all);
        let own_test = &self.dataset.test;
        let test = if !self.rows.test.is_empty() {
            Some(all.select_all(&self.rows.test))
        } else if !own_test.is_empty() {
            Some(self.declared(self.samples(own_test)?))
        } else {
            None
        };
        Ok(Splits {
            train: all.select_all(&self.rows.train),
            validation: all.select_all(&self.rows.validation),
            test,
        })
    }

    /// Declares the targets of a regression to be numbers: a constant target that was
    /// standardized consists of zeros, like labels.
    fn declared<'a>(&self, samples: Samples<'a>) -> Samples<'a> {
        match self.task {
            Task::Regression(_) => samples.of_numbers(),
            Task::Classification(_) | Task::MultiLabel(_) => samples,
        }
    }

    /// The index, in the whole data set, of the sample at `position` in a split; both are
    /// counted from 0.
    pub fn row_of(&self, split: Split, position: usize) -> usize {
        let rows = match split {
            Split::Train => &self.rows.train,
            Split::Validation => &self.rows.validation,
            Split::Test => &self.rows.test,
        };
        // A data set with test samples of its own has them in order.
        match position < rows.len() {
            true => rows.get(position) as usize,
            false => position,
        }
    }

    fn samples<'a>(&'a self, part: &'a nn_data::Split) -> Result<Samples<'a>> {
        let inputs = match &part.inputs {
            nn_data::Inputs::Pixels(pixels) => Inputs::bytes(pixels.view(), self.pixel_scale),
            nn_data::Inputs::Features(features) => Inputs::values(features.view()),
        };
        let targets = match &part.targets {
            nn_data::Targets::Classes(labels) => Targets::classes(labels, self.class_names.len()),
            nn_data::Targets::Values(values) => Targets::values(values.view()),
        };
        Ok(Samples::new(inputs, targets)?)
    }
}

/// The classes of a part of a data set, if it has classes.
fn labels(part: &nn_data::Split) -> Option<&[u32]> {
    match &part.targets {
        nn_data::Targets::Classes(labels) => Some(labels),
        nn_data::Targets::Values(_) => None,
    }
}

/// Turns classes into 1 for `class` and 0 for every other; returns their names.
fn one_against_the_rest(dataset: &mut Dataset, class: u32) -> Result<Vec<String>> {
    let name = dataset
        .class_names
        .get(class as usize)
        .cloned()
        .ok_or_else(|| {
            Error::usage(format!(
                "`positive-class`: expected a class below {}, found {class}",
                dataset.class_names.len()
            ))
        })?;
    for part in [&mut dataset.train, &mut dataset.test] {
        if let nn_data::Targets::Classes(labels) = &mut part.targets {
            labels
                .iter_mut()
                .for_each(|label| *label = u32::from(*label == class));
        }
    }
    Ok(vec![format!("not {name}"), name])
}
