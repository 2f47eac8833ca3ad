//! The training rows with their sample weights.

use std::borrow::Cow;

use crate::Result;
use crate::error::CellProblem;
use crate::table::Table;

/// The sample weights of all rows, in a column.
///
/// # Errors
/// Returns [`Error::BadCell`](crate::Error::BadCell) for a weight that is missing or
/// negative, or if all weights are 0.
pub(crate) fn weights(table: &Table, column: usize) -> Result<Cow<'_, [f64]>> {
    let weights = table.complete_numbers(column)?;
    let negative = weights.iter().position(|&weight| weight < 0.0);
    let all_zero = weights.iter().all(|&weight| weight == 0.0).then_some(0);
    match negative.or(all_zero) {
        Some(row) => Err(table.bad_cell(column, row, CellProblem::NotAWeight)),
        None => Ok(weights),
    }
}

/// The training rows with their sample weights.
#[derive(Clone)]
pub(crate) struct WeightedRows<'a> {
    /// Rows of positive weight; all rows if no weight is positive. At least one.
    pub(crate) rows: Cow<'a, [usize]>,
    /// One weight per row of the table; `None` means 1.
    weights: Option<Cow<'a, [f64]>>,
    /// Sum of the weights of `rows`.
    total: f64,
}

impl<'a> WeightedRows<'a> {
    pub(crate) fn new(
        table: &'a Table,
        rows: &'a [usize],
        sample_weight: Option<usize>,
    ) -> Result<Self> {
        let weights = sample_weight.map(|column| weights(table, column));
        let weights = weights.transpose()?;
        let mut counted = Cow::Borrowed(rows);
        if let Some(weights) = &weights {
            counted.to_mut().retain(|&row| weights[row] > 0.0);
        }
        if counted.is_empty() {
            return Ok(Self {
                rows: rows.into(),
                weights: None,
                total: rows.len() as f64,
            });
        }
        Ok(Self::of(counted, weights))
    }

    /// All these rows, with weight 1.
    #[cfg(test)]
    pub(crate) fn all(rows: &'a [usize]) -> Self {
        Self::of(rows.into(), None)
    }

    fn of(rows: Cow<'a, [usize]>, weights: Option<Cow<'a, [f64]>>) -> Self {
        let total = weights.as_ref().map_or(rows.len() as f64, |weights| {
            rows.iter().map(|&row| weights[row]).sum()
        });
        Self {
            rows,
            weights,
            total,
        }
    }

    /// The rows whose value is not missing, if there are any; otherwise all rows.
    pub(crate) fn present(&self, value: impl Fn(usize) -> f64) -> Cow<'_, Self> {
        let is_present = |row: &usize| !value(*row).is_nan();
        let n_present = self.rows.iter().filter(|row| is_present(row)).count();
        if n_present == self.rows.len() || n_present == 0 {
            return Cow::Borrowed(self);
        }
        let present = self.rows.iter().copied().filter(is_present).collect();
        Cow::Owned(Self::of(present, self.weights.clone()))
    }

    /// `Σ w f(row) / Σ w`
    pub(crate) fn mean(&self, f: impl Fn(usize) -> f64) -> f64 {
        let term = |&row: &usize| match &self.weights {
            Some(weights) => f(row) * (weights[row] / self.total),
            None => f(row) / self.total,
        };
        self.rows.iter().map(term).sum()
    }

    pub(crate) fn are_all_equal(&self, value: impl Fn(usize) -> f64) -> bool {
        let first = value(self.rows[0]);
        self.rows.iter().all(|&row| value(row) == first)
    }
}
