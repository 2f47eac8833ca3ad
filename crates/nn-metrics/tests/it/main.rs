//! The metrics equal those of scikit-learn, which `scripts/metrics_reference.py` wrote.

mod statistics;

use nn_metrics::{
    Calibration, ClassCounts, ClassMetrics, ClassPredictions, ConfusionMatrix, LabelMetrics,
    ThresholdCounts, wilson_interval,
};
use nn_samples::Rows;
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("scikit_learn.json")).expect("valid JSON")
}

fn list<T>(value: &Value, element: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    let elements = value.as_array().expect("a list").iter();
    elements
        .map(|it| element(it).expect("of one type"))
        .collect()
}

fn class(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|class| class.try_into().ok())
}

fn point(value: &Value) -> Option<(f64, f64)> {
    Some((value[0].as_f64()?, value[1].as_f64()?))
}

fn assert_equal(found: Option<f64>, expected: &Value, what: &str) {
    let (found, expected) = (found.expect(what), expected.as_f64().expect(what));
    assert!(
        (found - expected).abs() < 1e-12,
        "{what}: {found}, not {expected}"
    );
}

#[test]
fn classification_metrics_equal_those_of_scikit_learn() {
    let reference = reference();
    let cases = reference["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 13);
    for case in cases {
        let n_classes = class(&case["n_classes"]).expect("a number") as usize;
        let scores = Rows::new(list(&case["scores"], Value::as_f64), n_classes);
        let (classes, predicted) = (
            list(&case["classes"], class),
            list(&case["predicted"], class),
        );
        let weights = case["weights"].as_array();
        let weights = weights.map(|_| list(&case["weights"], Value::as_f64));
        let metrics = ClassMetrics::new(ClassPredictions {
            scores: &scores,
            are_probabilities: true,
            predicted: &predicted,
            classes: &classes,
            weights: weights.as_deref(),
        });
        let counts = ClassCounts::new(&classes, &predicted, n_classes, weights.as_deref());
        for (name, found) in [
            ("accuracy", counts.accuracy()),
            ("auc", metrics.auc),
            ("average_precision", metrics.average_precision),
            ("balanced_accuracy", metrics.balanced_accuracy),
            ("macro_f1", metrics.macro_f1),
            ("log_loss", metrics.log_loss),
            ("brier", metrics.brier),
            ("calibration_error", metrics.calibration_error),
        ] {
            if !case[name].is_null() {
                assert_equal(found, &case[name], &format!("{}: {name}", case["name"]));
            }
        }
    }
}

#[test]
fn curves_and_labels_equal_those_of_scikit_learn() {
    let curves = &reference()["curves"];
    let scores = list(&curves["scores"], Value::as_f64);
    let is_true = list(&curves["is_true"], Value::as_bool);
    let counts = ThresholdCounts::new(&scores, &is_true, None);
    for (name, found) in [
        ("roc", counts.roc_curve()),
        ("precision_recall", counts.precision_recall_curve()),
    ] {
        let expected = list(&curves[name], point);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found.0 - expected.0).abs() < 1e-12, "{name}");
            assert!((found.1 - expected.1).abs() < 1e-12, "{name}");
        }
    }
    let label = LabelMetrics::new(&scores, true, &is_true, 0.4, None);
    assert_equal(label.f1, &curves["f1"], "f1");
    assert_equal(
        label.balanced_accuracy,
        &curves["balanced_accuracy"],
        "balanced accuracy",
    );
    assert_eq!(label.auc, counts.roc_auc());

    let best = counts.best_threshold().expect("there are two classes");
    let label = LabelMetrics::new(&scores, true, &is_true, best, None);
    let expected = &curves["best_balanced_accuracy"];
    assert_equal(label.balanced_accuracy, expected, "best balanced accuracy");
}

/// A weight of 2 has the effect of repeating the row, in every metric.
#[test]
fn a_weight_repeats_a_row() {
    let (scores, is_true) = ([0.9, 0.6, 0.6, 0.3, 0.2], [true, false, true, true, false]);
    let weights = [1.0, 2.0, 3.0, 0.0, 1.0];
    let repeated = |rows: &mut dyn FnMut(usize)| {
        for (row, weight) in weights.iter().enumerate() {
            (0..*weight as usize).for_each(|_| rows(row));
        }
    };
    let (mut all_scores, mut all_true) = (Vec::new(), Vec::new());
    repeated(&mut |row| {
        all_scores.push(scores[row]);
        all_true.push(is_true[row]);
    });
    let weighted = LabelMetrics::new(&scores, true, &is_true, 0.5, Some(&weights));
    let repeated = LabelMetrics::new(&all_scores, true, &all_true, 0.5, None);
    for (weighted, repeated) in [
        (weighted.accuracy, repeated.accuracy),
        (weighted.auc, repeated.auc),
        (weighted.average_precision, repeated.average_precision),
        (weighted.balanced_accuracy, repeated.balanced_accuracy),
        (weighted.f1, repeated.f1),
        (weighted.log_loss, repeated.log_loss),
        (weighted.brier, repeated.brier),
        (weighted.calibration_error, repeated.calibration_error),
    ] {
        let (weighted, repeated) = (weighted.expect("defined"), repeated.expect("defined"));
        assert!(
            (weighted - repeated).abs() < 1e-12,
            "{weighted}, not {repeated}"
        );
    }
}

#[test]
fn undefined_metrics_are_none() {
    let one_class = ThresholdCounts::new(&[0.2, 0.7], &[true, true], None);
    assert_eq!(one_class.roc_auc(), None);
    assert_eq!(one_class.best_threshold(), None);
    assert_eq!(one_class.average_precision(), Some(1.0));
    assert!(one_class.roc_curve().is_empty());
    let no_rows = ThresholdCounts::new(&[], &[], None);
    assert_eq!(
        (no_rows.roc_auc(), no_rows.average_precision()),
        (None, None)
    );
    assert!(no_rows.precision_recall_curve().is_empty());
    assert_eq!(Calibration::new(&[], &[], None).error(), None);
    let none = LabelMetrics::new(&[], true, &[], 0.5, None);
    assert_eq!(none, LabelMetrics::default());
    // Neither true nor predicted: scikit-learn gives 0, too.
    let never = LabelMetrics::new(&[0.1, 0.2], true, &[false, false], 0.5, None);
    assert_eq!((never.f1, never.auc), (Some(0.0), None));
    assert_eq!(ClassMetrics::of_labels(&[never]).auc, None);
}

/// The numbers are those of SciPy's `binomtest(k, n).proportion_ci(method="wilson")`.
#[test]
fn wilson_intervals() {
    for (fraction, n, low, high) in [
        (0.0, 10, 0.0, 0.277_532_799_862_889_26),
        (0.7, 10, 0.396_778_147_461_144_8, 0.892_208_732_593_699),
        (
            0.987,
            10_000,
            0.984_585_425_782_268,
            0.989_040_559_804_692_9,
        ),
    ] {
        let found = wilson_interval(fraction, n);
        assert!((found.0 - low).abs() < 1e-12, "{found:?}");
        assert!((found.1 - high).abs() < 1e-12, "{found:?}");
    }
    assert_eq!(wilson_interval(0.5, 0), (0.0, 1.0));
}

#[test]
fn scores_agree_with_a_hand_calculation() {
    let mut confusion = ConfusionMatrix::new(3);
    for (true_class, predicted) in [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0)] {
        confusion.add(true_class, predicted);
    }
    assert_eq!(confusion.accuracy(), 0.6);
    let scores = confusion.scores(0);
    assert_eq!(
        (scores.precision, scores.recall),
        (Some(2.0 / 3.0), Some(2.0 / 3.0))
    );
    assert_eq!(confusion.scores(1).f1, Some(0.5));
    let absent = confusion.scores(2);
    assert_eq!(
        (absent.precision, absent.recall, absent.f1, absent.support),
        (None, None, None, 0)
    );
}
