//! The curve of a training: a point a step at first, later the means of ever
//! more steps, so that it never has more than [`MOST`] points.

/// Most points.
const MOST: usize = 200;

/// One step, or the mean of several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Point {
    /// Epochs done at its end.
    epochs: f64,
    loss: f64,
    right: f64,
    n: f64,
}

/// The curve.
#[derive(Clone, Debug)]
pub(super) struct History {
    points: Vec<Point>,
    /// Steps in a point.
    stride: u32,
    /// The point that is not yet complete, and its steps.
    open: Point,
    n_open: u32,
}

impl Default for History {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            stride: 1,
            open: Point::default(),
            n_open: 0,
        }
    }
}

impl History {
    /// Adds a step of `n` samples with this mean loss, `right` of them right.
    pub(super) fn add(&mut self, epochs: f64, loss: f64, right: f64, n: f64) {
        self.open.epochs = epochs;
        self.open.loss += loss * n;
        self.open.right += right;
        self.open.n += n;
        self.n_open += 1;
        if self.n_open == self.stride {
            self.points.push(self.open);
            self.open = Point::default();
            self.n_open = 0;
        }
        if self.points.len() == MOST {
            self.halve();
        }
    }

    /// Epochs done, mean loss, share of right answers where there are classes.
    pub(super) fn curve(&self, has_classes: bool) -> Vec<[Option<f64>; 3]> {
        let view = |point: &Point| {
            let accuracy = has_classes.then(|| point.right / point.n);
            [Some(point.epochs), Some(point.loss / point.n), accuracy]
        };
        self.points.iter().map(view).collect()
    }

    fn halve(&mut self) {
        let merged = self.points.chunks_exact(2).map(|pair| Point {
            epochs: pair[1].epochs,
            loss: pair[0].loss + pair[1].loss,
            right: pair[0].right + pair[1].right,
            n: pair[0].n + pair[1].n,
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
        let mut history = History::default();
        let n_steps = 10 * MOST;
        for step in 0..n_steps {
            history.add(step as f64, step as f64, 1.0, 2.0);
        }
        let curve = history.curve(true);
        assert!(curve.len() <= MOST && curve.len() > MOST / 2);
        let losses: Vec<f64> = curve.iter().filter_map(|point| point[1]).collect();
        assert!(losses.windows(2).all(|pair| pair[0] < pair[1]));
        // The first point is the mean of steps 0 to stride - 1.
        assert_eq!(losses[0], f64::from(history.stride - 1) / 2.0);
        assert!(curve.iter().all(|point| point[2] == Some(0.5)));
    }

    #[test]
    fn a_short_curve_has_every_step() {
        let mut history = History::default();
        history.add(0.5, 3.0, 1.0, 4.0);
        history.add(1.0, 2.0, 2.0, 4.0);
        assert_eq!(
            history.curve(false),
            [[Some(0.5), Some(3.0), None], [Some(1.0), Some(2.0), None]]
        );
    }
}
