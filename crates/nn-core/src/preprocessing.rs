//! Preprocessing: the conversion of raw rows to inputs of a network, and of its outputs to the
//! units of the data.
//!
//! ```text
//! x = (scale·raw − mean)/std        prediction = mean + std·a
//! ```
//!
//! A [`Network`] expects preprocessed inputs, as in training: pixels times 1/255,
//! standardized columns. `model.network.predict(raw)` gives wrong predictions without
//! an error; [`Model::predict_row`] applies the preprocessing of the model's
//! [`InputDescription`]. This crate cannot preprocess tables with categories: a model
//! of such a table returns an error unless the caller supplies a [`RowPreprocessing`].

use nn_error::{Error, Range, Result};
use nn_functions::Activation;
use nn_samples::Rows;
use nn_tensor::{Scalar, Threads};
use serde::{Deserialize, Serialize};

#[cfg(doc)]
use crate::model_file::InputDescription;
use crate::model_file::{Json, Model};
use crate::network::Network;
use crate::stage::Stage;

/// Standardization of columns to mean 0 and standard deviation 1: `(x − mean)/std`.
///
/// ```
/// use nn_core::preprocessing::Standardization;
///
/// let mut rows = [[1.0_f32, 7.0], [3.0, 7.0]];
/// let fitted = Standardization::fit(&rows);
/// fitted.apply(rows.as_flattened_mut());
/// assert_eq!(rows, [[-1.0, 0.0], [1.0, 0.0]]);
/// fitted.undo(rows.as_flattened_mut());
/// assert_eq!(rows, [[1.0, 7.0], [3.0, 7.0]]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// Mean of every column.
    mean: Vec<f64>,
    /// Population standard deviation of every column; 1 for a constant column.
    std: Vec<f64>,
}

impl Standardization {
    /// Computes the means and standard deviations of the columns.
    ///
    /// # Shapes
    /// `rows [n_rows, n_columns]`.
    pub fn fit<'a, S: Scalar>(rows: impl Into<Rows<'a, S>>) -> Self {
        let rows: Rows<'a, S> = rows.into();
        let n_rows = rows.n_rows().max(1) as f64;
        let moments = (0..rows.n_columns()).map(|column| {
            let values = || rows.column(column).map(|value| value.into_f64());
            let mean = values().sum::<f64>() / n_rows;
            let variance = values().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n_rows;
            // The deviation of a constant column may be a rounding error above 0.
            let is_constant = variance.sqrt() <= 1e-12 * mean.abs();
            (mean, if is_constant { 1.0 } else { variance.sqrt() })
        });
        let (mean, std) = moments.unzip();
        Self { mean, std }
    }

    /// Number of columns.
    pub fn n_columns(&self) -> usize {
        self.mean.len()
    }

    /// Mean of every column.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Population standard deviation of every column; 1 for a constant column.
    pub fn std(&self) -> &[f64] {
        &self.std
    }

    /// Standardizes rows in place: `x ← (x − mean)/std`.
    ///
    /// # Shapes
    /// `rows [n_rows, n_columns]`, row-major.
    ///
    /// # Panics
    /// Panics if the last row is incomplete.
    pub fn apply<S: Scalar>(&self, rows: &mut [S]) {
        self.each(rows, |x, mean, std| (x - mean) / std);
    }

    /// Restores the original units in place: `x ← mean + std·x`.
    ///
    /// # Shapes
    /// `rows [n_rows, n_columns]`, row-major.
    ///
    /// # Panics
    /// Panics if the last row is incomplete.
    pub fn undo<S: Scalar>(&self, rows: &mut [S]) {
        self.each(rows, |x, mean, std| mean + std * x);
    }

    fn each<S: Scalar>(&self, rows: &mut [S], function: impl Fn(f64, f64, f64) -> f64) {
        let n_columns = self.n_columns();
        assert!(
            rows.len().is_multiple_of(n_columns.max(1)),
            "rows of {n_columns}"
        );
        for row in rows.chunks_exact_mut(n_columns.max(1)) {
            for ((x, &mean), &std) in row.iter_mut().zip(&self.mean).zip(&self.std) {
                *x = S::from_f64(function(x.into_f64(), mean, std));
            }
        }
    }

    fn check(&self, what: &str, n_columns: usize) -> Result<()> {
        if self.mean.len() != n_columns || self.std.len() != n_columns {
            return Err(Error::ModelFile {
                problem: format!(
                    "standardization of the {what}: expected {n_columns} means and standard \
                     deviations, found {} and {}",
                    self.mean.len(),
                    self.std.len()
                ),
            });
        }
        for (&mean, &std) in self.mean.iter().zip(&self.std) {
            Range::Finite.check(&format!("mean of the {what}"), mean)?;
            Range::Positive.check(&format!("standard deviation of the {what}"), std)?;
        }
        Ok(())
    }
}

/// Standardization of inputs and targets, as in
/// [`InputDescription::preprocessing`] of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standardized {
    /// Standardization of the inputs, applied after the factor
    /// [`InputDescription::scale`].
    pub standardized_inputs: Option<Standardization>,
    /// Standardization of the targets; predictions are converted back to the original units.
    pub standardized_targets: Option<Standardization>,
}

impl Standardized {
    /// Reads the standardization of a model; `None` if the model has no preprocessing.
    ///
    /// # Errors
    /// Returns [`Error::UnknownPreprocessing`] if the model was trained on a table, and
    /// [`Error::ModelFile`] or [`Error::OutOfRange`] if the standardization does not match the
    /// network.
    pub fn of<S: Scalar>(model: &Model<S>) -> Result<Option<Self>> {
        let Some(json) = &model.description.input.preprocessing else {
            return Ok(None);
        };
        let found: Self =
            serde_json::from_str(json.as_str()).map_err(|_| Error::UnknownPreprocessing)?;
        if let Some(inputs) = &found.standardized_inputs {
            inputs.check("inputs", model.network.n_inputs())?;
        }
        if let Some(targets) = &found.standardized_targets {
            targets.check("targets", model.network.n_outputs())?;
        }
        Ok(Some(found))
    }

    /// Converts to JSON, for [`InputDescription::preprocessing`].
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_json(&self) -> Json {
        Json::new(self).expect("finite numbers have a JSON form")
    }
}

/// A user-defined conversion between raw rows of type `R` and the values of a network, for
/// example for a model that `nn train` trained on a table.
pub trait RowPreprocessing<R: ?Sized, S> {
    /// Converts a raw row to inputs, which are later multiplied by
    /// [`InputDescription::scale`].
    ///
    /// # Errors
    /// Returns an error if the row is invalid.
    fn inputs(&self, row: &R) -> Result<Vec<S>>;

    /// Converts the outputs of the network to the units of the data, in place.
    ///
    /// Standardized targets are converted back to their original units; the outputs of a classifier
    /// are unchanged.
    fn restore(&self, outputs: &mut [S]);
}

impl<S: Scalar> Model<S> {
    /// Predicts one raw row of the data: gray values from 0 to 255, or columns in their
    /// original units.
    ///
    /// ```
    /// use nn_core::model_file::{Description, InputDescription, Json};
    /// use nn_core::{Activation, LayerConfig, Loss, Model, Network, NetworkConfig};
    ///
    /// let layers = vec![LayerConfig::new(1, Activation::Identity)];
    /// let mut network = Network::zeros(&NetworkConfig { n_inputs: 2, layers })?;
    /// network.weights_mut(0).fill(1.0_f32);
    /// let pixels = InputDescription { shape: vec![2], scale: 1.0 / 255.0, ..Default::default() };
    /// let description = Description { input: pixels, ..Description::default() };
    /// let mut model = Model { network, loss: Loss::Mse, description };
    /// assert_eq!(model.predict_row(&[255.0, 51.0])?, [1.2]);
    ///
    /// model.description.input.preprocessing = Some(Json::new(&"a table").unwrap());
    /// let error = model.predict_row(&[255.0, 51.0]).unwrap_err();
    /// assert!(error.to_string().starts_with("the model was trained on a table"));
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Shapes
    /// `row [n_inputs]`; the prediction is `[n_outputs]`.
    ///
    /// # Errors
    /// Returns [`Error::UnknownPreprocessing`] for a model that `nn train` trained on a table:
    /// see [`predict_row_with`](Self::predict_row_with). Returns [`Error::Shape`] for a row of
    /// the wrong width, [`Error::NotFinite`] for a value that is NaN or infinite, and
    /// [`Error::OutOfRange`] for a model whose scale is 0.
    #[inline(never)]
    pub fn predict_row(&self, row: &[S]) -> Result<Vec<S>> {
        let row = Rows::new(row, row.len());
        Ok(self.predict_raw(row, &Threads::single())?.into_vec())
    }

    /// Predicts many raw rows, each as [`predict_row`](Self::predict_row) does.
    ///
    /// # Shapes
    /// `rows [n_rows, n_inputs]`; the predictions are `[n_rows, n_outputs]`.
    ///
    /// # Errors
    /// Returns the same errors as [`predict_row`](Self::predict_row).
    pub fn predict_rows<'a>(
        &self,
        rows: impl Into<Rows<'a, S>>,
        threads: &Threads,
    ) -> Result<Rows<'static, S>>
    where
        S: 'a,
    {
        self.predict_raw(rows.into(), threads)
    }

    /// As [`predict_rows`](Self::predict_rows).
    #[inline(never)]
    pub(crate) fn predict_raw(
        &self,
        rows: Rows<'_, S>,
        threads: &Threads,
    ) -> Result<Rows<'static, S>> {
        let standardized = Standardized::of(self)?.unwrap_or_default();
        let inputs = self.inputs_of(rows, &standardized)?;
        let predictions = self.network.predict_view(&inputs, threads)?;
        let Some(targets) = &standardized.standardized_targets else {
            return Ok(predictions);
        };
        let mut values = predictions.into_vec();
        targets.undo(&mut values);
        Ok(Rows::new(values, targets.n_columns()))
    }

    /// Converts raw rows to inputs of the network.
    pub(crate) fn inputs_of<'a>(
        &self,
        mut rows: Rows<'a, S>,
        standardized: &Standardized,
    ) -> Result<Rows<'a, S>> {
        let scale = self.scale()?;
        if scale != S::one() {
            let n_columns = rows.n_columns();
            let mut values = rows.into_vec();
            values.iter_mut().for_each(|value| *value *= scale);
            rows = Rows::new(values, n_columns);
        }
        self.network.check_inputs(&rows)?;
        Ok(standardize(rows, standardized.standardized_inputs.as_ref()))
    }

    /// Predicts one raw row of any type; `preprocessing` converts the row to inputs.
    ///
    /// `preprocessing` is usually created from [`InputDescription::preprocessing`] of the
    /// model.
    ///
    /// # Errors
    /// Returns the same errors as `preprocessing`, and as
    /// [`predict_row`](Self::predict_row) for the preprocessed inputs.
    pub fn predict_row_with<R: ?Sized>(
        &self,
        row: &R,
        preprocessing: &impl RowPreprocessing<R, S>,
    ) -> Result<Vec<S>> {
        let scale = self.scale()?;
        let mut inputs = preprocessing.inputs(row)?;
        inputs.iter_mut().for_each(|value| *value *= scale);
        let mut outputs = self.network.predict(&inputs)?;
        preprocessing.restore(&mut outputs);
        Ok(outputs)
    }

    /// Folds the scale and the standardization into the weights of the first and last
    /// layers.
    ///
    /// The resulting network takes raw rows and predicts in the units of the data, for
    /// a [`Predictor`](crate::Predictor) or other software:
    ///
    /// ```text
    /// w′ᵢⱼ = wᵢⱼ·scale/stdᵢ        b′ⱼ = bⱼ − Σᵢ wᵢⱼ·meanᵢ/stdᵢ
    /// ```
    ///
    /// The predictions of this network equal the predictions of
    /// [`predict_rows`](Self::predict_rows) up to rounding errors, which are large if the
    /// mean of a column is many times its standard deviation.
    ///
    /// ```
    /// use nn_core::Mlp;
    /// use nn_core::ndarray::array;
    ///
    /// let x = array![[10.0, 0.1], [20.0, 0.3], [30.0, 0.2], [40.0, 0.5]];
    /// let model = Mlp::regressor().epochs(5).fit(&x, &[1.0, 2.0, 3.0, 4.0])?;
    /// let network = model.model().fold_preprocessing()?;
    /// let alone = network.predict(&[10.0, 0.1])?[0];
    /// assert!((alone - model.predict(&x)?[0]).abs() < 1e-5);
    /// # Ok::<(), nn_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns the same errors as [`predict_row`](Self::predict_row), and
    /// [`Error::Conflict`] for standardized targets if the activation of the output
    /// layer is not `identity`, for stages before the weights, and for an ensemble.
    #[inline(never)]
    pub fn fold_preprocessing(&self) -> Result<Network<S>> {
        let standardized = Standardized::of(self)?.unwrap_or_default();
        let scale = self.scale()?.into_f64();
        let mut network = self.network.clone();
        let identity = Standardization {
            mean: vec![0.0; network.n_inputs()],
            std: vec![1.0; network.n_inputs()],
        };
        let inputs = standardized.standardized_inputs.as_ref();
        network.check_trainable()?;
        check_weights_next_to("inputs", &network.layers()[0].inputs)?;
        fold_inputs(&mut network, inputs.unwrap_or(&identity), scale);
        if let Some(targets) = &standardized.standardized_targets {
            fold_targets(&mut network, targets)?;
        }
        Ok(network)
    }

    fn scale(&self) -> Result<S> {
        let scale = self.description.input.scale;
        if scale == 0.0 {
            return Err(Error::OutOfRange {
                what: "scale of the model's inputs".to_owned(),
                expected: "a number other than 0".to_owned(),
                found: "0".to_owned(),
            });
        }
        Ok(S::from_f64(scale))
    }
}

/// Checks that no stage lies between the preprocessing and the weights.
fn check_weights_next_to(what: &str, between: &[Stage]) -> Result<()> {
    match between.first() {
        None => Ok(()),
        Some(stage) => Err(Error::Conflict {
            what: what.to_owned(),
            problem: format!("cannot be folded into weights across stage {stage}"),
        }),
    }
}

fn fold_inputs<S: Scalar>(network: &mut Network<S>, inputs: &Standardization, scale: f64) {
    let mut bias: Vec<f64> = network.bias(0).iter().map(|bias| bias.into_f64()).collect();
    let columns = inputs.mean.iter().zip(&inputs.std);
    let rows = network.weights_mut(0).chunks_exact_mut(bias.len());
    for (row, (mean, std)) in rows.zip(columns) {
        for (weight, bias) in row.iter_mut().zip(&mut bias) {
            let w = weight.into_f64();
            *weight = S::from_f64(w * scale / std);
            *bias -= w * mean / std;
        }
    }
    let folded = network.bias_mut(0).iter_mut();
    folded
        .zip(bias)
        .for_each(|(to, bias)| *to = S::from_f64(bias));
}

/// Folds `mean + std·(a·W + b)`, or `mean + std·(γ·x̂ + β)` of batch normalization.
fn fold_targets<S: Scalar>(network: &mut Network<S>, targets: &Standardization) -> Result<()> {
    let layer = network.output_layer().clone();
    if layer.activation != Activation::Identity {
        return Err(Error::Conflict {
            what: "standardized targets".to_owned(),
            problem: format!(
                "expected an output layer with activation identity, found {}",
                layer.activation
            ),
        });
    }
    check_weights_next_to("standardized targets", &layer.sums)?;
    let (factors, shifts) = if layer.batch_norm {
        (layer.gamma(), layer.beta())
    } else {
        (layer.weights(), layer.bias())
    };
    let n_outputs = layer.n_outputs;
    for (index, value) in network.parameters_mut()[factors].iter_mut().enumerate() {
        *value = S::from_f64(value.into_f64() * targets.std[index % n_outputs]);
    }
    for (index, value) in network.parameters_mut()[shifts].iter_mut().enumerate() {
        let scaled = value.into_f64() * targets.std[index];
        *value = S::from_f64(scaled + targets.mean[index]);
    }
    Ok(())
}

/// Standardizes rows, if a standardization is given.
pub(crate) fn standardize<'a, S: Scalar>(
    rows: Rows<'a, S>,
    standardization: Option<&Standardization>,
) -> Rows<'a, S> {
    let Some(standardization) = standardization else {
        return rows;
    };
    let mut values = rows.into_vec();
    standardization.apply(&mut values);
    Rows::new(values, standardization.n_columns())
}
