//! Assigns the values of a graph to few buffers, for source code.
//!
//! A buffer is used again as soon as its values are no longer read, and operators that can work
//! in place do so. The output of the graph has a buffer of its own, from the caller.

use crate::graph::{Graph, Source};

/// A buffer of the exported code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Buffer {
    /// The values that the caller passes; never written.
    Values,
    /// The output that the caller receives.
    Output,
    /// A local buffer.
    Local(usize),
}

/// The buffer of each node, and the sizes of the local buffers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Buffers {
    /// The buffer of the output of each node.
    pub(crate) of_node: Vec<Buffer>,
    /// Number of values of each local buffer.
    pub(crate) sizes: Vec<usize>,
}

impl Buffers {
    pub(crate) fn new(graph: &Graph) -> Self {
        let last_use = last_uses(graph);
        let mut buffers = Self {
            of_node: vec![Buffer::Output; graph.nodes().len()],
            sizes: Vec::new(),
        };
        let is_output = output_chain(graph, &last_use);
        let mut free: Vec<usize> = Vec::new();
        for (index, node) in graph.nodes().iter().enumerate() {
            let dying = node.inputs.iter().filter_map(|&input| match input {
                Source::Node(earlier) if last_use[earlier] == index => Some(earlier),
                _ => None,
            });
            let mut dying: Vec<usize> = dying.collect();
            if !is_output[index] {
                let reused = reusable_input(graph, &last_use, index);
                buffers.of_node[index] = match reused.map(|earlier| buffers.of_node[earlier]) {
                    Some(buffer @ Buffer::Local(_)) => {
                        dying.retain(|&earlier| Some(earlier) != reused);
                        buffer
                    }
                    _ => Buffer::Local(buffers.take(&mut free, node.width * node.n_rows)),
                };
            }
            dying.dedup();
            free.extend(dying.iter().filter_map(|&it| match buffers.of_node[it] {
                Buffer::Local(local) => Some(local),
                Buffer::Values | Buffer::Output => None,
            }));
        }
        buffers
    }

    /// Takes the smallest free buffer that is large enough, otherwise the largest one, which
    /// grows, otherwise a new one.
    fn take(&mut self, free: &mut Vec<usize>, width: usize) -> usize {
        let size = |&&local: &&usize| self.sizes[local];
        let fitting = free.iter().filter(|local| size(local) >= width);
        let chosen = fitting.min_by_key(size).or(free.iter().max_by_key(size));
        let Some(&chosen) = chosen else {
            self.sizes.push(width);
            return self.sizes.len() - 1;
        };
        free.retain(|&local| local != chosen);
        self.sizes[chosen] = self.sizes[chosen].max(width);
        chosen
    }

    /// The buffer of a source.
    pub(crate) fn of(&self, source: Source) -> Buffer {
        match source {
            Source::Values => Buffer::Values,
            Source::Node(index) => self.of_node[index],
        }
    }
}

/// The last node that reads each node; the output is read after the last node.
fn last_uses(graph: &Graph) -> Vec<usize> {
    let n_nodes = graph.nodes().len();
    let mut last_use = vec![n_nodes; n_nodes];
    for (index, node) in graph.nodes().iter().enumerate() {
        for &input in &node.inputs {
            if let Source::Node(earlier) = input {
                last_use[earlier] = index;
            }
        }
    }
    last_use
}

/// The first input of a node, if the node can overwrite it.
fn reusable_input(graph: &Graph, last_use: &[usize], index: usize) -> Option<usize> {
    let node = &graph.nodes()[index];
    match node.inputs[..] {
        [Source::Node(earlier), ..] if node.op.is_in_place() && last_use[earlier] == index => {
            Some(earlier)
        }
        _ => None,
    }
}

/// The nodes that write the output: the last one, and those before it that it overwrites.
fn output_chain(graph: &Graph, last_use: &[usize]) -> Vec<bool> {
    let mut is_output = vec![false; last_use.len()];
    let mut next = last_use.len().checked_sub(1);
    while let Some(index) = next {
        is_output[index] = true;
        next = reusable_input(graph, last_use, index);
    }
    is_output
}

#[cfg(test)]
mod tests {
    use nn_core::Activation;

    use super::*;
    use crate::op::{Linear, Op};

    fn linear(n_inputs: usize, n_outputs: usize) -> Op {
        Op::Linear(Linear {
            weights: vec![0.0; n_inputs * n_outputs],
            bias: vec![0.0; n_outputs],
        })
    }

    #[test]
    fn buffers_are_used_again_and_overwritten_only_when_no_longer_read() {
        let mut graph = Graph::new(6);
        let scaled = graph.add(Op::Multiply(2.0), &[Source::Values]);
        let first = graph.add(linear(6, 4), &[scaled]);
        let relu = graph.add(Op::Activation(Activation::Relu), &[first]);
        let second = graph.add(linear(4, 4), &[relu]);
        let sum = graph.add(Op::Add, &[second, relu]);
        let last = graph.add(linear(4, 2), &[sum]);
        graph.add(Op::Activation(Activation::Softmax), &[last]);
        let buffers = Buffers::new(&graph);
        let [a, b] = [0, 1].map(Buffer::Local);
        // The second layer may use the buffer of the inputs again, but not that of the sum's
        // other term.
        let expected = [a, b, b, a, a, Buffer::Output, Buffer::Output];
        assert_eq!(buffers.of_node, expected);
        assert_eq!(buffers.sizes, [6, 4]);
    }
}
