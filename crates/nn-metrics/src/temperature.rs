//! Temperature scaling: one factor on the logits that makes probabilities agree with observed
//! frequencies (Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2).
//!
//! ```text
//! p = softmax(z/T) or σ(z/T),   T minimizes the log loss  L = Σ wᵢ·(−ln p of row i) / Σ wᵢ
//! ```
//!
//! With β = 1/T, L is convex, and its derivative is
//!
//! ```text
//! classes   −ln p = lse(β·z) − β·z_y          d/dβ = Σ p_c·z_c − z_y
//! labels    −ln p = Σ ln(1 + e^(−s·β·z))      d/dβ = −Σ s·z·σ(−s·β·z),   s = ±1
//! ```
//!
//! so T is found by bisection of the sign of the derivative.

use nn_samples::Rows;

use crate::means::weight;

/// Smallest and largest temperature. A minimum outside of this range means that the rows
/// cannot determine a temperature: for example, if every row is predicted correctly, smaller
/// temperatures are always better.
const RANGE: [f64; 2] = [0.05, 20.0];

/// Number of bisections of the logarithm of the range.
const N_BISECTIONS: usize = 60;

/// The quantile of the normal distribution of a 95 % confidence interval.
const QUANTILE: f64 = 1.959_964;

/// The logits of rows with their true classes or labels.
#[derive(Clone, Copy, Debug)]
pub enum Logits<'a> {
    /// One logit per class, of a softmax.
    Classes {
        /// Logits `[n_samples, n_classes]`.
        z: &'a Rows<'a, f64>,
        /// True classes `[n_samples]`.
        classes: &'a [u32],
    },
    /// One logit per label, of sigmoids; two classes are one label.
    Labels {
        /// Logits `[n_samples, n_labels]`.
        z: &'a Rows<'a, f64>,
        /// Whether each label is true, `[n_samples, n_labels]`, row-major.
        are_true: &'a [bool],
    },
}

/// A temperature that was fitted to rows.
///
/// ```
/// use nn_metrics::{Logits, TemperatureFit};
/// use nn_samples::Rows;
///
/// // The logit 9 promises a probability of 0.9999, but only three of four rows are true.
/// let z = Rows::new(vec![9.0; 100], 1);
/// let are_true: Vec<bool> = (0..100).map(|row| row % 4 > 0).collect();
/// let fit = TemperatureFit::new(Logits::Labels { z: &z, are_true: &are_true }, None).unwrap();
/// // σ(9/T) = 3/4, so 9/T = ln 3.
/// assert!((fit.temperature - 9.0 / 3.0_f64.ln()).abs() < 1e-9);
/// assert!(fit.is_significant);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct TemperatureFit {
    /// The temperature with the lowest log loss.
    pub temperature: f64,
    /// Log loss with this temperature, in nats.
    pub log_loss: f64,
    /// Log loss with temperature 1, in nats.
    pub uncalibrated_log_loss: f64,
    /// Whether the log loss falls by more than chance: the 95 % confidence interval of the
    /// mean difference per row lies above 0.
    pub is_significant: bool,
}

impl TemperatureFit {
    /// Fits the temperature to rows; `None` without rows, for a logit that is NaN or infinite,
    /// and if no temperature from 0.05 to 20 minimizes the log loss.
    ///
    /// # Shapes
    /// As in [`Logits`]; `weights [n_samples]`.
    pub fn new(logits: Logits<'_>, weights: Option<&[f64]>) -> Option<Self> {
        let z = match logits {
            Logits::Classes { z, .. } | Logits::Labels { z, .. } => z,
        };
        if z.n_rows() == 0 || z.as_slice().iter().any(|z| !z.is_finite()) {
            return None;
        }
        let slope = |temperature: f64| {
            let rows = (0..z.n_rows()).map(|row| {
                let (_, derivative) = logits.loss(row, 1.0 / temperature);
                weight(weights, row) * derivative
            });
            rows.sum::<f64>()
        };
        let [mut low, mut high] = RANGE;
        // The derivative with respect to 1/T is positive where T is too small.
        if slope(low) <= 0.0 || slope(high) >= 0.0 {
            return None;
        }
        for _ in 0..N_BISECTIONS {
            let middle = (low * high).sqrt();
            if slope(middle) > 0.0 {
                low = middle;
            } else {
                high = middle;
            }
        }
        Some(Self::compared(logits, weights, (low * high).sqrt()))
    }

    /// Compares a temperature with temperature 1.
    fn compared(logits: Logits<'_>, weights: Option<&[f64]>, temperature: f64) -> Self {
        let [mut total, mut with, mut without, mut squares] = [0.0; 4];
        for row in 0..logits.n_rows() {
            let weight = weight(weights, row);
            let (calibrated, _) = logits.loss(row, 1.0 / temperature);
            let (uncalibrated, _) = logits.loss(row, 1.0);
            total += weight;
            with += weight * calibrated;
            without += weight * uncalibrated;
            squares += (weight * (uncalibrated - calibrated)).powi(2);
        }
        // The standard error of the sum of n differences d is √(Σ d² − (Σ d)²/n).
        let gain = without - with;
        let variance = squares - gain * gain / logits.n_rows() as f64;
        Self {
            temperature,
            log_loss: with / total,
            uncalibrated_log_loss: without / total,
            is_significant: gain > QUANTILE * variance.max(0.0).sqrt(),
        }
    }
}

impl Logits<'_> {
    fn n_rows(&self) -> usize {
        match self {
            Self::Classes { z, .. } | Self::Labels { z, .. } => z.n_rows(),
        }
    }

    /// The log loss of a row with the factor β on its logits, and its derivative.
    fn loss(&self, row: usize, beta: f64) -> (f64, f64) {
        match self {
            Self::Classes { z, classes } => loss_of_class(z.row(row), classes[row] as usize, beta),
            Self::Labels { z, are_true } => {
                let labels = z.row(row).len();
                let are_true = &are_true[row * labels..][..labels];
                let values = z.row(row).iter().zip(are_true);
                values.fold((0.0, 0.0), |(loss, derivative), (&z, &is_true)| {
                    let signed = if is_true { z } else { -z };
                    let x = -beta * signed;
                    let softplus = x.max(0.0) + (-x.abs()).exp().ln_1p();
                    (loss + softplus, derivative - signed / (1.0 + (-x).exp()))
                })
            }
        }
    }
}

fn loss_of_class(z: &[f64], class: usize, beta: f64) -> (f64, f64) {
    let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut sum, mut mean) = (0.0, 0.0);
    for &z in z {
        let p = (beta * (z - largest)).exp();
        sum += p;
        mean += p * z;
    }
    let loss = sum.ln() + beta * (largest - z[class]);
    (loss, mean / sum - z[class])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two groups of rows with logits (0, 2) and (0, 6), of which 70 % and 90 % belong to the
    /// second class; `scripts/temperature_reference.py`.
    #[test]
    fn the_temperature_has_the_lowest_log_loss() {
        let z: Vec<f64> = (0..20)
            .flat_map(|row| [0.0, if row < 10 { 2.0 } else { 6.0 }])
            .collect();
        let classes: Vec<u32> = (0..20)
            .map(|row| u32::from(if row < 10 { row < 7 } else { row < 19 }))
            .collect();
        let z = Rows::new(z, 2);
        let logits = Logits::Classes {
            z: &z,
            classes: &classes,
        };
        let fit = TemperatureFit::new(logits, None).expect("there is a minimum");
        assert!(
            (fit.temperature - 2.642_157_124_961_652).abs() < 1e-9,
            "{fit:?}"
        );
        assert!(
            (fit.log_loss - 0.468_526_861_344_157_7).abs() < 1e-9,
            "{fit:?}"
        );
        assert!((fit.uncalibrated_log_loss - 0.664_701_848_090_351_4).abs() < 1e-9);
        let margins: Vec<f64> = z.rows().map(|row| row[1] - row[0]).collect();
        let margins = Rows::new(margins, 1);
        let are_true: Vec<bool> = classes.iter().map(|&class| class == 1).collect();
        let labels = Logits::Labels {
            z: &margins,
            are_true: &are_true,
        };
        let of_labels = TemperatureFit::new(labels, None).expect("there is a minimum");
        assert!((of_labels.temperature - fit.temperature).abs() < 1e-9);
    }

    /// A row of weight 2 counts as two rows.
    #[test]
    fn weights_repeat_rows() {
        let z = Rows::new(vec![3.0, 1.0, -2.0, 0.5], 1);
        let repeated = Rows::new(vec![3.0, 1.0, 1.0, -2.0, 0.5, 0.5], 1);
        let fit = |z: &Rows<'_, f64>, are_true: &[bool], weights: Option<&[f64]>| {
            TemperatureFit::new(Logits::Labels { z, are_true }, weights)
                .expect("there is a minimum")
                .temperature
        };
        let weighted = fit(&z, &[true, true, false, false], Some(&[1.0, 2.0, 1.0, 2.0]));
        let plain = fit(&repeated, &[true, true, true, false, false, false], None);
        assert!((weighted - plain).abs() < 1e-9);
    }

    #[test]
    fn rows_without_errors_have_no_temperature() {
        let z = Rows::new(vec![3.0, -1.0], 1);
        let labels = Logits::Labels {
            z: &z,
            are_true: &[true, false],
        };
        assert_eq!(TemperatureFit::new(labels, None), None);
        let z = Rows::new(Vec::new(), 1);
        let labels = Logits::Labels {
            z: &z,
            are_true: &[],
        };
        assert_eq!(TemperatureFit::new(labels, None), None);
    }

    /// Probabilities of 0.75 that are right in 3 of 4 rows have nothing to gain.
    #[test]
    fn calibrated_rows_gain_nothing() {
        let z = Rows::new(vec![3.0_f64.ln(); 40], 1);
        let are_true: Vec<bool> = (0..40).map(|row| row % 4 > 0).collect();
        let labels = Logits::Labels {
            z: &z,
            are_true: &are_true,
        };
        let fit = TemperatureFit::new(labels, None).expect("there is a minimum");
        assert!((fit.temperature - 1.0).abs() < 1e-9);
        assert!(!fit.is_significant);
    }
}
