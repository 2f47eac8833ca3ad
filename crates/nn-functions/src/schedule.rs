//! Learning-rate schedules.
//!
//! The learning rate of a step is η·f, where η is the configured learning rate. After `s`
//! of `N` steps, in epoch `e` (counted from 0), the factor f is
//!
//! | name | f | source |
//! |---|---|---|
//! | `constant` | 1 | |
//! | `step:every=10:factor=0.1` | factor^⌊e/every⌋ | |
//! | `exponential:factor=0.95` | factorᵉ | |
//! | `cosine:warmup=0:floor=0` | floor + (1 − floor)·(1 + cos(π·s/N))/2 | Loshchilov & Hutter 2017, one period |
//! | `warmup:epochs=1` | linear from 0 to 1 over this number of epochs, then 1 | Goyal et al. 2017 |
//! | `one-cycle:rise=0.3:start=25:end=10000` | from 1/start up to 1, then down to 1/(start·end), each half a cosine | Smith & Topin 2018 |
//! | `coslog4` | (1 − cos(2π·log₂(1 + 15·s/N)))/2: four waves from 0 to 1 and back, each twice as long as the previous one | Holzmüller et al. 2024 (RealMLP) |
//! | `flat-cos:flat=0.5` | 1 for this fraction of the steps, then half a cosine down to 0 | fastai's `fit_flat_cos`; with ½, Holzmüller et al. 2024 for dropout and weight decay |
//! | `plateau:factor=0.5:patience=3` | multiplied by `factor` when the loss has not fallen for more than `patience` epochs | |
//!
//! `cosine:warmup=2` rises linearly over the first two epochs and follows the
//! cosine over the rest. `plateau` monitors the validation loss, or the training
//! loss if there is no validation split.

use std::f64::consts::PI;

use crate::menu::{Menu, Parameter, Range, menu_text};

/// A learning-rate schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// Constant learning rate.
    Constant,
    /// Step decay: multiplies the learning rate by a factor every few epochs.
    Step {
        /// Number of epochs between changes.
        every: f64,
        /// Factor per change.
        factor: f64,
    },
    /// Exponential decay: multiplies the learning rate by a factor every epoch.
    Exponential {
        /// Factor per epoch.
        factor: f64,
    },
    /// Cosine annealing after an optional linear warmup (Loshchilov & Hutter 2017).
    Cosine {
        /// Number of warmup epochs.
        warmup: f64,
        /// Final learning rate, as a fraction of the configured learning rate.
        floor: f64,
    },
    /// Linear warmup, then constant (Goyal et al. 2017).
    Warmup {
        /// Number of warmup epochs.
        epochs: f64,
    },
    /// One-cycle policy: up, then down (Smith & Topin 2018).
    OneCycle {
        /// Fraction of the steps with a rising learning rate.
        rise: f64,
        /// Divisor of the learning rate for the first step.
        start: f64,
        /// Additional divisor of the learning rate for the last step.
        end: f64,
    },
    /// The coslog4 schedule: four periods of a cosine, each twice as long as the period before
    /// (Holzmüller et al. 2024).
    Coslog4,
    /// Constant learning rate, then cosine annealing to 0.
    FlatCos {
        /// Fraction of the steps with a constant learning rate.
        flat: f64,
    },
    /// Reduction on plateau: multiplies the learning rate by a factor when the
    /// loss stops falling.
    Plateau {
        /// Factor per reduction.
        factor: f64,
        /// Number of epochs without improvement that are tolerated.
        patience: f64,
    },
}

impl Menu for Schedule {
    const KIND: &'static str = "schedule";

    const ALL: &'static [Self] = &[
        Self::Constant,
        Self::Step {
            every: 10.0,
            factor: 0.1,
        },
        Self::Exponential { factor: 0.95 },
        Self::Cosine {
            warmup: 0.0,
            floor: 0.0,
        },
        Self::Warmup { epochs: 1.0 },
        Self::OneCycle {
            rise: 0.3,
            start: 25.0,
            end: 1e4,
        },
        Self::Coslog4,
        Self::FlatCos { flat: 0.5 },
        Self::Plateau {
            factor: 0.5,
            patience: 3.0,
        },
    ];

    fn name(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step { .. } => "step",
            Self::Exponential { .. } => "exponential",
            Self::Cosine { .. } => "cosine",
            Self::Warmup { .. } => "warmup",
            Self::OneCycle { .. } => "one-cycle",
            Self::Coslog4 => "coslog4",
            Self::FlatCos { .. } => "flat-cos",
            Self::Plateau { .. } => "plateau",
        }
    }

    fn formula(&self) -> &'static str {
        match self {
            Self::Constant => "1",
            Self::Step { .. } => "factor^⌊e/every⌋",
            Self::Exponential { .. } => "factorᵉ",
            Self::Cosine { .. } => "floor + (1 − floor)·(1 + cos(π·s/N))/2",
            Self::Warmup { .. } => "e/epochs, then 1",
            Self::OneCycle { .. } => {
                "from 1/start up to 1, then down to 1/(start·end), each half a cosine"
            }
            Self::Coslog4 => "(1 − cos(2π·log₂(1 + 15·s/N)))/2",
            Self::FlatCos { .. } => "1 while s/N < flat, then half a cosine down to 0",
            Self::Plateau { .. } => {
                "times factor when the loss has not fallen for more than patience epochs"
            }
        }
    }

    fn source(&self) -> &'static str {
        match self {
            Self::Constant
            | Self::Step { .. }
            | Self::Exponential { .. }
            | Self::Plateau { .. } => "",
            Self::Cosine { .. } => "Loshchilov & Hutter 2017",
            Self::Warmup { .. } => "Goyal et al. 2017",
            Self::OneCycle { .. } => "Smith & Topin 2018",
            Self::Coslog4 => "Holzmüller et al. 2024",
            Self::FlatCos { .. } => "fastai's fit_flat_cos",
        }
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self {
            Self::Constant => &["none"],
            Self::FlatCos { .. } => &["flat-cosine"],
            _ => &[],
        }
    }

    fn parameters(&mut self) -> Vec<Parameter<'_>> {
        match self {
            Self::Constant | Self::Coslog4 => Vec::new(),
            Self::Step { every, factor } => vec![
                Parameter::new("every", every, Range::Count),
                Parameter::new("factor", factor, Range::Factor),
            ],
            Self::Exponential { factor } => vec![Parameter::new("factor", factor, Range::Factor)],
            Self::Cosine { warmup, floor } => vec![
                Parameter::new("warmup", warmup, Range::NotNegative),
                Parameter::new("floor", floor, Range::Fraction),
            ],
            Self::Warmup { epochs } => vec![Parameter::new("epochs", epochs, Range::Positive)],
            Self::OneCycle { rise, start, end } => vec![
                Parameter::new("rise", rise, Range::Fraction),
                Parameter::new("start", start, Range::Positive),
                Parameter::new("end", end, Range::Positive),
            ],
            Self::FlatCos { flat } => vec![Parameter::new("flat", flat, Range::Fraction)],
            Self::Plateau { factor, patience } => vec![
                Parameter::new("factor", factor, Range::Factor),
                Parameter::new("patience", patience, Range::CountOrZero),
            ],
        }
    }
}

menu_text!(Schedule);

/// The position in a training run, in steps.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Number of steps taken.
    pub step: u64,
    /// Number of steps per epoch.
    pub steps_per_epoch: u64,
    /// Total number of epochs.
    pub epochs: u64,
}

impl Schedule {
    /// The factor that multiplies the learning rate for the step after `position`.
    ///
    /// For `Schedule::Plateau` the factor is 1 here; [`Plateau`] has the actual factor,
    /// which depends on the losses.
    pub fn factor(self, position: Position) -> f64 {
        let Position {
            step,
            steps_per_epoch,
            epochs,
        } = position;
        let epoch = (step / steps_per_epoch.max(1)) as f64;
        // In floating point, because unlimited training has the largest number of epochs.
        let n_steps = steps_per_epoch as f64 * epochs as f64;
        let s = step as f64;
        match self {
            Self::Constant | Self::Plateau { .. } => 1.0,
            Self::Step { every, factor } => factor.powf((epoch / every).floor()),
            Self::Exponential { factor } => factor.powf(epoch),
            Self::Cosine { warmup, floor } => {
                let rise = warmup * steps_per_epoch as f64;
                if s < rise {
                    return (s + 1.0) / rise;
                }
                floor + (1.0 - floor) * half_cosine((s - rise) / (n_steps - rise).max(1.0))
            }
            Self::Warmup { epochs } => ((s + 1.0) / (epochs * steps_per_epoch as f64)).min(1.0),
            Self::OneCycle { rise, start, end } => {
                // Both ends fall on steps, so that the first and the last rate are exact.
                let top = rise * n_steps - 1.0;
                let [low, lowest] = [1.0 / start, 1.0 / (start * end)];
                if s <= top && top > 0.0 {
                    1.0 + (low - 1.0) * half_cosine(s / top)
                } else {
                    lowest + (1.0 - lowest) * half_cosine((s - top) / (n_steps - 1.0 - top))
                }
            }
            Self::Coslog4 => {
                let t = (s / n_steps).min(1.0);
                0.5 * (1.0 - (2.0 * PI * (1.0 + 15.0 * t).log2()).cos())
            }
            Self::FlatCos { flat } => half_cosine((s / n_steps - flat) / (1.0 - flat)),
        }
    }
}

/// Half a cosine, from 1 at t = 0 to 0 at t = 1.
fn half_cosine(t: f64) -> f64 {
    0.5 * (1.0 + (PI * t.clamp(0.0, 1.0)).cos())
}

/// The state of the `plateau` schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plateau {
    /// Current factor that multiplies the learning rate.
    pub factor: f64,
    /// The lowest loss so far.
    pub best: f64,
    /// Number of epochs since the lowest loss or the last reduction of the factor.
    pub waited: u64,
}

/// The relative decrease of the loss that counts as an improvement (as in PyTorch).
const PLATEAU_THRESHOLD: f64 = 1e-4;

impl Default for Plateau {
    fn default() -> Self {
        Self {
            factor: 1.0,
            best: f64::INFINITY,
            waited: 0,
        }
    }
}

impl Plateau {
    /// Updates the state with the loss of a finished epoch.
    pub fn observe(&mut self, schedule: Schedule, loss: f64) {
        let Schedule::Plateau { factor, patience } = schedule else {
            return;
        };
        if loss < self.best * (1.0 - PLATEAU_THRESHOLD) {
            self.best = loss;
            self.waited = 0;
            return;
        }
        self.waited += 1;
        if self.waited as f64 > patience {
            self.factor *= factor;
            self.waited = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_name_the_same_schedule() {
        for (alias, name) in [("none", "constant"), ("flat-cosine", "flat-cos")] {
            let parse = |name: &str| name.parse::<Schedule>().expect("valid");
            assert_eq!(parse(alias), parse(name));
        }
    }

    fn factors(schedule: &str, steps_per_epoch: u64, epochs: u64) -> Vec<f64> {
        let schedule: Schedule = schedule.parse().unwrap();
        (0..steps_per_epoch * epochs)
            .map(|step| {
                schedule.factor(Position {
                    step,
                    steps_per_epoch,
                    epochs,
                })
            })
            .collect()
    }

    #[test]
    fn menu() {
        crate::menu::tests::check::<Schedule>();
    }

    #[test]
    fn factors_agree_with_hand_calculations() {
        assert_eq!(
            factors("step:every=2:factor=0.5", 1, 5),
            [1.0, 1.0, 0.5, 0.5, 0.25]
        );
        assert_eq!(
            factors("exponential:factor=0.5", 2, 2),
            [1.0, 1.0, 0.5, 0.5]
        );
        assert_eq!(
            factors("warmup:epochs=2", 2, 3),
            [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
        );
        let cosine = factors("cosine:floor=0.5", 1, 2);
        assert!((cosine[0] - 1.0).abs() < 1e-15 && (cosine[1] - 0.75).abs() < 1e-15);
        let cosine = factors("cosine:warmup=2", 2, 4);
        assert_eq!(cosine[..5], [0.25, 0.5, 0.75, 1.0, 1.0]);
        assert!((cosine[6] - 0.5).abs() < 1e-15, "{cosine:?}");
        let cycle = factors("one-cycle:rise=0.4:start=10:end=100", 10, 1);
        assert!((cycle[0] - 0.1).abs() < 1e-15 && (cycle[3] - 1.0).abs() < 1e-15);
        assert!((cycle[9] - 0.001).abs() < 1e-15);
        // 1 + 15t is 2, 4 and 8 at the ends of the waves, √2 at the first peak.
        let waves = factors("coslog4", 15, 1);
        assert!(
            [0, 1, 3, 7].iter().all(|&end| waves[end] < 1e-15),
            "{waves:?}"
        );
        let flat = factors("flat-cos", 6, 1);
        assert_eq!(flat[..4], [1.0; 4]);
        assert!((flat[4] - 0.75).abs() < 1e-15 && (flat[5] - 0.25).abs() < 1e-15);
    }

    #[test]
    fn factors_stay_between_0_and_1() {
        for schedule in Schedule::ALL {
            for factor in factors(&schedule.to_string(), 7, 5) {
                assert!((0.0..=1.0).contains(&factor), "{schedule}: {factor}");
            }
        }
    }

    #[test]
    fn factors_of_unlimited_training_are_valid() {
        for &schedule in Schedule::ALL {
            for step in [0, 1, u64::MAX] {
                let factor = schedule.factor(Position {
                    step,
                    steps_per_epoch: u64::MAX,
                    epochs: u64::MAX,
                });
                assert!((0.0..=1.0).contains(&factor), "{schedule}: {factor}");
            }
        }
    }

    #[test]
    fn a_rise_of_one_step_starts_at_the_peak() {
        let cycle = factors("one-cycle:rise=0.1", 10, 1);
        assert_eq!(cycle[0], 1.0);
        assert!(cycle[1] < 1.0 && cycle[9] > 0.0);
    }

    #[test]
    fn plateau_reduces_the_rate_after_its_patience() {
        let schedule = Schedule::Plateau {
            factor: 0.5,
            patience: 2.0,
        };
        let mut plateau = Plateau::default();
        for loss in [1.0, 0.5, 0.6, 0.5] {
            plateau.observe(schedule, loss);
        }
        assert_eq!(plateau.factor, 1.0);
        plateau.observe(schedule, 0.5);
        assert_eq!(plateau.factor, 0.5);
    }
}
