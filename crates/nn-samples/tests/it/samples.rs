//! Samples: splits, encoded targets, and refused values.

use ndarray::{Array2, array};
use nn_samples::{Inputs, Samples, Targets, split_stratified};
use nn_tensor::random::{Purpose, Streams};

/// The rows that samples were selected from.
fn rows(samples: &Samples<'_, f64>) -> Vec<u32> {
    (0..samples.len() as u32)
        .map(|position| samples.row(position))
        .collect()
}

#[test]
fn samples_are_split_into_parts() {
    let labels: Vec<u32> = (0..50).map(|row| u32::from(row % 5 == 0)).collect();
    let inputs = Array2::from_shape_fn((50, 1), |(row, _)| row as f64);
    let samples = Samples::classification(&inputs, &labels, 2).unwrap();
    let sizes = |parts: &[Samples<'_, f64>]| -> Vec<Vec<usize>> {
        let counts = parts.iter().map(|part| part.class_counts().unwrap());
        counts.collect()
    };
    let parts = samples.split(&[0.6, 0.2, 0.2], 4).unwrap();
    assert_eq!(sizes(&parts), [[24, 6], [8, 2], [8, 2]]);
    let mut all: Vec<u32> = parts.iter().flat_map(rows).collect();
    all.sort_unstable();
    assert!(all.iter().copied().eq(0..50));
    // Two parts agree with `split_stratified`; a part of a part keeps its rows.
    let [kept, held_back] = samples.split(&[0.7, 0.3], 4).unwrap();
    let mut stream = Streams::new(4).stream(Purpose::Split, 0);
    let expected = split_stratified(&labels, 0.3, &mut stream);
    assert_eq!((rows(&kept), rows(&held_back)), expected);
    let [half, _] = held_back.split_unstratified(&[0.5, 0.5], 0).unwrap();
    let held_back = rows(&held_back);
    assert!(rows(&half).iter().all(|row| held_back.contains(row)));
    // Regression; parts may be empty.
    let samples = Samples::regression(&inputs, &inputs).unwrap();
    let parts = samples.split(&[0.9, 0.1, 0.0, 0.0], 0).unwrap();
    assert_eq!(parts.map(|part| part.len()), [45, 5, 0, 0]);
    let [all] = samples.split(&[1.0], 0).unwrap();
    assert_eq!(all.len(), 50);
    for (fractions, message) in [
        (
            [0.5, 0.4],
            "sum of the split's fractions: expected 1, found 0.9",
        ),
        (
            [1.5, -0.5],
            "fraction 0 of the split: expected a number from 0 to 1, found 1.5",
        ),
    ] {
        let error = samples.split(&fractions, 0).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn owned_samples_equal_borrowed_ones() {
    let pixels = array![[0_u8, 255], [255, 0], [51, 0]];
    let weights = vec![1.0, 2.0, 3.0];
    let owned: Samples<'static, f64> = {
        let labels = vec![0, 2, 1];
        let borrowed = Samples::classification(Inputs::bytes(&pixels, 0.5), &labels, 3).unwrap();
        borrowed.with_weights(&weights).unwrap().into_owned()
    };
    let given = Samples::classification(Inputs::bytes(pixels, 0.5), vec![0, 2, 1], 3).unwrap();
    let given = given.with_weights(weights).unwrap();
    let [mut left, mut right] = [Vec::new(), Vec::new()];
    for position in 0..3 {
        owned.write_stored(position, &mut left).unwrap();
        given.write_stored(position, &mut right).unwrap();
    }
    assert_eq!(left, right);
    assert_eq!(owned.class_counts(), Some(vec![1, 1, 1]));
}

#[test]
fn targets_are_encoded() {
    let pixels = array![[0_u8, 255], [255, 0], [51, 0]];
    let inputs = Inputs::bytes(pixels.view(), 1.0 / 255.0);
    let targets = Targets::classes(&[0, 2, 1], 3);
    let samples: Samples<'_, f64> = Samples::new(inputs, targets).unwrap();
    let mut input = [0.0; 2];
    samples.select(&[2]).read_inputs(&[0], &mut input).unwrap();
    assert_eq!(input, [0.2, 0.0]);
    let mut target = [9.0; 3];
    samples.copy_target(1, 0.0, &mut target);
    assert_eq!(target, [0.0, 0.0, 1.0]);
    samples.copy_target(1, 0.3, &mut target);
    assert!((target[2] - 0.8).abs() < 1e-12 && (target[0] - 0.1).abs() < 1e-12);
    assert_eq!(samples.class_counts().unwrap(), [1, 1, 1]);
}

#[test]
fn invalid_samples_are_refused() {
    let values = array![[1.0, 2.0], [f64::NAN, 4.0]];
    let targets = Targets::classes(&[0, 1], 2);
    let error = Samples::new(values.view(), targets.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "input 0 of sample 1 is NaN; expected a finite number"
    );
    let values = array![[1.0, 2.0]];
    let error = Samples::new(Inputs::values(values.view()), targets).unwrap_err();
    assert_eq!(error.to_string(), "number of targets: expected 1, found 2");
}
