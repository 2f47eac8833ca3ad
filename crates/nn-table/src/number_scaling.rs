//! Scaling of numeric inputs, fitted to the training rows.
//!
//! ```text
//! standard   z = (x − mean)/std
//! robust     z = (x − median)/s,  y = z/√(1 + (z/3)²)
//!            s = q₇₅ − q₂₅, or (max − min)/2 if that is 0
//! ```
//!
//! The robust scaling with smooth clipping is that of RealMLP (Holzmüller et al. 2024,
//! "Better by Default", section 3.1): outliers end between −3 and 3. The quantiles are
//! interpolated linearly, as in NumPy.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::scaling::Scaling;
use crate::weighted_rows::WeightedRows;

/// The limit of the smooth clipping.
const LIMIT: f64 = 3.0;

/// 1 − (y/3)² of the largest scaled numbers that can be restored.
const CLIPPED: f64 = 1e-9;

/// A scaled number this large is equal to the limit; its square does not overflow.
const LARGE: f64 = 1e100;

/// The scaling of one column of numbers, fitted to the training rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum NumberScaling {
    /// Standardization.
    Standard(Standardization),
    /// Robust scaling with smooth clipping.
    Robust(RobustScaling),
}

impl NumberScaling {
    /// Fits the scaling to the values that are not missing; `present` holds these values.
    pub(crate) fn fit(
        scaling: Scaling,
        value: impl Fn(usize) -> f64,
        rows: &WeightedRows<'_>,
        present: &mut [f64],
    ) -> Self {
        match scaling {
            Scaling::Standard => Self::Standard(Standardization::fit(value, rows)),
            Scaling::Robust => Self::Robust(RobustScaling::fit(present)),
        }
    }

    /// The input for a number.
    pub fn apply(&self, number: f64) -> f32 {
        match self {
            Self::Standard(standardization) => standardization.apply(number),
            Self::Robust(robust) => robust.apply(number),
        }
    }

    /// The number for an input; for an outlier that robust scaling has clipped, a number with
    /// almost the same input.
    pub fn inverse(&self, input: f32) -> f64 {
        let y = f64::from(input);
        let z = match self {
            Self::Standard(_) => y,
            Self::Robust(_) => y / (1.0 - (y / LIMIT).powi(2)).max(CLIPPED).sqrt(),
        };
        self.center() + self.scale() * z
    }

    /// The number whose input is 0: the mean or the median.
    pub fn center(&self) -> f64 {
        match self {
            Self::Standard(standardization) => standardization.mean,
            Self::Robust(robust) => robust.center,
        }
    }

    /// The divisor: the standard deviation or the interquartile range.
    pub fn scale(&self) -> f64 {
        match self {
            Self::Standard(standardization) => standardization.std,
            Self::Robust(robust) => robust.scale,
        }
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.center().is_finite() && self.scale().is_finite() && 0.0 < self.scale()
    }
}

/// Standardization: `(x - mean) / std`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardization {
    /// Mean of the training rows.
    pub mean: f64,
    /// Population standard deviation of the training rows, above 0.
    pub std: f64,
}

impl Standardization {
    /// Computes mean and standard deviation of the values that are not missing, in
    /// two passes, in double precision. If all squared deviations underflow to 0, the
    /// column counts as constant.
    pub(crate) fn fit(value: impl Fn(usize) -> f64, rows: &WeightedRows<'_>) -> Self {
        let rows: Cow<'_, WeightedRows<'_>> = rows.present(&value);
        if rows.are_all_equal(&value) {
            return Self {
                mean: value(rows.rows[0]),
                std: 1.0,
            };
        }
        let mean = rows.mean(&value);
        let std = rows.mean(|row| (value(row) - mean).powi(2)).sqrt();
        Self {
            mean,
            std: if std == 0.0 { 1.0 } else { std },
        }
    }

    pub(crate) fn apply(self, value: f64) -> f32 {
        ((value - self.mean) / self.std) as f32
    }
}

/// Robust scaling with smooth clipping: `z = (x - center) / scale`, then
/// `z / sqrt(1 + (z/3)^2)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RobustScaling {
    /// Median of the training rows.
    pub center: f64,
    /// Interquartile range of the training rows, or half their range if that is 0; above 0.
    pub scale: f64,
}

impl RobustScaling {
    /// Fits the scaling to at least one value; the order of the values changes. Sample
    /// weights have no influence.
    fn fit(values: &mut [f64]) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        let range = quantile(values, 0.75) - quantile(values, 0.25);
        let half = values[values.len() - 1] / 2.0 - values[0] / 2.0;
        let is_usable = |scale: &f64| *scale > 0.0 && scale.is_finite();
        let scale = [range, half].into_iter().find(is_usable);
        Self {
            center: quantile(values, 0.5),
            scale: scale.unwrap_or(1.0),
        }
    }

    fn apply(self, value: f64) -> f32 {
        let z = ((value - self.center) / self.scale).clamp(-LARGE, LARGE);
        (z / (1.0 + (z / LIMIT).powi(2)).sqrt()) as f32
    }
}

/// The quantile of sorted values, interpolated linearly.
fn quantile(sorted: &[f64], fraction: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * fraction;
    let below = sorted[place as usize];
    let above = sorted[(place as usize + 1).min(sorted.len() - 1)];
    below * (1.0 - place.fract()) + above * place.fract()
}

/// The median of numbers, of which there is at least one; their order changes.
pub(crate) fn median(values: &mut [f64]) -> f64 {
    let (middle, is_even) = (values.len() / 2, values.len().is_multiple_of(2));
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if is_even {
        let lower = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (lower + upper) / 2.0
    } else {
        upper
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_converted_back_to_numbers() {
        let standard = NumberScaling::Standard(Standardization {
            mean: 5.0,
            std: 0.5,
        });
        let robust = NumberScaling::Robust(RobustScaling {
            center: -2.0,
            scale: 4.0,
        });
        for scaling in [standard, robust] {
            for number in [-30.0, -2.0, 0.0, 5.25, 17.0] {
                let restored = scaling.inverse(scaling.apply(number));
                assert!((restored - number).abs() < 1e-4, "{restored} {number}");
            }
        }
        // z = 3 gives 3/sqrt(2), and an outlier stays an outlier.
        assert_eq!(robust.apply(10.0), (3.0 / 2_f64.sqrt()) as f32);
        let outlier = robust.inverse(robust.apply(1e30));
        assert!(outlier.is_finite() && robust.apply(outlier) > 2.999);
    }

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(median(&mut [3.0]), 3.0);
        assert_eq!(median(&mut [9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median(&mut [9.0, 1.0, 2.0, 5.0]), 3.5);
        assert_eq!(median(&mut [2.0, 2.0]), 2.0);
    }

    /// Golden numbers of `scripts/robust_scaling_reference.py`, NumPy.
    #[test]
    fn robust_scaling_agrees_with_numpy() {
        let golden = include_str!("../tests/golden/robust_scaling.json");
        let golden: serde_json::Value = serde_json::from_str(golden).expect("valid JSON");
        let list = |case: &serde_json::Value, key: &str| -> Vec<f64> {
            let values = case[key].as_array().expect("a list");
            values
                .iter()
                .map(|it| it.as_f64().expect("a number"))
                .collect()
        };
        let cases = golden["cases"].as_array().expect("cases");
        assert!(cases.len() >= 4);
        for case in cases {
            let values = list(case, "values");
            let fitted = RobustScaling::fit(&mut values.clone());
            for (value, expected) in values.iter().zip(list(case, "scaled")) {
                let found = f64::from(fitted.apply(*value));
                assert!(
                    (found - expected).abs() < 1e-6,
                    "{value}: {found}, {expected}"
                );
            }
        }
    }

    #[test]
    fn outliers_end_at_the_limit() {
        let robust = RobustScaling {
            center: 0.0,
            scale: 1e-300,
        };
        for (value, expected) in [(f64::MAX, 3.0), (f64::MIN, -3.0), (0.0, 0.0)] {
            assert_eq!(robust.apply(value), expected);
        }
    }
}
