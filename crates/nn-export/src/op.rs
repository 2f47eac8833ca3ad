//! The operators of a graph: each computes one row of values from one or more rows.
//!
//! | operator | output |
//! |---|---|
//! | `Select` | some columns of the input, in any order |
//! | `Concat` | the columns of all inputs |
//! | `Multiply` | `factor·x` |
//! | `Standardize` | `((x − mean) − rest)/std` |
//! | `SmoothClip` | `x/√(1 + (x/3)²)` |
//! | `Affine` | `scale·x + shift` |
//! | `Limit` | x, limited to the range of its column |
//! | `FillMissing` | x, or a constant in place of NaN |
//! | `IsMissing` | 1 for NaN, otherwise 0 |
//! | `Equals` | 1 if x is a given number, otherwise 0 |
//! | `Levels` | `min(255, ⌊(255·x + ⌊L/2⌋)/L⌋)`, pixels with the largest level L as bytes |
//! | `Linear` | `x·W + b` |
//! | `Int8Linear` | `x·W + b` with weights and inputs of 8 bits |
//! | `GroupedLinear` | `x·W + b`, separately for each group of columns |
//! | `Activation` | an activation function of nn-core |
//! | `LayerNorm` | `γ·(x − μ)/√(σ² + ε) + β` |
//! | `Mix` | `x + α·(y − x)` of two inputs |
//! | `Add` | `x + y` of two inputs |
//! | `Cos` | `cos x` |
//! | `Bins` | the piecewise-linear encoding of each column |
//! | `KnownCategory` | x, or the number of categories if x is not the index of a category |
//! | `Embed` | the vector of the category x |
//! | `Restore` | a transformed target in its original units |
//! | `Log` | `ln x`, at least `LOG_OF_ZERO` |
//!
//! Three operators change the number of rows per sample:
//!
//! | operator | output |
//! |---|---|
//! | `Members` | one row per member: its factors times x |
//! | `Reshape` | the same values in another number of rows |
//! | `Mean` | one row, the mean of all rows |

use nn_core::Activation;
use nn_core::stage::layer_norm::EPSILON;
use nn_table::Transform;

/// The limit of smooth clipping.
pub(crate) const LIMIT: f32 = 3.0;

/// Smooth clipping of a number this large gives the limit; its square does not overflow.
pub(crate) const LARGE: f32 = 1e18;

/// The logarithm of 0 in nn-core: that of the smallest positive normal number of 64 bits.
pub(crate) const LOG_OF_ZERO: f32 = -708.396_4;

/// An operator with its constants.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Op {
    /// The columns of the input with these indices.
    Select(Vec<usize>),
    Concat,
    Multiply(f32),
    Standardize(Standardize),
    SmoothClip,
    Affine {
        scale: Vec<f32>,
        shift: Vec<f32>,
    },
    Limit {
        low: Vec<f32>,
        high: Vec<f32>,
    },
    FillMissing(Vec<f32>),
    IsMissing,
    Equals(Vec<f32>),
    Levels {
        largest: u8,
    },
    Linear(Linear),
    Int8Linear(Int8Linear),
    GroupedLinear {
        n_groups: usize,
        /// The weights of all groups, one after another, each `[n_inputs, n_outputs]`.
        weights: Vec<f32>,
        /// The biases of all groups, one after another.
        bias: Vec<f32>,
    },
    Activation(Activation),
    LayerNorm {
        gamma: Vec<f32>,
        beta: Vec<f32>,
    },
    Mix(Vec<f32>),
    Add,
    Cos,
    Bins(Bins),
    /// Number of categories of each column.
    KnownCategory(Vec<f32>),
    Embed {
        /// `[n_categories, width]`
        vectors: Vec<f32>,
        width: usize,
    },
    Restore(Vec<Transform>),
    Log,
    Members {
        n_members: usize,
        /// `[n_members, n_inputs]`
        factors: Vec<f32>,
    },
    Reshape {
        n_rows: usize,
        width: usize,
    },
    Mean {
        /// Number of rows of the input.
        n_rows: usize,
        width: usize,
    },
}

/// Standardization in single precision. `mean` and `rest` add up to a mean in double
/// precision, so columns that vary little around a large mean keep their digits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Standardize {
    pub(crate) mean: Vec<f32>,
    pub(crate) rest: Vec<f32>,
    pub(crate) std: Vec<f32>,
}

impl Standardize {
    /// Adds a column.
    pub(crate) fn push(&mut self, mean: f64, std: f64) {
        self.mean.push(mean as f32);
        self.rest.push((mean - f64::from(mean as f32)) as f32);
        self.std.push(std as f32);
    }
}

/// A dense layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Linear {
    /// `[n_inputs, n_outputs]`
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// A dense layer whose weights and inputs are integers of 8 bits.
///
/// ```text
/// q = round(x/s) + zero_point, limited to −128..127
/// y = factorⱼ·(startⱼ + Σᵢ wᵢⱼ·qᵢ) + biasⱼ        startⱼ = −zero_point·Σᵢ wᵢⱼ
/// ```
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Int8Linear {
    /// `[n_inputs, n_outputs]`
    pub(crate) weights: Vec<i8>,
    pub(crate) bias: Vec<f32>,
    /// `[n_outputs]`: the scale of the inputs times the scale of the weights of an output.
    pub(crate) factors: Vec<f32>,
    /// `[n_outputs]`
    pub(crate) start: Vec<i32>,
    /// 1/s, where s is the scale of the inputs.
    pub(crate) inverse_scale: f32,
    pub(crate) zero_point: i8,
}

/// The bin edges of a piecewise-linear encoding.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bins {
    pub(crate) n_bins: usize,
    /// `[n_columns, n_bins + 1]`
    pub(crate) edges: Vec<f32>,
}

/// One bin of a piecewise-linear encoding: e = (x − start)/width, limited to low..high; for a
/// bin without width, e = 1 if x is at least `start`, otherwise 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bin {
    pub(crate) start: f32,
    pub(crate) width: f32,
    pub(crate) low: f32,
    pub(crate) high: f32,
}

impl Bins {
    pub(crate) fn n_columns(&self) -> usize {
        self.edges.len() / (self.n_bins + 1)
    }

    /// The bins of all columns, one after another. Bins without width have the width 0.
    pub(crate) fn bins(&self) -> impl Iterator<Item = Bin> {
        let last = self.n_bins - 1;
        let columns = self.edges.chunks_exact(self.n_bins + 1);
        columns.flat_map(move |edges| {
            edges.windows(2).enumerate().map(move |(bin, edges)| Bin {
                start: edges[0],
                width: (edges[1] - edges[0]).max(0.0),
                low: if bin > 0 { 0.0 } else { f32::MIN },
                high: if bin < last { 1.0 } else { f32::MAX },
            })
        })
    }
}

impl Bin {
    fn encode(self, x: f32) -> f32 {
        if self.width > 0.0 {
            ((x - self.start) / self.width).max(self.low).min(self.high)
        } else {
            f32::from(u8::from(x >= self.start))
        }
    }
}

impl Linear {
    pub(crate) fn n_outputs(&self) -> usize {
        self.bias.len()
    }

    pub(crate) fn n_inputs(&self) -> usize {
        self.weights.len() / self.bias.len()
    }
}

impl Int8Linear {
    /// The integer of an input.
    fn quantize(&self, x: f32) -> i32 {
        let q = x * self.inverse_scale + f32::from(self.zero_point);
        // The number is at least 0 when it is truncated.
        (q.clamp(-128.0, 127.0) + 128.5) as i32 - 128
    }

    fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut sums = self.start.clone();
        for (&x, weights) in x.iter().zip(self.weights.chunks_exact(self.bias.len())) {
            let q = self.quantize(x);
            let terms = sums.iter_mut().zip(weights);
            terms.for_each(|(sum, &w)| *sum += q * i32::from(w));
        }
        let scaled = sums.iter().zip(&self.factors).zip(&self.bias);
        scaled
            .map(|((&sum, factor), bias)| sum as f32 * factor + bias)
            .collect()
    }
}

impl Op {
    /// Number of values per row of the output, for inputs of these widths.
    pub(crate) fn n_outputs(&self, n_inputs: &[usize]) -> usize {
        match self {
            Self::Select(columns) => columns.len(),
            Self::Concat => n_inputs.iter().sum(),
            Self::Linear(linear) => linear.bias.len(),
            Self::Int8Linear(linear) => linear.bias.len(),
            Self::GroupedLinear { bias, .. } => bias.len(),
            Self::Bins(bins) => bins.n_columns() * bins.n_bins,
            Self::Embed { width, .. } | Self::Reshape { width, .. } | Self::Mean { width, .. } => {
                *width
            }
            Self::Multiply(_)
            | Self::Standardize(_)
            | Self::SmoothClip
            | Self::Affine { .. }
            | Self::Limit { .. }
            | Self::KnownCategory(_)
            | Self::FillMissing(_)
            | Self::IsMissing
            | Self::Equals(_)
            | Self::Levels { .. }
            | Self::Activation(_)
            | Self::LayerNorm { .. }
            | Self::Mix(_)
            | Self::Add
            | Self::Cos
            | Self::Restore(_)
            | Self::Log
            | Self::Members { .. } => n_inputs[0],
        }
    }

    /// Number of rows per sample of the output, for this number of rows of the input.
    pub(crate) fn n_rows(&self, n_rows: usize) -> usize {
        match self {
            Self::Members { n_members, .. } => *n_members,
            Self::Reshape { n_rows, .. } => *n_rows,
            Self::Mean { .. } => 1,
            _ => n_rows,
        }
    }

    /// Returns `true` if the operator reads all rows of a sample together, otherwise each row on
    /// its own.
    pub(crate) fn joins_rows(&self) -> bool {
        matches!(
            self,
            Self::Members { .. } | Self::Reshape { .. } | Self::Mean { .. }
        )
    }

    /// Returns `true` if the output can overwrite the first input.
    pub(crate) fn is_in_place(&self) -> bool {
        match self {
            Self::Select(_)
            | Self::Concat
            | Self::Linear(_)
            | Self::Int8Linear(_)
            | Self::GroupedLinear { .. }
            | Self::Bins(_)
            | Self::Embed { .. }
            | Self::Members { .. }
            | Self::Mean { .. } => false,
            Self::Multiply(_)
            | Self::Standardize(_)
            | Self::SmoothClip
            | Self::Affine { .. }
            | Self::Limit { .. }
            | Self::KnownCategory(_)
            | Self::FillMissing(_)
            | Self::IsMissing
            | Self::Equals(_)
            | Self::Levels { .. }
            | Self::Activation(_)
            | Self::LayerNorm { .. }
            | Self::Mix(_)
            | Self::Add
            | Self::Cos
            | Self::Restore(_)
            | Self::Log
            | Self::Reshape { .. } => true,
        }
    }

    /// Computes the output of all rows of a sample.
    pub(crate) fn apply_to_rows(&self, inputs: &[&[f32]], n_rows: usize) -> Vec<f32> {
        if n_rows == 1 || self.joins_rows() {
            return self.apply(inputs);
        }
        let row = |row: usize| {
            let inputs = inputs.iter().map(|input| {
                let width = input.len() / n_rows;
                &input[row * width..][..width]
            });
            self.apply(&inputs.collect::<Vec<&[f32]>>())
        };
        (0..n_rows).flat_map(row).collect()
    }

    /// Computes one row of the output, or all rows of an operator that joins them.
    pub(crate) fn apply(&self, inputs: &[&[f32]]) -> Vec<f32> {
        let x = inputs[0];
        let each = |f: &dyn Fn(f32, usize) -> f32| -> Vec<f32> {
            x.iter().enumerate().map(|(i, &x)| f(x, i)).collect()
        };
        match self {
            Self::Select(columns) => columns.iter().map(|&column| x[column]).collect(),
            Self::Concat => inputs.concat(),
            Self::Multiply(factor) => each(&|x, _| factor * x),
            Self::Standardize(Standardize { mean, rest, std }) => {
                each(&|x, i| ((x - mean[i]) - rest[i]) / std[i])
            }
            Self::SmoothClip => each(&|x, _| {
                let x = x.clamp(-LARGE, LARGE);
                x / (1.0 + (x / LIMIT) * (x / LIMIT)).sqrt()
            }),
            Self::Limit { low, high } => each(&|x, i| match x {
                x if x < low[i] => low[i],
                x if x > high[i] => high[i],
                x => x,
            }),
            Self::KnownCategory(counts) => each(&|x, i| match x {
                x if x >= 0.0 && x < counts[i] && x.fract() == 0.0 => x,
                _ => counts[i],
            }),
            Self::Affine { scale, shift } => each(&|x, i| scale[i] * x + shift[i]),
            Self::FillMissing(fill) => each(&|x, i| if x.is_nan() { fill[i] } else { x }),
            Self::IsMissing => each(&|x, _| f32::from(u8::from(x.is_nan()))),
            Self::Equals(numbers) => each(&|x, i| f32::from(u8::from(x == numbers[i]))),
            Self::Levels { largest } => {
                let half = f32::from(largest / 2);
                each(&|x, _| {
                    ((255.0 * x + half) / f32::from(*largest))
                        .floor()
                        .min(255.0)
                })
            }
            Self::Linear(linear) => weighted_sums(x, &linear.weights, &linear.bias),
            Self::Int8Linear(linear) => linear.apply(x),
            Self::GroupedLinear {
                n_groups,
                weights,
                bias,
            } => {
                let groups = x.chunks_exact(x.len() / n_groups);
                let constants = weights.chunks_exact(weights.len() / n_groups);
                let constants = constants.zip(bias.chunks_exact(bias.len() / n_groups));
                let sums = |(x, (weights, bias))| weighted_sums(x, weights, bias);
                groups.zip(constants).flat_map(sums).collect()
            }
            Self::Activation(activation) => {
                let mut values = x.to_vec();
                activation.apply(&mut values, x.len());
                values
            }
            Self::LayerNorm { gamma, beta } => {
                let [mean, std] = moments(x);
                each(&|x, i| gamma[i] * ((x - mean) / std) + beta[i])
            }
            Self::Mix(alpha) => each(&|x, i| x + alpha[i] * (inputs[1][i] - x)),
            Self::Add => each(&|x, i| x + inputs[1][i]),
            Self::Cos => each(&|x, _| x.cos()),
            Self::Bins(bins) => {
                let repeated = x.iter().flat_map(|&x| std::iter::repeat_n(x, bins.n_bins));
                repeated
                    .zip(bins.bins())
                    .map(|(x, bin)| bin.encode(x))
                    .collect()
            }
            Self::Embed { vectors, width } => {
                let n_categories = vectors.len() / width;
                let is_category = x[0] >= 0.0 && x[0] < n_categories as f32 && x[0].fract() == 0.0;
                match is_category {
                    true => vectors[x[0] as usize * width..][..*width].to_vec(),
                    false => vec![f32::NAN; *width],
                }
            }
            Self::Restore(transforms) => each(&|x, i| match transforms[i] {
                Transform::Identity => x,
                Transform::Log => x.exp(),
                Transform::Log1p => x.exp() - 1.0,
            }),
            Self::Log => each(&|x, _| match x.ln() {
                logarithm if logarithm < LOG_OF_ZERO => LOG_OF_ZERO,
                logarithm => logarithm,
            }),
            Self::Members { factors, .. } => {
                let members = factors.chunks_exact(x.len());
                let products = members.flat_map(|factors| factors.iter().zip(x));
                products.map(|(factor, x)| factor * x).collect()
            }
            Self::Reshape { .. } => x.to_vec(),
            Self::Mean { n_rows, width } => {
                let mean = |column| {
                    let sum: f32 = x.iter().skip(column).step_by(*width).sum();
                    sum / *n_rows as f32
                };
                (0..*width).map(mean).collect()
            }
        }
    }
}

/// Computes `x·W + b`, each sum in the order of the inputs.
fn weighted_sums(x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let mut sums = bias.to_vec();
    for (&x, weights) in x.iter().zip(weights.chunks_exact(bias.len())) {
        let terms = sums.iter_mut().zip(weights);
        terms.for_each(|(sum, &weight)| *sum += x * weight);
    }
    sums
}

/// The mean and √(σ² + ε) of a row.
fn moments(x: &[f32]) -> [f32; 2] {
    let n = x.len() as f32;
    let mean = x.iter().sum::<f32>() / n;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n;
    [mean, (variance + EPSILON as f32).sqrt()]
}
