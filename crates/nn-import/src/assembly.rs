//! Builds a network from steps that all have a stage.

use nn_core::stage::{LayerNorm, ParametricActivation, Residual, Scaling, Stage};
use nn_core::{Activation, LayerConfig, Network, NetworkConfig};

use crate::error::{Error, Result};
use crate::step::{BatchNorm, Dense, Step, StepKind, expanded};

/// Builds the network of the steps.
pub(crate) fn network(steps: &[Step], n_inputs: usize) -> Result<Network> {
    let mut builder = Builder {
        sources: steps.iter().filter_map(Step::residual_source).collect(),
        width: n_inputs,
        layers: Vec::new(),
        open: None,
        inputs: Vec::new(),
        layer_input: None,
    };
    for step in steps {
        builder.add(step)?;
    }
    builder.finish(n_inputs)
}

/// A stage with its parameters.
struct Part {
    stage: Stage,
    parameters: Vec<f64>,
    statistics: Vec<f64>,
}

impl Part {
    fn new(stage: impl Into<Stage>, parameters: Vec<f64>) -> Self {
        Self {
            stage: stage.into(),
            parameters,
            statistics: Vec::new(),
        }
    }
}

/// A layer with the parameters of its stages.
struct LayerParts {
    inputs: Vec<Part>,
    dense: Dense,
    batch_norm: Option<BatchNorm>,
    sums: Vec<Part>,
    activation: Option<Activation>,
    outputs: Vec<Part>,
}

/// Collects the layers of a network.
struct Builder {
    /// Numbers of the values that residual connections add.
    sources: Vec<usize>,
    /// Number of columns of the last value.
    width: usize,
    layers: Vec<LayerParts>,
    /// The layer that further stages belong to.
    open: Option<LayerParts>,
    /// The stages before the next dense step.
    inputs: Vec<Part>,
    /// Number of the value that the open layer, or the stages before it, read.
    layer_input: Option<usize>,
}

impl Builder {
    fn add(&mut self, step: &Step) -> Result<()> {
        // A stage before the weighted sums begins a layer.
        if self.sources.contains(&step.input) || matches!(step.kind, StepKind::Input(_)) {
            self.close();
        }
        if self.open.is_none() && self.inputs.is_empty() {
            self.layer_input = Some(step.input);
        }
        if let StepKind::Dense(dense) = &step.kind {
            return self.add_dense(dense.clone(), step.input);
        }
        if let StepKind::Residual { source } = step.kind
            && (self.open.is_none() || self.layer_input != Some(source))
        {
            return Err(Error::unsupported(
                &step.place,
                "adds the output of an earlier layer; a residual connection around one layer is \
                 supported",
            ));
        }
        let width = self.width;
        let Some(open) = &mut self.open else {
            let part = part(step, width)?;
            self.width = part.stage.n_outputs(width);
            self.inputs.push(part);
            return Ok(());
        };
        match &step.kind {
            StepKind::BatchNorm(norm) => open.batch_norm = Some(norm.clone()),
            StepKind::Activation(activation) if open.activation.is_none() => {
                open.activation = Some(*activation);
            }
            StepKind::Residual { .. } => {
                open.activation.get_or_insert(Activation::Identity);
                open.outputs.push(part(step, width)?);
            }
            _ if open.activation.is_none() => open.sums.push(part(step, width)?),
            _ => open.outputs.push(part(step, width)?),
        }
        Ok(())
    }

    fn add_dense(&mut self, dense: Dense, input: usize) -> Result<()> {
        if self.open.is_some() {
            self.close();
            self.layer_input = Some(input);
        }
        self.width = dense.n_outputs();
        self.open = Some(LayerParts {
            inputs: std::mem::take(&mut self.inputs),
            dense,
            batch_norm: None,
            sums: Vec::new(),
            activation: None,
            outputs: Vec::new(),
        });
        Ok(())
    }

    /// Ends the open layer.
    fn close(&mut self) {
        self.layers.extend(self.open.take());
    }

    fn finish(mut self, n_inputs: usize) -> Result<Network> {
        self.close();
        let last = self.layers.last();
        let rest = last.into_iter().flat_map(|layer| &layer.outputs);
        if let Some(part) = rest.chain(&self.inputs).next() {
            return Err(Error::unsupported(
                format!("stage {} after the last dense layer", part.stage),
                "expected the outputs directly after the activation function",
            ));
        }
        let config = NetworkConfig {
            n_inputs,
            layers: self.layers.iter().map(LayerParts::config).collect(),
        };
        let mut network = Network::zeros(&config)?;
        let (mut parameters, mut statistics) = (Vec::new(), Vec::new());
        for layer in &self.layers {
            layer.write(&mut parameters, &mut statistics);
        }
        copy(&parameters, network.parameters_mut())?;
        copy(&statistics, network.statistics_mut())?;
        Ok(network)
    }
}

/// The stage of a step that is neither dense nor the activation function of a layer.
fn part(step: &Step, width: usize) -> Result<Part> {
    let unsupported = |problem: &str| Err(Error::unsupported(&step.place, problem));
    Ok(match &step.kind {
        StepKind::Affine(affine) if affine.is_scaling() => {
            Part::new(Scaling, expanded(&affine.scale, width))
        }
        StepKind::Affine(_) => {
            return unsupported(
                "adds constants to values that are neither the inputs nor next to a dense layer",
            );
        }
        StepKind::FillMissing(_) => {
            return unsupported("replaces missing values of values that are not the inputs");
        }
        StepKind::LayerNorm { gamma, beta } => {
            let parameters = [expanded(gamma, width), expanded(beta, width)].concat();
            Part::new(LayerNorm, parameters)
        }
        StepKind::Activation(Activation::Softmax) => {
            return unsupported("softmax is supported for the outputs only");
        }
        // y = z + 1·(φ(z) − z)
        StepKind::Activation(activation) => {
            Part::new(ParametricActivation(*activation), vec![1.0; width])
        }
        StepKind::Parametric { activation, alpha } => {
            Part::new(ParametricActivation(*activation), expanded(alpha, width))
        }
        StepKind::Residual { .. } => Part::new(Residual, Vec::new()),
        StepKind::Input(input) => Part {
            stage: input.stage.clone(),
            parameters: input.parameters.clone(),
            statistics: input.statistics.clone(),
        },
        StepKind::Dense(_) | StepKind::BatchNorm(_) | StepKind::Mean { .. } => {
            return unsupported("expected a dense layer before this step");
        }
    })
}

impl LayerParts {
    fn config(&self) -> LayerConfig {
        let stages = |parts: &[Part]| parts.iter().map(|part| part.stage.clone()).collect();
        let activation = self.activation.unwrap_or(Activation::Identity);
        LayerConfig {
            inputs: stages(&self.inputs),
            batch_norm: self.batch_norm.is_some(),
            sums: stages(&self.sums),
            outputs: stages(&self.outputs),
            ..LayerConfig::new(self.dense.n_outputs(), activation)
        }
    }

    /// Appends the parameters and the statistics of the stages, in the order of computation.
    fn write(&self, parameters: &mut Vec<f64>, statistics: &mut Vec<f64>) {
        let add = |parts: &[Part], parameters: &mut Vec<f64>, statistics: &mut Vec<f64>| {
            for part in parts {
                parameters.extend(&part.parameters);
                statistics.extend(&part.statistics);
            }
        };
        add(&self.inputs, parameters, statistics);
        parameters.extend(&self.dense.weights);
        parameters.extend(&self.dense.bias);
        if let Some(norm) = &self.batch_norm {
            let width = self.dense.n_outputs();
            parameters.extend(expanded(&norm.gamma, width));
            parameters.extend(expanded(&norm.beta, width));
            statistics.extend(expanded(&norm.mean, width));
            let variance = expanded(&norm.variance, width);
            statistics.extend(variance.iter().map(|v| v + norm.added_variance()));
        }
        add(&self.sums, parameters, statistics);
        add(&self.outputs, parameters, statistics);
    }
}

/// Rounds numbers to single precision.
fn copy(from: &[f64], to: &mut [f32]) -> Result<()> {
    if from.len() != to.len() {
        return Err(Error::chain(format!(
            "expected {} parameters, found {}",
            to.len(),
            from.len()
        )));
    }
    for (index, (to, &from)) in to.iter_mut().zip(from).enumerate() {
        *to = from as f32;
        if !to.is_finite() {
            return Err(Error::NotFinite {
                tensor: "the parameters of the network".to_owned(),
                index,
                value: from,
            });
        }
    }
    Ok(())
}
