//! Scales of axes: range, ticks, and the position of each number on an axis.
//!
//! Ticks of a linear axis are multiples of 1, 2 or 5 times a power of ten (Heckbert, "Nice numbers
//! for graph labels", Graphics Gems, 1990). Ticks of a logarithmic axis are powers of ten; on a
//! short axis, 2 and 5 times the powers of ten are added.

use crate::axis::{Axis, Format};
use crate::number;

/// Larger numbers are clamped, so that differences do not overflow.
const LARGEST: f64 = 1e300;

/// The smallest number on a logarithmic axis.
const SMALLEST: f64 = 1e-300;

/// Approximate number of ticks.
const N_TICKS: f64 = 5.0;

/// Padding of the range beyond the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// No padding.
    None,
    /// A twentieth at both ends, but not below 0 if no number is negative.
    Some,
    /// The range includes 0, with padding at the other end.
    FromZero,
}

/// The scale of an axis, fitted to data.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    /// Bounds; logarithms on a logarithmic axis.
    low: f64,
    high: f64,
    is_log: bool,
    pub(crate) ticks: Vec<Tick>,
}

/// A tick of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tick {
    /// Position on the axis, from 0 to 1.
    pub(crate) position: f64,
    pub(crate) label: String,
}

impl Scale {
    /// Fits `axis` to `values`. Numbers that are not finite, or not positive on a
    /// logarithmic axis, are ignored.
    pub(crate) fn new(axis: &Axis, values: impl Iterator<Item = f64>, padding: Padding) -> Self {
        let given = axis
            .range
            .filter(|range| inner(range.0, axis.is_log) < inner(range.1, axis.is_log))
            .and_then(|range| Some((inner(range.0, axis.is_log)?, inner(range.1, axis.is_log)?)));
        let (low, high) = given.unwrap_or_else(|| {
            let found = extremes(values.filter_map(|value| inner(value, axis.is_log)));
            fitted(found, axis, padding)
        });
        let mut scale = Self {
            low,
            high,
            is_log: axis.is_log,
            ticks: Vec::new(),
        };
        scale.ticks = if axis.is_log {
            scale.log_ticks()
        } else {
            scale.linear_ticks(axis.format)
        };
        scale
    }

    /// Creates a scale with an interval of width 1 for each name, and labels for at
    /// most `max_labels` of them.
    pub(crate) fn categories(names: &[String], max_labels: usize) -> Self {
        let n = names.len().max(1);
        let every = n.div_ceil(max_labels.max(1));
        let ticks = names
            .iter()
            .enumerate()
            .step_by(every)
            .map(|(index, name)| Tick {
                position: (index as f64 + 0.5) / n as f64,
                label: name.clone(),
            });
        Self {
            low: 0.0,
            high: n as f64,
            is_log: false,
            ticks: ticks.collect(),
        }
    }

    /// Position of a number, 0 at the lower and 1 at the upper bound; `None` for NaN,
    /// infinity, and on a logarithmic axis numbers that are not positive.
    pub(crate) fn position(&self, value: f64) -> Option<f64> {
        inner(value, self.is_log).map(|value| self.position_of_inner(value))
    }

    /// The number at a position.
    pub(crate) fn value_at(&self, position: f64) -> f64 {
        let inner = self.low + position * (self.high - self.low);
        if self.is_log {
            10_f64.powf(inner)
        } else {
            inner
        }
    }

    fn position_of_inner(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    fn linear_ticks(&self, format: Format) -> Vec<Tick> {
        let factor = if format == Format::Percent {
            100.0
        } else {
            1.0
        };
        let least = if format == Format::Whole { 1.0 } else { 0.0 };
        let step = nice_step(factor * (self.high - self.low) / N_TICKS).max(least);
        let (low, high) = (factor * self.low, factor * self.high);
        let slack = 1e-6 * step;
        let first = ((low - slack) / step).ceil();
        (0..=4 * N_TICKS as u32)
            .map(|index| (first + f64::from(index)) * step)
            .take_while(|&value| value <= high + slack)
            .map(|value| Tick {
                position: self.position_of_inner(value / factor).clamp(0.0, 1.0),
                label: match format {
                    Format::Percent => format!("{}\u{202F}%", number::tick(value, step)),
                    Format::Number | Format::Whole => number::tick(value, step),
                },
            })
            .collect()
    }

    fn log_ticks(&self) -> Vec<Tick> {
        let decades = self.high - self.low;
        let every = (decades / 8.0).ceil().max(1.0) as usize;
        let multiples: &[f64] = match decades {
            d if d > 3.0 => &[1.0],
            d if d > 1.0 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        };
        let slack = 1e-9 * decades.max(1.0);
        let ticks: Vec<Tick> = (self.low.floor() as i32..=self.high.ceil() as i32)
            .step_by(every)
            .flat_map(|exponent| {
                multiples
                    .iter()
                    .map(move |multiple| multiple * 10_f64.powi(exponent))
            })
            .filter(|value| (self.low - slack..=self.high + slack).contains(&value.log10()))
            .map(|value| Tick {
                position: self.position_of_inner(value.log10()).clamp(0.0, 1.0),
                label: number::log_tick(value),
            })
            .collect();
        if ticks.len() >= 2 {
            return ticks;
        }
        // The range is too narrow for round numbers.
        [0.0, 0.5, 1.0]
            .into_iter()
            .map(|position| Tick {
                position,
                label: number::number(self.value_at(position)),
            })
            .collect()
    }
}

/// The number itself, or its logarithm on a logarithmic axis.
fn inner(value: f64, is_log: bool) -> Option<f64> {
    if !value.is_finite() || (is_log && value <= 0.0) {
        None
    } else if is_log {
        Some(value.clamp(SMALLEST, LARGEST).log10())
    } else {
        Some(value.clamp(-LARGEST, LARGEST))
    }
}

fn extremes(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |range, value| match range {
        None => Some((value, value)),
        Some((low, high)) => Some((f64::min(low, value), f64::max(high, value))),
    })
}

/// A range that contains the data and is never empty.
fn fitted(found: Option<(f64, f64)>, axis: &Axis, padding: Padding) -> (f64, f64) {
    let Some((mut low, mut high)) = found else {
        return (0.0, 1.0);
    };
    if padding == Padding::FromZero && !axis.is_log {
        (low, high) = (low.min(0.0), high.max(0.0));
    }
    let least = match (axis.is_log, axis.format) {
        (true, _) => 0.1,
        (false, Format::Whole) => 1.0,
        (false, Format::Percent) => 0.001,
        (false, Format::Number) => f64::MIN_POSITIVE,
    };
    let least = least.max(1e-9 * low.abs().max(high.abs()));
    if high - low < least {
        let half = match low.abs().max(high.abs()) {
            _ if axis.is_log => 0.5,
            0.0 => 1.0,
            size => (0.1 * size).max(least),
        };
        return (low - half, high + half);
    }
    let pad = match padding {
        Padding::None => 0.0,
        Padding::Some | Padding::FromZero => 0.05 * (high - low),
    };
    let padded_low = match padding {
        Padding::FromZero if low == 0.0 => 0.0,
        _ if low >= 0.0 && !axis.is_log => (low - pad).max(0.0),
        _ => low - pad,
    };
    let padded_high = match (padding, axis.format) {
        (Padding::FromZero, _) if high == 0.0 => 0.0,
        (_, Format::Percent) if high <= 1.0 => (high + pad).min(1.0),
        _ => high + pad,
    };
    (padded_low, padded_high)
}

/// The smallest of 1, 2 or 5 times a power of ten that is at least `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    if !power.is_normal() {
        return rough;
    }
    let steps = [1.0, 2.0, 5.0, 10.0];
    let nice = steps
        .into_iter()
        .find(|step| step * power >= rough * (1.0 - 1e-9));
    nice.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, values: &[f64]) -> Vec<String> {
        let scale = Scale::new(&axis, values.iter().copied(), Padding::None);
        scale.ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(
            labels(Axis::new("x"), &[0.0, 1.0]),
            ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(Axis::new("x"), &[-3.0, 37.0]),
            ["0", "10", "20", "30"]
        );
        assert_eq!(
            labels(Axis::new("x").percent(), &[0.9, 1.0]),
            ["90 %", "92 %", "94 %", "96 %", "98 %", "100 %"]
                .map(|label| label.replace(' ', "\u{202F}"))
        );
    }

    #[test]
    fn whole_ticks_never_lie_between_whole_numbers() {
        assert_eq!(
            labels(Axis::new("epoch").whole(), &[1.0, 3.0]),
            ["1", "2", "3"]
        );
        assert_eq!(
            labels(Axis::new("epoch").whole(), &[1.0, 290.0]),
            ["100", "200"]
        );
    }

    #[test]
    fn logarithmic_ticks_are_powers_of_ten() {
        assert_eq!(
            labels(Axis::new("x").log(), &[1e-3, 1e2]),
            ["0.001", "0.01", "0.1", "1", "10", "100"]
        );
        assert_eq!(
            labels(Axis::new("x").log(), &[0.1, 2.0]),
            ["0.1", "0.2", "0.5", "1", "2"]
        );
        assert_eq!(
            labels(Axis::new("x").log(), &[3.01, 3.99]).len(),
            3,
            "none is round"
        );
    }

    #[test]
    fn ends_lie_at_zero_and_one() {
        let scale = Scale::new(&Axis::new("x"), [2.0, 6.0].into_iter(), Padding::None);
        assert_eq!(
            [2.0, 3.0, 6.0].map(|value| scale.position(value)),
            [Some(0.0), Some(0.25), Some(1.0)]
        );
        assert_eq!(scale.value_at(0.25), 3.0);
        let log = Scale::new(
            &Axis::new("x").log(),
            [1.0, 100.0].into_iter(),
            Padding::None,
        );
        assert_eq!(log.position(10.0), Some(0.5));
    }

    #[test]
    fn numbers_without_a_position() {
        let scale = Scale::new(&Axis::new("x"), [0.0, 1.0].into_iter(), Padding::Some);
        assert_eq!(scale.position(f64::NAN), None);
        assert_eq!(scale.position(f64::NEG_INFINITY), None);
        let log = Scale::new(
            &Axis::new("x").log(),
            [0.0, -1.0, 10.0].into_iter(),
            Padding::Some,
        );
        assert_eq!(log.position(0.0), None);
        assert!(
            log.position(10.0)
                .is_some_and(|position| (0.0..=1.0).contains(&position))
        );
    }

    #[test]
    fn extreme_and_empty_data_give_a_usable_range() {
        let cases: [&[f64]; 6] = [
            &[],
            &[f64::NAN],
            &[5.0],
            &[f64::MAX, f64::MIN],
            &[5e-324, 0.0],
            &[1.0, 1.0 + f64::EPSILON],
        ];
        for values in cases {
            for axis in [
                Axis::new("x"),
                Axis::new("x").log(),
                Axis::new("x").percent(),
            ] {
                for padding in [Padding::None, Padding::Some, Padding::FromZero] {
                    let scale = Scale::new(&axis, values.iter().copied(), padding);
                    assert!(scale.high > scale.low, "{values:?} {axis:?}");
                    assert!(scale.ticks.len() < 25, "{values:?} {axis:?}");
                    for tick in &scale.ticks {
                        assert!((0.0..=1.0).contains(&tick.position), "{values:?} {tick:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn losses_start_at_or_above_zero_and_bars_at_it() {
        let some = Scale::new(&Axis::new("loss"), [0.01, 2.0].into_iter(), Padding::Some);
        assert!(some.value_at(0.0) >= 0.0);
        let bars = Scale::new(
            &Axis::new("share"),
            [3.0, 4.0].into_iter(),
            Padding::FromZero,
        );
        assert_eq!(bars.value_at(0.0), 0.0);
    }
}
