//! The settings, the preprocessing and the data set of a trained model, from its model file.

use std::path::Path;

use nn_core::Model;
use nn_files::escaped_path;
use nn_settings::{Error, ErrorKind, Result, Settings};
use nn_table::{Preprocessing, Progress, TargetEncoding};
use nn_tensor::Threads;

use crate::data::Data;
use crate::data_request::DataRequest;
use crate::split_options::SplitOptions;

/// The data set to use with a model.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The data set of the run or model file at this path, split as in training.
    Run(&'a Path),
    /// The data set of this name. If a data set has no test samples, all its rows are
    /// test rows.
    Named(&'a str),
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

/// Loads a data set for a model.
///
/// # Errors
/// Returns an error if the data set cannot be loaded or does not match the model, or if the table
/// has changed since training.
pub fn data_of(
    model: &Model,
    origin: Origin<'_>,
    data_dir: &Path,
    threads: &Threads,
) -> Result<Data> {
    let settings = settings_of(model)?;
    let (other, run) = match origin {
        Origin::Run(run) => (None, Some(run)),
        Origin::Named(name) => (Some(name), None),
    };
    let name = other.or(settings.data.as_deref()).ok_or_else(|| {
        Error::usage("the model does not name the data set it was trained on")
            .with_help("set `data` to a data set")
    })?;
    let preprocessing = preprocessing_of(model)?;
    let options = SplitOptions::new(&settings)?;
    let request = DataRequest {
        name,
        data_dir,
        options: &options,
        model: preprocessing.as_ref(),
        is_new: other.is_some_and(|other| settings.data.as_deref() != Some(other)),
        run,
        progress: Progress::NONE,
    };
    let mut data = Data::load(&request, threads)?;
    // An imported network may read pixels from 0 to 255 as they are.
    data.pixel_scale = model.description.input.scale;
    let names = &model.description.class_names;
    if data.folder_image_size.is_some() && data.class_names != *names {
        data.number_classes_as(names)?;
    }
    let trained_on = &model.description.table_sha256;
    if !request.is_new && trained_on.is_some() && *trained_on != data.table_sha256 {
        return Err(Error::new(
            ErrorKind::Data,
            format!(
                "{}: the table has changed since training: expected SHA-256 {}, found {}",
                escaped_path::shown(name),
                trained_on.as_deref().unwrap_or_default(),
                data.table_sha256.as_deref().unwrap_or_default()
            ),
        )
        .with_help(
            "training rows could become test rows; pass new rows in a separate file with `data`",
        ));
    }
    Ok(data)
}
