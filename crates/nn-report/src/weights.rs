//! Charts of the layers and the weights of a network; they need no data.

use nn_core::Model;
use nn_plot::chart::{ImageGrid, NetworkDiagram, NeuronLayer, Picture, Pixels, Tile, WeightMatrix};

use crate::run_report::RunReport;

/// Maximum number of neurons of the first layer whose weights are shown.
const MOST_NEURONS: usize = 64;

/// Adds the network's layers, and its first layer's weights in the form that
/// its inputs have.
pub(super) fn fill(content: &mut RunReport, model: &Model) {
    let widths = model.network.widths();
    let summary = &mut content.run.summary;
    summary.layers = widths;
    summary.parameters = Some(model.network.parameters().len());
    content.network = Some(diagram(model));
    content.weight_images = weight_images(model);
}

fn diagram(model: &Model) -> NetworkDiagram {
    let network = &model.network;
    let layers = network.layers().iter();
    let inputs = NeuronLayer::new("inputs", network.n_inputs());
    // Of several networks or members, the first.
    let weights = |index: usize| {
        let layer = &network.layers()[index];
        let mut values = network.weights(index).into_vec();
        values.truncate(layer.n_inputs * layer.n_outputs);
        WeightMatrix {
            n_inputs: layer.n_inputs,
            n_outputs: layer.n_outputs,
            values,
        }
    };
    let widths: Vec<String> = network.widths().iter().map(usize::to_string).collect();
    NetworkDiagram {
        title: format!("Network {}", widths.join("-")),
        layers: [inputs]
            .into_iter()
            .chain(
                layers.map(|layer| NeuronLayer::new(layer.activation.to_string(), layer.n_outputs)),
            )
            .collect(),
        weights: (0..network.layers().len()).map(weights).collect(),
    }
}

/// The weights into each neuron of the first layer as an image, where the
/// inputs are one; of many neurons, those with the largest weights.
fn weight_images(model: &Model) -> Option<ImageGrid> {
    let weights = model.network.weights(0);
    let [height, width] = model.description.input.shape[..] else {
        return None;
    };
    if height.checked_mul(width) != Some(weights.n_rows()) {
        return None;
    }
    let size = |neuron: usize| weights.column(neuron).map(|w| w * w).sum::<f32>();
    let mut neurons: Vec<usize> = (0..weights.n_columns()).collect();
    neurons.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
    neurons.truncate(MOST_NEURONS);
    neurons.sort_unstable();
    let is_output = model.network.layers().len() == 1;
    let caption = |neuron: usize| {
        let name = model.description.class_names.get(neuron);
        match name.filter(|_| is_output && weights.n_columns() > 1) {
            Some(name) => name.clone(),
            None => (neuron + 1).to_string(),
        }
    };
    let tile = |&neuron: &usize| Tile {
        picture: Picture {
            width,
            height,
            pixels: Pixels::Signed(weights.column(neuron).copied().collect()),
        },
        caption: caption(neuron),
        is_mistake: false,
    };
    Some(ImageGrid {
        title: match neurons.len() {
            n if n < weights.n_columns() => {
                format!(
                    "Weights of the first layer: {n} of {} neurons",
                    weights.n_columns()
                )
            }
            _ => "Weights of the first layer".to_owned(),
        },
        columns: 8,
        tiles: neurons.iter().map(tile).collect(),
    })
}
