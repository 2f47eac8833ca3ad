//! The data set of a trained model.

use std::path::Path;
use std::sync::Arc;

use nn_core::Model;
use nn_files::escaped_path;
use nn_settings::{Error, ErrorKind, Result};
use nn_table::Progress;
use nn_tensor::Threads;

use crate::data::Data;
use crate::data_request::DataRequest;
use crate::source_model::SourceModel;
use crate::split_options::SplitOptions;
pub use crate::stored_model::{preprocessing_of, settings_of};

/// The data set to use with a model.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// The data set of the run or model file at this path, split as in training.
    Run(&'a Path),
    /// The data set of this name. If a data set has no test samples, all its rows are
    /// test rows.
    Named(&'a str),
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
        source: None,
        is_new: other.is_some_and(|other| settings.data.as_deref() != Some(other)),
        run,
        progress: Progress::NONE,
        small_table: None,
    };
    let mut data = Data::load(&request, threads)?;
    // An imported network may read pixels from 0 to 255 as they are.
    data.pixel_scale = model.description.input.scale;
    let names = &model.description.class_names;
    if data.folder_image_size.is_some() && data.class_names != *names {
        data.number_classes_as(names)?;
    }
    if let Some(run) = run {
        // Only the comparison with the initial weights needs this model.
        data.source = SourceModel::open(&settings, Some(run))
            .unwrap_or(None)
            .map(Arc::new);
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
