//! The command `nn inspect`: shows a model.

use clap::Args;
use nn_core::model_file::weights_sha256;
use nn_core::stage::{Activate, Dropout, Stage};
use nn_core::{Model, Network};
use nn_files::escaped_path;
use nn_train::{Result, grouped};
use serde_json::json;

use crate::args::RunChoice;
use crate::terminal;

#[derive(Args, Debug)]
pub(crate) struct InspectArguments {
    #[command(flatten)]
    choice: RunChoice,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &InspectArguments) -> Result<()> {
    let run = arguments.choice.open()?;
    if arguments.json {
        terminal::line(to_json(run.model()));
    } else {
        show(run.model());
    }
    Ok(())
}

fn show(model: &Model) {
    show_layers(model);
    terminal::line(format!(
        "weights     SHA-256 {}",
        weights_sha256(&model.network)
    ));
    if let Some(settings) = model.description.training.as_object() {
        terminal::line("");
        terminal::line("trained with");
        for (name, value) in settings {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), escaped_path::shown);
            terminal::line(format!("  --{name} {value}"));
        }
    }
}

/// Shows the layers, the loss, the inputs and the classes of a model.
pub(crate) fn show_layers(model: &Model) {
    let network = &model.network;
    let activations: Vec<String> = (0..network.layers().len())
        .map(|index| activation(network, index))
        .collect();
    let widths = activations.iter().map(|text| text.chars().count());
    let width = widths.fold(15, usize::max);
    terminal::line(format!(
        "layer      inputs  outputs  {:<width$}  parameters  mean |weight|",
        "activation"
    ));
    for (index, (layer, activation)) in network.layers().iter().zip(activations).enumerate() {
        let weights = network.weights(index);
        let mean = weights.iter().map(|w| f64::from(w.abs())).sum::<f64>()
            / weights.as_slice().len() as f64;
        terminal::line(format!(
            "{:<5} {:>11} {:>8}  {activation:<width$} {:>11} {mean:>14.5}",
            index + 1,
            layer.n_inputs,
            layer.n_outputs,
            grouped(layer.parameters().len()),
        ));
    }
    terminal::line("");
    terminal::line(format!(
        "parameters  {}",
        grouped(network.parameters().len())
    ));
    if network.n_networks() > 1 {
        terminal::line(format!(
            "ensemble    {} networks, of which the table shows the first",
            network.n_networks()
        ));
    }
    if network.n_shared_members() > 1 {
        terminal::line(format!(
            "members     {}, which share all layers but the output layer",
            network.n_shared_members()
        ));
    }
    if network.temperature() != 1.0 {
        terminal::line(format!("temperature {}", network.temperature()));
    }
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
}

/// The activation of a layer and the stages around it, in their order.
fn activation(network: &Network, layer: usize) -> String {
    let stages = network.stages(layer).filter_map(|stage| match stage {
        Stage::Dense(_) | Stage::Heads(_) => None,
        Stage::Activation(Activate(activation)) => Some(activation.to_string()),
        Stage::Dropout(Dropout { probability }) => Some(format!("dropout {probability}")),
        stage => Some(stage.to_string().replacen('-', " ", 1)),
    });
    stages.collect::<Vec<_>>().join(", ")
}

fn to_json(model: &Model) -> serde_json::Value {
    let layers: Vec<_> = model
        .network
        .layers()
        .iter()
        .enumerate()
        .map(|(index, layer)| {
            let stages = model.network.stages(index).map(|stage| stage.to_string());
            let stages: Vec<String> = stages.collect();
            json!({
                "inputs": layer.n_inputs,
                "outputs": layer.n_outputs,
                "activation": layer.activation.to_string(),
                "batch_norm": layer.batch_norm,
                "dropout": layer.dropout,
                "stages": stages,
                "parameters": layer.parameters().len(),
            })
        })
        .collect();
    json!({
        "layers": layers,
        "parameters": model.network.parameters().len(),
        "networks": model.network.n_networks(),
        "members": model.network.n_shared_members(),
        "temperature": model.network.temperature(),
        "loss": model.loss.to_string(),
        "class_names": model.description.class_names,
        "input_shape": model.description.input.shape,
        "input_scale": model.description.input.scale,
        "weights_sha256": weights_sha256(&model.network),
        "training": model.description.training,
    })
}
