//! Diagrams of a network: layers of neurons and their weights.

use crate::number;
use crate::svg::{Anchor, Drawing, Svg, TITLE_HEIGHT, shortened};

const WIDTH: u32 = 640;
const NEURON_PITCH: f64 = 26.0;
const RADIUS: f64 = 8.0;

/// Maximum number of neurons drawn per layer; of larger layers, the first and last.
const MAX_NEURONS: usize = 12;

/// Maximum number of positions in a column: neurons and an ellipsis.
const MAX_PLACES: usize = MAX_NEURONS + 1;

/// A diagram of a network: layers from left to right, one edge per weight.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkDiagram {
    /// Title above the chart.
    pub title: String,
    /// Layers, inputs first.
    pub layers: Vec<NeuronLayer>,
    /// Weights between consecutive layers; without them, all edges look the same.
    pub weights: Vec<WeightMatrix>,
}

/// A layer of neurons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeuronLayer {
    /// Name of the layer, such as `inputs` or `relu`.
    pub name: String,
    /// Number of neurons.
    pub n_neurons: usize,
}

/// The weights between two layers.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightMatrix {
    /// Number of neurons of the previous layer.
    pub n_inputs: usize,
    /// Number of neurons of the next layer.
    pub n_outputs: usize,
    /// Weights `[n_inputs, n_outputs]` in row-major order.
    pub values: Vec<f32>,
}

/// A position in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Neuron(usize),
    Dots,
}

impl NetworkDiagram {
    /// Draws the diagram.
    pub fn svg(&self) -> Svg {
        let columns: Vec<Vec<Place>> = self.layers.iter().map(NeuronLayer::places).collect();
        let longest = columns.iter().map(Vec::len).max().unwrap_or(1);
        let height = NEURON_PITCH * longest as f64;
        let mut drawing = Drawing::new(&self.title, WIDTH);
        for (index, pair) in columns.windows(2).enumerate() {
            self.draw_edges(&mut drawing, index, pair, height);
        }
        for (index, column) in columns.iter().enumerate() {
            self.draw_layer(&mut drawing, index, column, height);
        }
        let bottom = TITLE_HEIGHT + height + 50.0;
        drawing.finish(bottom, &self.description())
    }

    fn x(&self, layer: usize) -> f64 {
        let n_gaps = self.layers.len().saturating_sub(1).max(1) as f64;
        70.0 + (f64::from(WIDTH) - 140.0) * layer as f64 / n_gaps
    }

    fn draw_edges(&self, drawing: &mut Drawing, index: usize, pair: &[Vec<Place>], height: f64) {
        let weights = self.weights.get(index).filter(|weights| weights.is_whole());
        let largest = weights.map_or(1.0, |weights| weights.largest(&pair[0], &pair[1]));
        let (from_x, to_x) = (self.x(index), self.x(index + 1));
        for (from, from_y) in neurons(&pair[0], height) {
            for (to, to_y) in neurons(&pair[1], height) {
                let (class, strength) = match weights {
                    Some(weights) => weights.look(from, to, largest),
                    None => ("line neutral", 0.3),
                };
                let look = format!(
                    "stroke-width=\"{:.2}\" stroke-opacity=\"{:.2}\"",
                    0.4 + 2.4 * strength,
                    0.1 + 0.9 * strength
                );
                drawing.line((from_x, from_y), (to_x, to_y), class, &look);
            }
        }
    }

    fn draw_layer(&self, drawing: &mut Drawing, index: usize, column: &[Place], height: f64) {
        let x = self.x(index);
        for (position, place) in column.iter().enumerate() {
            let y = place_y(position, column.len(), height);
            match place {
                Place::Neuron(number) => {
                    let hint = format!("neuron {}", number + 1);
                    let look = "stroke-width=\"1.5\"";
                    drawing.circle((x, y), RADIUS, "neuron", look, &hint);
                }
                Place::Dots => {
                    for dy in [-7.0, 0.0, 7.0] {
                        drawing.circle((x, y + dy), 2.0, "fill neutral", "", "");
                    }
                }
            }
        }
        let layer = &self.layers[index];
        let y = TITLE_HEIGHT + height + 22.0;
        let count = number::count(layer.n_neurons as u64);
        drawing.text((x, y), Anchor::Middle, "bold", &count);
        let room = (self.x(1) - self.x(0)).clamp(60.0, 130.0);
        let name = shortened(&layer.name, room, 13.0);
        drawing.text((x, y + 17.0), Anchor::Middle, "muted", &name);
    }

    fn description(&self) -> String {
        let layers: Vec<String> = self
            .layers
            .iter()
            .map(|layer| format!("{} {}", layer.n_neurons, layer.name))
            .collect();
        format!(
            "Layers of neurons: {}; blue edges are positive weights, orange edges are negative weights",
            layers.join(", ")
        )
    }
}

impl NeuronLayer {
    /// Creates a layer.
    pub fn new(name: impl Into<String>, n_neurons: usize) -> Self {
        Self {
            name: name.into(),
            n_neurons,
        }
    }

    fn places(&self) -> Vec<Place> {
        if self.n_neurons <= MAX_PLACES {
            return (0..self.n_neurons).map(Place::Neuron).collect();
        }
        let half = MAX_NEURONS / 2;
        let first = (0..half).map(Place::Neuron);
        let last = (self.n_neurons - half..self.n_neurons).map(Place::Neuron);
        first.chain([Place::Dots]).chain(last).collect()
    }
}

impl WeightMatrix {
    fn is_whole(&self) -> bool {
        self.n_inputs.checked_mul(self.n_outputs) == Some(self.values.len())
    }

    fn weight(&self, from: usize, to: usize) -> f32 {
        if to >= self.n_outputs {
            return 0.0;
        }
        let weight = self.values.get(from * self.n_outputs + to).copied();
        weight.filter(|weight| weight.is_finite()).unwrap_or(0.0)
    }

    /// The largest absolute weight that is drawn.
    fn largest(&self, from: &[Place], to: &[Place]) -> f32 {
        let numbers = |places: &[Place]| -> Vec<usize> {
            places.iter().filter_map(|place| place.neuron()).collect()
        };
        let to = numbers(to);
        numbers(from)
            .into_iter()
            .flat_map(|from| to.iter().map(move |&to| self.weight(from, to).abs()))
            .fold(f32::MIN_POSITIVE, f32::max)
    }

    fn look(&self, from: usize, to: usize, largest: f32) -> (&'static str, f64) {
        let weight = self.weight(from, to);
        let class = if weight < 0.0 {
            "line negative"
        } else {
            "line positive"
        };
        (class, f64::from(weight.abs() / largest))
    }
}

impl Place {
    fn neuron(self) -> Option<usize> {
        match self {
            Self::Neuron(number) => Some(number),
            Self::Dots => None,
        }
    }
}

/// The neurons of a column with their vertical positions.
fn neurons(column: &[Place], height: f64) -> impl Iterator<Item = (usize, f64)> {
    column
        .iter()
        .enumerate()
        .filter_map(move |(position, place)| {
            let number = place.neuron()?;
            Some((number, place_y(position, column.len(), height)))
        })
}

/// Vertical position in a centered column.
fn place_y(position: usize, n_places: usize, height: f64) -> f64 {
    let offset = position as f64 + 0.5 - n_places as f64 / 2.0;
    TITLE_HEIGHT + 8.0 + height / 2.0 + NEURON_PITCH * offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_layers_are_elided() {
        let places = NeuronLayer::new("inputs", 784).places();
        assert_eq!(places.len(), MAX_PLACES);
        assert_eq!(
            places[5..8],
            [Place::Neuron(5), Place::Dots, Place::Neuron(778)]
        );
        assert_eq!(NeuronLayer::new("outputs", 13).places().len(), 13);
    }

    #[test]
    fn every_weight_has_an_edge_in_the_color_of_its_sign() {
        let diagram = NetworkDiagram {
            title: "XOR".to_owned(),
            layers: vec![
                NeuronLayer::new("inputs", 2),
                NeuronLayer::new("sigmoid", 1),
            ],
            weights: vec![WeightMatrix {
                n_inputs: 2,
                n_outputs: 1,
                values: vec![1.0, -0.5],
            }],
        };
        let text = diagram.svg().inline();
        assert_eq!(text.matches("line positive").count(), 1);
        assert_eq!(text.matches("line negative").count(), 1);
    }

    #[test]
    fn weights_that_do_not_fit_are_left_out() {
        let weights = WeightMatrix {
            n_inputs: 9,
            n_outputs: 9,
            values: vec![f32::NAN],
        };
        for layers in [
            vec![],
            vec![NeuronLayer::new("a", 0); 3],
            vec![NeuronLayer::new("b", 2); 2],
        ] {
            let title = String::new();
            let diagram = NetworkDiagram {
                title,
                layers,
                weights: vec![weights.clone()],
            };
            roxmltree::Document::parse(&diagram.svg().standalone()).expect("well-formed");
        }
    }
}
