//! Category embedding: a learned vector per category of a column.
//!
//! The last columns of a row hold category indices 0, 1, 2, ...; the columns
//! before them pass through unchanged.
//!
//! ```text
//! forward    y = (x₁, ..., E¹[c₁], E²[c₂], ...)      Eᵏ [n_categories, width]
//! backward   ∂C/∂Eᵏ[c] = Σ δ of Eᵏ[cₖ] over rows with cₖ = c
//! ```
//!
//! (Guo & Berkhahn 2016, section 3; initial values N(0, 1), as in PyTorch's
//! `Embedding`.) A value that is not a valid category index gives NaN, which
//! stops training with an error.

use nn_error::{Error, Range, Result};
use nn_functions::Init;
use nn_tensor::Scalar;
use nn_tensor::random::Stream;

use super::pass::{Backward, Forward, Kind, Place, TensorSpec, invalid_argument};

/// Learned vectors for the categories of the last columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryEmbedding {
    /// Number of categories and vector length of each column.
    pub columns: Vec<[usize; 2]>,
}

impl CategoryEmbedding {
    fn n_numeric(&self, n_inputs: usize) -> usize {
        n_inputs - self.columns.len()
    }

    fn n_elements(&self) -> usize {
        self.columns.iter().map(|[n, width]| n * width).sum()
    }
}

/// The category index of a value, if it is valid.
fn category<S: Scalar>(value: S, n_categories: usize) -> Option<usize> {
    let value = value.into_f64();
    let is_number = value >= 0.0 && value < n_categories as f64 && value.fract() == 0.0;
    is_number.then_some(value as usize)
}

impl Kind for CategoryEmbedding {
    const NAME: &'static str = "category-embedding";

    const IS_ERROR_IN_PLACE: bool = false;

    fn fits(place: Place) -> bool {
        place == Place::Inputs
    }

    fn argument(&self) -> String {
        let columns = self.columns.iter().map(|[n, width]| format!("{n}x{width}"));
        columns.collect::<Vec<_>>().join(",")
    }

    fn parse(argument: &str) -> Result<Self> {
        let column = |text: &str| {
            let (n, width) = text.split_once('x')?;
            Some([n.parse().ok()?, width.parse().ok()?])
        };
        let columns: Option<Vec<[usize; 2]>> = argument.split(',').map(column).collect();
        let expected = "categories and width of each column, such as 12x4,3x2";
        let columns = columns.ok_or_else(|| invalid_argument(Self::NAME, argument, expected))?;
        Ok(Self { columns })
    }

    fn check(&self, n_inputs: usize) -> Result<()> {
        for column in &self.columns {
            for size in column {
                Range::Count.check("size of a category embedding", *size as f64)?;
            }
        }
        if self.columns.len() <= n_inputs {
            return Ok(());
        }
        Err(Error::OutOfRange {
            what: "columns of a category embedding".to_owned(),
            expected: format!("at most {n_inputs}, the number of inputs"),
            found: self.columns.len().to_string(),
        })
    }

    fn n_outputs(&self, n_inputs: usize) -> usize {
        let widths = self.columns.iter().map(|[_, width]| width);
        self.n_numeric(n_inputs) + widths.sum::<usize>()
    }

    fn tensors(&self, _n_inputs: usize) -> Vec<TensorSpec> {
        let shape = [self.n_elements()];
        vec![TensorSpec::parameter(
            "category_embedding.vectors",
            &shape,
            0.0,
        )]
    }

    fn initialize<S: Scalar>(&self, _n_inputs: usize, parameters: &mut [S], stream: &mut Stream) {
        let normal = Init::Normal {
            mean: 0.0,
            std: 1.0,
        };
        normal.fill(parameters, 1, parameters.len(), stream);
    }

    fn forward<S: Scalar>(&self, pass: Forward<'_, S>) {
        let inputs = pass
            .inputs
            .expect("an embedding is never in place")
            .values();
        let n_numeric = self.n_numeric(pass.n_inputs);
        let rows = inputs.chunks_exact(pass.n_inputs);
        for (row, outputs) in rows.zip(pass.outputs.chunks_exact_mut(pass.width)) {
            let (numeric, categories) = row.split_at(n_numeric);
            let (copied, mut outputs) = outputs.split_at_mut(n_numeric);
            copied.copy_from_slice(numeric);
            let mut vectors = pass.parameters;
            for (&value, &[n, width]) in categories.iter().zip(&self.columns) {
                let output;
                (output, outputs) = outputs.split_at_mut(width);
                match category(value, n) {
                    Some(c) => output.copy_from_slice(&vectors[c * width..][..width]),
                    None => output.fill(S::nan()),
                }
                vectors = &vectors[n * width..];
            }
        }
    }

    fn backward<S: Scalar>(&self, mut pass: Backward<'_, S>) {
        let n_numeric = self.n_numeric(pass.n_inputs);
        let (gradient, written) = pass.target.gradient();
        written.prepare(gradient);
        let rows = pass.inputs.values().chunks_exact(pass.n_inputs);
        for (row, error) in rows.zip(pass.error.chunks_exact(pass.width)) {
            let (mut error, mut first) = (&error[n_numeric..], 0);
            for (&value, &[n, width]) in row[n_numeric..].iter().zip(&self.columns) {
                let here;
                (here, error) = error.split_at(width);
                if let Some(c) = category(value, n) {
                    let sums = &mut gradient[first + c * width..][..width];
                    sums.iter_mut()
                        .zip(here)
                        .for_each(|(sum, &error)| *sum += error);
                }
                first += n * width;
            }
        }
        let Some((below, written)) = pass.error_below else {
            return;
        };
        written.prepare(below);
        let errors = pass.error.chunks_exact(pass.width);
        for (below, error) in below.chunks_exact_mut(pass.n_inputs).zip(errors) {
            let numeric = below[..n_numeric].iter_mut().zip(error);
            numeric.for_each(|(below, &error)| *below += error);
        }
    }
}
