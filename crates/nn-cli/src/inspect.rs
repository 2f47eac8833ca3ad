//! `nn inspect MODEL`

use nn_core::Model;
use nn_core::model_file::weights_sha256;
use serde_json::json;

use crate::args::InspectArguments;
use crate::data_name;
use crate::failure::Result;
use crate::run_dir::chosen_model;
use crate::terminal;

pub(crate) fn run(arguments: &InspectArguments) -> Result<()> {
    let model = chosen_model(&arguments.choice)?;
    if arguments.json {
        terminal::line(to_json(&model));
    } else {
        show(&model);
    }
    Ok(())
}

fn show(model: &Model) {
    let network = &model.network;
    terminal::line("layer      inputs  outputs  activation       parameters  mean |weight|");
    for (index, layer) in network.layers().iter().enumerate() {
        let mut activation = layer.activation.to_string();
        if layer.batch_norm {
            activation = format!("batch norm, {activation}");
        }
        if layer.dropout > 0.0 {
            activation.push_str(&format!(", dropout {}", layer.dropout));
        }
        let weights = network.weights(index);
        let mean = weights.iter().map(|w| f64::from(w.abs())).sum::<f64>() / weights.len() as f64;
        terminal::line(format!(
            "{:<5} {:>11} {:>8}  {activation:<15} {:>11} {mean:>14.5}",
            index + 1,
            layer.n_inputs,
            layer.n_outputs,
            terminal::grouped(layer.parameters().len()),
        ));
    }
    terminal::line("");
    terminal::line(format!(
        "parameters  {}",
        terminal::grouped(network.parameters().len())
    ));
    terminal::line(format!("loss        {}", model.loss));
    terminal::line(format!(
        "input       {:?} x {}",
        model.description.input.shape, model.description.input.scale
    ));
    if !model.description.class_names.is_empty() {
        terminal::line(format!(
            "classes     {}",
            model.description.class_names.join(", ")
        ));
    }
    terminal::line(format!("weights     SHA-256 {}", weights_sha256(network)));
    if let Some(settings) = model.description.training.as_object() {
        terminal::line("");
        terminal::line("trained with");
        for (name, value) in settings {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), data_name::shown);
            terminal::line(format!("  --{name} {value}"));
        }
    }
}

fn to_json(model: &Model) -> serde_json::Value {
    let layers: Vec<_> = model
        .network
        .layers()
        .iter()
        .map(|layer| {
            json!({
                "inputs": layer.n_inputs,
                "outputs": layer.n_outputs,
                "activation": layer.activation.to_string(),
                "batch_norm": layer.batch_norm,
                "dropout": layer.dropout,
                "parameters": layer.parameters().len(),
            })
        })
        .collect();
    json!({
        "layers": layers,
        "parameters": model.network.parameters().len(),
        "loss": model.loss.to_string(),
        "class_names": model.description.class_names,
        "input_shape": model.description.input.shape,
        "input_scale": model.description.input.scale,
        "weights_sha256": weights_sha256(&model.network),
        "training": model.description.training,
    })
}
