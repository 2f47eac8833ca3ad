//! The rows of values that `nn export` checks, calibrates and tests a model with.

use nn_core::{Rows, Samples};
use nn_export::ExportedModel;
use nn_train::{Data, Result, Run, Splits};

use crate::exit;

/// Number of rows on which the exported model is compared with the network.
const N_CHECKED: usize = 1000;

/// Number of rows that the ranges of `--int8` are computed from.
const N_CALIBRATION: usize = 1000;

/// The rows of values that an export needs.
pub(super) struct ExportRows {
    /// Rows for the check and the self-test.
    pub(super) checked: Rows<'static, f32>,
    /// Rows for the calibration of `--int8`.
    pub(super) calibration: Rows<'static, f32>,
    /// The data set of the run, if it can be loaded.
    pub(super) data: Option<Data>,
    /// The origin of the checked rows.
    pub(super) origin: &'static str,
}

impl ExportRows {
    /// Takes the rows from the data set of the run. If it cannot be loaded and is not
    /// `needed`, the rows are random.
    pub(super) fn load(run: &Run, model: &ExportedModel<'_>, needed: bool) -> Result<Self> {
        let data = match run.data() {
            Ok(data) => data,
            Err(error) if needed => return Err(error),
            Err(error) => {
                exit::note(&format!(
                    "{error}; the export is checked with random values"
                ));
                return Ok(Self::random(model));
            }
        };
        let splits = data.splits()?;
        let calibration = match splits.validation.is_empty() {
            true => &splits.train,
            false => &splits.validation,
        };
        let calibration = values_of(model, calibration, N_CALIBRATION)?;
        let (checked, origin) = held_out(&splits);
        let checked = values_of(model, checked, N_CHECKED)?;
        Ok(Self {
            checked,
            calibration,
            origin,
            data: Some(data),
        })
    }

    fn random(model: &ExportedModel<'_>) -> Self {
        let n_columns = model.values().len();
        Self {
            checked: model.random_values(N_CHECKED, 0),
            calibration: Rows::new(Vec::new(), n_columns),
            data: None,
            origin: "random",
        }
    }
}

/// The test samples or, if there are none, the validation or training samples.
pub(super) fn held_out<'a>(splits: &'a Splits<'_>) -> (&'a Samples<'a>, &'static str) {
    match &splits.test {
        Some(test) if !test.is_empty() => (test, "test"),
        _ if !splits.validation.is_empty() => (&splits.validation, "validation"),
        _ => (&splits.train, "training"),
    }
}

/// The values of the first samples, `[n_rows, n_values]`.
pub(super) fn values_of(
    model: &ExportedModel<'_>,
    samples: &Samples<'_>,
    n_rows: usize,
) -> Result<Rows<'static, f32>> {
    let n_rows = n_rows.min(samples.len());
    let positions: Vec<u32> = (0..n_rows as u32).collect();
    let n_inputs = samples.n_inputs();
    let mut inputs = vec![0.0; n_rows * n_inputs];
    samples.read_inputs(&positions, &mut inputs)?;
    let rows = inputs.chunks_exact(n_inputs);
    let values: Vec<f32> = rows.flat_map(|row| model.values_of(row)).collect();
    Ok(Rows::new(values, model.values().len()))
}
