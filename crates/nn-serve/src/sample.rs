//! `POST /api/sample`: a test image of the data set that a network was trained on.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use nn_data::{Inputs, Targets};
use nn_train::trained_model::settings_of;
use serde::Deserialize;
use serde_json::json;

use crate::app::App;
use crate::json_body;
use crate::reply::{Refusal, Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleRequest {
    network: String,
    index: usize,
}

/// Responds with the test image of this index, modulo the number of test images.
pub(crate) fn sample(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let request: SampleRequest = json_body::parse(body)?;
    let model = app.network(&request.network)?;
    let data = app.datasets.get(&settings_of(&model)?)?;
    let test = &data.dataset.test;
    let (Inputs::Pixels(pixels), Targets::Classes(labels), Some((height, width))) =
        (&test.inputs, &test.targets, data.dataset.image_size)
    else {
        return Err(no_images());
    };
    if pixels.nrows() == 0 {
        return Err(no_images());
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

fn no_images() -> Refusal {
    Reply::refuse(
        StatusCode::UNPROCESSABLE_ENTITY,
        "the data set of this network has no test images",
        "choose a network that was trained on images",
    )
}
