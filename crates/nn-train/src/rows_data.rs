//! A file of rows as a data set: inputs are read in blocks, targets and weights are in memory.

use std::path::Path;
use std::sync::Arc;

use ndarray::Array2;
use nn_core::batches::{Inputs, Labels, RowIndices, Samples, Targets};
use nn_core::rows::{List, Rows};
use nn_data::Dataset;
use nn_image::ImageSize;
use nn_rows::{LoadedTargets, N_SPLITS, RowsFile};
use nn_settings::{Error, ErrorKind, Result, Settings};
use nn_table::{Preprocessing, TargetEncoding};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::conversion_settings;
use crate::data_request::DataRequest;
use crate::split::Split;
use crate::split_rows::SplitIndices;
use crate::task::Task;

/// Memory for the inputs of a file of rows, unless [`RowsData::set_memory`] changes it.
const DEFAULT_MEMORY: u64 = 256 << 20;

/// An open file of rows, with its targets and weights.
#[derive(Clone, Debug)]
pub struct RowsData {
    file: Arc<RowsFile>,
    targets: Targets<'static>,
    weights: Option<List<'static, f32>>,
    description: Description,
}

/// The description in the header of a file of rows: everything about the data that a model file
/// needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Description {
    /// Name of the data set.
    pub name: String,
    /// The data set that was converted, as the user named it.
    pub source: String,
    /// SHA-256 of the source, if it is a table.
    pub source_sha256: Option<String>,
    /// Version of the program that wrote the file.
    pub version: String,
    /// Names of the classes or labels; empty for regression.
    pub class_names: Vec<String>,
    /// Height and width of the images, if the inputs are images.
    pub image_size: Option<(usize, usize)>,
    /// Whether the images come from a folder of PNG and JPEG files.
    pub is_image_folder: bool,
    /// The preprocessing of a table.
    pub preprocessing: Option<Preprocessing>,
    /// The settings that the conversion applied.
    pub settings: Map<String, Value>,
}

/// A file of rows and what a data set needs besides it.
pub(crate) struct Loaded {
    pub(crate) file: RowsData,
    /// A data set of this shape without samples.
    pub(crate) dataset: Dataset,
    pub(crate) task: Task,
    pub(crate) preprocessing: Option<Preprocessing>,
    pub(crate) folder_image_size: Option<ImageSize>,
    pub(crate) splits: SplitIndices,
}

/// Opens the file of rows at `path`.
pub(crate) fn load(path: &Path, request: &DataRequest<'_>) -> Result<Loaded> {
    let file = RowsData::open(path)?;
    let description = &file.description;
    let preprocessing = description.preprocessing.clone();
    if request.model.is_some() || request.is_new {
        check_preprocessing(path, preprocessing.as_ref(), request.model)?;
    }
    let layout = file.file.header().layout;
    let task = match (layout.targets, &preprocessing) {
        (nn_rows::Targets::Classes(n), _) => Task::Classification(n),
        (nn_rows::Targets::Values(n), Some(it)) => match it.target {
            TargetEncoding::MultiLabel(_) => Task::MultiLabel(n),
            _ => Task::Regression(n),
        },
        (nn_rows::Targets::Values(n), None) => Task::Regression(n),
    };
    let folder_image_size = description
        .image_size
        .filter(|_| description.is_image_folder);
    Ok(Loaded {
        dataset: file.empty_dataset(),
        task,
        preprocessing,
        folder_image_size: folder_image_size.map(|(height, width)| ImageSize { height, width }),
        splits: file.splits(request),
        file,
    })
}

/// The inputs in the file are encoded, so they are only correct for a model with the same encoding.
fn check_preprocessing(
    path: &Path,
    found: Option<&Preprocessing>,
    model: Option<&Preprocessing>,
) -> Result<()> {
    if found == model {
        return Ok(());
    }
    let problem = "the rows were encoded for another model";
    Err(Error::new(ErrorKind::Data, problem)
        .at(path.display())
        .with_help(
            "use the table itself, or convert it for this model with `nn data convert --run RUN`",
        ))
}

impl RowsData {
    /// Opens a file, and reads its targets and weights.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Data`] if the file is damaged, [`ErrorKind::Io`] if it cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = RowsFile::open(path, DEFAULT_MEMORY).map_err(of_rows)?;
        let description = file.header().description.clone();
        let invalid = |problem: String| {
            Error::new(ErrorKind::Data, problem)
                .at(path.display())
                .with_help("make the file again with `nn data convert`")
        };
        let description: Description = serde_json::from_value(description)
            .map_err(|error| invalid(format!("description in the header: {error}")))?;
        let (targets, weights) = file.read_targets().map_err(of_rows)?;
        let targets = match (targets, file.header().layout.targets) {
            (LoadedTargets::ByteClasses(classes), nn_rows::Targets::Classes(n)) => {
                Targets::byte_classes(classes, n)
            }
            (LoadedTargets::Classes(classes), nn_rows::Targets::Classes(n)) => {
                Targets::classes(classes, n)
            }
            (LoadedTargets::Values(values), nn_rows::Targets::Values(n)) => {
                Targets::values(Rows::new(values, n))
            }
            _ => {
                return Err(invalid(
                    "targets of another type than in the header".to_owned(),
                ));
            }
        };
        let data = Self {
            file: Arc::new(file),
            targets,
            weights: weights.map(List::from),
            description,
        };
        if let Some(problem) = data.problem() {
            return Err(invalid(problem.to_owned()));
        }
        // Checks the values of targets and weights.
        data.samples().map_err(|error| error.at(path.display()))?;
        Ok(data)
    }

    /// What contradicts the layout in the description.
    fn problem(&self) -> Option<&'static str> {
        let layout = &self.file.header().layout;
        let Description {
            class_names,
            preprocessing,
            image_size,
            ..
        } = &self.description;
        let n_outputs = match layout.targets {
            nn_rows::Targets::Classes(n) if n != class_names.len() => {
                return Some("the number of class names differs from the number of classes");
            }
            nn_rows::Targets::Classes(n) | nn_rows::Targets::Values(n) => n,
        };
        let n_pixels = image_size.map(|(height, width)| height.checked_mul(width));
        if n_pixels.is_some_and(|n| n != Some(layout.n_inputs)) {
            return Some("the size of the images differs from the number of inputs");
        }
        let is_class = matches!(layout.targets, nn_rows::Targets::Classes(_));
        let preprocessing = preprocessing.as_ref()?;
        let has_classes = matches!(preprocessing.target, TargetEncoding::Classification { .. });
        let fits = preprocessing.n_inputs() == layout.n_inputs
            && preprocessing.n_outputs() == n_outputs
            && has_classes == is_class
            && Preprocessing::from_json(&preprocessing.to_json()).is_ok();
        (!fits).then_some("the preprocessing does not match the rows")
    }

    /// The description of the file.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The file.
    pub fn file(&self) -> &RowsFile {
        &self.file
    }

    /// Number of rows of all splits.
    pub fn n_rows(&self) -> u32 {
        self.range(Split::Test).end
    }

    /// SHA-256 of the header and of the checksums of the rows.
    pub(crate) fn digest(&self) -> &str {
        self.file.digest()
    }

    /// Sets the memory for the inputs in bytes, but at least two windows of blocks. No result
    /// depends on it.
    pub fn set_memory(&self, bytes: u64) {
        self.file.set_memory(bytes);
    }

    /// All rows of the file as samples.
    pub(crate) fn samples(&self) -> Result<Samples<'_>> {
        let samples = Samples::new(Inputs::Source(self.file.clone()), self.targets.clone())?;
        match &self.weights {
            Some(weights) => Ok(samples.with_weights(weights.clone())?),
            None => Ok(samples),
        }
    }

    /// The classes of all rows; `None` if the targets are not classes.
    pub(crate) fn labels(&self) -> Option<Labels<'static>> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels.clone()),
            _ => None,
        }
    }

    /// The weights of all rows, if they have weights.
    pub(crate) fn weights(&self) -> Option<&[f32]> {
        self.weights.as_ref().map(List::as_slice)
    }

    /// Turns classes into 1 for `class` and 0 for every other.
    pub(crate) fn one_against_the_rest(self, class: u32) -> Self {
        let targets = match &self.targets {
            Targets::Classes { labels, .. } => {
                let is_class = |row| u8::from(labels.get(row) == class);
                let classes: Vec<u8> = (0..labels.len()).map(is_class).collect();
                Targets::byte_classes(classes, 2)
            }
            other => other.clone(),
        };
        Self { targets, ..self }
    }

    /// The settings of a training run with those of the conversion.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for a setting that differs from the conversion.
    pub(crate) fn settings(&self, asked: &Settings) -> Result<Settings> {
        conversion_settings::merge(asked, &self.description.settings)
    }

    /// A data set without samples that has the shape, the classes and the name of the file.
    fn empty_dataset(&self) -> Dataset {
        let layout = &self.file.header().layout;
        let part = || nn_data::Split {
            inputs: match layout.inputs {
                nn_rows::Inputs::Values => {
                    nn_data::Inputs::Features(Array2::zeros((0, layout.n_inputs)))
                }
                nn_rows::Inputs::Bytes { .. } => {
                    nn_data::Inputs::Pixels(Array2::zeros((0, layout.n_inputs)))
                }
            },
            targets: match layout.targets {
                nn_rows::Targets::Classes(_) => nn_data::Targets::Classes(Vec::new()),
                nn_rows::Targets::Values(n) => nn_data::Targets::Values(Array2::zeros((0, n))),
            },
        };
        Dataset {
            name: self.description.name.clone(),
            train: part(),
            test: part(),
            class_names: self.description.class_names.clone(),
            image_size: self.description.image_size,
        }
    }

    /// The rows of each split. All rows of a new file without test rows are test rows.
    fn splits(&self, request: &DataRequest<'_>) -> SplitIndices {
        let [train, validation, test] =
            [Split::Train, Split::Validation, Split::Test].map(|it| self.range(it));
        if request.is_new && test.is_empty() {
            return SplitIndices {
                test: RowIndices::from(0..self.n_rows()),
                ..SplitIndices::default()
            };
        }
        let limit = request.options.limit_train;
        let n_train = limit.map_or(train.len(), |limit| limit.min(train.len()));
        SplitIndices {
            train: RowIndices::from(train.start..train.start + n_train as u32),
            validation: validation.into(),
            test: test.into(),
        }
    }

    /// The rows of a split in the file.
    pub fn range(&self, split: Split) -> std::ops::Range<u32> {
        self.file.range(number(split))
    }
}

/// The number of a split in a file of rows.
pub(crate) fn number(split: Split) -> usize {
    const { assert!(Split::ALL.len() == N_SPLITS) };
    match split {
        Split::Train => 0,
        Split::Validation => 1,
        Split::Test => 2,
    }
}

/// An error of a file of rows as an error of this crate.
pub(crate) fn of_rows(error: nn_rows::Error) -> Error {
    Error::from(nn_core::Error::from(error))
}
