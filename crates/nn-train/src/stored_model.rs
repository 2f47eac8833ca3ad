//! Reads a model file: the model, its training settings and its preprocessing.

use std::path::Path;

use nn_core::Model;
use nn_files::regular_file;
use nn_settings::{Error, ErrorKind, Result, Settings};
use nn_table::{Preprocessing, TargetEncoding};

use crate::memory;

/// Reads a model file. NaN and infinite weights are rejected unless `allow_nonfinite` is
/// set.
///
/// # Errors
/// Returns an error if the file cannot be read, is damaged, or is not a model.
pub fn read_model(path: &Path, allow_nonfinite: bool) -> Result<Model> {
    let file = regular_file::open(path)?;
    let length = file
        .metadata()
        .map_err(|error| Error::io(path, &error))?
        .len();
    // The bytes of the file, and the network made of them.
    memory::check(
        "the model",
        length.saturating_mul(2),
        "use a machine with more memory",
    )
    .map_err(|error| error.at(path.display()))?;
    let read = if allow_nonfinite {
        Model::read_with_nonfinite(file)
    } else {
        Model::read(file)
    };
    read.map_err(|error| {
        let help = match error {
            nn_core::Error::NotFiniteWeight { .. } => {
                "train again, or use `allow-nonfinite` to read the model as it is"
            }
            _ => "the file is damaged or not a model; copy it again, or train again",
        };
        Error::from(error)
            .of_data()
            .at(path.display())
            .with_help(help)
    })
}

/// The resolved settings that a model was trained with.
///
/// # Errors
/// Returns [`ErrorKind::Data`] for a model that was not trained by this crate.
pub fn settings_of(model: &Model) -> Result<Settings> {
    check_is_of_a_run(model)?;
    serde_json::from_value(model.description.training.clone()).map_err(|error| {
        Error::new(
            ErrorKind::Data,
            format!("the model's training settings: {error}"),
        )
    })
}

/// Returns an error for a model that another program wrote with nn-core: its data and its
/// preprocessing are unknown here.
fn check_is_of_a_run(model: &Model) -> Result<()> {
    if !model.description.training.is_null() {
        return Ok(());
    }
    let problem = "the model file has no training settings, so it was not written by `nn train`";
    Err(Error::new(ErrorKind::Data, problem).with_help(
        "use nn_core::Model::predict_rows in a Rust program; `nn inspect` shows the layers",
    ))
}

/// The preprocessing of table rows that the model was trained with; `None` for a model
/// of images.
///
/// # Errors
/// Returns [`ErrorKind::Data`] if the preprocessing is damaged or does not match the network.
pub fn preprocessing_of(model: &Model) -> Result<Option<Preprocessing>> {
    let Some(json) = &model.description.input.preprocessing else {
        return Ok(None);
    };
    check_is_of_a_run(model)?;
    let preprocessing = Preprocessing::from_json(json.as_str())?;
    let network = &model.network;
    let outputs = match &preprocessing.target {
        TargetEncoding::Classification { names, .. } if names.len() == 2 => 1..=2,
        _ => preprocessing.n_outputs()..=preprocessing.n_outputs(),
    };
    if preprocessing.n_inputs() != network.n_inputs() || !outputs.contains(&network.n_outputs()) {
        return Err(Error::new(
            ErrorKind::Data,
            format!(
                "the model's table has {} inputs and {} outputs, but its network has {} and {}",
                preprocessing.n_inputs(),
                preprocessing.n_outputs(),
                network.n_inputs(),
                network.n_outputs()
            ),
        ));
    }
    Ok(Some(preprocessing))
}
