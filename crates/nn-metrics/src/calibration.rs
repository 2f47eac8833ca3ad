//! Calibration: the agreement of predicted probabilities with observed frequencies.

use nn_samples::Rows;

use crate::means::weight;

/// Number of bins, as in Guo et al. 2017.
const N_BINS: usize = 15;

/// A calibration curve: predicted probabilities and observed frequencies in 15 bins of
/// equal width.
///
/// ```
/// use nn_metrics::Calibration;
///
/// // Of ten rows with probability 0.9, nine are positive.
/// let is_positive: Vec<bool> = (0..10).map(|row| row > 0).collect();
/// let calibration = Calibration::new(&[0.9; 10], &is_positive, None);
/// assert!(calibration.error().unwrap() < 1e-12);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    bins: Vec<CalibrationBin>,
}

/// A bin of a calibration curve.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// Mean predicted probability.
    pub probability: f64,
    /// Fraction of positive rows.
    pub frequency: f64,
    /// Sum of the weights of the rows.
    pub weight: f64,
}

impl Calibration {
    /// Groups the rows into bins by their probability p. Bin b contains the rows with
    /// b/15 < p ≤ (b + 1)/15; the first bin also contains the rows with p = 0.
    ///
    /// # Shapes
    /// `probabilities [n_samples]`, `is_positive [n_samples]`, `weights [n_samples]`.
    pub fn new(probabilities: &[f64], is_positive: &[bool], weights: Option<&[f64]>) -> Self {
        let width = 1.0 / N_BINS as f64;
        let edges: Vec<f64> = (1..N_BINS).map(|edge| edge as f64 * width).collect();
        let mut sums = [(0.0, 0.0, 0.0); N_BINS];
        let rows = probabilities.iter().zip(is_positive).enumerate();
        for (row, (&probability, &is_positive)) in rows {
            let weight = weight(weights, row);
            let sum = &mut sums[edges.partition_point(|&edge| edge < probability)];
            sum.0 += weight * probability;
            sum.1 += weight * f64::from(u8::from(is_positive));
            sum.2 += weight;
        }
        let filled = sums.into_iter().filter(|sum| 0.0 < sum.2);
        let bins = filled.map(|(probability, frequency, weight)| CalibrationBin {
            probability: probability / weight,
            frequency: frequency / weight,
            weight,
        });
        Self {
            bins: bins.collect(),
        }
    }

    /// The calibration curve of a classifier. For two classes, the probability of the second class
    /// is used. For more classes, the largest probability of each row is used, and the row is
    /// positive if the class with this probability is the true class.
    ///
    /// # Shapes
    /// `probabilities [n_samples, n_classes]`, `classes [n_samples]`.
    pub fn of_classes(
        probabilities: &Rows<'_, f64>,
        classes: &[u32],
        weights: Option<&[f64]>,
    ) -> Self {
        let has_two = probabilities.n_columns() == 2;
        let column = |row: &[f64]| if has_two { 1 } else { largest(row) };
        let columns: Vec<usize> = probabilities.rows().map(column).collect();
        let values = probabilities.rows().zip(&columns);
        let values: Vec<f64> = values.map(|(row, &column)| row[column]).collect();
        let rows = classes.iter().zip(&columns);
        let is_positive: Vec<bool> = rows
            .map(|(&class, &column)| class as usize == column)
            .collect();
        Self::new(&values, &is_positive, weights)
    }

    /// The bins that contain rows, in ascending order of probability.
    pub fn bins(&self) -> &[CalibrationBin] {
        &self.bins
    }

    /// Expected calibration error: the mean absolute difference between the probability and
    /// the frequency of a bin, weighted by the number of its rows. `None` without rows.
    ///
    /// ```text
    /// ECE = Σ_b (n_b/n)·|frequency_b − probability_b|
    /// ```
    pub fn error(&self) -> Option<f64> {
        let total: f64 = self.bins.iter().map(|bin| bin.weight).sum();
        let distances = self.bins.iter();
        let distances = distances.map(|bin| bin.weight * (bin.frequency - bin.probability).abs());
        (0.0 < total).then(|| distances.sum::<f64>() / total)
    }
}

/// The column of the largest value, the first of equal ones.
fn largest(row: &[f64]) -> usize {
    let mut best = 0;
    for (column, &value) in row.iter().enumerate() {
        if row[best] < value {
            best = column;
        }
    }
    best
}
