//! `POST /api/sample`: a test image of the data set that a network was trained
//! on.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::evaluate::settings_of;

use super::app::App;
use super::body;
use super::reply::{Refusal, Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleRequest {
    network: String,
    index: usize,
}

/// Answers with the image at this index, counted on from 0 beyond the last one.
pub(super) fn sample(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let request: SampleRequest = body::json(body)?;
    let model = app.network(&request.network)?;
    let unusable = |error: &str| {
        Reply::refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            error,
            "choose a network for images",
        )
    };
    let data = app.datasets.get(&settings_of(&model)?)?;
    let (nn_data::Inputs::Pixels(pixels), nn_data::Targets::Classes(labels), Some((height, width))) = (
        &data.dataset.test.inputs,
        &data.dataset.test.targets,
        data.dataset.image_size,
    ) else {
        return Err(unusable("the data have no test images"));
    };
    if pixels.nrows() == 0 {
        return Err(unusable("the data have no test images"));
    }
    let index = request.index % pixels.nrows();
    let image = pixels.row(index).to_vec();
    let label = labels[index] as usize;
    Ok(Reply::json(&json!({
        "index": index,
        "n": pixels.nrows(),
        "label": data.class_names.get(label),
        "height": height,
        "width": width,
        "pixels": BASE64_STANDARD.encode(image),
    })))
}
