//! A curve of a training run as a line of block characters: `█▆▄▃▂▁`.

/// Heights of a cell, lowest first.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Maximum number of stored points: more than a terminal has columns.
const MAX_POINTS: usize = 4096;

/// The vertical scale of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    /// Logarithmic scale for losses, which often fall exponentially.
    Logarithmic,
}

/// A metric over time.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    scale: Scale,
    /// Points of time in epochs and value, in the order of time.
    points: Vec<(f64, f64)>,
    /// Minimum time between two points.
    spacing: f64,
}

impl Curve {
    pub(super) fn new(scale: Scale) -> Self {
        Self {
            scale,
            points: Vec::new(),
            spacing: 0.0,
        }
    }

    /// Adds a value, unless it is NaN or infinite. Removes the points of later times,
    /// which belong to a different training run or precede a rollback.
    pub(super) fn add(&mut self, time: f64, value: f64) {
        let before = self.points.partition_point(|point| point.0 < time);
        self.points.truncate(before);
        if !value.is_finite() {
            return;
        }
        if let [.., (before, _), _] = self.points[..]
            && time - before < self.spacing
        {
            self.points.pop();
        }
        self.points.push((time, value));
        if self.points.len() > MAX_POINTS {
            self.thin_out(2.0 * time / MAX_POINTS as f64);
        }
    }

    fn thin_out(&mut self, spacing: f64) {
        self.spacing = spacing;
        let mut last = f64::NEG_INFINITY;
        self.points.retain(|&(time, _)| {
            let is_kept = time - last >= spacing;
            if is_kept {
                last = time;
            }
            is_kept
        });
    }

    pub(super) fn last(&self) -> Option<f64> {
        self.points.last().map(|point| point.1)
    }

    /// Draws the time from 0 to `end` as `width` blocks or spaces.
    pub(super) fn blocks(&self, width: usize, end: f64) -> String {
        let cells = self.cells(width, end);
        let heights = cells
            .iter()
            .map(|cell| cell.map(|value| self.height(value)));
        let heights: Vec<Option<f64>> = heights.collect();
        let known = || heights.iter().flatten().copied();
        let lowest = known().fold(f64::INFINITY, f64::min);
        let highest = known().fold(f64::NEG_INFINITY, f64::max);
        let block = |height: f64| {
            let fraction = (height - lowest) / (highest - lowest).max(f64::MIN_POSITIVE);
            BLOCKS[(fraction * (BLOCKS.len() - 1) as f64).round() as usize]
        };
        heights
            .iter()
            .map(|height| height.map_or(' ', block))
            .collect()
    }

    /// The mean of the points in each of `width` intervals of the time. An interval without
    /// points takes the value of the next interval, because a point describes the time
    /// before it; after the last point, it is `None`.
    fn cells(&self, width: usize, end: f64) -> Vec<Option<f64>> {
        let mut sums = vec![(0.0, 0_u32); width];
        for &(time, value) in &self.points {
            let cell = ((time / end * width as f64) as usize).min(width.saturating_sub(1));
            if let Some((sum, count)) = sums.get_mut(cell) {
                *sum += value;
                *count += 1;
            }
        }
        let mut cells = vec![None; width];
        let mut next = None;
        for (cell, (sum, count)) in cells.iter_mut().zip(sums).rev() {
            if count > 0 {
                next = Some(sum / f64::from(count));
            }
            *cell = next;
        }
        cells
    }

    fn height(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Logarithmic => value.max(f64::MIN_POSITIVE).ln(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(scale: Scale, points: &[(f64, f64)]) -> Curve {
        let mut curve = Curve::new(scale);
        points
            .iter()
            .for_each(|&(time, value)| curve.add(time, value));
        curve
    }

    #[test]
    fn blocks_follow_the_values() {
        let line = curve(Scale::Linear, &[(0.9, 0.0), (1.9, 0.5), (2.9, 1.0)]);
        assert_eq!(line.blocks(3, 3.0), "▁▅█");
        assert_eq!(
            line.blocks(6, 3.0),
            "▁▁▅▅██",
            "a point tells of the time before"
        );
        assert_eq!(line.blocks(6, 6.0), "▁▅█   ", "half of the time is to come");
        let loss = curve(Scale::Logarithmic, &[(0.0, 1.0), (1.0, 0.1), (2.0, 0.01)]);
        assert_eq!(loss.blocks(3, 3.0), "█▅▁");
    }

    #[test]
    fn there_is_always_as_much_as_was_asked_for() {
        let none = curve(Scale::Linear, &[]);
        let flat = curve(
            Scale::Logarithmic,
            &[(0.1, 0.0), (0.9, 0.0), (1.0, f64::NAN)],
        );
        for width in [0, 1, 7, 300] {
            assert_eq!(none.blocks(width, 1.0), " ".repeat(width));
            assert_eq!(flat.blocks(width, 1.0).chars().count(), width);
        }
        assert_eq!(flat.blocks(2, 1.0), "▁▁");
    }

    #[test]
    fn a_training_that_goes_back_takes_its_points_along() {
        let mut curve = curve(Scale::Linear, &[(0.5, 9.0), (1.5, 1.0), (2.0, 2.0)]);
        curve.add(1.0, 5.0);
        assert_eq!(curve.points, [(0.5, 9.0), (1.0, 5.0)]);
    }

    #[test]
    fn a_long_training_takes_no_more_memory() {
        let mut curve = Curve::new(Scale::Linear);
        (0..100_000).for_each(|i| curve.add(f64::from(i), 1.0));
        assert!(curve.points.len() <= MAX_POINTS);
        assert_eq!(curve.blocks(50, 100_000.0), "▁".repeat(50));
    }
}
