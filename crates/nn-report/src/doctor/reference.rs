//! A reference score for the network: the better of the leave-one-out scores of two simple
//! predictors.
//!
//! - The nearest neighbor. In the limit of many samples, the error rate of this predictor
//!   is at most twice the Bayes error rate (Cover & Hart 1967, "Nearest neighbor pattern
//!   classification"); its mean squared error is exactly twice the variance of the noise.
//! - Ridge regression on random features ([`features`](super::features)), which is better
//!   for smooth functions of many inputs.
//!
//! A network with a larger error on its own training samples is underfitted, even if the
//! samples are noisy.

use nn_core::{Samples, Targets};

use super::features::predictions_by_others;
use super::nearest::nearest_neighbours;

/// The accuracy or R² of a simple predictor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reference {
    pub(super) score: f64,
    /// For classes, the mean recall.
    pub(super) mean_recall: Option<f64>,
    /// The predictor, as the subject of a sentence.
    pub(super) predictor: &'static str,
}

impl Reference {
    /// The score on `samples`, which are predicted from their inputs.
    ///
    /// # Errors
    /// Returns an error if the samples cannot be read, or if there is not enough memory.
    pub(super) fn of_samples(samples: &Samples<'_>) -> Result<Self, String> {
        let positions: Vec<u32> = (0..samples.len() as u32).collect();
        let mut inputs = vec![0.0; samples.len() * samples.n_inputs()];
        let read = samples.read_inputs(&positions, &mut inputs);
        read.map_err(|error| error.to_string())?;
        Self::of_inputs(&inputs, samples.n_inputs(), samples)
    }

    /// The score on `samples`, which are predicted from `inputs`,
    /// `[n_samples, n_inputs]`.
    ///
    /// # Errors
    /// Returns an error if there is not enough memory.
    pub(super) fn of_inputs(
        inputs: &[f32],
        n_inputs: usize,
        samples: &Samples<'_>,
    ) -> Result<Self, String> {
        let outputs = Outputs::new(samples);
        let of = |predictions: &[f64], predictor| Self {
            score: outputs.score(predictions),
            mean_recall: outputs.mean_recall(predictions),
            predictor,
        };
        let nearest = outputs.of_samples(&nearest_neighbours(inputs, n_inputs));
        let nearest = of(
            &nearest,
            "predicting each sample from the most similar other sample",
        );
        let predictions = predictions_by_others(inputs, n_inputs, &outputs.targets, outputs.width)?;
        let linear = "ridge regression on random features, fitted to all other samples,";
        let scores = predictions
            .iter()
            .map(|predictions| of(predictions, linear));
        Ok(scores.fold(
            nearest,
            |best, it| {
                if it.score > best.score { it } else { best }
            },
        ))
    }
}

/// The targets of some samples.
pub(super) struct Outputs {
    kind: Kind,
    width: usize,
    /// `[n_samples, width]`; a class is 1 in its column and 0 in all others.
    targets: Vec<f64>,
}

enum Kind {
    Classes,
    Labels,
    Numbers,
}

impl Outputs {
    pub(super) fn new(samples: &Samples<'_>) -> Self {
        let width = match samples.targets() {
            Targets::Classes { n_classes, .. } => (*n_classes).max(2),
            Targets::Values(values) => values.n_columns(),
            _ => 1,
        };
        let mut target = vec![0.0; width];
        let mut targets = Vec::with_capacity(samples.len() * width);
        for position in 0..samples.len() {
            samples.copy_target(position, 0.0, &mut target);
            targets.extend(target.iter().copied().map(f64::from));
        }
        let kind = match samples.targets() {
            Targets::Classes { .. } => Kind::Classes,
            _ if samples.has_numbers() => Kind::Numbers,
            _ => Kind::Labels,
        };
        Self {
            kind,
            width,
            targets,
        }
    }

    /// The targets of another sample for each sample, or the means if there is none,
    /// `[n_samples, width]`.
    pub(super) fn of_samples(&self, others: &[Option<usize>]) -> Vec<f64> {
        let means = self.means();
        let row = |other: &Option<usize>| {
            other.map_or(&means[..], |it| {
                &self.targets[it * self.width..][..self.width]
            })
        };
        others.iter().flat_map(row).copied().collect()
    }

    /// The accuracy or R² of predictions, `[n_samples, width]`.
    pub(super) fn score(&self, predictions: &[f64]) -> f64 {
        match self.kind {
            Kind::Classes => {
                let rows = self.targets.chunks_exact(self.width);
                let pairs = rows.zip(predictions.chunks_exact(self.width));
                mean(pairs.map(|(target, prediction)| largest(target) == largest(prediction)))
            }
            Kind::Labels => {
                let pairs = self.targets.iter().zip(predictions);
                mean(pairs.map(|(&target, &prediction)| (target > 0.5) == (prediction > 0.5)))
            }
            Kind::Numbers => {
                let means = self.means();
                let r_squared = |output: usize| {
                    let (mut errors, mut squares) = (0.0, f64::MIN_POSITIVE);
                    let pairs = self.targets.iter().zip(predictions);
                    for (target, prediction) in pairs.skip(output).step_by(self.width) {
                        errors += (target - prediction).powi(2);
                        squares += (target - means[output]).powi(2);
                    }
                    1.0 - errors / squares
                };
                (0..self.width).map(r_squared).sum::<f64>() / self.width as f64
            }
        }
    }

    /// For classes, the mean recall of predictions.
    fn mean_recall(&self, predictions: &[f64]) -> Option<f64> {
        if !matches!(self.kind, Kind::Classes) {
            return None;
        }
        let mut counts = vec![[0_usize; 2]; self.width];
        let rows = self.targets.chunks_exact(self.width);
        for (target, prediction) in rows.zip(predictions.chunks_exact(self.width)) {
            let class = largest(target)?;
            counts[class][0] += usize::from(largest(prediction) == Some(class));
            counts[class][1] += 1;
        }
        let counts = counts.iter().filter(|[_, n]| *n > 0);
        let recalls: Vec<f64> = counts.map(|&[right, n]| right as f64 / n as f64).collect();
        Some(recalls.iter().sum::<f64>() / recalls.len().max(1) as f64)
    }

    fn means(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        for row in self.targets.chunks_exact(self.width) {
            for (sum, y) in sums.iter_mut().zip(row) {
                *sum += y;
            }
        }
        let n_samples = (self.targets.len() / self.width).max(1) as f64;
        sums.into_iter().map(|sum| sum / n_samples).collect()
    }
}

/// The fraction that is true.
fn mean(flags: impl Iterator<Item = bool>) -> f64 {
    let (mut n_true, mut n) = (0_usize, 0_usize);
    for flag in flags {
        n_true += usize::from(flag);
        n += 1;
    }
    n_true as f64 / n.max(1) as f64
}

fn largest(row: &[f64]) -> Option<usize> {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest_score(samples: &Samples<'_>, inputs: &[f32]) -> f64 {
        let outputs = Outputs::new(samples);
        outputs.score(&outputs.of_samples(&nearest_neighbours(inputs, 1)))
    }

    fn classes(inputs: &[f32], labels: &[u32]) -> Samples<'static> {
        let rows: Vec<[f32; 1]> = inputs.iter().map(|&x| [x]).collect();
        Samples::classification(rows, labels.to_vec(), 2).expect("as many rows as labels")
    }

    #[test]
    fn each_sample_is_predicted_by_its_nearest_neighbour() {
        let inputs = [0.0, 0.1, 5.0, 5.1];
        let samples = classes(&inputs, &[0, 0, 1, 0]);
        assert_eq!(nearest_score(&samples, &inputs), 0.5);
    }

    #[test]
    fn copies_are_not_neighbours() {
        let inputs = [1.0, 1.0, 2.0, 2.0];
        let samples = classes(&inputs, &[0, 0, 1, 1]);
        assert_eq!(nearest_score(&samples, &inputs), 0.0);
    }

    /// Each of 1, 2, 4 is predicted by the nearest one: errors 1, 1, 2; the squares
    /// around the mean 7/3 have the sum 14/3.
    #[test]
    fn numbers_have_r_squared() {
        let rows: Vec<[f32; 1]> = vec![[1.0], [2.0], [4.0]];
        let samples = Samples::regression(rows.clone(), rows).expect("three rows");
        let score = nearest_score(&samples, &[1.0, 2.0, 4.0]);
        assert!((score - (1.0 - 6.0 / (14.0 / 3.0))).abs() < 1e-9, "{score}");
    }

    /// A line in five dimensions: the nearest neighbour is far away.
    #[test]
    fn the_better_predictor_counts() {
        let value = |i: u32| (f64::from(i) * 0.618).fract() as f32 - 0.5;
        let inputs: Vec<[f32; 5]> = (0..200)
            .map(|i| [0, 1, 2, 3, 4].map(|k| value(i * i + 7 * k * i + k)))
            .collect();
        let targets: Vec<[f32; 1]> = inputs.iter().map(|x| [x.iter().sum()]).collect();
        let samples = Samples::regression(inputs, targets).expect("as many targets");
        let reference = Reference::of_samples(&samples).expect("in memory");
        assert!(
            reference.predictor.contains("ridge regression"),
            "{reference:?}"
        );
        assert!(reference.score > 0.95, "{reference:?}");
    }
}
