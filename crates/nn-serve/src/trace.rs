//! `POST /api/trace`: one training step with one sample, the numbers of
//! `nn trace`.
//!
//! Of each layer's matrices only the column of one neuron is sent: the weights
//! into it. All of them are in `nn trace --json`.

use nn_core::Rows;
use nn_tensor::Threads;
use nn_tensor::reduce::argmax;
use serde::{Deserialize, Serialize};

use crate::evaluate::{Origin, data_of, settings_of};
use crate::trace::{self, Choice, Trace};
use nn_train::Split;

use super::app::App;
use super::body;
use super::reply::{Refusal, Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    network: String,
    split: Split,
    index: usize,
    /// The network as it was before its training.
    is_untrained: bool,
    /// The neuron of each layer whose weights are wanted; by default that with
    /// the largest error.
    #[serde(default)]
    neurons: Vec<Option<usize>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Split {
    Train,
    Validation,
    Test,
}

impl From<Split> for Split {
    fn from(split: Split) -> Self {
        match split {
            Split::Train => Self::Train,
            Split::Validation => Self::Validation,
            Split::Test => Self::Test,
        }
    }
}

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    trace: Trace,
    /// The neuron of each layer whose weights these are.
    neurons: Vec<usize>,
}

/// Traces a step.
pub(super) fn trace(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let question: Question = body::json(body)?;
    let model = app.network(&question.network)?;
    let choice = Choice {
        split: question.split.into(),
        index: question.index,
        is_untrained: question.is_untrained,
    };
    let mut trace = if model.description.input.preprocessing.is_some() {
        let place = app.networks.place(&question.network);
        let data = data_of(
            &model,
            Origin::Run(&place),
            app.datasets.data_dir(),
            &Threads::all(),
        )?;
        trace::of_model(&model, &data, choice)?
    } else {
        let data = app.datasets.get(&settings_of(&model)?)?;
        trace::of_model(&model, &data, choice)?
    };
    let neurons = cut(&mut trace, &question.neurons);
    Ok(Reply::json(&Answer { trace, neurons }))
}

/// Leaves the columns of the wanted neurons alone; returns which these are.
fn cut(trace: &mut Trace, wanted: &[Option<usize>]) -> Vec<usize> {
    let mut neurons = Vec::new();
    for (index, layer) in trace.step.layers.iter_mut().enumerate() {
        let errors = layer.backward.as_ref().map(|backward| &backward.delta);
        let sizes: Vec<f32> = errors
            .unwrap_or(&layer.activations)
            .iter()
            .map(|v| v.abs())
            .collect();
        let wanted = wanted.get(index).copied().flatten();
        let neuron = wanted
            .filter(|&neuron| neuron < layer.n_outputs)
            .unwrap_or_else(|| argmax(&sizes));
        keep(&mut layer.weights, neuron);
        if let Some(backward) = &mut layer.backward {
            keep(&mut backward.weights_gradient, neuron);
            keep(&mut backward.weights_after, neuron);
            if let Some(regularised) = &mut backward.regularised {
                keep(&mut regularised.weights_gradient, neuron);
            }
        }
        neurons.push(neuron);
    }
    neurons
}

fn keep(matrix: &mut Rows<'static, f32>, column: usize) {
    let column: Vec<f32> = matrix.column(column).copied().collect();
    *matrix = Rows::new(column, 1);
}
