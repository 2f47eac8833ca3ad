//! `POST /api/trace`: every number of one training step with one sample, as `nn trace`
//! shows it.
//!
//! Only one column of each matrix of a layer is sent: the incoming weights of one neuron.
//! `nn trace --json` prints all columns.

use nn_core::Rows;
use nn_tensor::Threads;
use nn_tensor::reduce::argmax;
use nn_train::trained_model::{Origin, data_of, settings_of};
use nn_train::{SampleTrace, TraceOptions};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::columns::Columns;
use crate::json_body;
use crate::reply::{Refusal, Reply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TraceRequest {
    network: String,
    /// `train`, `validation` or `test`.
    split: String,
    index: usize,
    /// Whether to use the initial weights instead of the trained ones.
    is_untrained: bool,
    /// The neuron of each layer whose weights to send; the default is the neuron with the
    /// largest error.
    #[serde(default)]
    neurons: Vec<Option<usize>>,
}

#[derive(Serialize)]
struct TraceResponse {
    #[serde(flatten)]
    trace: SampleTrace,
    #[serde(flatten)]
    columns: Columns,
    /// The neuron of each layer whose weights are sent.
    neurons: Vec<usize>,
}

/// Traces a training step.
pub(crate) fn trace(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let request: TraceRequest = json_body::parse(body)?;
    let model = app.network(&request.network)?;
    let options = TraceOptions {
        split: request.split.parse()?,
        index: request.index,
        is_untrained: request.is_untrained,
    };
    let mut trace = if model.description.input.preprocessing.is_some() {
        let path = app.networks.path(&request.network);
        let data_dir = app.datasets.data_dir();
        let data = data_of(&model, Origin::Run(&path), data_dir, &Threads::all())?;
        SampleTrace::new(&model, &data, options)?
    } else {
        let data = app.datasets.get(&settings_of(&model)?)?;
        SampleTrace::new(&model, &data, options)?
    };
    let neurons = keep_neurons(&mut trace, &request.neurons);
    Ok(Reply::json(&TraceResponse {
        trace,
        columns: Columns::of(&model),
        neurons,
    }))
}

/// Keeps one column of each matrix, that of the wanted neuron; returns the neurons.
fn keep_neurons(trace: &mut SampleTrace, wanted: &[Option<usize>]) -> Vec<usize> {
    let mut neurons = Vec::new();
    for (index, layer) in trace.step.layers.iter_mut().enumerate() {
        let errors = layer.backward.as_ref().map(|backward| &backward.delta);
        let errors = errors.unwrap_or(&layer.activations);
        let sizes: Vec<f32> = errors.iter().map(|error| error.abs()).collect();
        let wanted = wanted.get(index).copied().flatten();
        let neuron = wanted
            .filter(|&neuron| neuron < layer.n_outputs)
            .unwrap_or_else(|| argmax(&sizes));
        keep_column(&mut layer.weights, neuron);
        if let Some(backward) = &mut layer.backward {
            keep_column(&mut backward.weights_gradient, neuron);
            keep_column(&mut backward.weights_after, neuron);
            if let Some(regularized) = &mut backward.regularized {
                keep_column(&mut regularized.weights_gradient, neuron);
            }
        }
        neurons.push(neuron);
    }
    neurons
}

fn keep_column(matrix: &mut Rows<'static, f32>, column: usize) {
    let column: Vec<f32> = matrix.column(column).copied().collect();
    *matrix = Rows::new(column, 1);
}
