//! Clustering of rows with similar sparsity patterns.
//!
//! Products over groups of rows process every column in which any row of the group is nonzero. For
//! groups of sixteen MNIST images, 52 % of the columns are processed in the original order, and
//! 36 % after clustering.
//!
//! The rows are split in half along their first principal component, recursively:
//!
//! ```text
//! f_r  number of nonzero elements of row r in each of 64 ranges of columns
//! v    first principal component of a sample of the f_r by power iteration:
//!      v ← Σ (f_r − f̄)·((f_r − f̄)·v), v ← v/|v|
//! split at the median of f_r·v
//! ```

use super::CsrBytes;
use crate::Threads;
use crate::native::{Kernel, vectorize};

/// Number of column ranges whose nonzero elements are counted.
const FEATURES: usize = 64;

/// Number of partial sums of a dot product.
const LANES: usize = 16;

/// Number of rows sampled for a principal component.
const SAMPLED_ROWS: usize = 64;

/// Number of steps of the power iteration.
const ITERATIONS: usize = 4;

/// Halves of more rows than this have a multiple of this number of rows.
const UNIT: usize = 16;

/// Maximum number of rows of a part that is not split further.
const SMALLEST_PART: usize = 4;

type Features = [f32; FEATURES];

impl CsrBytes {
    /// Returns the indices of all rows, ordered so that neighbors have similar
    /// sparsity patterns. The order depends on the matrix only.
    pub fn cluster_rows(&self, threads: &Threads) -> Vec<u32> {
        let features = self.features(threads);
        let mut keyed: Vec<u64> = (0..features.len() as u64).collect();
        let mut parts = vec![keyed.as_mut_slice()];
        while !parts.is_empty() {
            threads.for_each(&mut parts, |_, part| {
                vectorize(Components {
                    part,
                    features: &features,
                });
                part.sort_unstable();
            });
            parts = parts
                .into_iter()
                .flat_map(|part| <[_; 2]>::from(part.split_at_mut(middle(part.len()))))
                .filter(|part| part.len() > SMALLEST_PART)
                .collect();
        }
        keyed.into_iter().map(row_of).collect()
    }

    fn features(&self, threads: &Threads) -> Vec<Features> {
        let range = self.n_columns().div_ceil(FEATURES).max(1);
        let mut features = vec![[0.0; FEATURES]; self.rows.len()];
        threads.for_each_chunk(&mut features, 1, 1024, |start, features| {
            for (row, features) in (start as u32..).zip(features) {
                for &index in self.rows.entries(row).0 {
                    features[usize::from(index) / range] += 1.0;
                }
            }
        });
        features
    }
}

/// The row index in the lower half of a sort key.
fn row_of(key: u64) -> u32 {
    key as u32
}

/// Position at which a part of `n_rows` rows is split.
fn middle(n_rows: usize) -> usize {
    let unit = if n_rows > UNIT {
        UNIT
    } else {
        n_rows.next_power_of_two() / 2
    };
    (n_rows / 2).next_multiple_of(unit.max(1)).min(n_rows)
}

/// Writes the sort keys of rows: their projections on their first principal
/// component.
struct Components<'a> {
    part: &'a mut [u64],
    features: &'a [Features],
}

impl Kernel for Components<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let direction = principal_component(self.part, self.features);
        for key in self.part {
            let row = row_of(*key);
            let component = dot(&self.features[row as usize], &direction);
            *key = u64::from(ordered_bits(component)) << 32 | u64::from(row);
        }
    }
}

/// Maps a value to bits with the same order.
fn ordered_bits(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_sign_negative() {
        !bits
    } else {
        bits | 1 << 31
    }
}

/// Approximates the first principal component of the rows of a part.
#[inline(always)]
fn principal_component(part: &[u64], features: &[Features]) -> Features {
    let step = part.len().div_ceil(SAMPLED_ROWS);
    let mut sample = [[0.0; FEATURES]; SAMPLED_ROWS];
    let mut mean = [0.0; FEATURES];
    let rows = part.iter().step_by(step);
    let n_sampled = rows.len();
    for (&key, slot) in rows.zip(&mut sample) {
        *slot = features[row_of(key) as usize];
        add_scaled(&mut mean, 1.0 / n_sampled as f32, slot);
    }
    let sample = &mut sample[..n_sampled];
    for row in &mut *sample {
        add_scaled(row, -1.0, &mean);
    }
    // Start from the row farthest from the mean, which is not orthogonal to the component.
    let mut direction = [0.0; FEATURES];
    let mut largest = 0.0;
    for row in &*sample {
        let size = dot(row, row);
        if size > largest {
            (largest, direction) = (size, *row);
        }
    }
    for _ in 0..ITERATIONS {
        let mut next = [0.0; FEATURES];
        for row in &*sample {
            add_scaled(&mut next, dot(row, &direction), row);
        }
        let length = dot(&next, &next).sqrt();
        if length > 0.0 {
            direction = next.map(|x| x / length);
        }
    }
    direction
}

/// The dot product `Σ aᵢ·bᵢ`, summed in a fixed order.
#[inline(always)]
fn dot(a: &Features, b: &Features) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

/// `to ← to + factor·from`
#[inline(always)]
fn add_scaled(to: &mut Features, factor: f32, from: &Features) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::random::{Purpose, Streams};

    /// Rows of four kinds, each with nonzero elements in its own quarter of the
    /// columns, in random order.
    fn mixed(n_rows: usize) -> (CsrBytes, Vec<u32>) {
        let mut stream = Streams::new(1).stream(Purpose::Test, 0);
        let kinds: Vec<u32> = (0..n_rows).map(|_| stream.below(4)).collect();
        let dense = Array2::from_shape_fn((n_rows, 200), |(row, column)| {
            let is_own = column / 50 == kinds[row] as usize;
            u8::from(is_own && stream.below(2) == 0)
        });
        let rows: Vec<u32> = (0..n_rows as u32).collect();
        let sparse = CsrBytes::from_rows(dense.view(), &rows).expect("it is sparse");
        (sparse, kinds)
    }

    #[test]
    fn neighbors_are_similar() {
        let (sparse, kinds) = mixed(1000);
        let order = sparse.cluster_rows(&Threads::single());
        let changes = |order: &[u32]| {
            order
                .windows(2)
                .filter(|pair| kinds[pair[0] as usize] != kinds[pair[1] as usize])
                .count()
        };
        let own: Vec<u32> = (0..1000).collect();
        assert!(changes(&own) > 600, "{}", changes(&own));
        assert!(changes(&order) < 60, "{}", changes(&order));
    }

    #[test]
    fn every_row_occurs_once_for_any_number_of_threads() {
        for n_rows in [1, 2, 3, 16, 17, 31, 33, 100, 517] {
            let (sparse, _) = mixed(n_rows);
            let order = sparse.cluster_rows(&Threads::new(3));
            assert_eq!(order, sparse.cluster_rows(&Threads::single()));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            let all: Vec<u32> = (0..n_rows as u32).collect();
            assert_eq!(sorted, all, "{n_rows} rows");
        }
    }

    #[test]
    fn empty_rows_keep_their_order() {
        let dense = Array2::<u8>::zeros((40, 9));
        let rows: Vec<u32> = (0..40).collect();
        let sparse = CsrBytes::from_rows(dense.view(), &rows).expect("it is sparse");
        assert_eq!(sparse.cluster_rows(&Threads::single()), rows);
    }
}
