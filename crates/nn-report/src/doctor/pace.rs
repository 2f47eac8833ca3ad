//! Estimates the number of epochs until the training loss is close to its limit.
//!
//! A schedule that decays the learning rate to 0 flattens every loss curve. Progress is
//! therefore measured against the sum of the learning rates, not against the number of
//! epochs. With the training losses L₀ at the beginning, L₁ at half of the sum of the learning
//! rates and L₂ at the end,
//!
//! ```text
//! r = (L₁ − L₂)/(L₀ − L₁)
//! ```
//!
//! If the loss decays exponentially towards a limit, the fraction r² of the initial distance
//! to the limit is left at the end. Reaching a fraction of 2 % takes ln(0.02)/ln(r²) times
//! as many epochs.

use nn_plot::number::number;

use super::case::Case;

/// Fraction of the way that may be left at the end.
const LEFT: f64 = 0.02;

/// Number of times as many epochs from which on a run is far from its limit. Losses of
/// noisy data decay more slowly than an exponential, so that runs that were long enough
/// have up to 2.3.
pub(super) const LONG: f64 = 3.0;

/// Fewest steps of a training run. A third of an epoch of MNIST, with the default batch
/// size, is too short for most networks, whatever the learning rate.
pub(super) const MIN_STEPS: u64 = 300;

/// How many times higher or lower than the default of its optimizer a learning rate is if
/// it is the first suspect where the training samples are not fitted.
pub(super) const FAR_FROM_DEFAULT: f64 = 30.0;

/// Fewest epochs that show a pace.
const MIN_EPOCHS: usize = 4;

/// The decay of the training loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pace {
    /// The falls of the loss in the first and in the second half of the time.
    falls: [f64; 2],
}

impl Pace {
    /// The pace of a run; `None` if there are too few epochs, or if the loss did not
    /// fall in both halves.
    pub(super) fn new(case: &Case<'_>) -> Option<Self> {
        let start = case.initial.as_ref().ok().map(|initial| initial.loss);
        let start = start.or(case.loss_range.guessing)?;
        let epochs = case.epochs().iter();
        let rates_and_losses: Vec<[f64; 2]> = epochs
            .map(|epoch| [epoch.learning_rate, epoch.train_loss])
            .collect();
        Self::of(start, &rates_and_losses)
    }

    /// The pace of a run that starts with the loss `start`, from the learning rates and
    /// mean losses of its epochs.
    fn of(start: f64, epochs: &[[f64; 2]]) -> Option<Self> {
        let &[_, end] = epochs.last()?;
        if epochs.len() < MIN_EPOCHS {
            return None;
        }
        let mut points = vec![[0.0, start]];
        let mut time = 0.0;
        for &[rate, loss] in epochs {
            // The loss of an epoch is the mean over its steps.
            points.push([time + rate / 2.0, loss]);
            time += rate;
        }
        let middle = interpolated(&points, points.last()?[0] / 2.0)?;
        let falls = [start - middle, middle - end];
        let is_fall = falls.iter().all(|fall| fall.is_finite() && *fall > 0.0);
        is_fall.then_some(Self { falls })
    }

    /// How many times as many epochs bring the loss within 2 % of its limit; infinite
    /// if it does not slow down.
    pub(super) fn epochs_factor(&self) -> f64 {
        let ratio = self.falls[1] / self.falls[0];
        if ratio >= 1.0 {
            f64::INFINITY
        } else {
            LEFT.ln() / (2.0 * ratio.ln())
        }
    }

    /// `it fell by 0.2 in the first half of training and by 0.19 in the second half`
    pub(super) fn text(&self) -> String {
        let [first, second] = self.falls.map(number);
        format!(
            "it fell by {first} in the first half of training and by {second} in the second half"
        )
    }
}

/// The value of the line through these points at `x`.
fn interpolated(points: &[[f64; 2]], x: f64) -> Option<f64> {
    let pair = points
        .windows(2)
        .find(|pair| pair[0][0] <= x && x <= pair[1][0])?;
    let [[x0, y0], [x1, y1]] = [pair[0], pair[1]];
    Some(if x1 > x0 {
        y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    } else {
        y0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Epochs of a loss that decays from 2 towards 0 with this rate.
    fn decay(rates: &[f64], speed: f64) -> Vec<[f64; 2]> {
        let mut time = 0.0;
        let epoch = |&rate: &f64| {
            time += rate;
            [rate, 2.0 * (-speed * (time - rate / 2.0)).exp()]
        };
        rates.iter().map(epoch).collect()
    }

    #[test]
    fn an_exponential_decay_is_extrapolated() {
        let epochs = decay(&[0.1; 100], 0.1);
        // Of the way, exp(−0.1 · 9.95) is left; 2 % are left after 3.93 times as many.
        let factor = Pace::of(2.0, &epochs).expect("it falls").epochs_factor();
        assert!((factor - 0.02_f64.ln() / -0.995).abs() < 0.01, "{factor}");
    }

    #[test]
    fn a_schedule_that_ends_at_0_makes_no_difference() {
        let rates: Vec<f64> = (0..100)
            .map(|epoch| 0.2 * (1.0 - f64::from(epoch) / 100.0))
            .collect();
        let falling = Pace::of(2.0, &decay(&rates, 0.1))
            .expect("it falls")
            .epochs_factor();
        let constant = Pace::of(2.0, &decay(&[0.1; 100], 0.1))
            .expect("it falls")
            .epochs_factor();
        assert!((falling - constant).abs() < 0.1, "{falling} {constant}");
    }

    #[test]
    fn a_line_never_ends() {
        let epochs: Vec<[f64; 2]> = (0..10).map(|epoch| [1.0, 9.5 - f64::from(epoch)]).collect();
        let factor = Pace::of(10.0, &epochs).expect("it falls").epochs_factor();
        assert!(factor > 100.0, "{factor}");
        assert_eq!(Pace::of(10.0, &[[1.0, 5.0], [1.0, 6.0]]), None);
    }
}
