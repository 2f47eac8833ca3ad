//! The meaning of the outputs of an exported model.

use nn_core::preprocessing::{Standardization, Standardized};
use nn_core::{Activation, Loss, Model};
use nn_table::{Preprocessing, TargetColumn, TargetEncoding, Transform};

use crate::error::{Error, Result};
use crate::graph::{Graph, Source};
use crate::op::Op;

/// Lowest probability at which a label is predicted, unless another threshold is given.
const DEFAULT_THRESHOLD: f32 = 0.5;

/// The meaning of the outputs of an exported model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Scores of classes, of which one is predicted.
    Classes {
        /// Names of the classes.
        names: Vec<String>,
        /// The rule that predicts a class.
        rule: ClassRule,
        /// Whether the outputs are probabilities.
        are_probabilities: bool,
    },
    /// Scores of labels.
    Labels {
        /// Names of the labels.
        names: Vec<String>,
        /// The lowest score of each label at which it is predicted.
        thresholds: Vec<f32>,
    },
    /// Predicted numbers, in the units of the data.
    Values {
        /// Names of the predicted columns.
        names: Vec<String>,
    },
}

/// The rule that predicts a class from the outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClassRule {
    /// The class with the largest output, the first of equal ones.
    Largest,
    /// The second of two classes, if the only output is above this number.
    Above(f32),
    /// The second of two classes, if its output is at least this number.
    AtLeast(f32),
}

impl Outcome {
    /// The meaning of the outputs of a model, with the preprocessing of its table.
    pub(crate) fn new(model: &Model, preprocessing: Option<&Preprocessing>) -> Self {
        match preprocessing.map(|it| &it.target) {
            Some(TargetEncoding::MultiLabel(names)) => Self::Labels {
                names: names.clone(),
                thresholds: vec![DEFAULT_THRESHOLD; names.len()],
            },
            Some(TargetEncoding::Regression(columns)) => Self::Values {
                names: columns.iter().map(|column| column.name.clone()).collect(),
            },
            Some(TargetEncoding::Classification { names, .. }) => Self::of_classes(model, names),
            None if predicts_classes(model) => {
                Self::of_classes(model, &model.description.class_names)
            }
            None => Self::Values {
                names: (0..model.network.n_outputs())
                    .map(|output| format!("output{output}"))
                    .collect(),
            },
        }
    }

    fn of_classes(model: &Model, names: &[String]) -> Self {
        let n_outputs = model.network.n_outputs();
        let activation = model.network.output_layer().activation;
        let are_probabilities = match n_outputs {
            1 => activation == Activation::Sigmoid,
            _ => matches!(activation, Activation::Sigmoid | Activation::Softmax),
        };
        let names = match names {
            [] => (0..n_outputs.max(2))
                .map(|class| class.to_string())
                .collect(),
            names => names.to_vec(),
        };
        let rule = match (n_outputs, model.loss) {
            // The probabilities of both classes.
            (1, _) if are_probabilities => ClassRule::Largest,
            (1, Loss::Hinge) => ClassRule::Above(0.0),
            (1, _) => ClassRule::Above(0.5),
            _ => ClassRule::Largest,
        };
        Self::Classes {
            names,
            rule,
            are_probabilities,
        }
    }

    /// Names of the classes, labels or predicted columns.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Classes { names, .. } | Self::Labels { names, .. } | Self::Values { names } => {
                names
            }
        }
    }

    /// The predicted class; `None` if the model predicts no classes.
    pub fn class(&self, output: &[f32]) -> Option<usize> {
        let Self::Classes { rule, .. } = self else {
            return None;
        };
        Some(match *rule {
            ClassRule::Above(threshold) => usize::from(output[0] > threshold),
            ClassRule::AtLeast(threshold) => usize::from(output[1] >= threshold),
            ClassRule::Largest => {
                let better = |best, class| match output[class] > output[best] {
                    true => class,
                    false => best,
                };
                (1..output.len()).fold(0, better)
            }
        })
    }
}

impl Outcome {
    /// The outcome with these thresholds of the second of two classes, or of the labels.
    pub(crate) fn with_thresholds(&self, thresholds: &[f64]) -> Result<Self> {
        let mut outcome = self.clone();
        let expected = match &mut outcome {
            Self::Classes {
                names,
                rule,
                are_probabilities: true,
            } if names.len() == 2 => {
                *rule = ClassRule::AtLeast(thresholds.first().map_or(0.5, |&it| at_least(it)));
                1
            }
            Self::Labels {
                names,
                thresholds: own,
            } => {
                *own = thresholds.iter().map(|&it| at_least(it)).collect();
                names.len()
            }
            _ => {
                return Err(Error::NotApplicable {
                    option: "threshold",
                    problem: "expected a model with probabilities of two classes or of labels"
                        .to_owned(),
                });
            }
        };
        if thresholds.len() == expected {
            return Ok(outcome);
        }
        Err(Error::NotApplicable {
            option: "threshold",
            problem: format!("expected {expected} numbers, found {}", thresholds.len()),
        })
    }
}

/// The smallest 32-bit float that is not below a threshold, so that rounding changes no
/// prediction.
fn at_least(threshold: f64) -> f32 {
    let rounded = threshold as f32;
    match f64::from(rounded) < threshold {
        true => rounded.next_up(),
        false => rounded,
    }
}

/// Returns `true` if a model that was not trained on a table predicts classes.
fn predicts_classes(model: &Model) -> bool {
    let is_of_classes = matches!(
        model.loss,
        Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::Kl | Loss::Hinge
    );
    is_of_classes || !model.description.class_names.is_empty()
}

/// The conversion of the outputs of a network to the outputs of an exported model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OutputDecoding {
    /// None.
    Identity,
    /// The probabilities of both classes from the probability of the second class.
    BothClasses,
    /// Predicted numbers in the units of the table.
    Targets(Vec<TargetColumn>),
    /// Predicted numbers in the units of the data.
    Standardized(Standardization),
}

impl OutputDecoding {
    pub(crate) fn new(
        model: &Model,
        preprocessing: Option<&Preprocessing>,
        outcome: &Outcome,
    ) -> Result<Self> {
        if let Outcome::Classes {
            are_probabilities: true,
            ..
        } = outcome
            && model.network.n_outputs() == 1
        {
            return Ok(Self::BothClasses);
        }
        if let Some(preprocessing) = preprocessing {
            return Ok(match &preprocessing.target {
                TargetEncoding::Regression(columns) => Self::Targets(columns.clone()),
                _ => Self::Identity,
            });
        }
        let standardized = Standardized::of(model)?.unwrap_or_default();
        let targets = standardized.standardized_targets;
        Ok(targets.map_or(Self::Identity, Self::Standardized))
    }

    /// Converts a row of outputs, in double precision.
    pub(crate) fn apply(&self, outputs: &[f32]) -> Vec<f32> {
        match self {
            Self::Identity => outputs.to_vec(),
            Self::BothClasses => vec![1.0 - outputs[0], outputs[0]],
            Self::Targets(columns) => {
                let pairs = columns.iter().zip(outputs);
                pairs
                    .map(|(column, &output)| column.inverse(output))
                    .collect()
            }
            Self::Standardized(standardization) => {
                let mut values = outputs.to_vec();
                standardization.undo(&mut values);
                values
            }
        }
    }

    /// Appends the conversion to a graph.
    pub(crate) fn add_to(&self, graph: &mut Graph, outputs: Source) {
        match self {
            Self::Identity => {}
            Self::BothClasses => {
                let complement = Op::Affine {
                    scale: vec![-1.0],
                    shift: vec![1.0],
                };
                let first = graph.add(complement, &[outputs]);
                graph.add(Op::Concat, &[first, outputs]);
            }
            Self::Targets(columns) => {
                let moments = columns.iter().map(|column| column.standardization);
                let moments = moments.map(|it| (it.std as f32, it.mean as f32));
                let (scale, shift) = moments.unzip();
                let values = graph.add(Op::Affine { scale, shift }, &[outputs]);
                let transforms = columns.iter().map(|column| column.transform);
                let transforms: Vec<Transform> = transforms.collect();
                if !transforms.iter().all(Transform::is_identity) {
                    graph.add(Op::Restore(transforms), &[values]);
                }
                let ranges = columns.iter().map(|column| column.range);
                if ranges.clone().any(|range| range.is_some()) {
                    let unlimited = [f64::from(f32::MIN), f64::from(f32::MAX)];
                    let ranges = ranges.map(|range| range.unwrap_or(unlimited));
                    let (low, high) = ranges.map(|it| (it[0] as f32, it[1] as f32)).unzip();
                    graph.add(Op::Limit { low, high }, &[graph.output()]);
                }
            }
            Self::Standardized(standardization) => {
                let rounded = |values: &[f64]| values.iter().map(|&it| it as f32).collect();
                let affine = Op::Affine {
                    scale: rounded(standardization.std()),
                    shift: rounded(standardization.mean()),
                };
                graph.add(affine, &[outputs]);
            }
        }
    }
}
