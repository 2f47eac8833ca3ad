//! `POST /api/predict`: the prediction of a network for a drawing.
//!
//! The page sends a square of gray values, 28 to 112 pixels wide, with one byte per pixel, row
//! by row in base64. No image format is decoded. nn-data centers and scales the digit like
//! the digits of MNIST, as it does for `nn predict digit.png`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use ndarray::ArrayView2;
use nn_core::network::ForwardCache;
use nn_core::{Model, Rows};
use nn_image::digit::{NormalizedDigit, SIDE, normalize};
use nn_tensor::Threads;
use nn_train::prediction::{class_names, class_probabilities};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::attribution::gradient_times_input;
use crate::json_body;
use crate::model_inputs::ModelInputs;
use crate::quantization::{bytes_of, largest};
use crate::reply::{Refusal, Reply};

/// Possible widths of a drawing, in pixels.
const SIDES: std::ops::RangeInclusive<usize> = SIDE..=112;

/// Largest number of neurons shown per hidden layer.
const MAX_NEURONS: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredictRequest {
    network: String,
    side: usize,
    pixels: String,
}

/// Predicts the class of a drawing.
pub(crate) fn predict(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let request: PredictRequest = json_body::parse(body)?;
    let gray = decode(&request)?;
    let model = app.network(&request.network)?;
    check_inputs(&model)?;
    let square = ArrayView2::from_shape((request.side, request.side), &gray)
        .expect("the bytes were counted");
    let Ok(digit) = normalize(square) else {
        return Ok(Reply::json(&json!({ "blank": true })));
    };
    Ok(Reply::json(&prediction(&model, &digit)))
}

fn decode(request: &PredictRequest) -> Result<Vec<u8>, Refusal> {
    if !SIDES.contains(&request.side) {
        return Err(invalid(&format!(
            "side: expected {} to {}, found {}",
            SIDES.start(),
            SIDES.end(),
            request.side
        )));
    }
    let gray = BASE64_STANDARD.decode(&request.pixels);
    let gray = gray.map_err(|error| invalid(&format!("pixels: {error}")))?;
    let (expected, found) = (request.side * request.side, gray.len());
    if found != expected {
        return Err(invalid(&format!(
            "pixels: expected {expected} bytes, found {found}"
        )));
    }
    Ok(gray)
}

fn invalid(problem: &str) -> Refusal {
    Reply::refuse(StatusCode::UNPROCESSABLE_ENTITY, problem, "reload the page")
}

fn check_inputs(model: &Model) -> Result<(), Refusal> {
    let inputs = ModelInputs::of(model);
    if inputs.are_drawings() {
        return Ok(());
    }
    Err(Reply::refuse(
        StatusCode::UNPROCESSABLE_ENTITY,
        &format!(
            "the {} inputs of this network are not an image of {SIDE}x{SIDE} pixels",
            inputs.count()
        ),
        "choose a network that was trained on digits",
    ))
}

fn prediction(model: &Model, digit: &NormalizedDigit) -> Value {
    let network = &model.network;
    let scale = model.description.input.scale as f32;
    let pixels = digit.pixels.iter();
    let inputs: Vec<f32> = pixels.map(|&pixel| f32::from(pixel) * scale).collect();
    let row = Rows::new(&inputs, inputs.len());
    let mut cache = ForwardCache::new(network, 1);
    let outputs = network.forward(row, &mut cache, &Threads::single());
    let outputs = outputs.into_vec();
    // The first network of an ensemble, without the temperature, explains the prediction: its
    // contributions add up to its weighted sum.
    let first = network.nth_network(0);
    if *network != first {
        cache = ForwardCache::new(&first, 1);
        first.forward(
            Rows::new(&inputs, inputs.len()),
            &mut cache,
            &Threads::single(),
        );
    }
    let network = &first;
    let class = model.loss.predicted_class(&outputs);
    // A single output is that of the second class; its negative is that of the first.
    let (output, sign) = match outputs.len() {
        1 => (0, if class == 0 { -1.0 } else { 1.0 }),
        _ => (class, 1.0),
    };
    let mut contributions = gradient_times_input(network, &cache, &inputs, output);
    contributions.iter_mut().for_each(|it| *it *= sign);
    let last = network.layers().len() - 1;
    let weighted_sum = sign * cache.layer(last).pre_activations()[output];
    let hidden: Vec<Value> = (0..last)
        .map(|index| hidden(model, &cache, index))
        .collect();
    json!({
        "class": class,
        "names": class_names(model),
        "output": network.output_layer().activation.to_string(),
        "probabilities": class_probabilities(model.loss, &outputs),
        "pixels": BASE64_STANDARD.encode(digit.pixels),
        "inverted": digit.inverted,
        "redrawn": digit.changed,
        "weighted_sum": weighted_sum,
        "contributions": bytes_of(&contributions),
        "contribution_scale": largest(&contributions),
        "for": contributions.iter().filter(|it| **it > 0.0).sum::<f32>(),
        "against": contributions.iter().filter(|it| **it < 0.0).sum::<f32>(),
        "hidden": hidden,
    })
}

fn hidden(model: &Model, cache: &ForwardCache<f32>, index: usize) -> Value {
    let layer = &model.network.layers()[index];
    let values = cache.layer(index).activations();
    json!({
        "activation": layer.activation.to_string(),
        "n_neurons": values.len(),
        "values": &values[..values.len().min(MAX_NEURONS)],
    })
}
