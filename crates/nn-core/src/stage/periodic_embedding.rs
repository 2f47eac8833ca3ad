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

use std::f64::consts::PI;

use nn_error::{Error, Range, Result};
use nn_functions::Init;
use nn_tensor::Scalar;
use nn_tensor::random::Stream;

use super::pass::{Backward, Forward, Kind, Place, TensorSpec, invalid_argument};

/// Periodic embedding of every column: cosines with learned frequencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodicEmbedding {
    /// F, the number of frequencies per column.
    pub n_frequencies: usize,
    /// d, the number of outputs per column, including the column itself.
    pub n_outputs: usize,
    /// σ, the standard deviation of the initial frequencies.
    pub std: f64,
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
        format!("{}x{}:std={}", self.n_frequencies, self.n_outputs, self.std)
    }

    fn parse(argument: &str) -> Result<Self> {
        let read = || {
            let (sizes, std) = argument.split_once(":std=").unwrap_or((argument, "0.1"));
            let (n_frequencies, n_outputs) = sizes.split_once('x')?;
            Some(Self {
                n_frequencies: n_frequencies.parse().ok()?,
                n_outputs: n_outputs.parse().ok()?,
                std: std.parse().ok()?,
            })
        };
        let expected = "frequencies and outputs per column, such as 16x4:std=0.1";
        read().ok_or_else(|| invalid_argument(Self::NAME, argument, expected))
    }

    fn check(&self, _n_inputs: usize) -> Result<()> {
        Range::Count.check(
            "number of frequencies of a periodic embedding",
            self.n_frequencies as f64,
        )?;
        Range::Positive.check("std of a periodic embedding", self.std)?;
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
        n_inputs * self.n_outputs
    }

    fn tensors(&self, n_inputs: usize) -> Vec<TensorSpec> {
        let shape = [n_inputs, self.n_parameters()];
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

    /// u of every column and row.
    fn cache(&self, n_inputs: usize, n_rows: usize) -> [usize; 3] {
        [n_inputs * self.n_frequencies * n_rows, 0, 0]
    }

    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let inputs = pass
            .inputs
            .expect("an embedding is never in place")
            .values();
        let two_pi = S::from_f64(2.0 * PI);
        let waves = pass.cache[0].chunks_exact_mut(self.n_frequencies);
        let outputs = pass.outputs.chunks_exact_mut(self.n_outputs);
        let columns = pass.parameters.chunks_exact(self.n_parameters()).cycle();
        for (((&x, outputs), waves), parameters) in
            inputs.iter().zip(outputs).zip(waves).zip(columns)
        {
            let column = self.column(parameters);
            outputs[0] = x;
            let combined = &mut outputs[1..];
            combined.copy_from_slice(column.bias);
            let v = column.v.chunks_exact(self.n_combined());
            for ((u, v), (&w, &b)) in waves.iter_mut().zip(v).zip(column.w.iter().zip(column.b)) {
                *u = two_pi * w * x + b;
                let h = u.cos();
                combined.iter_mut().zip(v).for_each(|(y, &v)| *y += h * v);
            }
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let two_pi = S::from_f64(2.0 * PI);
        let n_inputs = pass.n_inputs;
        if let Some((below, written)) = &mut pass.error_below {
            written.prepare(below);
        }
        let (_, written) = pass.target.gradient();
        written.prepare(pass.target.gradient().0);
        let inputs = pass
            .inputs
            .values()
            .iter()
            .zip(pass.cache[0].chunks_exact(self.n_frequencies));
        let errors = pass.error.chunks_exact(self.n_outputs);
        let n_parameters = self.n_parameters();
        for (index, ((&x, waves), error)) in inputs.zip(errors).enumerate() {
            let place = index % n_inputs * n_parameters..(index % n_inputs + 1) * n_parameters;
            let (&first, error) = error.split_first().expect("there are outputs");
            let mut derivative = first;
            for (f, &u) in waves.iter().enumerate() {
                let column = self.column(&pass.target.parameters()[place.clone()]);
                let v = &column.v[f * self.n_combined()..][..self.n_combined()];
                let product = v
                    .iter()
                    .zip(error)
                    .fold(S::zero(), |sum, (&v, &e)| sum + v * e);
                let g = -u.sin() * product;
                derivative += two_pi * column.w[f] * g;
                let gradient = self.column_mut(&mut pass.target.gradient().0[place.clone()]);
                gradient.w[f] += two_pi * x * g;
                gradient.b[f] += g;
                let h = u.cos();
                let sums = &mut gradient.v[f * self.n_combined()..][..self.n_combined()];
                sums.iter_mut()
                    .zip(error)
                    .for_each(|(sum, &e)| *sum += h * e);
            }
            let gradient = self.column_mut(&mut pass.target.gradient().0[place]);
            gradient
                .bias
                .iter_mut()
                .zip(error)
                .for_each(|(sum, &e)| *sum += e);
            if let Some((below, _)) = &mut pass.error_below {
                below[index] += derivative;
            }
        }
    }
}
