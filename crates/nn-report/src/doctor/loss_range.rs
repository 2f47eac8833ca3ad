//! Reference values of the training loss: the lowest loss that a network can
//! have, and the loss of constant predictions.
//!
//! A sample has the targets y, smoothed as in training, and the weight w, the product of
//! sample weight and class weight. With t = Σ yⱼ, the means over the samples
//! m = Σ w·y / Σ w, and h(y) = −y ln y − (1 − y) ln(1 − y), the reference values are:
//!
//! | loss function | lowest loss: mean of | loss of constant predictions |
//! |---|---|---|
//! | `cross-entropy` | −Σ yⱼ ln(yⱼ/t) | −Σ mⱼ ln(mⱼ / Σ m) |
//! | `kl` | t ln t | as for `cross-entropy`, minus the mean of −Σ yⱼ ln yⱼ |
//! | `binary-cross-entropy` | Σ h(yⱼ) | Σ h(mⱼ) |
//! | `mse`, regression | 0 | the mean variance of the outputs |
//! | other | 0 | not known |
//!
//! The output a = y/t or a = y has the lowest loss (Gibbs' inequality), which is 0 for a
//! one-hot target y. With label smoothing ε and K classes, the lowest loss is the entropy of a
//! distribution with one probability of 1 − ε + ε/K and K − 1 probabilities of ε/K. For ε = 0.6
//! and K = 3, the entropy is 0.950, so a loss of 0.951 means that the network fits all samples.
//! Labels are smoothed in training only, so label smoothing does not raise the lowest
//! validation loss.

use nn_core::Loss;
use nn_core::batches::Samples;
use nn_core::training::ClassWeights;
use nn_plot::number::number;

use nn_train::Task;

/// Multiple of the loss of an untrained network above which a training loss is
/// far too high.
const FAR: f64 = 2.0;

/// Reference values of the training losses of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct LossRange {
    /// The lowest possible loss.
    pub(super) lowest: f64,
    /// The loss of constant predictions, if it is known.
    pub(super) guessing: Option<f64>,
    /// A loss above that of constant predictions and of any untrained network, if it
    /// is known.
    pub(super) far_too_high: Option<f64>,
    /// The evaluation loss, without label smoothing, of a network with the lowest
    /// possible training loss.
    pub(super) evaluated_at_lowest: f64,
    /// The cross-entropy of the same targets minus the loss.
    left_out: f64,
}

/// The settings that the loss of a sample depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objective<'a> {
    pub(super) loss: Loss,
    pub(super) task: Task,
    pub(super) n_outputs: usize,
    pub(super) label_smoothing: f64,
    pub(super) class_weights: &'a ClassWeights,
}

impl LossRange {
    /// Computes the reference values from the training samples.
    pub(super) fn of_samples(objective: &Objective<'_>, train: &Samples<'_>) -> Self {
        let class_weights = factors(objective.class_weights, train);
        let smoothing = objective.label_smoothing as f32;
        let mut target = vec![0.0; objective.n_outputs];
        let mut unsmoothed = target.clone();
        let mut sums = Sums::new(objective.n_outputs);
        for position in 0..train.len() {
            train.copy_target(position, smoothing, &mut target);
            train.copy_target(position, 0.0, &mut unsmoothed);
            let factor = match (&class_weights, train.label(position)) {
                (Some(factors), Some(label)) => factors[label as usize],
                _ => 1.0,
            };
            let weight = factor * f64::from(train.weight(position));
            sums.add(objective.loss, &target, &unsmoothed, weight);
        }
        sums.range(objective)
    }

    /// Without samples: only the lowest possible loss of a classification with
    /// `n_classes` classes, which is the same for every class.
    pub(super) fn of_classes(loss: Loss, n_classes: usize, label_smoothing: f64) -> Self {
        let k = n_classes.max(2);
        let off = label_smoothing / k as f64;
        let mut target = vec![off as f32; k];
        let mut unsmoothed = vec![0.0; k];
        target[0] = (1.0 - label_smoothing + off) as f32;
        unsmoothed[0] = 1.0;
        if k == 2 && loss == Loss::BinaryCrossEntropy {
            target.truncate(1);
        }
        Self {
            lowest: lowest(loss, &target),
            evaluated_at_lowest: evaluated(loss, &unsmoothed, &target),
            ..Self::default()
        }
    }

    /// Converts a training loss to a cross-entropy: `kl` and `cross-entropy` differ
    /// by a constant and have the same gradients, so they are judged alike.
    pub(super) fn whole(&self, loss: f64) -> f64 {
        loss + self.left_out
    }

    /// The difference between a training loss and the lowest possible one.
    pub(super) fn excess(&self, loss: f64) -> f64 {
        (loss - self.lowest).max(0.0)
    }

    /// The losses for comparison, such as ` (loss of constant predictions: 1.099; lowest
    /// possible loss: 0.9503)`, without unknown values and without a lowest loss of 0.
    pub(super) fn text(&self) -> String {
        let lowest = (self.lowest > 0.0).then(|| number(self.lowest));
        match (self.guessing.map(number), lowest) {
            (Some(guessing), Some(lowest)) => {
                format!(
                    " (loss of constant predictions: {guessing}; lowest possible loss: {lowest})"
                )
            }
            (Some(guessing), None) => format!(" (loss of constant predictions: {guessing})"),
            (None, Some(lowest)) => format!(" (lowest possible loss: {lowest})"),
            (None, None) => String::new(),
        }
    }
}

/// Weighted sums over the samples.
struct Sums {
    weight: f64,
    lowest: f64,
    evaluated_at_lowest: f64,
    /// −Σ yⱼ ln yⱼ
    entropy: f64,
    targets: Vec<f64>,
    squares: f64,
}

impl Sums {
    fn new(n_outputs: usize) -> Self {
        Self {
            weight: 0.0,
            lowest: 0.0,
            evaluated_at_lowest: 0.0,
            entropy: 0.0,
            targets: vec![0.0; n_outputs],
            squares: 0.0,
        }
    }

    fn add(&mut self, loss: Loss, target: &[f32], unsmoothed: &[f32], weight: f64) {
        self.weight += weight;
        self.lowest += weight * lowest(loss, target);
        self.evaluated_at_lowest += weight * evaluated(loss, unsmoothed, target);
        for (sum, &y) in self.targets.iter_mut().zip(target) {
            let y = f64::from(y);
            *sum += weight * y;
            self.entropy += weight * minus_y_ln(y, y);
            self.squares += weight * y * y;
        }
    }

    fn range(&self, objective: &Objective<'_>) -> LossRange {
        if self.weight <= 0.0 {
            return LossRange::default();
        }
        let means: Vec<f64> = self.targets.iter().map(|sum| sum / self.weight).collect();
        let (total, k) = (means.iter().sum::<f64>(), means.len() as f64);
        let cross_entropy: f64 = means.iter().map(|&m| minus_y_ln(m, m / total)).sum();
        let left_out = match objective.loss {
            Loss::Kl => self.entropy / self.weight,
            _ => 0.0,
        };
        // Losses of constant predictions and of an untrained network with equal outputs.
        let known = match (objective.loss, objective.task) {
            (Loss::CrossEntropy | Loss::Kl, _) => Some((cross_entropy, total * k.ln())),
            (Loss::BinaryCrossEntropy, _) => {
                let guessing = means.iter().copied().map(binary_entropy).sum();
                Some((guessing, k * std::f64::consts::LN_2))
            }
            (Loss::Mse, Task::Regression(_)) => {
                let of_means: f64 = means.iter().map(|mean| mean * mean).sum();
                let variance = (self.squares / self.weight - of_means) / k;
                Some((variance, variance))
            }
            _ => None,
        };
        LossRange {
            lowest: self.lowest / self.weight,
            evaluated_at_lowest: self.evaluated_at_lowest / self.weight,
            guessing: known.map(|(guessing, _)| guessing - left_out),
            far_too_high: known.map(|(_, untrained)| FAR * untrained - left_out),
            left_out,
        }
    }
}

/// The lowest loss of a sample with these targets.
fn lowest(loss: Loss, target: &[f32]) -> f64 {
    let targets = || target.iter().copied().map(f64::from);
    let t: f64 = targets().sum();
    match loss {
        Loss::CrossEntropy => targets().map(|y| minus_y_ln(y, y / t)).sum(),
        Loss::Kl => -minus_y_ln(t, t),
        Loss::BinaryCrossEntropy => targets().map(binary_entropy).sum(),
        _ => 0.0,
    }
}

/// The loss of the output `a` for the targets y of a sample; 0 for losses whose
/// lowest value is 0.
fn evaluated(loss: Loss, y: &[f32], a: &[f32]) -> f64 {
    let pairs = y.iter().zip(a).map(|(&y, &a)| (f64::from(y), f64::from(a)));
    match loss {
        Loss::CrossEntropy | Loss::Kl => pairs.map(|(y, a)| minus_y_ln(y, a)).sum(),
        Loss::BinaryCrossEntropy => pairs
            .map(|(y, a)| minus_y_ln(y, a) + minus_y_ln(1.0 - y, 1.0 - a))
            .sum(),
        _ => 0.0,
    }
}

/// −y ln x, and 0 for y = 0
fn minus_y_ln(y: f64, x: f64) -> f64 {
    if y > 0.0 { -y * x.ln() } else { 0.0 }
}

/// −y ln y − (1 − y) ln(1 − y)
fn binary_entropy(y: f64) -> f64 {
    minus_y_ln(y, y) + minus_y_ln(1.0 - y, 1.0 - y)
}

/// The factor of each class, up to a common constant.
fn factors(weights: &ClassWeights, train: &Samples<'_>) -> Option<Vec<f64>> {
    let counts = train.class_counts()?;
    match weights {
        ClassWeights::None => None,
        ClassWeights::Given(given) => (given.len() == counts.len()).then(|| given.clone()),
        ClassWeights::Balanced => {
            let factors = counts.iter().map(|&count| 1.0 / count.max(1) as f64);
            Some(factors.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use nn_core::batches::{Inputs, Targets};

    use super::*;

    fn objective(loss: Loss, n_outputs: usize, label_smoothing: f64) -> Objective<'static> {
        Objective {
            loss,
            task: Task::Classification(n_outputs.max(2)),
            n_outputs,
            label_smoothing,
            class_weights: &ClassWeights::None,
        }
    }

    /// Of samples of these classes, with these weights if there are any.
    fn of_labels(objective: &Objective<'_>, labels: &[u32], weights: Option<&[f32]>) -> LossRange {
        let inputs = vec![[0.0_f32]; labels.len()];
        let Task::Classification(n_classes) = objective.task else {
            panic!("the tests have classes");
        };
        let samples = Samples::new(
            Inputs::values(&inputs[..]),
            Targets::classes(labels, n_classes),
        );
        let mut samples = samples.expect("as many rows as labels");
        if let Some(weights) = weights {
            samples = samples.with_weights(weights).expect("as many weights");
        }
        LossRange::of_samples(objective, &samples)
    }

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
    }

    /// −ln 0.6 for ε = 0.6 and three classes, of two outputs the sum over both.
    #[test]
    fn an_evaluation_does_not_smooth() {
        let range = of_labels(&objective(Loss::CrossEntropy, 3, 0.6), &[0, 1, 2], None);
        close(range.evaluated_at_lowest, 0.510826);
        let alone = LossRange::of_classes(Loss::CrossEntropy, 3, 0.6);
        close(alone.evaluated_at_lowest, 0.510826);
        let sharp = of_labels(&objective(Loss::CrossEntropy, 3, 0.0), &[0, 1, 2], None);
        close(sharp.evaluated_at_lowest, 0.0);
        // −ln 0.9 − ln 0.9
        let range = of_labels(&objective(Loss::BinaryCrossEntropy, 2, 0.2), &[0, 1], None);
        close(range.evaluated_at_lowest, 0.210721);
    }

    /// Numbers from scipy.stats.entropy.
    #[test]
    fn smoothing_has_a_floor() {
        // entropy([0.6, 0.2, 0.2]) = 0.9502705; ln 3 = 1.0986123
        let range = of_labels(&objective(Loss::CrossEntropy, 3, 0.6), &[0, 1, 2], None);
        close(range.lowest, 0.950_270_5);
        close(range.guessing.expect("known"), 1.098_612_3);
        close(range.excess(0.9555), 0.005_229_5);
        // Kullback-Leibler leaves that floor out.
        let range = of_labels(&objective(Loss::Kl, 3, 0.6), &[0, 1, 2], None);
        close(range.lowest, 0.0);
        close(range.guessing.expect("known"), 1.098_612_3 - 0.950_270_5);
        // One output for two classes, 0.95 or 0.05: entropy([0.95, 0.05]) = 0.1985152
        let range = of_labels(&objective(Loss::BinaryCrossEntropy, 1, 0.1), &[0, 1], None);
        close(range.lowest, 0.198_515_2);
        close(range.guessing.expect("known"), std::f64::consts::LN_2);
        // Three outputs, 0.8, 0.1, 0.1: 0.5004024 + 2 * 0.3250830
        let range = of_labels(
            &objective(Loss::BinaryCrossEntropy, 3, 0.3),
            &[0, 1, 2],
            None,
        );
        close(range.lowest, 1.150_568_4);
        // Outputs can be what smoothed targets are.
        for loss in [Loss::Mse, Loss::Hinge] {
            let range = of_labels(&objective(loss, 3, 0.6), &[0, 1, 2], None);
            close(range.lowest, 0.0);
        }
    }

    #[test]
    fn without_smoothing_there_is_no_floor() {
        for (loss, n_outputs) in [
            (Loss::CrossEntropy, 3),
            (Loss::Kl, 3),
            (Loss::BinaryCrossEntropy, 3),
            (Loss::BinaryCrossEntropy, 1),
        ] {
            let labels = if n_outputs == 1 { [0, 1, 0] } else { [0, 1, 2] };
            close(
                of_labels(&objective(loss, n_outputs, 0.0), &labels, None).lowest,
                0.0,
            );
        }
        // Three sigmoids for three classes: 3 h(1/3) = 1.9095425, and not ln 3.
        let of_three = objective(Loss::BinaryCrossEntropy, 3, 0.0);
        let range = of_labels(&of_three, &[0, 1, 2], None);
        close(range.guessing.expect("known"), 1.909_542_5);
    }

    #[test]
    fn the_floor_needs_no_samples() {
        for smoothing in [0.0, 0.1, 0.6] {
            for (loss, n_outputs) in [
                (Loss::CrossEntropy, 2),
                (Loss::CrossEntropy, 5),
                (Loss::Kl, 5),
                (Loss::BinaryCrossEntropy, 1),
                (Loss::BinaryCrossEntropy, 4),
            ] {
                let known = of_labels(&objective(loss, n_outputs, smoothing), &[0, 1, 1], None);
                let alone = LossRange::of_classes(loss, n_outputs.max(2), smoothing);
                close(alone.lowest, known.lowest);
            }
        }
    }

    /// entropy([0.75, 0.25]) = 0.5623351, entropy([0.9, 0.1]) = 0.3250830
    #[test]
    fn weights_count_as_often_as_they_say() {
        let plain = objective(Loss::CrossEntropy, 2, 0.0);
        let labels = [0, 0, 0, 1];
        let guess = |objective: &Objective<'_>, weights| {
            of_labels(objective, &labels, weights)
                .guessing
                .expect("known")
        };
        close(guess(&plain, None), 0.562_335_1);
        close(guess(&plain, Some(&[3.0, 3.0, 3.0, 1.0])), 0.325_083_0);
        let given = ClassWeights::Given(vec![3.0, 1.0]);
        let weighted = Objective {
            class_weights: &given,
            ..plain
        };
        close(guess(&weighted, None), 0.325_083_0);
        let balanced = Objective {
            class_weights: &ClassWeights::Balanced,
            ..plain
        };
        close(guess(&balanced, None), std::f64::consts::LN_2);
    }

    /// Two flags with 1, 1 and 1, 0 in turn.
    #[test]
    fn flags_and_numbers() {
        let targets = [[1.0_f32, 1.0], [1.0, 0.0]];
        let inputs = [[0.0_f32]; 2];
        let of = |loss, task| {
            let samples = Samples::new(Inputs::values(&inputs[..]), Targets::values(&targets));
            let objective = Objective {
                task,
                ..objective(loss, 2, 0.5)
            };
            LossRange::of_samples(&objective, &samples.expect("two rows"))
        };
        // Flags are not smoothed. The second is a coin, the first certain.
        let flags = of(Loss::BinaryCrossEntropy, Task::MultiLabel(2));
        close(flags.lowest, 0.0);
        close(flags.guessing.expect("known"), std::f64::consts::LN_2);
        // A softmax over 1, 1 has at best a half for each: 2 ln 2, in half of the rows.
        let softmax = of(Loss::CrossEntropy, Task::MultiLabel(2));
        close(softmax.lowest, std::f64::consts::LN_2);
        // Variances 0 and 1/4.
        let numbers = of(Loss::Mse, Task::Regression(2));
        close(numbers.guessing.expect("known"), 0.125);
    }
}
