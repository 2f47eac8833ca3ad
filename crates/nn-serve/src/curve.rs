//! The learning curve of a training run, with at most [`MAX_POINTS`] points. At first, there
//! is one point per step; later, each point is the mean over an increasing number of steps.

/// Largest number of points.
const MAX_POINTS: usize = 200;

/// One step, or the sum over several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    /// Epochs done at the end of the step.
    epochs: f64,
    loss: f64,
    n_correct: f64,
    n_samples: f64,
}

/// The learning curve.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    points: Vec<Point>,
    /// Number of steps per point.
    stride: u32,
    /// The incomplete point, and its number of steps.
    open: Point,
    n_open: u32,
}

impl Default for Curve {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            stride: 1,
            open: Point::default(),
            n_open: 0,
        }
    }
}

impl Curve {
    /// Adds a step with this mean loss over `n_samples`, of which `n_correct` were
    /// predicted correctly.
    pub(crate) fn add(&mut self, epochs: f64, loss: f64, n_correct: f64, n_samples: f64) {
        self.open.epochs = epochs;
        self.open.loss += loss * n_samples;
        self.open.n_correct += n_correct;
        self.open.n_samples += n_samples;
        self.n_open += 1;
        if self.n_open == self.stride {
            self.points.push(self.open);
            self.open = Point::default();
            self.n_open = 0;
        }
        if self.points.len() == MAX_POINTS {
            self.halve();
        }
    }

    /// The points: epochs done, mean loss, and the accuracy if there are classes.
    pub(crate) fn points(&self, has_classes: bool) -> Vec<[Option<f64>; 3]> {
        let values = |point: &Point| {
            let accuracy = has_classes.then(|| point.n_correct / point.n_samples);
            [
                Some(point.epochs),
                Some(point.loss / point.n_samples),
                accuracy,
            ]
        };
        self.points.iter().map(values).collect()
    }

    fn halve(&mut self) {
        let merged = self.points.chunks_exact(2).map(|pair| Point {
            epochs: pair[1].epochs,
            loss: pair[0].loss + pair[1].loss,
            n_correct: pair[0].n_correct + pair[1].n_correct,
            n_samples: pair[0].n_samples + pair[1].n_samples,
        });
        self.points = merged.collect();
        self.stride *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_mean() {
        let mut curve = Curve::default();
        let n_steps = 10 * MAX_POINTS;
        for step in 0..n_steps {
            curve.add(step as f64, step as f64, 1.0, 2.0);
        }
        let points = curve.points(true);
        assert!(points.len() <= MAX_POINTS && points.len() > MAX_POINTS / 2);
        let losses: Vec<f64> = points.iter().filter_map(|point| point[1]).collect();
        assert!(losses.windows(2).all(|pair| pair[0] < pair[1]));
        // The first point is the mean of steps 0 to stride - 1.
        assert_eq!(losses[0], f64::from(curve.stride - 1) / 2.0);
        assert!(points.iter().all(|point| point[2] == Some(0.5)));
    }

    #[test]
    fn a_short_curve_has_every_step() {
        let mut curve = Curve::default();
        curve.add(0.5, 3.0, 1.0, 4.0);
        curve.add(1.0, 2.0, 2.0, 4.0);
        assert_eq!(
            curve.points(false),
            [[Some(0.5), Some(3.0), None], [Some(1.0), Some(2.0), None]]
        );
    }
}
