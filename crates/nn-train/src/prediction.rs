//! Predictions of a trained model: for images, and for the rows of a table.

use std::ops::Range;
use std::path::Path;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use nn_core::network::ForwardCache;
use nn_core::{Loss, Model, Rows};
use nn_image::digit::{SIDE, normalize};
use nn_image::{ImageSize, read_image, resize};
use nn_settings::{Error, ErrorKind, Result};
use nn_table::predictions::predicted_class;
use nn_table::preprocessing::Purpose;
use nn_table::{Header, Note, Preprocessing, TargetEncoding, UnseenCategory};
use nn_tensor::Threads;
use nn_tensor::reduce::all_finite;

use crate::memory;
use crate::rows_data::RowsData;
use crate::table;
use crate::trained_model::{preprocessing_of, settings_of};

/// Number of rows per block of a prediction.
const BLOCK_ROWS: usize = 512;

/// The probability of every class; a single output gives the probabilities of both
/// classes. Hinge loss gives margins instead of probabilities; the predicted class then
/// has probability 1.
pub fn class_probabilities(loss: Loss, outputs: &[f32]) -> Vec<f32> {
    match (loss, outputs) {
        (Loss::Hinge, _) => {
            let mut certain = vec![0.0; outputs.len().max(2)];
            certain[loss.predicted_class(outputs)] = 1.0;
            certain
        }
        (_, [one]) => vec![1.0 - one, *one],
        _ => outputs.to_vec(),
    }
}

/// The names of a model's classes, or their numbers if they have no names.
pub fn class_names(model: &Model) -> Vec<String> {
    match &model.description.class_names[..] {
        [] => (0..model.network.n_outputs().max(2))
            .map(|class| class.to_string())
            .collect(),
        names => names.to_vec(),
    }
}

/// The values of [`class_probabilities`]; NaN if an output is not finite.
fn finite_probabilities(loss: Loss, outputs: &[f32]) -> Vec<f32> {
    let mut probabilities = class_probabilities(loss, outputs);
    if !all_finite(outputs) {
        probabilities.fill(f32::NAN);
    }
    probabilities
}

/// A classifier of images: a model with buffers for one image.
#[derive(Debug)]
pub struct ImagePredictor<'a> {
    model: &'a Model,
    cache: ForwardCache<f32>,
    inputs: Vec<f32>,
    class_names: Vec<String>,
    thresholds: Option<Vec<f64>>,
}

/// The prediction for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImagePrediction {
    /// The predicted class.
    pub class: usize,
    /// The probability of every class; NaN if an output is not finite.
    pub probabilities: Vec<f32>,
    /// The first output that is NaN or infinite.
    pub nonfinite: Option<f32>,
}

impl<'a> ImagePredictor<'a> {
    /// Creates a predictor with this model.
    pub fn new(model: &'a Model) -> Self {
        Self {
            cache: ForwardCache::new(&model.network, 1),
            inputs: vec![0.0; model.network.n_inputs()],
            class_names: class_names(model),
            thresholds: None,
            model,
        }
    }

    /// Predicts the second of two classes if its probability is at least the threshold;
    /// `thresholds` has one element.
    #[must_use]
    pub fn with_thresholds(self, thresholds: Option<Vec<f64>>) -> Self {
        Self { thresholds, ..self }
    }

    /// The names of the classes.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Returns an error if the model was trained on a table.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Data`] if the model was trained on a table.
    pub fn check_reads_images(&self) -> Result<()> {
        let preprocessing = preprocessing_of(self.model)?;
        if preprocessing.is_none_or(|it| it.image_size().is_some()) {
            return Ok(());
        }
        let problem = "this model was trained on the columns of a table, not on images";
        Err(Error::new(ErrorKind::Data, problem).with_help("use a CSV file as input"))
    }

    /// Reads a PNG or JPEG file in the same way as the training images. For a model that
    /// was trained on a folder of images, the image is resized; for any other model, it is
    /// converted to a digit in MNIST's format.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, is blank, or has several digits.
    pub fn read(&self, path: &Path) -> Result<SeenImage> {
        self.see(path, read_image(path)?.view())
    }

    /// Converts a decoded image `[height, width]` as [`read`](Self::read) does; `path` is
    /// used in error messages.
    ///
    /// # Errors
    /// Returns an error if the image is blank or has several digits.
    pub fn see(&self, path: &Path, image: ArrayView2<'_, u8>) -> Result<SeenImage> {
        self.check_reads_images()
            .map_err(|error| error.at(path.display()))?;
        if let Some(size) = self.folder_image_size() {
            return Ok(SeenImage {
                pixels: resize(image, size.shape()).into_raw_vec_and_offset().0,
                size,
                notes: Vec::new(),
            });
        }
        let digit = normalize(image);
        let digit = digit.map_err(|error| Error::from(error).at(path.display()))?;
        let n_digits = digit.n_digits;
        if n_digits > 1 && self.predicts_digits() {
            let problem = format!("found {n_digits} digits, expected 1");
            return Err(Error::new(ErrorKind::Data, problem)
                .at(path.display())
                .with_help("crop the image to one digit, and predict each digit separately"));
        }
        let mut notes = Vec::new();
        if n_digits > 1 {
            notes.push(format!(
                "found {n_digits} separate shapes, predicted as one image"
            ));
        }
        if digit.frame_removed {
            notes.push("lines or a frame were removed".to_owned());
        }
        Ok(SeenImage {
            pixels: digit.pixels.to_vec(),
            size: ImageSize {
                height: SIDE,
                width: SIDE,
            },
            notes,
        })
    }

    fn predicts_digits(&self) -> bool {
        self.class_names
            .iter()
            .all(|name| name.len() == 1 && name.bytes().all(|letter| letter.is_ascii_digit()))
    }

    /// The size of the images in the folder that the model was trained on, if it was
    /// trained on one.
    fn folder_image_size(&self) -> Option<ImageSize> {
        let settings = settings_of(self.model).ok()?;
        settings.image_size.map(|size| *size.value())
    }

    /// Predicts the class of an image from its pixels in row-major order.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Data`] if the number of pixels differs from the model's number of
    /// inputs.
    pub fn predict(&mut self, pixels: &[u8]) -> Result<ImagePrediction> {
        if self.inputs.len() != pixels.len() {
            let problem = format!(
                "the model has {} inputs, but the image has {} pixels",
                self.inputs.len(),
                pixels.len()
            );
            return Err(Error::new(ErrorKind::Data, problem)
                .with_help("`nn inspect RUN` shows what a model was trained on"));
        }
        let scale = self.model.description.input.scale as f32;
        for (input, &pixel) in self.inputs.iter_mut().zip(pixels) {
            *input = f32::from(pixel) * scale;
        }
        let inputs = Rows::new(&self.inputs, self.inputs.len());
        let (network, threads) = (&self.model.network, Threads::single());
        let outputs = network.forward(inputs, &mut self.cache, &threads);
        let outputs = outputs.as_slice();
        let probabilities = finite_probabilities(self.model.loss, outputs);
        Ok(ImagePrediction {
            class: match &self.thresholds {
                Some(thresholds) => predicted_class((&probabilities).into(), Some(thresholds)),
                None => self.model.loss.predicted_class(outputs),
            },
            probabilities,
            nonfinite: outputs.iter().find(|output| !output.is_finite()).copied(),
        })
    }
}

/// An image, converted to the input of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenImage {
    /// Gray values, row by row.
    pub pixels: Vec<u8>,
    /// Height and width.
    pub size: ImageSize,
    /// Notes about changes of the image that a user might not expect.
    pub notes: Vec<String>,
}

/// The predictions for the rows of a table.
#[derive(Clone, Debug)]
pub struct TablePredictions {
    /// `[n_rows, n_outputs]`: probabilities of the classes or flags, or the predicted
    /// values as scaled for the network (see [`restored`](Self::restored)).
    pub outputs: Array2<f32>,
    /// The preprocessing of the model, which names the outputs.
    pub preprocessing: Preprocessing,
    /// The text of the id column in each row; `None` if no id column was requested.
    pub ids: Option<Vec<String>>,
    /// The first line of each row in the file, counted from 1.
    pub lines: Vec<u32>,
    /// Notes about the table, such as unknown categories.
    pub notes: Vec<Note>,
    /// Warning that names the first row with a NaN or infinite input or prediction and
    /// counts all such rows.
    pub nonfinite: Option<String>,
    /// The threshold of the second of two classes, or the thresholds of the labels; `None`
    /// for the default thresholds.
    pub thresholds: Option<Vec<f64>>,
}

impl TablePredictions {
    /// Predicts every row of the CSV file at `path`, and keeps the texts of the column `id`.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, lacks the column `id` or a column of the
    /// model, or does not fit into memory, or if the model was trained on images.
    pub fn of_file(
        model: &Model,
        path: &Path,
        header: Header,
        id: Option<&str>,
        threads: &Threads,
    ) -> Result<Self> {
        let preprocessing = preprocessing_of(model)?.ok_or_else(|| {
            let problem = "this model was trained on images, not on a table";
            let problem = format!("{}: {problem}", path.display());
            Error::new(ErrorKind::Data, problem)
                .with_help("use PNG files or the indices of test samples as input")
        })?;
        let bytes = table::read_bytes(path)?;
        let table = preprocessing.parse(path, &bytes, header, Purpose::Predict)?;
        let ids = id.map(|column| table.texts(&bytes, column)).transpose()?;
        drop(bytes);
        table::check_memory(path, &preprocessing, table.n_rows())?;
        let samples = preprocessing.transform(&table, UnseenCategory::Zeros)?;
        let inputs = match samples.inputs {
            nn_data::Inputs::Features(features) => features,
            nn_data::Inputs::Pixels(pixels) => {
                pixels.mapv(|pixel| f32::from(pixel) * model.description.input.scale as f32)
            }
        };
        memory::check_evaluation(&model.network, inputs.nrows())?;
        let outputs = outputs_of(model, inputs.view(), &preprocessing, threads);
        let check = FiniteCheck {
            inputs: inputs.view(),
            outputs: outputs.view(),
            preprocessing: &preprocessing,
        };
        let nonfinite = check.problem();
        let nonfinite = nonfinite.map(|problem| format!("{}: {problem}", path.display()));
        let notes = table.notes().iter().cloned().chain(samples.notes);
        Ok(Self {
            outputs,
            preprocessing,
            ids,
            lines: table.lines().to_vec(),
            notes: notes.filter_map(|note| without_column(note, id)).collect(),
            nonfinite,
            thresholds: None,
        })
    }

    /// Predicts some rows of a file of rows that is loaded for the model.
    ///
    /// # Errors
    /// Returns an error if the rows cannot be read, or if the model was trained on images.
    ///
    /// # Panics
    /// Panics if a row does not exist.
    pub fn of_rows(
        model: &Model,
        data: &RowsData,
        rows: Range<u32>,
        threads: &Threads,
    ) -> Result<Self> {
        let preprocessing = preprocessing_of(model)?.ok_or_else(|| {
            let problem = "this model was trained on images, not on a table";
            Error::new(ErrorKind::Data, problem)
                .with_help("`nn evaluate` shows how well it classifies a file of rows")
        })?;
        let positions: Vec<u32> = rows.clone().collect();
        let mut inputs = Array2::zeros((positions.len(), model.network.n_inputs()));
        let values = inputs.as_slice_mut().expect("a new array is contiguous");
        data.samples()?.read_inputs(&positions, values)?;
        let outputs = outputs_of(model, inputs.view(), &preprocessing, threads);
        let check = FiniteCheck {
            inputs: inputs.view(),
            outputs: outputs.view(),
            preprocessing: &preprocessing,
        };
        let problem = check.problem();
        let first = rows.start + 1;
        Ok(Self {
            nonfinite: problem.map(|problem| format!("rows from row {first} on: {problem}")),
            outputs,
            preprocessing,
            ids: None,
            lines: rows.map(|row| row + 1).collect(),
            notes: Vec::new(),
            thresholds: None,
        })
    }

    /// Predicts classes or labels with the given thresholds, for example with
    /// [`Run::thresholds`](crate::Run::thresholds).
    #[must_use]
    pub fn with_thresholds(self, thresholds: Option<Vec<f64>>) -> Self {
        Self { thresholds, ..self }
    }

    /// The predicted class of every row; `None` if the model predicts no classes.
    pub fn classes(&self) -> Option<Vec<&str>> {
        let TargetEncoding::Classification { names, .. } = &self.preprocessing.target else {
            return None;
        };
        let thresholds = self.thresholds.as_deref();
        let name = |row| names[predicted_class(row, thresholds)].as_str();
        Some(self.outputs.rows().into_iter().map(name).collect())
    }

    /// The outputs, with predicted values in the units of the table.
    pub fn restored(&self) -> Array2<f32> {
        let mut restored = self.outputs.clone();
        self.preprocessing.inverse_transform(restored.view_mut());
        restored
    }
}

/// The note without `column` in a list of unused columns; `None` if it was the only one.
fn without_column(note: Note, column: Option<&str>) -> Option<Note> {
    match note {
        Note::ExtraColumns { mut names } => {
            names.retain(|name| Some(&**name) != column);
            (!names.is_empty()).then_some(Note::ExtraColumns { names })
        }
        note => Some(note),
    }
}

/// The outputs of the network, `[n_rows, n_outputs]`: for classification, the probability
/// of each class.
fn outputs_of(
    model: &Model,
    inputs: ArrayView2<'_, f32>,
    preprocessing: &Preprocessing,
    threads: &Threads,
) -> Array2<f32> {
    let n_outputs = preprocessing.n_outputs();
    let are_classes = matches!(preprocessing.target, TargetEncoding::Classification { .. });
    let mut cache = ForwardCache::new(&model.network, BLOCK_ROWS.min(inputs.nrows().max(1)));
    let mut all = Array2::zeros((inputs.nrows(), n_outputs));
    let blocks = inputs.axis_chunks_iter(Axis(0), BLOCK_ROWS);
    for (inputs, mut block) in blocks.zip(all.axis_chunks_iter_mut(Axis(0), BLOCK_ROWS)) {
        let outputs = model.network.forward(inputs, &mut cache, threads);
        if are_classes {
            for (mut row, output) in block.rows_mut().into_iter().zip(outputs.rows()) {
                let probabilities = finite_probabilities(model.loss, output);
                row.assign(&ArrayView1::from(&probabilities));
            }
        } else {
            block.assign(&ArrayView2::from(&outputs));
        }
    }
    all
}

/// Rows of a table whose inputs and predictions should be finite.
struct FiniteCheck<'a> {
    inputs: ArrayView2<'a, f32>,
    outputs: ArrayView2<'a, f32>,
    preprocessing: &'a Preprocessing,
}

impl FiniteCheck<'_> {
    /// Describes the first bad row, and counts the others. An infinite input is bad
    /// even if the network turns it into an ordinary number.
    fn problem(&self) -> Option<String> {
        let mut restored = self.outputs.to_owned();
        self.preprocessing.inverse_transform(restored.view_mut());
        let is_bad = |value: &f32| !value.is_finite();
        let rows = self.inputs.rows().into_iter().zip(restored.rows());
        let mut bad = rows.enumerate().filter(|(_, (inputs, outputs))| {
            inputs.iter().any(is_bad) || outputs.iter().any(is_bad)
        });
        let (row, (inputs, outputs)) = bad.next()?;
        let largest =
            (0..inputs.len()).max_by(|&a, &b| inputs[a].abs().total_cmp(&inputs[b].abs()))?;
        let column = self.column_of(largest);
        let value = outputs.iter().find(|value| is_bad(value));
        let what = match value {
            Some(value) => format!("the prediction is {value}"),
            None => "an input is not finite".to_owned(),
        };
        let more = match bad.count() {
            0 => String::new(),
            1 => "; 1 more row is affected".to_owned(),
            n => format!("; {n} more rows are affected"),
        };
        Some(format!(
            "row {}: {what}; the largest input is {column}, {:e} as scaled for the network{more}",
            row + 1,
            inputs[largest]
        ))
    }

    /// The column of an input of the network.
    fn column_of(&self, input: usize) -> String {
        let mut columns = self.preprocessing.input_ranges();
        match columns.find(|(_, inputs)| inputs.contains(&input)) {
            Some((name, _)) => format!("column \"{}\"", name.escape_debug()),
            None => format!("pixel {input}"),
        }
    }
}
