//! Intervals and tests equal those of SciPy and statsmodels, which
//! `scripts/statistics_reference.py` wrote.

use nn_metrics::{MeanEstimate, PairedClasses, holm};
use serde_json::Value;

fn reference(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("scipy.json")).expect("valid JSON");
    all[part].as_array().expect("a list").clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().expect("a list").iter();
    numbers.map(|it| it.as_f64().expect("a number")).collect()
}

fn assert_close(found: f64, expected: f64, what: &str) {
    let tolerance = 1e-10 * expected.abs().max(1e-30);
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found:e}, not {expected:e}"
    );
}

#[test]
fn means_equal_those_of_scipy() {
    let cases = reference("means");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let values = numbers(&case["values"]);
        let what = |name: &str| format!("{} values: {name}", values.len());
        let number = |name: &str| case[name].as_f64().expect("a number");
        let estimate = MeanEstimate::of_independent(&values).expect("two values");
        assert_close(estimate.mean, number("mean"), &what("mean"));
        assert_close(estimate.std, number("std"), &what("std"));
        assert_close(estimate.p_value(), number("p_value"), &what("p"));
        let folds = MeanEstimate::of_folds(&values).expect("two values");
        assert_close(folds.p_value(), number("fold_p_value"), &what("p of folds"));
        for (estimate, name) in [(estimate, "interval"), (folds, "fold_interval")] {
            let expected = numbers(&case[name]);
            assert_close(estimate.interval.0, expected[0], &what(name));
            assert_close(estimate.interval.1, expected[1], &what(name));
        }
    }
}

#[test]
fn mcnemars_test_equals_that_of_statsmodels() {
    let cases = reference("mcnemar");
    assert_eq!(cases.len(), 8);
    for case in cases {
        let counts = numbers(&case["counts"]);
        let pairs = PairedClasses {
            only_first: counts[0] as usize,
            only_second: counts[1] as usize,
            n: 20_000,
        };
        let expected = case["p_value"].as_f64().expect("a number");
        assert_close(pairs.p_value(), expected, &format!("{counts:?}"));
    }
}

/// 40 and 75 discordant rows of 1000: half a row more in each, and n = 1002:
/// (35 ± 1.959964 · √(116 − 35²/1002)) / 1002 = 0.03493014 ± 0.02095601.
#[test]
fn differences_of_accuracies_have_an_interval() {
    let pairs = PairedClasses {
        only_first: 40,
        only_second: 75,
        n: 1000,
    };
    let (low, high) = pairs.interval();
    assert!((low - 0.013_974_13).abs() < 1e-6, "{low}");
    assert!((high - 0.055_886_15).abs() < 1e-6, "{high}");
}

#[test]
fn adjusted_p_values_equal_those_of_statsmodels() {
    let cases = reference("holm");
    assert_eq!(cases.len(), 3);
    for case in cases {
        let found = holm(&numbers(&case["p_values"]));
        for (found, expected) in found.into_iter().zip(numbers(&case["adjusted"])) {
            assert_close(found, expected, "holm");
        }
    }
    assert!(holm(&[]).is_empty());
}
