//! Members stage: the inputs of K members that share the layers after it (TabM-mini,
//! Gorishniy et al. 2024, arXiv 2410.24210, section 3.3).
//!
//! ```text
//! forward    yₖⱼ = rₖⱼ·xⱼ                       for each member k
//! backward   ∂C/∂rₖⱼ = Σ rows δₖⱼ·xⱼ            ∂C/∂xⱼ = Σₖ δₖⱼ·rₖⱼ
//! ```
//!
//! A row of n inputs becomes K rows of n values, so each later stage computes K times as
//! many rows with the same weights. The members differ by their factors r and by their
//! output layers ([`Heads`](super::Heads)). The initial factors are random signs or, after
//! numeric embeddings, normally distributed: N(0, 1), one value per input. (The authors draw
//! one value per embedded column.)

use nn_error::{Error, Result};
use nn_functions::Init;
use nn_tensor::Scalar;
use nn_tensor::random::Stream;
use nn_tensor::sparse::WriteMode;

use super::pass::{Backward, Forward, Kind, Place, TensorSpec, invalid_argument};

/// Largest number of members.
const MAX_MEMBERS: usize = 1024;

/// Learned factors on the inputs of K members that share the layers after this stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Members {
    /// Number of members, K.
    pub n_members: usize,
    /// The distribution of the initial factors.
    pub init: MemberInit,
}

/// The distribution of the initial factors of a [`Members`] stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberInit {
    /// 1 or −1, each with probability ½.
    Signs,
    /// The standard normal distribution N(0, 1).
    Normal,
}

impl Kind for Members {
    const NAME: &'static str = "members";

    const IS_ERROR_IN_PLACE: bool = false;

    fn fits(place: Place) -> bool {
        place == Place::Inputs
    }

    fn argument(&self) -> String {
        let init = match self.init {
            MemberInit::Signs => "signs",
            MemberInit::Normal => "normal",
        };
        format!("{}:{init}", self.n_members)
    }

    fn parse(argument: &str) -> Result<Self> {
        let parsed = argument.split_once(':').and_then(|(n_members, init)| {
            Some(Self {
                n_members: n_members.parse().ok()?,
                init: match init {
                    "signs" => MemberInit::Signs,
                    "normal" => MemberInit::Normal,
                    _ => return None,
                },
            })
        });
        let expected = "the number of members, then signs or normal, such as 32:signs";
        parsed.ok_or_else(|| invalid_argument(Self::NAME, argument, expected))
    }

    fn check(&self, _n_inputs: usize) -> Result<()> {
        if (1..=MAX_MEMBERS).contains(&self.n_members) {
            return Ok(());
        }
        Err(Error::OutOfRange {
            what: "number of members".to_owned(),
            expected: format!("1 to {MAX_MEMBERS}"),
            found: self.n_members.to_string(),
        })
    }

    fn n_members(&self) -> Option<usize> {
        Some(self.n_members)
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let shape = [self.n_members, n_inputs];
        vec![TensorSpec::parameter("members.scale", &shape, 1.0)]
    }

    fn initialize<S: Scalar>(&self, _n_inputs: usize, parameters: &mut [S], stream: &mut Stream) {
        match self.init {
            MemberInit::Signs => {
                for factor in parameters {
                    let is_negative = stream.bits() & 1 == 1;
                    *factor = if is_negative { -S::one() } else { S::one() };
                }
            }
            MemberInit::Normal => {
                let normal = Init::Normal {
                    mean: 0.0,
                    std: 1.0,
                };
                normal.fill(parameters, 1, parameters.len(), stream);
            }
        }
    }

    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let width = pass.n_inputs;
        let inputs = pass.inputs.expect("the outputs are larger than the inputs");
        let rows = inputs.values().chunks_exact(width);
        let outputs = pass.outputs.chunks_exact_mut(self.n_members * width);
        for (inputs, outputs) in rows.zip(outputs) {
            let factors = pass.parameters.chunks_exact(width);
            for (outputs, factors) in outputs.chunks_exact_mut(width).zip(factors) {
                let values = outputs.iter_mut().zip(factors.iter().zip(inputs));
                values.for_each(|(output, (&factor, &input))| *output = factor * input);
            }
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let width = pass.n_inputs;
        let per_row = self.n_members * width;
        if let Some((below, written)) = pass.error_below {
            let factors = pass.target.parameters();
            let rows = pass.error.chunks_exact(per_row);
            for (error, below) in rows.zip(below.chunks_exact_mut(width)) {
                if written == WriteMode::Overwrite {
                    below.fill(S::zero());
                }
                add_products(error, factors, below);
            }
        }
        let (gradient, written) = pass.target.gradient();
        written.prepare(gradient);
        let rows = pass.error.chunks_exact(per_row);
        for (error, inputs) in rows.zip(pass.inputs.values().chunks_exact(width)) {
            let members = gradient
                .chunks_exact_mut(width)
                .zip(error.chunks_exact(width));
            for (gradient, error) in members {
                let values = gradient.iter_mut().zip(error.iter().zip(inputs));
                values.for_each(|(sum, (&error, &input))| *sum += error * input);
            }
        }
    }
}

/// Adds `Σₖ δₖ ⊙ rₖ` of one row.
fn add_products<S: Scalar>(error: &[S], factors: &[S], sums: &mut [S]) {
    let width = sums.len();
    let members = error.chunks_exact(width).zip(factors.chunks_exact(width));
    for (error, factors) in members {
        let values = sums.iter_mut().zip(error.iter().zip(factors));
        values.for_each(|(sum, (&error, &factor))| *sum += error * factor);
    }
}
