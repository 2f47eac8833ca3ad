//! Builds a network from the steps of a computation.
//!
//! Steps that a network has no stage for are merged into the dense layers next to them, in double
//! precision: `(s·x + t)·W + b = x·(diag(s)·W) + (t·W + b)`.

use nn_core::stage::{LayerNorm, ParametricActivation, Residual, Scaling, Stage, batch_norm};
use nn_core::{Activation, LayerConfig, Network, NetworkConfig};

use crate::error::{Error, Result};
use crate::step::{Affine, BatchNorm, Dense, Step, StepKind, expanded};

/// The merged steps of a computation.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// Number of inputs.
    pub(crate) n_inputs: usize,
    /// The step before all others.
    pub(crate) input: Affine,
    steps: Vec<Step>,
}

impl Chain {
    /// Checks the widths of the steps and merges the steps that have no stage of their own.
    /// `n_inputs` is the number of inputs, if the file states one.
    pub(crate) fn new(steps: Vec<Step>, n_inputs: Option<usize>) -> Result<Self> {
        let n_inputs = check_widths(&steps, n_inputs)?;
        let sources: Vec<usize> = steps.iter().filter_map(source_of).collect();
        let mut merged = Vec::with_capacity(steps.len());
        for step in steps {
            push(&mut merged, step, &sources);
        }
        let input = match merged.first() {
            Some(Step {
                kind: StepKind::Affine(affine),
                ..
            }) => affine.clone(),
            _ => Affine::identity(),
        };
        let is_affine = |step: &Step| matches!(step.kind, StepKind::Affine(_));
        if merged.first().is_some_and(is_affine) {
            merged.remove(0);
        }
        Ok(Self {
            n_inputs,
            input,
            steps: merged,
        })
    }

    /// Merges a step on the inputs into the first dense layer.
    pub(crate) fn merge_input(&mut self, affine: &Affine) -> Result<()> {
        if affine.is_identity() {
            return Ok(());
        }
        match self.steps.first_mut() {
            Some(Step {
                kind: StepKind::Dense(dense),
                ..
            }) => {
                *dense = dense.clone().after(affine);
                Ok(())
            }
            first => Err(Error::unsupported(
                first.map_or_else(String::new, |step| step.place.clone()),
                "expected a dense layer after the standardization of the inputs",
            )),
        }
    }

    /// Number of outputs.
    pub(crate) fn n_outputs(&self) -> usize {
        let dense = self.steps.iter().rev().find_map(|step| match &step.kind {
            StepKind::Dense(dense) => Some(dense.n_outputs()),
            _ => None,
        });
        dense.unwrap_or(self.n_inputs)
    }

    /// The activation function of the outputs.
    pub(crate) fn output_activation(&self) -> Activation {
        match self.steps.last() {
            Some(Step {
                kind: StepKind::Activation(activation),
                ..
            }) => *activation,
            _ => Activation::Identity,
        }
    }

    /// Appends an activation function to the outputs.
    pub(crate) fn activate_outputs(&mut self, activation: Activation) {
        let output = self.steps.last().map_or(0, |step| step.output);
        self.steps.push(Step {
            kind: StepKind::Activation(activation),
            place: "the outputs".to_owned(),
            input: output,
            output,
        });
    }

    /// Builds the network.
    pub(crate) fn network(&self) -> Result<Network> {
        let sources: Vec<usize> = self.steps.iter().filter_map(source_of).collect();
        let mut builder = Builder {
            sources,
            width: self.n_inputs,
            layers: Vec::new(),
            open: None,
            inputs: Vec::new(),
            layer_input: None,
        };
        for step in &self.steps {
            builder.add(step)?;
        }
        builder.finish(self.n_inputs)
    }
}

fn source_of(step: &Step) -> Option<usize> {
    match step.kind {
        StepKind::Residual { source } => Some(source),
        _ => None,
    }
}

/// Checks that the lengths of all lists match the number of columns, and returns the number of
/// inputs.
fn check_widths(steps: &[Step], n_inputs: Option<usize>) -> Result<usize> {
    let first = steps.iter().find_map(|step| match &step.kind {
        StepKind::Dense(dense) => Some(dense.n_inputs),
        _ => None,
    });
    let first = first.ok_or_else(|| Error::chain("the file has no dense layer"))?;
    let n_inputs = n_inputs.unwrap_or(first);
    let mut width = n_inputs;
    for step in steps {
        let expect = |what: &str, expected: usize, found: usize| match expected == found {
            true => Ok(()),
            false => Err(Error::chain(format!(
                "{}: expected {expected} {what}, found {found}",
                step.place
            ))),
        };
        let lists: Vec<&Vec<f64>> = match &step.kind {
            StepKind::Dense(dense) => {
                expect("inputs", width, dense.n_inputs)?;
                width = dense.n_outputs();
                vec![]
            }
            StepKind::Affine(it) => vec![&it.scale, &it.shift],
            StepKind::BatchNorm(it) => vec![&it.gamma, &it.beta, &it.mean, &it.variance],
            StepKind::LayerNorm { gamma, beta } => vec![gamma, beta],
            StepKind::Parametric { alpha, .. } => vec![alpha],
            StepKind::Activation(_) | StepKind::Residual { .. } => vec![],
        };
        for list in lists.iter().filter(|list| list.len() != 1) {
            expect("numbers", width, list.len())?;
        }
    }
    Ok(n_inputs)
}

/// Appends a step, or merges it with the step before it, unless a residual connection adds the
/// value between them.
fn push(steps: &mut Vec<Step>, step: Step, sources: &[usize]) {
    let is_after_dense = matches!(
        steps.last().map(|last| &last.kind),
        Some(StepKind::Dense(_))
    );
    let step = match step.kind {
        StepKind::BatchNorm(norm) if !is_after_dense || !has_variance(&norm) => Step {
            kind: StepKind::Affine(norm.to_affine()),
            ..step
        },
        _ => step,
    };
    let is_first = steps.len() == 1;
    let Some(last) = steps.last_mut() else {
        return steps.push(step);
    };
    let merged = match (&last.kind, &step.kind) {
        _ if sources.contains(&last.output) => None,
        (kind, StepKind::Activation(Activation::Identity)) => Some(kind.clone()),
        (kind, StepKind::Affine(affine)) if affine.is_identity() => Some(kind.clone()),
        (StepKind::Affine(affine), StepKind::Affine(next)) => {
            Some(StepKind::Affine(affine.then(next)))
        }
        (StepKind::Dense(dense), StepKind::Affine(next)) => {
            Some(StepKind::Dense(dense.clone().before(next)))
        }
        (StepKind::BatchNorm(norm), StepKind::Affine(next)) => {
            Some(StepKind::BatchNorm(norm.clone().before(next)))
        }
        (StepKind::LayerNorm { gamma, beta }, StepKind::Affine(next)) => {
            let norm = Affine {
                scale: gamma.clone(),
                shift: beta.clone(),
            };
            let Affine { scale, shift } = norm.then(next);
            Some(StepKind::LayerNorm {
                gamma: scale,
                beta: shift,
            })
        }
        (StepKind::Affine(affine), StepKind::Dense(dense)) if !is_first => {
            Some(StepKind::Dense(dense.clone().after(affine)))
        }
        _ => None,
    };
    match merged {
        None => steps.push(step),
        Some(kind) => {
            if matches!(step.kind, StepKind::Dense(_)) {
                last.place.clone_from(&step.place);
            }
            last.kind = kind;
            last.output = step.output;
        }
    }
}

/// Returns `true` if nn-core's ε, with another variance, gives the same normalization.
fn has_variance(norm: &BatchNorm) -> bool {
    norm.variance.iter().all(|v| v + added(norm) >= 0.0)
}

/// The number that is added to the variances in place of another ε.
fn added(norm: &BatchNorm) -> f64 {
    norm.epsilon - batch_norm::EPSILON
}

/// A stage with its parameters.
struct Part {
    stage: Stage,
    parameters: Vec<f64>,
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
        if self.sources.contains(&step.input) {
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
            self.inputs.push(part(step, width)?);
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
        StepKind::Affine(affine) if affine.is_scaling() => Part {
            stage: Scaling.into(),
            parameters: expanded(&affine.scale, width),
        },
        StepKind::Affine(_) => {
            return unsupported(
                "adds constants to values that are neither the inputs nor next to a dense layer",
            );
        }
        StepKind::LayerNorm { gamma, beta } => Part {
            stage: LayerNorm.into(),
            parameters: [expanded(gamma, width), expanded(beta, width)].concat(),
        },
        StepKind::Activation(Activation::Softmax) => {
            return unsupported("softmax is supported for the outputs only");
        }
        // y = z + 1·(φ(z) − z)
        StepKind::Activation(activation) => Part {
            stage: ParametricActivation(*activation).into(),
            parameters: vec![1.0; width],
        },
        StepKind::Parametric { activation, alpha } => Part {
            stage: ParametricActivation(*activation).into(),
            parameters: expanded(alpha, width),
        },
        StepKind::Residual { .. } => Part {
            stage: Residual.into(),
            parameters: Vec::new(),
        },
        StepKind::Dense(_) | StepKind::BatchNorm(_) => {
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
        let add = |parts: &[Part], parameters: &mut Vec<f64>| {
            parts
                .iter()
                .for_each(|it| parameters.extend(&it.parameters));
        };
        add(&self.inputs, parameters);
        parameters.extend(&self.dense.weights);
        parameters.extend(&self.dense.bias);
        if let Some(norm) = &self.batch_norm {
            let width = self.dense.n_outputs();
            parameters.extend(expanded(&norm.gamma, width));
            parameters.extend(expanded(&norm.beta, width));
            statistics.extend(expanded(&norm.mean, width));
            let variance = expanded(&norm.variance, width);
            statistics.extend(variance.iter().map(|v| v + added(norm)));
        }
        add(&self.sums, parameters);
        add(&self.outputs, parameters);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(kinds: Vec<StepKind>) -> Vec<Step> {
        let step = |(index, kind)| Step {
            kind,
            place: format!("step {index}"),
            input: index,
            output: index + 1,
        };
        kinds.into_iter().enumerate().map(step).collect()
    }

    fn affine(scale: &[f64], shift: &[f64]) -> StepKind {
        StepKind::Affine(Affine {
            scale: scale.to_vec(),
            shift: shift.to_vec(),
        })
    }

    fn dense(weights: &[f64], bias: &[f64]) -> StepKind {
        StepKind::Dense(Dense {
            weights: weights.to_vec(),
            bias: bias.to_vec(),
            n_inputs: weights.len() / bias.len(),
        })
    }

    /// By hand: x = (1, 2); (1·2 + 1, 2·3) = (3, 6); 3·1 + 6·2 + 1 = 16; 16·½ − 3 = 5;
    /// relu(5) = 5; 5·2 + 1 = 11; 11·(−1) + 4 = −7.
    #[test]
    fn constants_are_merged_into_dense_layers() {
        let chain = Chain::new(
            steps(vec![
                affine(&[2.0, 3.0], &[1.0, 0.0]),
                dense(&[1.0, 2.0], &[1.0]),
                affine(&[0.5], &[-3.0]),
                StepKind::Activation(Activation::Relu),
                affine(&[2.0], &[0.0]),
                affine(&[1.0], &[1.0]),
                dense(&[-1.0], &[4.0]),
            ]),
            None,
        );
        let mut chain = chain.unwrap();
        assert_eq!(chain.input.scale, [2.0, 3.0]);
        let input = chain.input.clone();
        chain.merge_input(&input).unwrap();
        let network = chain.network().unwrap();
        assert_eq!(network.widths(), [2, 1, 1]);
        assert_eq!(network.predict(&[1.0, 2.0]).unwrap(), [-7.0]);
    }

    /// By hand: 2·(3·1 − 1)/√(0.00399 + 0.00001·…): γ·(x − μ)/√(σ² + ε) with ε = 0.001 and
    /// σ² = 3.999, so the root is 2.
    #[test]
    fn another_epsilon_of_batch_normalization_changes_the_variance() {
        let norm = StepKind::BatchNorm(BatchNorm {
            gamma: vec![2.0],
            beta: vec![0.5],
            mean: vec![1.0],
            variance: vec![3.999],
            epsilon: 1e-3,
        });
        let kinds = vec![dense(&[3.0], &[0.0]), norm.clone()];
        let network = Chain::new(steps(kinds), None).unwrap().network().unwrap();
        assert!(network.layers()[0].batch_norm);
        let output = network.predict(&[1.0]).unwrap()[0];
        assert!((output - 2.5).abs() < 1e-6, "{output}");
        // After the activation function, it is merged into the next layer.
        let relu = StepKind::Activation(Activation::Relu);
        let kinds = vec![dense(&[3.0], &[0.0]), relu, norm, dense(&[1.0], &[1.0])];
        let network = Chain::new(steps(kinds), None).unwrap().network().unwrap();
        assert_eq!(network.parameters().len(), 4);
        let output = network.predict(&[1.0]).unwrap()[0];
        assert!((output - 3.5).abs() < 1e-6, "{output}");
    }

    #[test]
    fn a_residual_connection_is_around_one_layer() {
        let residual = |source| StepKind::Residual { source };
        let square = || dense(&[1.0, 2.0, 3.0, 4.0], &[0.0, 1.0]);
        let relu = || StepKind::Activation(Activation::Relu);
        // Values: 0 -dense- 1 -relu- 2 -dense- 3 -relu- 4 -+2- 5 -dense- 6
        let kinds = vec![square(), relu(), square(), relu(), residual(2), square()];
        let network = Chain::new(steps(kinds), None).unwrap().network().unwrap();
        // (1, 1) → (4, 7) → (25, 37) + (4, 7) = (29, 44) → (161, 235)
        assert_eq!(network.predict(&[1.0, 1.0]).unwrap(), [161.0, 235.0]);
        let kinds = vec![square(), relu(), square(), relu(), residual(0), square()];
        let error = Chain::new(steps(kinds), None).unwrap().network();
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("step 4: adds the output"), "{error}");
    }

    #[test]
    fn widths_must_match() {
        let wrong = vec![dense(&[1.0, 2.0], &[1.0]), dense(&[1.0, 2.0], &[1.0])];
        let error = Chain::new(steps(wrong), None).unwrap_err().to_string();
        assert_eq!(error, "step 1: expected 1 inputs, found 2");
        let wrong = vec![dense(&[1.0, 2.0], &[1.0]), affine(&[1.0, 1.0], &[0.0])];
        let error = Chain::new(steps(wrong), None).unwrap_err().to_string();
        assert_eq!(error, "step 1: expected 1 numbers, found 2");
    }
}
