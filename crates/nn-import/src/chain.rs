//! The steps of a computation, merged so that a network can express them.
//!
//! Steps that a network has no stage for are merged into the dense layers next to them, in double
//! precision: `(s·x + t)·W + b = x·(diag(s)·W) + (t·W + b)`.

use nn_core::stage::{Members, Stage};
use nn_core::{Activation, Network};

use crate::assembly::network;
use crate::error::{Error, Result};
use crate::step::{Affine, BatchNorm, Step, StepKind, expanded};

/// The merged steps of a computation.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    /// Number of inputs.
    pub(crate) n_inputs: usize,
    /// Number of members that share layers; the outputs are their mean.
    pub(crate) n_members: usize,
    /// The step before all others.
    pub(crate) input: Affine,
    /// The numbers in place of missing values, after that step.
    pub(crate) substitutes: Option<Vec<f64>>,
    steps: Vec<Step>,
}

impl Chain {
    /// Checks the widths of the steps and merges the steps that have no stage of their own.
    /// `n_inputs` is the number of inputs, if the file states one.
    pub(crate) fn new(steps: Vec<Step>, n_inputs: Option<usize>) -> Result<Self> {
        let n_inputs = check_widths(&steps, n_inputs)?;
        let n_members = check_members(&steps)?;
        let sources: Vec<usize> = steps.iter().filter_map(Step::residual_source).collect();
        let mut merged = Vec::with_capacity(steps.len());
        let is_mean = |step: &Step| matches!(step.kind, StepKind::Mean { .. });
        for step in steps.into_iter().filter(|step| !is_mean(step)) {
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
        let substitutes = match merged.first() {
            Some(Step {
                kind: StepKind::FillMissing(substitutes),
                ..
            }) => Some(expanded(substitutes, n_inputs)),
            _ => None,
        };
        if substitutes.is_some() {
            merged.remove(0);
        }
        Ok(Self {
            n_inputs,
            n_members,
            input,
            substitutes,
            steps: merged,
        })
    }

    /// Merges a step on the inputs into the first dense layer; factors become a stage of their
    /// own, if the network begins with another stage.
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
            Some(first) if affine.is_scaling() => {
                let step = Step {
                    kind: StepKind::Affine(affine.clone()),
                    place: first.place.clone(),
                    input: first.input,
                    output: first.input,
                };
                self.steps.insert(0, step);
                Ok(())
            }
            first => Err(Error::unsupported(
                first.map_or_else(String::new, |step| step.place.clone()),
                "expected a dense layer after the standardization of the inputs; to keep the \
                 standardization of a table, name its `columns`",
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
        network(&self.steps, self.n_inputs)
    }
}

/// Checks that the lengths of all lists match the number of columns, and returns the number of
/// inputs.
fn check_widths(steps: &[Step], n_inputs: Option<usize>) -> Result<usize> {
    let is_dense = |step: &Step| matches!(step.kind, StepKind::Dense(_));
    let first = steps.iter().find_map(|step| match &step.kind {
        StepKind::Dense(dense) => Some(dense.n_inputs),
        StepKind::Input(input) => Some(input.n_inputs),
        _ => None,
    });
    let first = first.filter(|_| steps.iter().any(is_dense));
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
            StepKind::Input(input) => {
                expect("inputs", width, input.n_inputs)?;
                width = input.stage.n_outputs(width);
                vec![]
            }
            StepKind::Affine(it) => vec![&it.scale, &it.shift],
            StepKind::BatchNorm(it) => vec![&it.gamma, &it.beta, &it.mean, &it.variance],
            StepKind::LayerNorm { gamma, beta } => vec![gamma, beta],
            StepKind::Parametric { alpha, .. } => vec![alpha],
            StepKind::FillMissing(substitutes) => vec![substitutes],
            StepKind::Activation(_) | StepKind::Residual { .. } | StepKind::Mean { .. } => vec![],
        };
        for list in lists.iter().filter(|list| list.len() != 1) {
            expect("numbers", width, list.len())?;
        }
    }
    Ok(n_inputs)
}

/// Checks that members that share layers have an output layer per member and end with their
/// mean, and returns their number.
fn check_members(steps: &[Step]) -> Result<usize> {
    let mut n_members = 1;
    let mut last_dense = 1;
    let mut is_joined = false;
    for step in steps {
        let found = match &step.kind {
            _ if is_joined => {
                let problem = "expected the outputs directly after the mean of the members";
                return Err(Error::unsupported(&step.place, problem));
            }
            StepKind::Input(input) => {
                if let Stage::Members(Members { n_members: n, .. }) = input.stage {
                    n_members = n;
                }
                continue;
            }
            StepKind::Dense(_) if last_dense > 1 => {
                let problem = "expected the mean of the members after their output layer";
                return Err(Error::unsupported(&step.place, problem));
            }
            StepKind::Dense(dense) => {
                last_dense = dense.n_members;
                last_dense
            }
            StepKind::Mean { n_members: n } => {
                is_joined = true;
                *n
            }
            _ => continue,
        };
        if found > 1 && found != n_members {
            let problem = format!("is of {found} members, but the network has {n_members}");
            return Err(Error::chain(format!("{}: {problem}", step.place)));
        }
    }
    match n_members > 1 && !(is_joined && last_dense == n_members) {
        false => Ok(n_members),
        true => Err(Error::chain(format!(
            "expected an output layer for each of the {n_members} members, and their mean"
        ))),
    }
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
    norm.variance
        .iter()
        .all(|v| v + norm.added_variance() >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::Dense;

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
            n_members: 1,
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

    /// By hand: (1, 1) becomes (2, 4), normalized (−1, 1), and −1 + 2·1 = 1.
    #[test]
    fn factors_before_another_stage_become_a_scaling_stage() {
        let norm = || StepKind::LayerNorm {
            gamma: vec![1.0],
            beta: vec![0.0],
        };
        let chain =
            |first| Chain::new(steps(vec![first, norm(), dense(&[1.0, 2.0], &[0.0])]), None);
        let mut scaled = chain(affine(&[2.0, 4.0], &[0.0])).unwrap();
        let input = scaled.input.clone();
        scaled.merge_input(&input).unwrap();
        let output = scaled.network().unwrap().predict(&[1.0, 1.0]).unwrap()[0];
        assert!((output - 1.0).abs() < 1e-4, "{output}");
        let mut shifted = chain(affine(&[2.0, 4.0], &[1.0])).unwrap();
        let input = shifted.input.clone();
        let error = shifted.merge_input(&input).unwrap_err().to_string();
        assert!(
            error.contains("expected a dense layer after the standardization"),
            "{error}"
        );
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
