//! Random splits of samples, and the random order of the samples in an epoch.

use std::collections::HashMap;

use nn_error::{Error, Result};
use nn_tensor::random::{Purpose, Stream, Streams};

/// Randomly splits `0..n` into training and validation indices, each in ascending
/// order.
///
/// `held_back` is the fraction of validation indices; the number of validation indices is rounded.
pub fn split(n: usize, held_back: f64, stream: &mut Stream) -> (Vec<u32>, Vec<u32>) {
    let n_held_back = (n as f64 * held_back).round() as usize;
    let mut order = stream.permutation(n);
    let mut kept = order.split_off(n_held_back.min(n));
    order.sort_unstable();
    kept.sort_unstable();
    (kept, order)
}

/// Randomly splits `0..classes.len()` into training and validation indices, with the
/// same fraction of each class (stratified).
///
/// `classes` holds the class of each index, and `held_back` is the fraction f of validation
/// indices. The indices of each part are in ascending order.
///
/// A class with n_c indices gets n_c·f validation indices, rounded up or down, but keeps at least
/// one training index. The largest remainder method (Hamilton's method) decides which classes round
/// up: the classes whose n_c·f has the largest fractional part, until the number of validation
/// indices is n·f rounded, as in [`split`]. Equal remainders are ordered at random, as are the
/// indices within a class. There are fewer validation indices only if a small class would otherwise
/// have no training index.
///
/// ```
/// use nn_samples::split_stratified;
/// use nn_tensor::random::{Purpose, Streams};
///
/// // Six indices of class 0, four of class 1, one of class 2.
/// let classes = [0, 0, 0, 1, 1, 0, 0, 0, 1, 1, 2];
/// let mut stream = Streams::new(0).stream(Purpose::Split, 0);
/// let (kept, held_back) = split_stratified(&classes, 0.5, &mut stream);
/// let count = |class| held_back.iter().filter(|&&at| classes[at as usize] == class).count();
/// // 11 · 0.5, rounded, is 6; class 2 keeps its only index.
/// assert_eq!([held_back.len(), kept.len()], [6, 5]);
/// assert!(count(0) >= 3 && count(1) >= 2 && count(2) == 0);
/// ```
///
/// # Panics
/// Panics if there are more than 2³² positions.
pub fn split_stratified(
    classes: &[u32],
    held_back: f64,
    stream: &mut Stream,
) -> (Vec<u32>, Vec<u32>) {
    let order = stream.permutation(classes.len());
    let mut left = held_back_by_class(classes, held_back, &order);
    let (mut chosen, mut kept) = (Vec::new(), Vec::new());
    for position in order {
        match left.get_mut(&classes[position as usize]) {
            Some(n) if *n > 0 => {
                *n -= 1;
                chosen.push(position);
            }
            _ => kept.push(position),
        }
    }
    chosen.sort_unstable();
    kept.sort_unstable();
    (kept, chosen)
}

/// The number of validation indices of each class, by the largest remainder;
/// classes are ordered by their first appearance in `order`.
fn held_back_by_class(classes: &[u32], fraction: f64, order: &[u32]) -> HashMap<u32, usize> {
    let mut sizes: Vec<(u32, usize)> = Vec::new();
    let mut places = HashMap::new();
    for &position in order {
        let class = classes[position as usize];
        let place = *places.entry(class).or_insert_with(|| {
            sizes.push((class, 0));
            sizes.len() - 1
        });
        sizes[place].1 += 1;
    }
    let quota = |n: usize| n as f64 * fraction;
    let most = |n: usize| n.saturating_sub(1);
    let mut counts: HashMap<u32, usize> = sizes
        .iter()
        .map(|&(class, n)| (class, (quota(n) as usize).min(most(n))))
        .collect();
    let total = quota(classes.len()).round() as usize;
    let missing = total.saturating_sub(counts.values().sum());
    sizes.retain(|&(class, n)| counts[&class] < most(n));
    // A stable sort keeps the order of equal remainders.
    sizes.sort_by(|a, b| quota(b.1).fract().total_cmp(&quota(a.1).fract()));
    for (class, _) in sizes.into_iter().take(missing) {
        *counts.entry(class).or_default() += 1;
    }
    counts
}

/// Overwrites `order` with the random order of the samples in one epoch.
///
/// # Panics
/// Panics if there are more than 2³² samples.
pub fn shuffle(order: &mut [u32], epoch: u64, streams: Streams) {
    for (position, slot) in order.iter_mut().enumerate() {
        *slot = u32::try_from(position).expect("samples are counted in 32 bits");
    }
    streams.stream(Purpose::Shuffle, epoch).shuffle(order);
}

/// Checks that fractions lie in 0..=1 and add up to 1.
pub(crate) fn check_fractions(fractions: &[f64]) -> Result<()> {
    let out_of_range = |what: String, expected: &str, found: f64| Error::OutOfRange {
        what,
        expected: expected.to_owned(),
        found: found.to_string(),
    };
    let is_fraction = |fraction: &f64| (0.0..=1.0).contains(fraction);
    if let Some(part) = fractions.iter().position(|fraction| !is_fraction(fraction)) {
        let what = format!("fraction {part} of the split");
        return Err(out_of_range(what, "a number from 0 to 1", fractions[part]));
    }
    let sum: f64 = fractions.iter().sum();
    if (sum - 1.0).abs() > 1e-9 {
        let what = "sum of the split's fractions".to_owned();
        return Err(out_of_range(what, "1", sum));
    }
    Ok(())
}
