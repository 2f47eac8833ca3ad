//! Weight initialization.
//!
//! | name | distribution | source |
//! |---|---|---|
//! | `zeros`, `constant:value=0.1` | a constant | bordeaux, table I (zeros) |
//! | `uniform:low=-0.5:high=0.5` | U(low, high) | gultekin |
//! | `normal:mean=0:std=1` | N(mean, std²) | Schoofs, section 3.2 |
//! | `xavier`, `xavier-normal` | U(±√(6/(n_in + n_out))), N(0, 2/(n_in + n_out)) | Glorot & Bengio 2010, equation 16 |
//! | `he`, `he-uniform` | N(0, 2/n_in), U(±√(6/n_in)) | He et al. 2015, equation 10 |
//! | `lecun`, `lecun-uniform` | N(0, 1/n_in), U(±√(3/n_in)) | LeCun et al. 1998, equation 16 |
//! | `orthogonal:gain=1` | random orthonormal rows or columns | Saxe et al. 2014 |
//!
//! `xavier-uniform`, `xavier-normal`, `kaiming-normal` and `kaiming-uniform` are
//! PyTorch's functions with their gains (1 and √2); `glorot` and `he-uniform` are Keras's
//! functions. Keras's `he_normal`, `glorot_normal` and `lecun_normal` are truncated
//! normal distributions of the same variance; these names are rejected, because the
//! weights would differ.

use nn_tensor::Scalar;
use nn_tensor::random::{Stream, WeightDistribution};

use crate::activation::Activation;
use crate::menu::{ForeignName, Menu, Parameter, Range, menu_text};

/// The distribution of the initial weights or biases.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// All values 0.
    Zeros,
    /// All values equal to a constant.
    Constant {
        /// The constant initial value.
        value: f64,
    },
    /// Uniform distribution.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Normal distribution.
    Normal {
        /// Mean of the distribution.
        mean: f64,
        /// Standard deviation of the distribution.
        std: f64,
    },
    /// Xavier (Glorot) uniform: variance 2/(n_in + n_out).
    Xavier,
    /// Xavier (Glorot) normal: variance 2/(n_in + n_out).
    XavierNormal,
    /// He (Kaiming) normal: variance 2/n_in.
    He,
    /// He (Kaiming) uniform: variance 2/n_in.
    HeUniform,
    /// LeCun normal: variance 1/n_in.
    Lecun,
    /// LeCun uniform: variance 1/n_in.
    LecunUniform,
    /// Random matrix with orthogonal rows or columns.
    Orthogonal {
        /// Norm of the rows or columns.
        gain: f64,
    },
}

impl Menu for Init {
    const KIND: &'static str = "initializer";

    const ALL: &'static [Self] = &[
        Self::Zeros,
        Self::Constant { value: 0.1 },
        Self::Uniform {
            low: -0.5,
            high: 0.5,
        },
        Self::Normal {
            mean: 0.0,
            std: 1.0,
        },
        Self::Xavier,
        Self::XavierNormal,
        Self::He,
        Self::HeUniform,
        Self::Lecun,
        Self::LecunUniform,
        Self::Orthogonal { gain: 1.0 },
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::Zeros => "zeros",
            Self::Constant { .. } => "constant",
            Self::Uniform { .. } => "uniform",
            Self::Normal { .. } => "normal",
            Self::Xavier => "xavier",
            Self::XavierNormal => "xavier-normal",
            Self::He => "he",
            Self::HeUniform => "he-uniform",
            Self::Lecun => "lecun",
            Self::LecunUniform => "lecun-uniform",
            Self::Orthogonal { .. } => "orthogonal",
        }
    }

    fn formula(&self) -> &'static str {
        match self {
            Self::Zeros => "0",
            Self::Constant { .. } => "value",
            Self::Uniform { .. } => "U(low, high)",
            Self::Normal { .. } => "N(mean, std²)",
            Self::Xavier => "U(±√(6/(n_in + n_out)))",
            Self::XavierNormal => "N(0, 2/(n_in + n_out))",
            Self::He => "N(0, 2/n_in)",
            Self::HeUniform => "U(±√(6/n_in))",
            Self::Lecun => "N(0, 1/n_in)",
            Self::LecunUniform => "U(±√(3/n_in))",
            Self::Orthogonal { .. } => "random orthonormal rows or columns, times gain",
        }
    }

    fn source(&self) -> &'static str {
        match self {
            Self::Zeros | Self::Constant { .. } => "",
            Self::Uniform { .. } => "gultekin",
            Self::Normal { .. } => "Schoofs, section 3.2",
            Self::Xavier | Self::XavierNormal => "Glorot & Bengio 2010, equation 16",
            Self::He | Self::HeUniform => "He et al. 2015, equation 10",
            Self::Lecun | Self::LecunUniform => "LeCun et al. 1998, equation 16",
            Self::Orthogonal { .. } => "Saxe et al. 2014",
        }
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self {
            Self::Xavier => &["glorot", "xavier-uniform"],
            Self::He => &["kaiming", "kaiming-normal"],
            Self::HeUniform => &["kaiming-uniform"],
            _ => &[],
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::Constant { value } => vec![Parameter::new("value", value, Range::Finite)],
            Self::Uniform { low, high } => vec![
                Parameter::new("low", low, Range::Finite),
                Parameter::new("high", high, Range::Finite),
            ],
            Self::Normal { mean, std } => vec![
                Parameter::new("mean", mean, Range::Finite),
                Parameter::new("std", std, Range::NotNegative),
            ],
            Self::Orthogonal { gain } => vec![Parameter::new("gain", gain, Range::Positive)],
            _ => Vec::new(),
        }
    }

    fn foreign_names() -> &'static [ForeignName] {
        const fn keras(name: &'static str, instead: &'static str) -> ForeignName {
            ForeignName {
                name,
                meaning: "is a truncated normal distribution in Keras, and nn has no truncated distribution",
                instead,
            }
        }
        const {
            &[
                keras("he-normal", "he"),
                keras("glorot-normal", "xavier-normal"),
                keras("lecun-normal", "lecun"),
            ]
        }
    }

    fn conflict(&self) -> Option<String> {
        match self {
            Self::Uniform { low, high } if low > high => Some(format!(
                "expected low to be at most high, found low {low} and high {high}"
            )),
            _ => None,
        }
    }
}

menu_text!(Init);

impl Init {
    /// The usual initialization for a layer with this activation: He for rectifiers,
    /// LeCun for SELU (Klambauer et al. 2017), Glorot for the others.
    pub fn usual_for(activation: Activation) -> Self {
        match activation {
            Activation::Selu => Self::Lecun,
            it if it.is_rectifier() => Self::He,
            _ => Self::Xavier,
        }
    }

    /// Fills the weights of one layer with initial values.
    ///
    /// # Shapes
    /// `weights [n_inputs, n_outputs]` in row-major order.
    ///
    /// # Panics
    /// Panics for `Orthogonal` if `weights` does not have `n_inputs·n_outputs` elements.
    pub fn fill<S: Scalar>(
        self,
        weights: &mut [S],
        n_inputs: usize,
        n_outputs: usize,
        stream: &mut Stream,
    ) {
        let [n_in, n_sum] = [n_inputs as f64, (n_inputs + n_outputs) as f64];
        let normal = |variance: f64| WeightDistribution::Normal {
            mean: 0.0,
            std: variance.sqrt(),
        };
        // A uniform distribution over ±limit has the variance limit²/3.
        let uniform = |variance: f64| {
            let limit = (3.0 * variance).sqrt();
            WeightDistribution::Uniform {
                low: -limit,
                high: limit,
            }
        };
        let distribution = match self {
            Self::Zeros => WeightDistribution::Constant(0.0),
            Self::Constant { value } => WeightDistribution::Constant(value),
            Self::Uniform { low, high } => WeightDistribution::Uniform { low, high },
            Self::Normal { mean, std } => WeightDistribution::Normal { mean, std },
            Self::Xavier => uniform(2.0 / n_sum),
            Self::XavierNormal => normal(2.0 / n_sum),
            Self::He => normal(2.0 / n_in),
            Self::HeUniform => uniform(2.0 / n_in),
            Self::Lecun => normal(1.0 / n_in),
            Self::LecunUniform => uniform(1.0 / n_in),
            Self::Orthogonal { gain } => {
                return fill_orthogonal(weights, n_inputs, n_outputs, gain, stream);
            }
        };
        distribution.fill(weights, stream);
    }
}

/// Gram–Schmidt orthogonalization of random normal vectors, along the shorter
/// side of the matrix.
fn fill_orthogonal<S: Scalar>(
    weights: &mut [S],
    n_inputs: usize,
    n_outputs: usize,
    gain: f64,
    stream: &mut Stream,
) {
    assert_eq!(
        weights.len(),
        n_inputs * n_outputs,
        "orthogonal: wrong number of weights"
    );
    let (count, length) = (n_inputs.min(n_outputs), n_inputs.max(n_outputs));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| stream.normal()).collect();
        // The second pass removes the rounding errors of the first.
        for _ in 0..2 {
            for other in &vectors {
                let overlap = dot(&vector, other);
                vector
                    .iter_mut()
                    .zip(other)
                    .for_each(|(x, y)| *x -= overlap * y);
            }
        }
        let norm = dot(&vector, &vector).sqrt();
        if norm > 1e-6 {
            vector.iter_mut().for_each(|x| *x /= norm);
            vectors.push(vector);
        }
    }
    for (index, weight) in weights.iter_mut().enumerate() {
        let (row, column) = (index / n_outputs, index % n_outputs);
        let (short, long) = if n_inputs <= n_outputs {
            (row, column)
        } else {
            (column, row)
        };
        *weight = S::from_f64(gain * vectors[short][long]);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use nn_tensor::random::{Purpose, Streams};

    use super::*;

    fn weights(init: Init, n_inputs: usize, n_outputs: usize) -> Vec<f64> {
        let mut weights = vec![0.0; n_inputs * n_outputs];
        let mut stream = Streams::new(3).stream(Purpose::Test, 0);
        init.fill(&mut weights, n_inputs, n_outputs, &mut stream);
        weights
    }

    #[test]
    fn menu() {
        crate::menu::tests::check::<Init>();
    }

    #[test]
    fn variances_agree_with_the_papers() {
        let (n_in, n_out) = (400, 200);
        let expected = [
            (Init::Xavier, 2.0 / 600.0),
            (Init::XavierNormal, 2.0 / 600.0),
            (Init::He, 2.0 / 400.0),
            (Init::HeUniform, 2.0 / 400.0),
            (Init::Lecun, 1.0 / 400.0),
            (Init::LecunUniform, 1.0 / 400.0),
            (
                Init::Normal {
                    mean: 0.0,
                    std: 2.0,
                },
                4.0,
            ),
            (
                Init::Uniform {
                    low: -1.0,
                    high: 1.0,
                },
                1.0 / 3.0,
            ),
            (Init::Orthogonal { gain: 1.0 }, 1.0 / 400.0),
        ];
        for (init, variance) in expected {
            let weights = weights(init, n_in, n_out);
            let found = dot(&weights, &weights) / weights.len() as f64;
            assert!(
                (found / variance - 1.0).abs() < 0.02,
                "{init}: {found} is not {variance}"
            );
        }
    }

    #[test]
    fn orthogonal_vectors_are_orthonormal() {
        for (n_in, n_out) in [(5, 12), (12, 5), (6, 6), (1, 3)] {
            let weights = weights(Init::Orthogonal { gain: 1.5 }, n_in, n_out);
            let at = |short: usize, long: usize| {
                if n_in <= n_out {
                    weights[short * n_out + long]
                } else {
                    weights[long * n_out + short]
                }
            };
            let (count, length) = (n_in.min(n_out), n_in.max(n_out));
            for a in 0..count {
                for b in 0..count {
                    let product: f64 = (0..length).map(|i| at(a, i) * at(b, i)).sum();
                    let expected = if a == b { 2.25 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-12);
                }
            }
        }
    }
}
