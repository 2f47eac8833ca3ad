//! Periodic embedding of numeric columns: each column is extended by learned
//! combinations of cosines with learned frequencies (Holzmüller et al. 2024, "Better by
//! Default", the PBLD embedding of RealMLP; after Gorishniy et al. 2022, "On Embeddings
//! for Numerical Features", equation 2).
//!
//! For each column, with F frequencies and d outputs:
//!
//! ```text
//! u = 2π·w·x + b          w, b [F]
//! h = cos u
//! y = (x, h·V + v)        V [F, d − 1], v [d − 1]
//! ```
//!
//! Backward, with δ = (δ₀, δ₁, ...) of a column:
//!
//! ```text
//! ∂C/∂V = hᵀ·δ₁..           ∂C/∂v = δ₁..          (sums over rows)
//! g = −sin u ⊙ (V·δ₁..)      ∂C/∂w = 2π·x·g        ∂C/∂b = g
//! ∂C/∂x = δ₀ + 2π·Σ w ⊙ g
//! ```
//!
//! Initial values: w from N(0, σ²), b uniform in ±π, V and v uniform in ±1/√F.
//!
//! If only the first columns are embedded, the columns after them pass through unchanged.

use std::f64::consts::PI;

use nn_error::{Error, Range, Result};
use nn_functions::Init;
use nn_tensor::Scalar;
use nn_tensor::random::Stream;
use nn_tensor::sparse::WriteMode;

use super::cosine::cos_sin_of_turns;
use super::pass::{
    Backward, Forward, Kind, Place, TensorSpec, check_columns, invalid_argument, write,
};

/// Periodic embedding of every column: cosines with learned frequencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodicEmbedding {
    /// F, the number of frequencies per column.
    pub n_frequencies: usize,
    /// d, the number of outputs per column, including the column itself.
    pub n_outputs: usize,
    /// σ, the standard deviation of the initial frequencies.
    pub std: f64,
    /// Number of embedded columns, counted from the first; `None` embeds all columns.
    pub n_columns: Option<usize>,
}

/// The parameters of one column.
struct Column<'p, S> {
    w: &'p [S],
    b: &'p [S],
    v: &'p [S],
    bias: &'p [S],
}

/// The gradients of the parameters of one column.
struct ColumnMut<'p, S> {
    w: &'p mut [S],
    b: &'p mut [S],
    v: &'p mut [S],
    bias: &'p mut [S],
}

impl PeriodicEmbedding {
    /// The number of embedded columns.
    fn n_embedded(&self, n_inputs: usize) -> usize {
        self.n_columns.unwrap_or(n_inputs)
    }

    /// The number of outputs per column, not counting the column itself.
    fn n_combined(&self) -> usize {
        self.n_outputs - 1
    }

    /// The number of parameters per column.
    fn n_parameters(&self) -> usize {
        2 * self.n_frequencies + (self.n_frequencies + 1) * self.n_combined()
    }

    fn column<'p, S>(&self, parameters: &'p [S]) -> Column<'p, S> {
        let (w, rest) = parameters.split_at(self.n_frequencies);
        let (b, rest) = rest.split_at(self.n_frequencies);
        let (v, bias) = rest.split_at(self.n_frequencies * self.n_combined());
        Column { w, b, v, bias }
    }

    fn column_mut<'p, S>(&self, parameters: &'p mut [S]) -> ColumnMut<'p, S> {
        let (w, rest) = parameters.split_at_mut(self.n_frequencies);
        let (b, rest) = rest.split_at_mut(self.n_frequencies);
        let (v, bias) = rest.split_at_mut(self.n_frequencies * self.n_combined());
        ColumnMut { w, b, v, bias }
    }
}

impl Kind for PeriodicEmbedding {
    const NAME: &'static str = "periodic-embedding";

    const IS_ERROR_IN_PLACE: bool = false;

    fn fits(place: Place) -> bool {
        place == Place::Inputs
    }

    fn argument(&self) -> String {
        let Self {
            n_frequencies,
            n_outputs,
            std,
            n_columns,
        } = self;
        let columns = n_columns.map_or_else(String::new, |n| format!(":columns={n}"));
        format!("{n_frequencies}x{n_outputs}:std={std}{columns}")
    }

    fn parse(argument: &str) -> Result<Self> {
        let read = || {
            let mut parts = argument.split(':');
            let (n_frequencies, n_outputs) = parts.next()?.split_once('x')?;
            let mut embedding = Self {
                n_frequencies: n_frequencies.parse().ok()?,
                n_outputs: n_outputs.parse().ok()?,
                std: 0.1,
                n_columns: None,
            };
            for part in parts {
                match part.split_once('=')? {
                    ("std", std) => embedding.std = std.parse().ok()?,
                    ("columns", n) => embedding.n_columns = Some(n.parse().ok()?),
                    _ => return None,
                }
            }
            Some(embedding)
        };
        let expected = "frequencies and outputs per column, such as 16x4:std=0.1";
        read().ok_or_else(|| invalid_argument(Self::NAME, argument, expected))
    }

    fn check(&self, n_inputs: usize) -> Result<()> {
        Range::Count.check(
            "number of frequencies of a periodic embedding",
            self.n_frequencies as f64,
        )?;
        Range::Positive.check("std of a periodic embedding", self.std)?;
        check_columns("columns of a periodic embedding", self.n_columns, n_inputs)?;
        if self.n_outputs >= 2 {
            return Ok(());
        }
        Err(Error::OutOfRange {
            what: "number of outputs of a periodic embedding".to_owned(),
            expected: "a whole number, 2 or above".to_owned(),
            found: self.n_outputs.to_string(),
        })
    }

    fn n_outputs(&self, n_inputs: usize) -> usize {
        let n_embedded = self.n_embedded(n_inputs);
        n_inputs - n_embedded + n_embedded * self.n_outputs
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let shape = [self.n_embedded(n_inputs), self.n_parameters()];
        vec![TensorSpec::parameter(
            "periodic_embedding.columns",
            &shape,
            0.0,
        )]
    }

    fn initialize<S: Scalar>(&self, _n_inputs: usize, parameters: &mut [S], stream: &mut Stream) {
        let frequencies = Init::Normal {
            mean: 0.0,
            std: self.std,
        };
        let uniform = |limit: f64| Init::Uniform {
            low: -limit,
            high: limit,
        };
        let combined = uniform(1.0 / (self.n_frequencies as f64).sqrt());
        for parameters in parameters.chunks_exact_mut(self.n_parameters()) {
            let column = self.column_mut(parameters);
            for (values, init) in [
                (column.w, frequencies),
                (column.b, uniform(PI)),
                (column.v, combined),
                (column.bias, combined),
            ] {
                init.fill(values, 1, values.len(), stream);
            }
        }
    }

    /// cos u and sin u of every embedded column and row.
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        let n_waves = self.n_embedded(n_inputs) * self.n_frequencies * n_rows;
        [n_waves, n_waves, 0]
    }

    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let inputs = pass
            .inputs
            .expect("an embedding is never in place")
            .values();
        let n_embedded = self.n_embedded(pass.n_inputs);
        let [cosines, sines, _] = pass.cache;
        let n_waves = n_embedded * self.n_frequencies;
        let waves = cosines
            .chunks_exact_mut(n_waves)
            .zip(sines.chunks_exact_mut(n_waves));
        let rows = inputs
            .chunks_exact(pass.n_inputs)
            .zip(pass.outputs.chunks_exact_mut(pass.width));
        for ((row, outputs), (cosines, sines)) in rows.zip(waves) {
            let (numeric, others) = row.split_at(n_embedded);
            let (embedded, copied) = outputs.split_at_mut(n_embedded * self.n_outputs);
            copied.copy_from_slice(others);
            let waves = cosines
                .chunks_exact_mut(self.n_frequencies)
                .zip(sines.chunks_exact_mut(self.n_frequencies));
            let columns = pass.parameters.chunks_exact(self.n_parameters());
            let outputs = embedded.chunks_exact_mut(self.n_outputs);
            for (((&x, outputs), waves), parameters) in
                numeric.iter().zip(outputs).zip(waves).zip(columns)
            {
                self.embed(x, &self.column(parameters), outputs, waves);
            }
        }
    }

    /// g of a column and row.
    fn scratch(&self, _n_inputs: usize) -> usize {
        self.n_frequencies
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let (gradient, written) = pass.target.gradient();
        written.prepare(gradient);
        if let Some((below, written)) = &mut pass.error_below {
            written.prepare(below);
        }
        let n_embedded = self.n_embedded(pass.n_inputs);
        let n_parameters = self.n_parameters();
        let g = &mut pass.scratch[..self.n_frequencies];
        let rows = pass.inputs.values().chunks_exact(pass.n_inputs);
        let rows = rows.zip(pass.error.chunks_exact(pass.width)).enumerate();
        for (row, (inputs, error)) in rows {
            let (embedded, copied) = error.split_at(n_embedded * self.n_outputs);
            let errors = embedded.chunks_exact(self.n_outputs);
            for (column, (&x, error)) in inputs.iter().zip(errors).enumerate() {
                let waves = (row * n_embedded + column) * self.n_frequencies;
                let [cosines, sines] = [0, 1].map(|it| &pass.cache[it][waves..]);
                let place = column * n_parameters..(column + 1) * n_parameters;
                let parameters = self.column(&pass.target.parameters()[place.clone()]);
                let derivative = self.derivatives(&parameters, sines, error, g);
                let (gradient, _) = pass.target.gradient();
                self.add_gradient(x, cosines, error, g, self.column_mut(&mut gradient[place]));
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

/// The passes of one column of a row.
impl PeriodicEmbedding {
    fn embed<S: Scalar>(
        &self,
        x: S,
        column: &Column<'_, S>,
        outputs: &mut [S],
        (cosines, sines): (&mut [S], &mut [S]),
    ) {
        let per_turn = S::from_f64(1.0 / (2.0 * PI));
        for f in 0..self.n_frequencies {
            (cosines[f], sines[f]) = cos_sin_of_turns(column.w[f] * x + column.b[f] * per_turn);
        }
        let (first, combined) = outputs.split_first_mut().expect("there are outputs");
        *first = x;
        combined.copy_from_slice(column.bias);
        let v = column.v.chunks_exact(self.n_combined());
        for (&h, v) in cosines.iter().zip(v) {
            combined.iter_mut().zip(v).for_each(|(y, &v)| *y += h * v);
        }
    }

    /// Computes g, and returns ∂C/∂x.
    fn derivatives<S: Scalar>(
        &self,
        column: &Column<'_, S>,
        sines: &[S],
        error: &[S],
        g: &mut [S],
    ) -> S {
        let (&first, error) = error.split_first().expect("there are outputs");
        let mut derivative = S::zero();
        let v = column.v.chunks_exact(self.n_combined());
        for (((g, &sine), v), &w) in g.iter_mut().zip(sines).zip(v).zip(column.w) {
            let products = v.iter().zip(error).map(|(&v, &error)| v * error);
            *g = -sine * products.fold(S::zero(), |sum, product| sum + product);
            derivative += w * *g;
        }
        first + S::from_f64(2.0 * PI) * derivative
    }

    /// Adds the gradient of the parameters of a column.
    fn add_gradient<S: Scalar>(
        &self,
        x: S,
        cosines: &[S],
        error: &[S],
        g: &[S],
        sums: ColumnMut<'_, S>,
    ) {
        let two_pi_x = S::from_f64(2.0 * PI) * x;
        for ((w, b), &g) in sums.w.iter_mut().zip(sums.b).zip(g) {
            *w += two_pi_x * g;
            *b += g;
        }
        let error = &error[1..];
        for (sums, &h) in sums.v.chunks_exact_mut(self.n_combined()).zip(cosines) {
            let sums = sums.iter_mut().zip(error);
            sums.for_each(|(sum, &error)| *sum += h * error);
        }
        let sums = sums.bias.iter_mut().zip(error);
        sums.for_each(|(sum, &error)| *sum += error);
    }
}
