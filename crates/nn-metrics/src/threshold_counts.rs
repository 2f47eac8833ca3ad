//! True and false positives at every threshold, and the metrics computed from these counts.

use crate::means::weight;

/// True and false positives of a classification into two classes, for every threshold:
/// a row is predicted positive if its score is at least the threshold.
///
/// ```
/// use nn_metrics::ThresholdCounts;
///
/// let counts = ThresholdCounts::new(&[0.1, 0.3, 0.8], &[false, true, true], None);
/// assert_eq!(counts.roc_auc(), Some(1.0));
/// assert_eq!(counts.average_precision(), Some(1.0));
/// assert_eq!(counts.best_threshold(), Some(0.2));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdCounts {
    /// The distinct scores, highest first.
    thresholds: Vec<f64>,
    /// Weight of the true positives at each threshold.
    true_positives: Vec<f64>,
    /// Weight of the false positives at each threshold.
    false_positives: Vec<f64>,
}

impl ThresholdCounts {
    /// Counts the true and false positives; rows with equal scores have the same threshold.
    ///
    /// # Shapes
    /// `scores [n_samples]`, `is_positive [n_samples]`, `weights [n_samples]`.
    ///
    /// # Panics
    /// Panics if the lengths differ.
    pub fn new(scores: &[f64], is_positive: &[bool], weights: Option<&[f64]>) -> Self {
        assert_eq!(
            scores.len(),
            is_positive.len(),
            "expected as many targets as scores"
        );
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut counts = Self {
            thresholds: Vec::new(),
            true_positives: Vec::new(),
            false_positives: Vec::new(),
        };
        let (mut positives, mut negatives) = (0.0, 0.0);
        for (place, &row) in order.iter().enumerate() {
            if is_positive[row] {
                positives += weight(weights, row);
            } else {
                negatives += weight(weights, row);
            }
            let next = order.get(place + 1);
            if next.is_none_or(|&next| scores[next] != scores[row]) {
                counts.thresholds.push(scores[row]);
                counts.true_positives.push(positives);
                counts.false_positives.push(negatives);
            }
        }
        counts
    }

    /// Weight of the positive rows.
    fn n_positive(&self) -> f64 {
        self.true_positives.last().copied().unwrap_or(0.0)
    }

    /// Weight of the negative rows.
    fn n_negative(&self) -> f64 {
        self.false_positives.last().copied().unwrap_or(0.0)
    }

    /// Pairs of true and false positives, highest threshold first.
    fn pairs(&self) -> impl Iterator<Item = (f64, f64)> {
        let positives = self.true_positives.iter().copied();
        positives.zip(self.false_positives.iter().copied())
    }

    /// Area under the ROC curve: the probability that a positive row has a higher score
    /// than a negative one, with ties counted half. `None` if there are no positive or
    /// no negative rows.
    ///
    /// ```text
    /// AUC = Σᵢ (FPᵢ − FPᵢ₋₁)·(TPᵢ + TPᵢ₋₁)/2 / (P·N)
    /// ```
    pub fn roc_auc(&self) -> Option<f64> {
        let (mut area, mut before) = (0.0, (0.0, 0.0));
        for (tp, fp) in self.pairs() {
            area += (fp - before.1) * (tp + before.0) / 2.0;
            before = (tp, fp);
        }
        let all = self.n_positive() * self.n_negative();
        (all > 0.0).then(|| area / all)
    }

    /// Average precision, the area under the precision-recall curve as a step function.
    /// `None` if there are no positive rows.
    ///
    /// ```text
    /// AP = Σᵢ (Rᵢ − Rᵢ₋₁)·Pᵢ,  Pᵢ = TPᵢ/(TPᵢ + FPᵢ),  Rᵢ = TPᵢ/P
    /// ```
    pub fn average_precision(&self) -> Option<f64> {
        let (mut sum, mut before) = (0.0, 0.0);
        for (tp, fp) in self.pairs().filter(|(tp, fp)| tp + fp > 0.0) {
            sum += (tp - before) * tp / (tp + fp);
            before = tp;
        }
        let n_positive = self.n_positive();
        (n_positive > 0.0).then(|| sum / n_positive)
    }

    /// The ROC curve: false positive rate and true positive rate, from (0, 0) to (1, 1).
    /// Empty if there are no positive or no negative rows.
    pub fn roc_curve(&self) -> Vec<(f64, f64)> {
        let (positive, negative) = (self.n_positive(), self.n_negative());
        if positive * negative == 0.0 {
            return Vec::new();
        }
        let points = self.pairs().map(|(tp, fp)| (fp / negative, tp / positive));
        [(0.0, 0.0)].into_iter().chain(points).collect()
    }

    /// The precision-recall curve: recall and precision, highest threshold first. Empty
    /// if there are no positive rows.
    pub fn precision_recall_curve(&self) -> Vec<(f64, f64)> {
        let positive = self.n_positive();
        if positive == 0.0 {
            return Vec::new();
        }
        let counted = self.pairs().filter(|(tp, fp)| tp + fp > 0.0);
        counted
            .map(|(tp, fp)| (tp / positive, tp / (tp + fp)))
            .collect()
    }

    /// The threshold with the highest balanced accuracy, (TP/P + TN/N)/2: the midpoint of two
    /// neighboring scores, or 0.5 if no threshold is better than a constant prediction. If
    /// several thresholds are equally good, the one closest to 0.5 is returned. `None` if
    /// there are no positive or no negative rows.
    ///
    /// Balanced accuracy depends neither on which of the two classes is called positive nor
    /// on the class frequencies.
    pub fn best_threshold(&self) -> Option<f64> {
        let (positive, negative) = (self.n_positive(), self.n_negative());
        if positive * negative == 0.0 {
            return None;
        }
        let balanced = |(tp, fp): (f64, f64)| tp / positive - fp / negative;
        let mut best = (0.0, 0.5);
        let pairs = self.thresholds.windows(2).zip(self.pairs());
        for (scores, pair) in pairs {
            let found = (balanced(pair), scores[1] + (scores[0] - scores[1]) / 2.0);
            let is_closer = (found.1 - 0.5).abs() < (best.1 - 0.5_f64).abs();
            if best.0 < found.0 || (best.0 == found.0 && is_closer) {
                best = found;
            }
        }
        Some(best.1)
    }
}
