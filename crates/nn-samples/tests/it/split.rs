//! Random splits and orders: complete, balanced, and the same forever.

use nn_samples::{shuffle, split, split_stratified};
use nn_tensor::random::{Purpose, Streams};
use proptest::prelude::*;

#[test]
fn a_split_is_a_partition() {
    for (n, fraction, expected) in [
        (10, 0.3, 3),
        (7, 0.0, 0),
        (1, 0.1, 0),
        (5, 1.0, 5),
        (0, 0.5, 0),
    ] {
        let (training, validation) =
            split(n, fraction, &mut Streams::new(1).stream(Purpose::Split, 0));
        assert_eq!(validation.len(), expected);
        let mut all = [training, validation].concat();
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..n as u32));
    }
}

fn stratified(classes: &[u32], fraction: f64, seed: u64) -> (Vec<u32>, Vec<u32>) {
    split_stratified(
        classes,
        fraction,
        &mut Streams::new(seed).stream(Purpose::Split, 0),
    )
}

fn count(classes: &[u32], positions: &[u32], class: u32) -> usize {
    let of_class = |position: &&u32| classes[**position as usize] == class;
    positions.iter().filter(of_class).count()
}

/// Golden values of `scripts/random_reference.py`.
#[test]
fn stratified_splits_never_change() {
    let classes = [0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3];
    let (kept, held_back) = stratified(&classes, 0.3, 7);
    assert_eq!(kept, [0, 2, 3, 5, 7, 9, 10, 11, 12]);
    assert_eq!(held_back, [1, 4, 6, 8]);
}

/// 0.1 of twelve rows of each of three classes is 3.6, so 4 rows: one of each
/// class and a second one of a random class.
#[test]
fn equal_remainders_are_distributed_at_random() {
    let classes: Vec<u32> = (0..36).map(|row| row / 12).collect();
    let mut chosen = [0; 3];
    for seed in 0..60 {
        let (_, held_back) = stratified(&classes, 0.1, seed);
        assert_eq!(held_back.len(), 4);
        for class in 0..3 {
            chosen[class as usize] += count(&classes, &held_back, class) - 1;
        }
    }
    assert!(chosen.iter().all(|&n| n > 5), "{chosen:?}");
    assert_eq!(chosen.iter().sum::<usize>(), 60);
}

#[test]
fn every_class_keeps_a_position() {
    for (classes, fraction, expected) in [
        (&[5][..], 0.9, 0),
        (&[], 0.5, 0),
        (&[1, 1], 0.9, 1),
        (&[0, 1, 2, 3], 0.5, 0),
        // 4.5 rounds to 5, without the single position of class 2.
        (&[0, 0, 0, 0, 1, 1, 1, 1, 2], 0.5, 5),
    ] {
        let (kept, held_back) = stratified(classes, fraction, 3);
        assert_eq!(held_back.len(), expected, "{classes:?}");
        assert_eq!(kept.len(), classes.len() - expected);
    }
}

proptest! {
    #[test]
    fn each_class_is_split_by_the_same_fraction(
        classes in proptest::collection::vec(0..6_u32, 0..200),
        fraction in 0.0..=0.5_f64,
        seed in 0..1000_u64,
    ) {
        let (kept, held_back) = stratified(&classes, fraction, seed);
        let mut all = [kept, held_back.clone()].concat();
        all.sort_unstable();
        prop_assert!(all.iter().copied().eq(0..classes.len() as u32));
        let everything: Vec<u32> = (0..classes.len() as u32).collect();
        let mut has_single = false;
        for class in 0..6 {
            let n = count(&classes, &everything, class);
            let found = count(&classes, &held_back, class);
            has_single |= n == 1;
            prop_assert!((found as f64 - n as f64 * fraction).abs() <= 1.0 + 1e-9);
            prop_assert!(n == 0 || found < n);
        }
        let expected = (classes.len() as f64 * fraction).round() as usize;
        prop_assert!(held_back.len() <= expected);
        if !has_single {
            prop_assert_eq!(held_back.len(), expected);
        }
        prop_assert_eq!(held_back, stratified(&classes, fraction, seed).1);
    }
}

/// Golden values of `scripts/random_reference.py`.
#[test]
fn splits_and_orders_never_change() {
    let (kept, held_back) = split(12, 0.25, &mut Streams::new(7).stream(Purpose::Split, 0));
    assert_eq!(kept, [0, 2, 3, 6, 7, 8, 9, 10, 11]);
    assert_eq!(held_back, [1, 4, 5]);
    let mut order = [0; 10];
    shuffle(&mut order, 3, Streams::new(7));
    assert_eq!(order, [5, 2, 0, 8, 1, 7, 3, 6, 4, 9]);
}

#[test]
fn an_epoch_visits_every_sample_and_epochs_differ() {
    let mut first = vec![0; 100];
    shuffle(&mut first, 0, Streams::new(1));
    let mut second = first.clone();
    shuffle(&mut second, 1, Streams::new(1));
    assert_ne!(first, second);
    second.sort_unstable();
    assert!(second.iter().copied().eq(0..100));
}
