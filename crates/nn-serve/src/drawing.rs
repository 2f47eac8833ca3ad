//! `POST /api/predict`: what a network says about a drawing.
//!
//! The page sends a square of grey values, `side` of 28 to 112 pixels, a byte
//! each in base64, row by row. That is checked to the byte; nothing is decoded
//! as an image. MNIST's framing is nn-data's, the one that `nn predict
//! digit.png` has.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use ndarray::ArrayView2;
use nn_core::Model;
use nn_core::Rows;
use nn_core::network::ForwardCache;
use nn_data::image::{NormalisedDigit, SIDE, normalise};
use nn_tensor::Threads;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::predict::class_probabilities;

use super::app::App;
use super::attribution::gradient_times_input;
use super::body;
use super::quantization::{bytes_of, largest};
use super::reply::{Refusal, Reply};

/// Sides that are taken.
const SIDES: std::ops::RangeInclusive<usize> = SIDE..=112;

/// Wider hidden layers are shown by their first neurons.
const MOST_NEURONS: usize = 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Drawing {
    network: String,
    side: usize,
    pixels: String,
}

/// Answers for one drawing.
pub(super) fn predict(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let drawing: Drawing = body::json(body)?;
    let grey = decode(&drawing)?;
    let model = app.network(&drawing.network)?;
    check_inputs(&model)?;
    let square = ArrayView2::from_shape((drawing.side, drawing.side), &grey)
        .expect("the bytes were counted");
    let Ok(digit) = normalise(square) else {
        return Ok(Reply::json(&json!({ "blank": true })));
    };
    Ok(Reply::json(&answer(&model, &digit)))
}

fn decode(drawing: &Drawing) -> Result<Vec<u8>, Refusal> {
    let wrong =
        |error: String| Reply::refuse(StatusCode::UNPROCESSABLE_ENTITY, &error, "reload the page");
    if !SIDES.contains(&drawing.side) {
        return Err(wrong(format!(
            "side: expected {} to {}, found {}",
            SIDES.start(),
            SIDES.end(),
            drawing.side
        )));
    }
    let grey = BASE64_STANDARD
        .decode(&drawing.pixels)
        .map_err(|error| wrong(format!("pixels: {error}")))?;
    let expected = drawing.side * drawing.side;
    if grey.len() != expected {
        let found = grey.len();
        return Err(wrong(format!(
            "pixels: expected {expected} bytes, found {found}"
        )));
    }
    Ok(grey)
}

fn check_inputs(model: &Model) -> Result<(), Refusal> {
    let n_inputs = model.network.n_inputs();
    let is_table = model.description.input.preprocessing.is_some();
    if n_inputs == SIDE * SIDE && !is_table {
        return Ok(());
    }
    Err(Reply::refuse(
        StatusCode::UNPROCESSABLE_ENTITY,
        &format!("this network reads {n_inputs} values that are no image of {SIDE}x{SIDE} pixels"),
        "choose a network that was trained on digits",
    ))
}

fn answer(model: &Model, digit: &NormalisedDigit) -> Value {
    let network = &model.network;
    let scale = model.description.input.scale as f32;
    let inputs: Vec<f32> = digit
        .pixels
        .iter()
        .map(|&pixel| f32::from(pixel) * scale)
        .collect();
    let row = Rows::new(&inputs, inputs.len());
    let mut cache = ForwardCache::new(network, 1);
    let outputs = network.forward(row, &mut cache, &Threads::single());
    let outputs = outputs.into_vec();
    let class = model.loss.predicted_class(&outputs);
    // A single output is the second class's; against it speaks for the first.
    let (output, sign) = match outputs.len() {
        1 => (0, if class == 0 { -1.0 } else { 1.0 }),
        _ => (class, 1.0),
    };
    let mut shares = gradient_times_input(network, &cache, &inputs, output);
    shares.iter_mut().for_each(|share| *share *= sign);
    let last = network.layers().len() - 1;
    let sum = sign * cache.layer(last).pre_activations()[output];
    json!({
        "class": class,
        "names": class_names(model),
        "output": network.output_layer().activation.to_string(),
        "probabilities": class_probabilities(model.loss, &outputs),
        "pixels": BASE64_STANDARD.encode(digit.pixels),
        "inverted": digit.inverted,
        "redrawn": digit.redrawn,
        "weighted_sum": sum,
        "shares": bytes_of(&shares),
        "share_scale": largest(&shares),
        "for": shares.iter().filter(|share| **share > 0.0).sum::<f32>(),
        "against": shares.iter().filter(|share| **share < 0.0).sum::<f32>(),
        "hidden": (0..last).map(|index| hidden(model, &cache, index)).collect::<Vec<_>>(),
    })
}

fn class_names(model: &Model) -> Vec<String> {
    match &model.description.class_names[..] {
        [] => (0..model.network.n_outputs().max(2))
            .map(|class| class.to_string())
            .collect(),
        names => names.to_vec(),
    }
}

fn hidden(model: &Model, cache: &ForwardCache<f32>, index: usize) -> Value {
    let layer = &model.network.layers()[index];
    let values = cache.layer(index).activations();
    json!({
        "activation": layer.activation.to_string(),
        "n_neurons": values.len(),
        "values": &values[..values.len().min(MOST_NEURONS)],
    })
}
