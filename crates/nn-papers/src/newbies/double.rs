//! Training samples in double precision.

use nn_core::batches::{Inputs, Samples, Targets};
use nn_train::data::PIXEL_SCALE;
use nn_train::{Data, Error, ErrorKind, Result};

/// All training images in double precision.
pub(super) fn samples_in_double(data: &Data) -> Result<Samples<'_, f64>> {
    let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels)) =
        (&data.dataset.train.inputs, &data.dataset.train.targets)
    else {
        let problem = format!("{}: expected labeled images", data.dataset.name);
        return Err(Error::new(ErrorKind::Data, problem));
    };
    let targets = Targets::classes(labels, data.class_names.len());
    Ok(Samples::new(
        Inputs::bytes(pixels.view(), PIXEL_SCALE),
        targets,
    )?)
}
