//! Random splits and folds that keep the rows of a group together, and keep the class
//! proportions as well as the groups allow.
//!
//! Both algorithms are greedy: they take the groups in random order, and assign each group to the
//! part whose class counts then come closest to the target class counts. A split tries several
//! orders and keeps the best result.

use std::cmp::Reverse;
use std::collections::HashMap;

use nn_tensor::random::Stream;

/// Number of random orders of the groups that are tried for a split.
const N_TRIES: usize = 16;

/// The rows of a group.
#[derive(Clone, Debug, Default)]
struct Group {
    rows: Vec<u32>,
    /// Number of rows of each class in the group, by ascending class.
    counts: Vec<(usize, f64)>,
}

/// The groups of some rows, in the order of their first row.
struct Groups {
    groups: Vec<Group>,
    /// Number of rows of each class.
    totals: Vec<f64>,
}

impl Groups {
    /// `groups` and `classes` have an entry for every row of the data set.
    fn new(rows: &[u32], groups: &[u32], classes: Option<&[u32]>) -> Self {
        let mut places = HashMap::new();
        let mut found: Vec<Group> = Vec::new();
        for &row in rows {
            let place = *places.entry(groups[row as usize]).or_insert(found.len());
            if place == found.len() {
                found.push(Group::default());
            }
            found[place].rows.push(row);
        }
        let class = |row: &u32| classes.map_or(0, |classes| classes[*row as usize] as usize);
        let n_classes = 1 + rows.iter().map(class).max().unwrap_or(0);
        let mut totals = vec![0.0; n_classes];
        for group in &mut found {
            let mut classes: Vec<usize> = group.rows.iter().map(class).collect();
            classes.sort_unstable();
            let equal = classes.chunk_by(|a, b| a == b);
            group.counts = equal.map(|equal| (equal[0], equal.len() as f64)).collect();
            add(group, &mut totals);
        }
        Self {
            groups: found,
            totals,
        }
    }

    /// The change of the sum over the classes of (counts - wanted)² / total if `group` is
    /// added to a part with `counts` rows per class.
    fn change(&self, group: &Group, counts: &[f64], wanted: impl Fn(usize) -> f64) -> f64 {
        let of_class = |&(class, n): &(usize, f64)| {
            n * (n + 2.0 * (counts[class] - wanted(class))) / self.totals[class]
        };
        group.counts.iter().map(of_class).sum()
    }
}

fn add(group: &Group, counts: &mut [f64]) {
    for &(class, n) in &group.counts {
        counts[class] += n;
    }
}

/// Splits `rows` into two parts, each in ascending order; the second part has about this `fraction`
/// of the rows, and at least one group if the fraction amounts to at least half a row. The first
/// part has at least one group.
///
/// The rows of a group are in the same part. With `classes`, both parts have about the
/// same class proportions.
///
/// ```
/// use nn_samples::grouped_split;
/// use nn_tensor::random::{Purpose, Streams};
///
/// let groups = [0, 0, 1, 1, 2, 2, 3, 3];
/// let mut stream = Streams::new(0).stream(Purpose::Split, 0);
/// let (kept, held_back) = grouped_split(&[0, 1, 2, 3, 4, 5, 6, 7], &groups, None, 0.25, &mut stream);
/// assert_eq!((kept.len(), held_back.len()), (6, 2));
/// assert_eq!(groups[held_back[0] as usize], groups[held_back[1] as usize]);
/// ```
///
/// # Shapes
/// `groups [n_samples]`, `classes [n_samples]`; `rows` are indices below `n_samples`.
///
/// # Panics
/// Panics if a row has no group or no class.
pub fn grouped_split(
    rows: &[u32],
    groups: &[u32],
    classes: Option<&[u32]>,
    fraction: f64,
    stream: &mut Stream,
) -> (Vec<u32>, Vec<u32>) {
    let all = Groups::new(rows, groups, classes);
    let mut tries = (0..N_TRIES).map(|_| {
        let order = stream.permutation(all.groups.len());
        all.split(&order, rows.len(), fraction)
    });
    let first = tries.next().expect("there is at least one try");
    let best = tries.fold(first, |best, other| match other.change < best.change {
        true => other,
        false => best,
    });
    (rows_of(&best.kept), rows_of(&best.held_back))
}

/// A split of groups into two parts.
struct GroupSplit<'a> {
    kept: Vec<&'a Group>,
    held_back: Vec<&'a Group>,
    /// How much nearer the second part is to the wanted numbers than an empty part;
    /// negative if it is nearer.
    change: f64,
}

impl Groups {
    /// Holds back each group, in this order, that brings the numbers of rows per class
    /// nearer to the wanted ones.
    fn split(&self, order: &[u32], n_rows: usize, fraction: f64) -> GroupSplit<'_> {
        let mut total_change = 0.0;
        let wanted = |class: usize| self.totals[class] * fraction;
        let mut counts = vec![0.0; self.totals.len()];
        let (mut kept, mut held_back) = (Vec::new(), Vec::new());
        for &place in order {
            let group = &self.groups[place as usize];
            let change = self.change(group, &counts, wanted);
            if change < 0.0 {
                total_change += change;
                add(group, &mut counts);
                held_back.push(group);
            } else {
                kept.push(group);
            }
        }
        if kept.is_empty() {
            kept.extend(held_back.pop());
        }
        let is_wanted = (n_rows as f64 * fraction).round() > 0.0;
        if held_back.is_empty() && is_wanted && kept.len() > 1 {
            let change = |at: &usize| self.change(kept[*at], &counts, wanted);
            let nearest = (0..kept.len()).min_by(|a, b| change(a).total_cmp(&change(b)));
            held_back.extend(nearest.map(|at| kept.remove(at)));
        }
        GroupSplit {
            kept,
            held_back,
            change: total_change,
        }
    }
}

fn rows_of(part: &[&Group]) -> Vec<u32> {
    let mut rows: Vec<u32> = part.iter().flat_map(|it| &it.rows).copied().collect();
    rows.sort_unstable();
    rows
}

/// Assigns each row of the data set to a fold from 0 to `n_folds - 1`.
///
/// There must be at least `n_folds` groups; each fold gets at least one group. Large
/// groups are assigned first, so that small groups can even out the folds. With `classes`,
/// the folds have about the same class proportions.
///
/// # Shapes
/// `groups [n_samples]`, `classes [n_samples]`; the result is `[n_samples]`.
///
/// # Panics
/// Panics if `n_folds` is 0 or a row has no class.
pub fn grouped_folds(
    groups: &[u32],
    classes: Option<&[u32]>,
    n_folds: usize,
    stream: &mut Stream,
) -> Vec<u32> {
    let rows: Vec<u32> = (0..groups.len() as u32).collect();
    let all = Groups::new(&rows, groups, classes);
    let mut order = stream.permutation(all.groups.len());
    // A stable sort keeps the random order of equally large groups.
    order.sort_by_key(|&place| Reverse(all.groups[place as usize].rows.len()));
    let mut counts = vec![vec![0.0; all.totals.len()]; n_folds];
    let mut n_empty = n_folds;
    let mut folds = vec![0; groups.len()];
    for (position, place) in order.into_iter().enumerate() {
        let group = &all.groups[place as usize];
        let is_empty = |fold: usize| counts[fold].iter().all(|&n| n == 0.0);
        let must_fill = all.groups.len() - position <= n_empty;
        let change = |fold: &usize| all.change(group, &counts[*fold], |_| 0.0);
        let nearest = (0..n_folds)
            .filter(|&fold| !must_fill || is_empty(fold))
            .min_by(|a, b| change(a).total_cmp(&change(b)))
            .unwrap_or_default();
        n_empty -= usize::from(is_empty(nearest));
        add(group, &mut counts[nearest]);
        for &row in &group.rows {
            folds[row as usize] = nearest as u32;
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use nn_tensor::random::{Purpose, Streams};

    use super::*;

    fn stream(seed: u64) -> Stream {
        Streams::new(seed).stream(Purpose::Split, 0)
    }

    /// Four groups of four rows, two per class: any one of them is a quarter of each class.
    #[test]
    fn groups_stay_together_and_classes_keep_their_share() {
        let groups: Vec<u32> = (0..16).map(|row| row % 4).collect();
        let classes: Vec<u32> = (0..16).map(|row| row / 8).collect();
        let rows: Vec<u32> = (0..16).collect();
        let mut chosen = [false; 4];
        for seed in 0..40 {
            let (kept, held_back) =
                grouped_split(&rows, &groups, Some(&classes), 0.25, &mut stream(seed));
            let group = groups[held_back[0] as usize];
            let expected: Vec<u32> = (0..4).map(|i| group + 4 * i).collect();
            assert_eq!(held_back, expected);
            assert_eq!(kept.len(), 12);
            chosen[group as usize] = true;
        }
        assert_eq!(chosen, [true; 4], "every group is held back by some seed");
    }

    /// Half of each class is wanted, and each group has one class: one group of each class
    /// is held back, whatever their order.
    #[test]
    fn groups_of_one_class_are_balanced() {
        let groups = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3];
        let classes = [0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1];
        let rows: Vec<u32> = (0..12).collect();
        for seed in 0..20 {
            let (_, held_back) =
                grouped_split(&rows, &groups, Some(&classes), 0.5, &mut stream(seed));
            let of_first = held_back.iter().filter(|&&row| classes[row as usize] == 0);
            assert_eq!((held_back.len(), of_first.count()), (6, 3), "seed {seed}");
        }
    }

    /// The small group comes nearest to a tenth; a single group stays in training.
    #[test]
    fn both_parts_have_a_group_if_there_are_two() {
        let groups = [vec![0; 50], vec![1; 40], vec![2; 10]].concat();
        let rows: Vec<u32> = (0..100).collect();
        for seed in 0..10 {
            let (kept, held_back) = grouped_split(&rows, &groups, None, 0.1, &mut stream(seed));
            assert_eq!(held_back, (90..100).collect::<Vec<u32>>());
            assert_eq!(kept, (0..90).collect::<Vec<u32>>());
        }
        let two = [vec![0; 60], vec![1; 40]].concat();
        let (_, held_back) = grouped_split(&rows, &two, None, 0.1, &mut stream(0));
        assert_eq!(held_back, (60..100).collect::<Vec<u32>>());
        let (kept, held_back) = grouped_split(&rows, &[0; 100], None, 0.1, &mut stream(0));
        assert_eq!((kept.len(), held_back.len()), (100, 0));
        let (kept, _) = grouped_split(&rows, &two, None, 0.0, &mut stream(0));
        assert_eq!(kept.len(), 100);
    }

    /// Sizes 4, 3, 2, 2, 1 in two folds of six rows: 4 + 2 and 3 + 2 + 1.
    #[test]
    fn folds_of_groups_are_even() {
        let groups = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4];
        for seed in 0..10 {
            let folds = grouped_folds(&groups, None, 2, &mut stream(seed));
            for row in 1..groups.len() {
                if groups[row] == groups[row - 1] {
                    assert_eq!(folds[row], folds[row - 1], "a group is in one fold");
                }
            }
            assert_eq!(folds.iter().filter(|&&fold| fold == 0).count(), 6);
        }
    }

    /// Four groups of each class, two rows each, in four folds: one group of each class
    /// per fold.
    #[test]
    fn folds_of_groups_keep_the_classes() {
        let groups: Vec<u32> = (0..16).map(|row| row / 2).collect();
        let classes: Vec<u32> = (0..16).map(|row| row / 8).collect();
        for seed in 0..10 {
            let folds = grouped_folds(&groups, Some(&classes), 4, &mut stream(seed));
            for fold in 0..4 {
                let count = |class| {
                    let is_it = |row: &usize| folds[*row] == fold && classes[*row] == class;
                    (0..16).filter(is_it).count()
                };
                assert_eq!([count(0), count(1)], [2, 2], "seed {seed}");
            }
        }
    }

    #[test]
    fn every_fold_has_a_group() {
        let groups = [vec![0; 50], vec![1; 1], vec![2; 1]].concat();
        let folds = grouped_folds(&groups, None, 3, &mut stream(0));
        let mut found = [folds[0], folds[50], folds[51]];
        found.sort_unstable();
        assert_eq!(found, [0, 1, 2]);
    }
}
