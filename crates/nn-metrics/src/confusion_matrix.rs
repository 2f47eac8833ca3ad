//! Confusion matrices, and the scores of each class.

use nn_samples::Rows;

/// Confusion matrix: one row per true class, one column per predicted class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    n_classes: usize,
    /// `[n_classes, n_classes]`
    counts: Vec<u64>,
}

/// Precision, recall and F1 score of one class; a score is `None` if its denominator is
/// 0.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ClassScores {
    /// Precision, TP/(TP + FP): the fraction of the predictions of this class that are
    /// correct.
    pub precision: Option<f64>,
    /// Recall, TP/(TP + FN): the fraction of the samples of this class that are
    /// predicted correctly.
    pub recall: Option<f64>,
    /// F1 score: the harmonic mean of precision and recall.
    pub f1: Option<f64>,
    /// Number of samples of the class.
    pub support: u64,
}

impl ConfusionMatrix {
    /// Creates an empty confusion matrix.
    pub fn new(n_classes: usize) -> Self {
        Self {
            n_classes,
            counts: vec![0; n_classes * n_classes],
        }
    }

    /// Counts one prediction.
    ///
    /// # Panics
    /// Panics if a class does not exist.
    pub fn add(&mut self, true_class: usize, predicted: usize) {
        assert!(true_class < self.n_classes && predicted < self.n_classes);
        self.counts[true_class * self.n_classes + predicted] += 1;
    }

    /// The counts, `[true class, predicted class]`.
    pub fn counts(&self) -> Rows<'_, u64> {
        Rows::new(&self.counts, self.n_classes)
    }

    /// Accuracy: the fraction of correct predictions; 0 for an empty matrix.
    pub fn accuracy(&self) -> f64 {
        let n_correct = self.counts.iter().step_by(self.n_classes + 1).sum();
        ratio(n_correct, self.counts.iter().sum()).unwrap_or(0.0)
    }

    /// Precision, recall and F1 score of one class.
    ///
    /// # Panics
    /// Panics if the class does not exist.
    pub fn scores(&self, class: usize) -> ClassScores {
        let counts = self.counts();
        let n_correct = counts[[class, class]];
        let support = counts.row(class).iter().sum();
        let n_predicted = counts.column(class).sum();
        ClassScores {
            precision: ratio(n_correct, n_predicted),
            recall: ratio(n_correct, support),
            f1: ratio(2 * n_correct, n_predicted + support),
            support,
        }
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_agree_with_a_hand_calculation() {
        let mut matrix = ConfusionMatrix::new(4);
        for (true_class, predicted) in [(0, 0), (0, 1), (1, 1), (2, 2), (2, 2), (2, 1), (2, 0)] {
            matrix.add(true_class, predicted);
        }
        assert_eq!(matrix.counts().row(2), [1, 1, 2, 0]);
        assert_eq!(matrix.accuracy(), 4.0 / 7.0);
        let scores = |precision, recall, f1, support| ClassScores {
            precision,
            recall,
            f1,
            support,
        };
        let [third, half] = [Some(1.0 / 3.0), Some(0.5)];
        assert_eq!(matrix.scores(0), scores(half, half, half, 2));
        assert_eq!(matrix.scores(1), scores(third, Some(1.0), half, 1));
        assert_eq!(
            matrix.scores(2),
            scores(Some(1.0), half, Some(4.0 / 6.0), 4)
        );
        assert_eq!(matrix.scores(3), scores(None, None, None, 0));
        assert_eq!(ConfusionMatrix::new(3).accuracy(), 0.0);
    }
}
