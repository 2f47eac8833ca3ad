//! The meaning of the outputs of an exported model.

use nn_core::preprocessing::{Standardization, Standardized};
use nn_core::{Activation, Loss, Model};
use nn_table::{Preprocessing, TargetColumn, TargetEncoding, Transform};

use crate::error::Result;
use crate::graph::{Graph, Source};
use crate::op::Op;

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
    /// Scores of labels; each label with a score of at least 0.5 is predicted.
    Labels {
        /// Names of the labels.
        names: Vec<String>,
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
}

impl Outcome {
    /// The meaning of the outputs of a model, with the preprocessing of its table.
    pub(crate) fn new(model: &Model, preprocessing: Option<&Preprocessing>) -> Self {
        match preprocessing.map(|it| &it.target) {
            Some(TargetEncoding::MultiLabel(names)) => Self::Labels {
                names: names.clone(),
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
            Self::Classes { names, .. } | Self::Labels { names } | Self::Values { names } => names,
        }
    }

    /// The predicted class; `None` if the model predicts no classes.
    pub fn class(&self, output: &[f32]) -> Option<usize> {
        let Self::Classes { rule, .. } = self else {
            return None;
        };
        Some(match *rule {
            ClassRule::Above(threshold) => usize::from(output[0] > threshold),
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
