//! The surrogate model: a Gaussian process over a search space, in the units of the
//! objective.

use crate::gaussian_process::{GaussianProcess, Inputs};
use crate::targets::Targets;
use crate::{Dimension, Goal, Point, Space, Trial};

/// A model of the objective, fitted to the trials so far.
#[derive(Clone, Debug)]
pub struct Surrogate {
    space: Space,
    goal: Goal,
    model: GaussianProcess,
    mean: f64,
    std: f64,
    /// Coordinates of all trials, ended ones first.
    tried: Vec<Vec<f64>>,
    /// Number of ended trials.
    n_ended: usize,
}

/// The predicted distribution of the objective at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Predicted mean of the objective.
    pub mean: f64,
    /// Predicted standard deviation of the objective without noise.
    pub std: f64,
}

impl Surrogate {
    /// Fits the model to the ended trials. Running trials and those of the current `round` are
    /// assumed to have their predicted objective (kriging believer, Ginsbourger, Le Riche &
    /// Carraro 2010), so that parallel trials are at different points. With rounds of 8, this was
    /// better than the constant liars of the same paper (minimum, mean and maximum of the outcomes)
    /// on all four functions of `examples/compare_strategies.rs`.
    ///
    /// `None` if no trial has finished.
    pub(crate) fn fit(
        space: &Space,
        trials: &[Trial],
        round: &[Trial],
        goal: Goal,
    ) -> Option<Self> {
        let (mut running, ended): (Vec<&Trial>, Vec<&Trial>) =
            trials.iter().partition(|trial| trial.is_running());
        running.extend(round);
        let targets = Targets::new(&ended, goal)?;
        let inputs = Inputs {
            rows: encode(space, &ended),
            widths: space.dimensions().iter().map(Dimension::width).collect(),
        };
        let mut tried = inputs.rows.clone();
        let mut model = GaussianProcess::fit(inputs.clone(), &targets.values);
        if !running.is_empty() {
            tried.extend(encode(space, &running));
            model = with_predictions(&model, inputs, targets.values, &tried);
        }
        Some(Self {
            space: space.clone(),
            goal,
            model,
            mean: targets.mean,
            std: targets.std,
            tried,
            n_ended: ended.len(),
        })
    }

    /// Predicts the objective at `point`.
    ///
    /// # Panics
    /// Panics if `point` belongs to a different space.
    pub fn predict(&self, point: &Point) -> Prediction {
        let (mean, std) = self.standardized(&self.space.encode(point));
        Prediction {
            mean: self.goal.cost(mean * self.std + self.mean),
            std: std * self.std,
        }
    }

    /// Standard deviation of the noise of the objective.
    pub fn noise(&self) -> f64 {
        self.standardized_noise() * self.std
    }

    /// Length scale of each dimension, as a fraction of its range. Dimensions with a
    /// length scale far above 1 have almost no influence.
    pub fn length_scales(&self) -> impl Iterator<Item = (&str, f64)> {
        let names = self.space.dimensions().iter().map(Dimension::name);
        let scales = &self.model.hyperparameters().length_scales;
        names.zip(scales.iter().copied())
    }

    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// Standard deviation of the noise of the standardized cost.
    pub(crate) fn standardized_noise(&self) -> f64 {
        self.model.hyperparameters().noise_variance.sqrt()
    }

    /// Mean and standard deviation of the standardized cost.
    pub(crate) fn standardized(&self, coordinates: &[f64]) -> (f64, f64) {
        let (mean, variance) = self.model.predict(coordinates);
        (mean, variance.sqrt())
    }

    /// Coordinates of all trials, ended or not.
    pub(crate) fn tried(&self) -> &[Vec<f64>] {
        &self.tried
    }

    /// Predicted standardized cost and coordinates of the ended trials, best first. With
    /// noise, the predicted cost is more reliable than the observed one.
    pub(crate) fn incumbents(&self) -> Vec<(f64, &[f64])> {
        let ended = self.tried[..self.n_ended].iter();
        let mut incumbents: Vec<(f64, &[f64])> = ended
            .map(|coordinates| (self.model.predict(coordinates).0, coordinates.as_slice()))
            .collect();
        incumbents.sort_by(|a, b| a.0.total_cmp(&b.0));
        incumbents
    }
}

fn encode(space: &Space, trials: &[&Trial]) -> Vec<Vec<f64>> {
    trials
        .iter()
        .map(|trial| space.encode(&trial.point))
        .collect()
}

/// Conditions `model` on its own predictions for the running trials.
fn with_predictions(
    model: &GaussianProcess,
    mut inputs: Inputs,
    mut targets: Vec<f64>,
    tried: &[Vec<f64>],
) -> GaussianProcess {
    for coordinates in &tried[targets.len()..] {
        targets.push(model.predict(coordinates).0);
    }
    inputs.rows = tried.to_vec();
    GaussianProcess::condition(inputs, &targets, model.hyperparameters().clone())
}
