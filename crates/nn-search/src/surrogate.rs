//! The model that stands for the objective: a Gaussian process over a space,
//! in the objective's own units.

use crate::gaussian_process::{GaussianProcess, Inputs};
use crate::targets::Targets;
use crate::{Dimension, Goal, Point, Space, Trial};

/// What the trials so far say about points not yet tried.
#[derive(Clone, Debug)]
pub struct Surrogate {
    space: Space,
    goal: Goal,
    model: GaussianProcess,
    mean: f64,
    std: f64,
    /// Coordinates of the trials that the model has seen.
    tried: Vec<Vec<f64>>,
    /// How many of them have ended.
    n_ended: usize,
}

/// What the objective is believed to be at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Expected objective.
    pub mean: f64,
    /// Standard deviation of the objective without its noise.
    pub std: f64,
}

impl Surrogate {
    /// Learns from the trials that have ended. Those still running count as
    /// coming out as predicted (the kriging believer of Ginsbourger, Le Riche
    /// & Carraro 2010), so that no two trials at once go to the same place.
    ///
    /// `None` if no trial has finished.
    pub(crate) fn fit(space: &Space, trials: &[Trial], goal: Goal) -> Option<Self> {
        let (running, ended): (Vec<&Trial>, Vec<&Trial>) =
            trials.iter().partition(|trial| trial.is_running());
        let targets = Targets::new(&ended, goal)?;
        let inputs = Inputs {
            rows: encode(space, &ended),
            widths: space.dimensions().iter().map(Dimension::width).collect(),
        };
        let mut tried = inputs.rows.clone();
        let mut model = GaussianProcess::fit(inputs.clone(), &targets.values);
        if !running.is_empty() {
            tried.extend(encode(space, &running));
            model = believing(&model, inputs, targets.values, &tried);
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

    /// What the objective is believed to be at `point`.
    ///
    /// # Panics
    /// If `point` belongs to another space.
    pub fn predict(&self, point: &Point) -> Prediction {
        let (mean, std) = self.standardized(&self.space.encode(point));
        Prediction {
            mean: self.goal.cost(mean * self.std + self.mean),
            std: std * self.std,
        }
    }

    /// Standard deviation of the noise: what two trials at the same point are
    /// believed to differ by, divided by √2.
    pub fn noise(&self) -> f64 {
        self.standardized_noise() * self.std
    }

    /// How far one has to go along each dimension until the objective has
    /// changed, as a share of its range; far beyond 1 it does not matter.
    pub fn length_scales(&self) -> impl Iterator<Item = (&str, f64)> {
        let names = self.space.dimensions().iter().map(Dimension::name);
        let scales = &self.model.hyperparameters().length_scales;
        names.zip(scales.iter().copied())
    }

    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    /// Standard deviation of the noise of the standardised cost.
    pub(crate) fn standardized_noise(&self) -> f64 {
        self.model.hyperparameters().noise_variance.sqrt()
    }

    /// Mean and standard deviation of the standardised cost.
    pub(crate) fn standardized(&self, coordinates: &[f64]) -> (f64, f64) {
        let (mean, variance) = self.model.predict(coordinates);
        (mean, variance.sqrt())
    }

    /// Coordinates of all trials, ended or not.
    pub(crate) fn tried(&self) -> &[Vec<f64>] {
        &self.tried
    }

    /// Coordinates of the ended trials with their standardised expected cost,
    /// best first. Under noise the expected cost is a better judge than the
    /// cost that happened to come out.
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

/// `model` with everything in `tried` that it has not seen, as it predicts it.
fn believing(
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
