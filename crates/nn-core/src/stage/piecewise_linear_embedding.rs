//! Piecewise-linear embedding of numeric columns: a linear layer on a piecewise-linear
//! encoding of each column in bins (Gorishniy et al. 2022, "On Embeddings for Numerical
//! Features", section 3.2 and equation 1).
//!
//! For each column, with T bins between the edges b₀ < b₁ < ... < b_T and d outputs:
//!
//! ```text
//! eₜ = (x − bₜ₋₁)/(bₜ − bₜ₋₁), at least 0 unless t = 1, at most 1 unless t = T
//! y  = e·V + v                    V [T, d], v [d]
//! ```
//!
//! Backward, with δ of a column:
//!
//! ```text
//! ∂C/∂V = eᵀ·δ      ∂C/∂v = δ      (sums over rows)
//! ∂C/∂x = Σₜ (V·δ)ₜ/(bₜ − bₜ₋₁) over the bins whose eₜ is not limited at x
//! ```
//!
//! The bin edges are quantiles of the column
//! ([`Network::initialize_from`](crate::Network::initialize_from)), in which a frequent value
//! has the weight of one bin only: if most values of a column are 0, most quantiles are 0, and
//! only a few bins would be left for the other values. LightGBM limits frequent values to one
//! bin as well. Without data, the edges are evenly spaced in `[−2, 2]`. The edges are not
//! trained. Initial values: V and v uniform in ±1/√T.
//!
//! If only the first columns are embedded, the columns after them pass through unchanged.

use std::cmp::Ordering;

use nn_error::{Range, Result};
use nn_functions::Init;
use nn_tensor::Scalar;
use nn_tensor::random::Stream;
use nn_tensor::sparse::WriteMode;

use super::pass::{
    Backward, Forward, Kind, Mode, Place, Target, TensorSpec, check_columns, invalid_argument,
    write,
};

/// Piecewise-linear embedding of every column, over quantile bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PiecewiseLinearEmbedding {
    /// T, the number of bins per column.
    pub n_bins: usize,
    /// d, the number of outputs per column.
    pub n_outputs: usize,
    /// Number of embedded columns, counted from the first; `None` embeds all columns.
    pub n_columns: Option<usize>,
}

/// Half the width of the interval that the default bins divide evenly.
const HALF_WIDTH: f64 = 2.0;

impl PiecewiseLinearEmbedding {
    /// The number of embedded columns.
    fn n_embedded(&self, n_inputs: usize) -> usize {
        self.n_columns.unwrap_or(n_inputs)
    }

    /// Number of parameters per column.
    fn n_parameters(&self) -> usize {
        (self.n_bins + 1) * self.n_outputs
    }

    /// Computes eₜ and its derivative with respect to x for the bins of a column, up to the last
    /// bin in which one of them is not 0.
    fn encode<S: Scalar>(&self, x: S, edges: &[S]) -> impl Iterator<Item = (S, S)> {
        let last = self.n_bins - 1;
        let bins = edges.windows(2).enumerate().map(move |(bin, edges)| {
            let width = edges[1] - edges[0];
            if width <= S::zero() {
                // A step function at two equal edges. NaN stays NaN.
                let e = match x.partial_cmp(&edges[1]) {
                    Some(Ordering::Less) => S::zero(),
                    Some(_) => S::one(),
                    None => x,
                };
                return (e, S::zero());
            }
            let e = (x - edges[0]) / width;
            if bin > 0 && e < S::zero() {
                (S::zero(), S::zero())
            } else if bin < last && e > S::one() {
                (S::one(), S::zero())
            } else {
                (e, width.recip())
            }
        });
        bins.take_while(|&(e, derivative)| e != S::zero() || derivative != S::zero())
    }

    fn edges_of<'s, S>(&self, statistics: &'s [S], column: usize) -> &'s [S] {
        &statistics[column * (self.n_bins + 1)..][..self.n_bins + 1]
    }
}

impl Kind for PiecewiseLinearEmbedding {
    const NAME: &'static str = "piecewise-linear-embedding";

    const IS_ERROR_IN_PLACE: bool = false;

    fn fits(place: Place) -> bool {
        place == Place::Inputs
    }

    fn argument(&self) -> String {
        let columns = self.n_columns.map(|n| format!(":columns={n}"));
        format!(
            "{}x{}{}",
            self.n_bins,
            self.n_outputs,
            columns.unwrap_or_default()
        )
    }

    fn parse(argument: &str) -> Result<Self> {
        let read = || {
            let (sizes, columns) = match argument.split_once(":columns=") {
                Some((sizes, n_columns)) => (sizes, Some(n_columns.parse().ok()?)),
                None => (argument, None),
            };
            let (n_bins, n_outputs) = sizes.split_once('x')?;
            Some(Self {
                n_bins: n_bins.parse().ok()?,
                n_outputs: n_outputs.parse().ok()?,
                n_columns: columns,
            })
        };
        let expected = "bins and outputs per column, such as 32x8";
        read().ok_or_else(|| invalid_argument(Self::NAME, argument, expected))
    }

    fn check(&self, n_inputs: usize) -> Result<()> {
        let what = "columns of a piecewise-linear embedding";
        check_columns(what, self.n_columns, n_inputs)?;
        let sizes = [("bins", self.n_bins), ("outputs", self.n_outputs)];
        for (what, size) in sizes {
            Range::Count.check(
                &format!("{what} of a piecewise-linear embedding"),
                size as f64,
            )?;
        }
        Ok(())
    }

    fn n_outputs(&self, n_inputs: usize) -> usize {
        let n_embedded = self.n_embedded(n_inputs);
        n_inputs - n_embedded + n_embedded * self.n_outputs
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let n_embedded = self.n_embedded(n_inputs);
        vec![
            TensorSpec::parameter(
                "piecewise_linear_embedding.columns",
                &[n_embedded, self.n_parameters()],
                0.0,
            ),
            TensorSpec::statistic(
                "piecewise_linear_embedding.edges",
                &[n_embedded, self.n_bins + 1],
                0.0,
            ),
        ]
    }

    fn initialize<S: Scalar>(&self, _n_inputs: usize, parameters: &mut [S], stream: &mut Stream) {
        let limit = 1.0 / (self.n_bins as f64).sqrt();
        let uniform = Init::Uniform {
            low: -limit,
            high: limit,
        };
        uniform.fill(parameters, 1, parameters.len(), stream);
    }

    fn initialize_statistics<S: Scalar>(&self, statistics: &mut [S]) {
        for edges in statistics.chunks_exact_mut(self.n_bins + 1) {
            for (index, edge) in edges.iter_mut().enumerate() {
                let place = 2.0 * index as f64 / self.n_bins as f64 - 1.0;
                *edge = S::from_f64(HALF_WIDTH * place);
            }
        }
    }

    const IS_FITTED: bool = true;

    /// Sets the edges to the weighted quantiles t/T of each column.
    fn fit<S: Scalar>(&self, inputs: &[S], n_inputs: usize, statistics: &mut [S]) {
        for (column, edges) in statistics.chunks_exact_mut(self.n_bins + 1).enumerate() {
            let values = inputs[column..].iter().step_by(n_inputs);
            let mut values: Vec<f64> = values.map(|x| x.into_f64()).collect();
            values.sort_by(f64::total_cmp);
            let quantiles = Quantiles::with_limit(&values, self.n_bins);
            for (index, edge) in edges.iter_mut().enumerate() {
                *edge = S::from_f64(quantiles.at(index as f64 / self.n_bins as f64));
            }
        }
    }

    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let inputs = pass.inputs.expect("an embedding is never in place");
        let statistics = match &pass.mode {
            Mode::Inference(statistics) => *statistics,
            Mode::Training { statistics, .. } => statistics,
        };
        let n_embedded = self.n_embedded(pass.n_inputs);
        let rows = inputs.values().chunks_exact(pass.n_inputs);
        for (row, outputs) in rows.zip(pass.outputs.chunks_exact_mut(pass.width)) {
            let (numeric, others) = row.split_at(n_embedded);
            let (embedded, copied) = outputs.split_at_mut(n_embedded * self.n_outputs);
            copied.copy_from_slice(others);
            let outputs = embedded.chunks_exact_mut(self.n_outputs);
            for (column, (&x, outputs)) in numeric.iter().zip(outputs).enumerate() {
                let parameters = &pass.parameters[column * self.n_parameters()..];
                let (v, bias) = parameters.split_at(self.n_bins * self.n_outputs);
                outputs.copy_from_slice(&bias[..self.n_outputs]);
                let encoded = self.encode(x, self.edges_of(statistics, column));
                for ((e, _), v) in encoded.zip(v.chunks_exact(self.n_outputs)) {
                    outputs.iter_mut().zip(v).for_each(|(y, &v)| *y += e * v);
                }
            }
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        if let Some((below, written)) = &mut pass.error_below {
            written.prepare(below);
        }
        let (gradient, written) = pass.target.gradient();
        written.prepare(gradient);
        let n_embedded = self.n_embedded(pass.n_inputs);
        let rows = pass.inputs.values().chunks_exact(pass.n_inputs);
        let rows = rows.zip(pass.error.chunks_exact(pass.width)).enumerate();
        for (row, (inputs, error)) in rows {
            let (embedded, copied) = error.split_at(n_embedded * self.n_outputs);
            let errors = embedded.chunks_exact(self.n_outputs);
            for (column, (&x, error)) in inputs.iter().zip(errors).enumerate() {
                let edges = self.edges_of(pass.statistics, column);
                let derivative = self.add_gradient(x, edges, column, error, &mut pass.target);
                if let Some((below, _)) = &mut pass.error_below {
                    below[row * pass.n_inputs + column] += derivative;
                }
            }
            if let Some((below, _)) = &mut pass.error_below {
                let place = row * pass.n_inputs + n_embedded..(row + 1) * pass.n_inputs;
                write(copied, &mut below[place], WriteMode::Accumulate);
            }
        }
    }
}

impl PiecewiseLinearEmbedding {
    /// Adds the gradient of the parameters for one value, and returns ∂C/∂x.
    fn add_gradient<S: Scalar>(
        &self,
        x: S,
        edges: &[S],
        column: usize,
        error: &[S],
        target: &mut Target<'_, S>,
    ) -> S {
        let first = column * self.n_parameters();
        let mut derivative = S::zero();
        for (bin, (e, e_derivative)) in self.encode(x, edges).enumerate() {
            let place = first + bin * self.n_outputs..first + (bin + 1) * self.n_outputs;
            if e_derivative != S::zero() {
                let v = &target.parameters()[place.clone()];
                let products = v.iter().zip(error).map(|(&v, &error)| v * error);
                derivative += e_derivative * products.fold(S::zero(), |sum, product| sum + product);
            }
            let sums = target.gradient().0[place].iter_mut().zip(error);
            sums.for_each(|(sum, &error)| *sum += e * error);
        }
        let place = first + self.n_bins * self.n_outputs;
        let sums = target.gradient().0[place..][..self.n_outputs].iter_mut();
        sums.zip(error).for_each(|(sum, &error)| *sum += error);
        derivative
    }
}

/// Quantiles of a column, interpolated linearly between its distinct values.
struct Quantiles {
    /// Each distinct value, in ascending order, with the sum of the weights below it and half
    /// of its own weight.
    places: Vec<(f64, f64)>,
}

impl Quantiles {
    /// Weights each distinct value by its frequency, but at most by 1/`n_bins` of the sum of all
    /// weights.
    ///
    /// Without frequent values, these are the quantiles of NumPy. If there are at most
    /// `n_bins` distinct values, all have the same weight.
    fn with_limit(sorted: &[f64], n_bins: usize) -> Self {
        let runs = sorted.chunk_by(|a, b| a == b);
        let counts = runs.clone().map(|run| run.len()).collect();
        let limit = weight_limit(counts, n_bins);
        let mut sum = 0.0;
        let places = runs.map(|run| {
            let weight = (run.len() as f64).min(limit);
            sum += weight;
            (sum - weight / 2.0, run[0])
        });
        Self {
            places: places.collect(),
        }
    }

    /// The quantile of a fraction between 0 and 1.
    fn at(&self, fraction: f64) -> f64 {
        let [first, .., last] = self.places[..] else {
            return self.places[0].1;
        };
        let place = first.0 + (last.0 - first.0) * fraction;
        let after = self.places.partition_point(|other| other.0 < place);
        let after = after.clamp(1, self.places.len() - 1);
        let (below, above) = (self.places[after - 1], self.places[after]);
        let part = (place - below.0) / (above.0 - below.0);
        below.1 + part * (above.1 - below.1)
    }
}

/// The weight w to which counts are limited, so that no value has more than 1/`n_bins` of the sum
/// of all weights: w = Σ min(count, w)/`n_bins`. If no w above 0 solves this equation, the smallest
/// count, so that all values have the same weight.
fn weight_limit(mut counts: Vec<usize>, n_bins: usize) -> f64 {
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let mut rest: usize = counts.iter().sum();
    for (n_frequent, &count) in counts.iter().enumerate().take(n_bins) {
        let n_left = n_bins - n_frequent;
        if count * n_left <= rest {
            return rest as f64 / n_left as f64;
        }
        rest -= count;
    }
    counts.last().map_or(0.0, |&count| count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(values: &[f64], n_bins: usize) -> Vec<f64> {
        let stage = PiecewiseLinearEmbedding {
            n_bins,
            n_outputs: 1,
            n_columns: None,
        };
        let mut edges = vec![0.0; n_bins + 1];
        stage.fit(values, 1, &mut edges);
        edges
    }

    #[test]
    fn a_frequent_value_takes_one_bin() {
        // 90 zeros weigh 10/4 = 2.5, so that the sum is 12.5 = 5·2.5; the places of 0, 1, ...,
        // 10 are 1.25, 3, 4, ..., 12, and the edges are 2.15 apart.
        let mut values = vec![0.0; 90];
        values.extend((1..=10).map(f64::from));
        let expected = [0.0, 1.4, 3.55, 5.7, 7.85, 10.0];
        for (found, expected) in edges(&values, 5).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn few_values_have_the_same_weight() {
        // Places 0.5 and 1.5, and 0.5, 1.5 and 2.5.
        assert_eq!(edges(&[0.0, 0.0, 0.0, 1.0], 2), [0.0, 0.5, 1.0]);
        assert_eq!(
            edges(&[7.0, 3.0, 3.0, 3.0, 3.0, 3.0, 4.0], 4),
            [3.0, 3.5, 4.0, 5.5, 7.0]
        );
        assert_eq!(edges(&[2.0, 2.0], 3), [2.0; 4]);
    }

    #[test]
    fn different_values_give_the_quantiles_of_numpy() {
        // numpy.quantile([1, 2, 4, 8, 16], [0, 1/3, 2/3, 1])
        let found = edges(&[4.0, 16.0, 1.0, 8.0, 2.0], 3);
        for (found, expected) in found.iter().zip([1.0, 8.0 / 3.0, 20.0 / 3.0, 16.0]) {
            assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        }
    }

    #[test]
    fn the_weight_limit_is_one_share() {
        for counts in [vec![1, 90, 7, 1, 1], vec![3; 9], vec![50, 40, 30, 2, 1, 1]] {
            let limit = weight_limit(counts.clone(), 3);
            let sum: f64 = counts.iter().map(|&count| (count as f64).min(limit)).sum();
            assert!((sum - 3.0 * limit).abs() < 1e-12, "{counts:?} {limit}");
        }
        assert_eq!(weight_limit(vec![9, 4], 3), 4.0);
    }
}
