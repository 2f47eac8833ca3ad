//! Numbers of true, predicted and correctly predicted rows of each class.

use crate::means::{mean, weight};

/// The total sample weights of the true, predicted and correctly predicted rows of each class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassCounts {
    true_rows: Vec<f64>,
    predicted: Vec<f64>,
    correct: Vec<f64>,
}

impl ClassCounts {
    /// Counts the rows of each class.
    ///
    /// # Shapes
    /// `classes [n_samples]`, `predicted [n_samples]`, `weights [n_samples]`.
    ///
    /// # Panics
    /// Panics if the lengths differ, or a class is not below `n_classes`.
    pub fn new(
        classes: &[u32],
        predicted: &[u32],
        n_classes: usize,
        weights: Option<&[f64]>,
    ) -> Self {
        assert_eq!(
            classes.len(),
            predicted.len(),
            "expected as many predictions as true classes"
        );
        let none = vec![0.0; n_classes];
        let mut counts = Self {
            true_rows: none.clone(),
            predicted: none.clone(),
            correct: none,
        };
        for (row, (&class, &predicted)) in classes.iter().zip(predicted).enumerate() {
            let weight = weight(weights, row);
            counts.true_rows[class as usize] += weight;
            counts.predicted[predicted as usize] += weight;
            if class == predicted {
                counts.correct[class as usize] += weight;
            }
        }
        counts
    }

    /// Accuracy: the fraction of correct predictions; `None` without rows.
    pub fn accuracy(&self) -> Option<f64> {
        let n_rows: f64 = self.true_rows.iter().sum();
        (0.0 < n_rows).then(|| self.correct.iter().sum::<f64>() / n_rows)
    }

    /// Balanced accuracy: the mean recall TP/(TP + FN) of the classes that occur as true
    /// classes. `None` without rows.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        let classes = self.correct.iter().zip(&self.true_rows);
        let occurring = classes.filter(|(_, all)| 0.0 < **all);
        mean(occurring.map(|(correct, all)| correct / all))
    }

    /// F1 score of a class, 2·TP/(2·TP + FP + FN); `None` if the class is neither true
    /// nor predicted in any row.
    ///
    /// # Panics
    /// Panics if the class does not exist.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let all = self.predicted[class] + self.true_rows[class];
        (0.0 < all).then(|| 2.0 * self.correct[class] / all)
    }

    /// Macro F1: the mean F1 score of the classes that are true or predicted in a row.
    /// `None` without rows.
    pub fn macro_f1(&self) -> Option<f64> {
        let classes = 0..self.correct.len();
        mean(classes.filter_map(|class| self.f1(class)))
    }
}
