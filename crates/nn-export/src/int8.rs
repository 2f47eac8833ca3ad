//! Models with integers of 8 bits: the weights and the inputs of each dense layer.
//!
//! Every column of weights has its own scale, so that its largest weight becomes ±127. The
//! inputs of a layer have one scale and a zero point, which map the range of the inputs over
//! some rows, widened to include 0, to −128..127 (Jacob et al. 2018, section 2). Biases,
//! activations and the other operators keep 32-bit floats, also embeddings and the output layers
//! of members.

use nn_core::Rows;

use crate::error::{Error, Result};
use crate::exported_model::ExportedModel;
use crate::graph::{Graph, Node, Source};
use crate::op::{Int8Linear, Linear, Op};

/// Most inputs of a layer whose sums of products of 8 bits cannot overflow 32 bits.
const MAX_INPUTS: usize = 1 << 16;

impl ExportedModel<'_> {
    /// The same model with weights and layer inputs of 8 bits. The ranges of the layer inputs
    /// are those over the rows of `calibration`.
    ///
    /// # Shapes
    /// `calibration [n_rows, n_values]`
    ///
    /// # Errors
    /// Returns [`Error::NotApplicable`] if there are no rows, for a network without a dense layer
    /// that all members share, and for a layer with more than 65 536 inputs, whose sums could
    /// overflow.
    pub fn to_int8(&self, calibration: &Rows<'_, f32>) -> Result<Self> {
        let not_applicable = |problem: String| {
            Err(Error::NotApplicable {
                option: "int8",
                problem,
            })
        };
        if calibration.n_rows() == 0 {
            return not_applicable("expected rows for the calibration, found none".to_owned());
        }
        let graph = self.graph();
        let is_dense = |node: &Node| matches!(node.op, Op::Linear(_));
        if !graph.nodes().iter().any(is_dense) {
            let problem = "expected a dense layer, found only the output layers of members";
            return not_applicable(problem.to_owned());
        }
        let ranges = ranges(graph, calibration);
        for node in graph.nodes() {
            if let Op::Linear(linear) = &node.op
                && linear.n_inputs() > MAX_INPUTS
            {
                return not_applicable(format!(
                    "expected layers with at most {MAX_INPUTS} inputs, found {}",
                    linear.n_inputs()
                ));
            }
        }
        Ok(
            self.with_graph(graph.with_int8(|index| match &graph.nodes()[index].op {
                Op::Linear(linear) => Some(Int8Linear::new(linear, ranges[index])),
                _ => None,
            })),
        )
    }

    /// Returns `true` for a model with weights of 8 bits.
    pub fn is_int8(&self) -> bool {
        let mut ops = self.graph().nodes().iter().map(|node| &node.op);
        ops.any(|op| matches!(op, Op::Int8Linear(_)))
    }
}

/// The smallest and the largest value of the first input of each node, and 0.
fn ranges(graph: &Graph, rows: &Rows<'_, f32>) -> Vec<[f32; 2]> {
    let mut ranges = vec![[0.0_f32; 2]; graph.nodes().len()];
    for row in rows.rows() {
        let outputs = graph.trace(row);
        for (node, [low, high]) in graph.nodes().iter().zip(&mut ranges) {
            let input = match node.inputs[0] {
                Source::Values => row,
                Source::Node(index) => &outputs[index],
            };
            for &x in input {
                (*low, *high) = (low.min(x), high.max(x));
            }
        }
    }
    ranges
}

impl Int8Linear {
    /// Rounds the weights of a layer whose inputs are in a range that includes 0.
    fn new(linear: &Linear, [low, high]: [f32; 2]) -> Self {
        let n_outputs = linear.n_outputs();
        let input_scale = match f64::from(high) - f64::from(low) {
            width if width > 0.0 => width / 255.0,
            _ => 1.0,
        };
        let zero_point = (-128.0 - f64::from(low) / input_scale).round();
        let mut largest = vec![0.0_f64; n_outputs];
        for row in linear.weights.chunks_exact(n_outputs) {
            for (largest, &weight) in largest.iter_mut().zip(row) {
                *largest = largest.max(f64::from(weight).abs());
            }
        }
        let scale = |largest: &f64| if *largest > 0.0 { largest / 127.0 } else { 1.0 };
        let scales: Vec<f64> = largest.iter().map(scale).collect();
        let rows = linear.weights.chunks_exact(n_outputs);
        let rounded = rows.flat_map(|row| {
            let pairs = row.iter().zip(&scales);
            pairs.map(|(&weight, scale)| (f64::from(weight) / scale).round() as i8)
        });
        let weights: Vec<i8> = rounded.collect();
        let zero_point = zero_point as i8;
        let mut start = vec![0_i32; n_outputs];
        for row in weights.chunks_exact(n_outputs) {
            for (start, &weight) in start.iter_mut().zip(row) {
                *start -= i32::from(zero_point) * i32::from(weight);
            }
        }
        Self {
            weights,
            bias: linear.bias.clone(),
            factors: scales
                .iter()
                .map(|scale| (scale * input_scale) as f32)
                .collect(),
            start,
            inverse_scale: (1.0 / input_scale) as f32,
            zero_point,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_errors_are_at_most_half_a_step() {
        let linear = Linear {
            weights: vec![0.3, -20.0, -1.0, 40.0, 0.7, 10.0],
            bias: vec![1.0, 2.0],
        };
        let layer = Int8Linear::new(&linear, [-1.0, 3.0]);
        // The largest weight of each column, however large, has 127 steps.
        assert_eq!(layer.weights[2..4], [-127, 127]);
        let op = Op::Int8Linear(layer);
        for x in [[-1.0, 3.0, 0.0], [0.0, 0.0, 0.0], [1.5, -0.25, 2.0]] {
            let found = op.apply(&[&x]);
            let expected = Op::Linear(linear.clone()).apply(&[&x]);
            // Half a step of each input and of each weight.
            let bounds = [1.0, 40.0]
                .map(|largest| 3.0 * (largest * 0.5 * 4.0 / 255.0 + 3.0 * 0.5 * largest / 127.0));
            for ((found, expected), bound) in found.iter().zip(expected).zip(bounds) {
                assert!((found - expected).abs() <= bound, "{found} {expected}");
            }
        }
        // 0 has an integer of its own, so its products are exact.
        assert_eq!(op.apply(&[&[0.0; 3]]), linear.bias);
    }
}
