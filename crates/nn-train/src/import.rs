//! Imports the model in a file of another program as a run directory.
//!
//! The directory has `model.safetensors`, and `config.toml` and `summary.json` as far as they
//! apply: the settings of the network, and no metrics. The model knows no data set, unless
//! `nn export` wrote the file.

use std::path::{Path, PathBuf};

use nn_core::model_file::weights_sha256;
use nn_core::stage::Stage;
use nn_core::{Activation, Model};
use nn_files::regular_file;
use nn_import::{Format, ImportOptions, import_file};
use nn_settings::{Activations, Error, ErrorKind, Result, Settings, Widths};
use nn_table::{TargetEncoding, Task};

use crate::experiment::run_prefix;
use crate::memory;
use crate::run::Run;
use crate::run_dir::{MODEL, RunDir};
use crate::summary::Summary;
use crate::trained_model::{preprocessing_of, settings_of};

/// Memory per byte of a file: its content, its numbers in double precision, and the network.
const BYTES_PER_BYTE: u64 = 12;

/// A run directory with an imported model.
///
/// ```no_run
/// use nn_train::{ImportOptions, ImportedRun};
///
/// let options = ImportOptions {
///     divide: 255.0,
///     ..ImportOptions::default()
/// };
/// let imported = ImportedRun::create("model.onnx".as_ref(), &options, "runs".as_ref(), None)?;
/// let test = imported.run.data_of(Some("mnist"))?;
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImportedRun {
    /// The run with its model.
    pub run: Run,
    /// Path of the run directory.
    pub path: PathBuf,
    /// The format of the file.
    pub format: Format,
    /// The program that wrote the file, if the file names it.
    pub producer: Option<String>,
    /// Everything that was assumed or converted.
    pub notes: Vec<String>,
}

impl ImportedRun {
    /// Imports the model in `file` into a new run directory in `runs_dir`. The directory is named
    /// `name` or, by default, after the file with the next free number.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for options that do not match the model and for a run that
    /// exists, [`ErrorKind::Data`] for a file that cannot be imported, and [`ErrorKind::Io`] if a
    /// file cannot be read or written.
    pub fn create(
        file: &Path,
        options: &ImportOptions,
        runs_dir: &Path,
        name: Option<&str>,
    ) -> Result<Self> {
        let length = regular_file::check(file)?.len();
        memory::check(
            "the import",
            length.saturating_mul(BYTES_PER_BYTE),
            "use a machine with more memory",
        )
        .map_err(|error| error.at(file.display()))?;
        let imported = import_file(file, options);
        let mut imported = imported.map_err(|error| of_import(error, file))?;
        describe_training(&mut imported.model, &mut imported.notes);
        preprocessing_of(&imported.model).map_err(|error| error.at(file.display()))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let run_dir = RunDir::create(runs_dir, name, &run_prefix(&stem))?;
        write(run_dir, &imported.model).map(|path| Self {
            run: Run::new(path.join(MODEL), imported.model),
            path,
            format: imported.format,
            producer: imported.producer,
            notes: imported.notes,
        })
    }
}

/// Adds the settings of the network, unless the file has the settings of its training run.
fn describe_training(model: &mut Model, notes: &mut Vec<String>) {
    if !model.description.training.is_null() {
        if settings_of(model).is_ok() {
            return;
        }
        notes.push("the settings of the training run in the file cannot be read".to_owned());
        model.description.table_sha256 = None;
    }
    model.description.training = settings_of_network(model).to_json();
}

/// The settings that describe a network, as far as there are settings for it.
fn settings_of_network(model: &Model) -> Settings {
    let layers = model.network.layers();
    let (output, hidden) = layers.split_last().expect("a network has a layer");
    let has_sums = |name: &str| {
        let stages = hidden.iter().flat_map(|layer| &layer.sums);
        stages.map(Stage::to_string).any(|stage| stage == name)
    };
    let widths = hidden.iter().map(|layer| layer.n_outputs).collect();
    let activations: Vec<Activation> = hidden.iter().map(|layer| layer.activation).collect();
    Settings {
        hidden: Some(Widths(widths).into()),
        activation: (!activations.is_empty()).then(|| Activations(activations).into()),
        output_activation: Some(output.activation.into()),
        batch_norm: Some(hidden.iter().any(|layer| layer.batch_norm)),
        layer_norm: Some(has_sums("layer-norm")),
        residual: Some(hidden.iter().any(|layer| !layer.outputs.is_empty())),
        loss: Some(model.loss.into()),
        ..target_settings(model)
    }
}

/// The target columns and the task of a model of a table.
fn target_settings(model: &Model) -> Settings {
    let json = model.description.input.preprocessing.as_ref();
    let table = json.and_then(|json| nn_table::Preprocessing::from_json(json.as_str()).ok());
    let Some(table) = table else {
        return Settings::default();
    };
    let task = match table.target {
        TargetEncoding::Classification { .. } => Task::Classification,
        TargetEncoding::Regression(_) => Task::Regression,
        TargetEncoding::MultiLabel(_) => Task::MultiLabel,
    };
    Settings {
        target: Some(table.target.columns().join(",")),
        task: Some(task.into()),
        ..Settings::default()
    }
}

/// Writes the files of the run, and returns its path.
fn write(mut run_dir: RunDir, model: &Model) -> Result<PathBuf> {
    let settings = settings_of(model)?;
    run_dir.write_config(&settings)?;
    run_dir.write_model(model)?;
    let network = &model.network;
    run_dir.write_summary(&Summary {
        dataset: settings.data.unwrap_or_default(),
        layers: network.widths(),
        parameters: Some(network.parameters().len()),
        task: settings.task.map(|task| task.to_string()),
        weights_sha256: weights_sha256(network),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Summary::default()
    })?;
    Ok(run_dir.path().to_owned())
}

fn of_import(error: nn_import::Error, file: &Path) -> Error {
    let help = error.help();
    let of_kind = |kind: ErrorKind, error: nn_import::Error| Error::new(kind, error);
    let error = match error {
        nn_import::Error::File(error) => return error.into(),
        nn_import::Error::Core(error) => Error::from(error).of_data(),
        nn_import::Error::Table(error) => error.into(),
        error @ nn_import::Error::BadOption { .. } => of_kind(ErrorKind::Usage, error),
        error => of_kind(ErrorKind::Data, error),
    };
    let error = error.at(file.display());
    match help {
        Some(help) => error.with_help(help),
        None => error,
    }
}
