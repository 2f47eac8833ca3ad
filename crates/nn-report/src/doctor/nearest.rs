//! The score of nearest neighbours: what can be learned from the inputs, without a
//! network.
//!
//! Each training sample is predicted by the nearest other one. In the limit of many
//! samples, the error of this prediction is at most twice the lowest error that is
//! possible (Cover & Hart 1967, "Nearest neighbor pattern classification"); the mean
//! square error is exactly twice the variance of the noise. A network with a larger
//! error on its own training samples has not learned what they have to offer, however
//! noisy they are.

use nn_core::{Samples, Targets};

/// The accuracy or R² of predicting each sample by the nearest other one. Samples with
/// equal inputs are not neighbours: a copy of a row predicts it without any
/// generalization.
///
/// # Errors
/// If the samples cannot be read.
pub(super) fn nearest_neighbour_score(samples: &Samples<'_>) -> Result<f64, String> {
    let positions: Vec<u32> = (0..samples.len() as u32).collect();
    let mut inputs = vec![0.0; samples.len() * samples.n_inputs()];
    let read = samples.read_inputs(&positions, &mut inputs);
    read.map_err(|error| error.to_string())?;
    let neighbours = nearest_neighbours(&inputs, samples.n_inputs());
    Ok(score_of_predictions(samples, &neighbours))
}

/// For each row, the nearest row with other inputs.
pub(super) fn nearest_neighbours(inputs: &[f32], n_inputs: usize) -> Vec<Option<usize>> {
    let rows: Vec<&[f32]> = inputs.chunks_exact(n_inputs.max(1)).collect();
    let mut nearest = vec![(f32::INFINITY, None); rows.len()];
    for (a, row) in rows.iter().enumerate() {
        for (b, other) in rows.iter().enumerate().skip(a + 1) {
            let distance = square_distance(row, other);
            for (one, neighbour) in [(a, b), (b, a)] {
                if distance > 0.0 && distance < nearest[one].0 {
                    nearest[one] = (distance, Some(neighbour));
                }
            }
        }
    }
    nearest
        .into_iter()
        .map(|(_, neighbour)| neighbour)
        .collect()
}

/// Sums in eight lanes, so that the compiler can use vector instructions.
fn square_distance(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    let rest = rest_a.iter().zip(rest_b);
    sums.iter().sum::<f32>() + rest.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
}

/// The accuracy or R² of predicting each sample by another one of the samples. A sample
/// without prediction counts as wrong, or as predicted by the mean.
pub(super) fn score_of_predictions(samples: &Samples<'_>, predicted: &[Option<usize>]) -> f64 {
    let n = samples.len().max(1) as f64;
    if samples.label(0).is_some() {
        let is_right = |(sample, other): (usize, &Option<usize>)| {
            other.is_some_and(|other| samples.label(sample) == samples.label(other))
        };
        let right = predicted.iter().enumerate().filter(|it| is_right(*it));
        return right.count() as f64 / n;
    }
    let targets = targets(samples);
    let width = targets.len() / samples.len().max(1);
    let flags = targets.iter().all(|&y| y == 0.0 || y == 1.0);
    let of_output = |output: usize| {
        let y: Vec<f64> = targets
            .iter()
            .skip(output)
            .step_by(width)
            .copied()
            .collect();
        let mean = y.iter().sum::<f64>() / n;
        let error = |sample: usize| y[sample] - predicted[sample].map_or(mean, |other| y[other]);
        let errors: f64 = (0..y.len()).map(|sample| error(sample).powi(2)).sum();
        let squares: f64 = y.iter().map(|y| (y - mean).powi(2)).sum();
        if flags {
            1.0 - errors / n
        } else {
            1.0 - errors / squares.max(f64::MIN_POSITIVE)
        }
    };
    (0..width).map(of_output).sum::<f64>() / width.max(1) as f64
}

fn targets(samples: &Samples<'_>) -> Vec<f64> {
    let Targets::Values(values) = samples.targets() else {
        return Vec::new();
    };
    let mut target = vec![0.0; values.n_columns()];
    let mut all = Vec::with_capacity(samples.len() * target.len());
    for position in 0..samples.len() {
        samples.copy_target(position, 0.0, &mut target);
        all.extend(target.iter().copied().map(f64::from));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(inputs: &[f32], labels: &[u32]) -> Samples<'static> {
        let rows: Vec<[f32; 1]> = inputs.iter().map(|&x| [x]).collect();
        Samples::classification(rows, labels.to_vec(), 2).expect("as many rows as labels")
    }

    #[test]
    fn each_sample_is_predicted_by_its_nearest_neighbour() {
        let samples = classes(&[0.0, 0.1, 5.0, 5.1], &[0, 0, 1, 0]);
        assert_eq!(nearest_neighbour_score(&samples), Ok(0.5));
    }

    #[test]
    fn copies_are_not_neighbours() {
        let samples = classes(&[1.0, 1.0, 2.0, 2.0], &[0, 0, 1, 1]);
        assert_eq!(nearest_neighbour_score(&samples), Ok(0.0));
    }

    /// Each of 1, 2, 4 is predicted by the nearest one: errors 1, 1, 2; the squares
    /// around the mean 7/3 have the sum 14/3.
    #[test]
    fn numbers_have_r_squared() {
        let inputs: Vec<[f32; 1]> = vec![[1.0], [2.0], [4.0]];
        let samples = Samples::regression(inputs.clone(), inputs).expect("three rows");
        let score = nearest_neighbour_score(&samples).expect("in memory");
        assert!((score - (1.0 - 6.0 / (14.0 / 3.0))).abs() < 1e-9, "{score}");
    }
}
