//! Initial design: a Latin hypercube (McKay, Beckman & Conover 1979).
//!
//! Each dimension is divided into `n` equal parts, and each part contains one
//! point:
//!
//! ```text
//! x_ij = (π_j(i) + u_ij) / n      π_j a random permutation, u_ij uniform in 0..1
//! ```
//!
//! The design with the largest minimum distance between points is chosen from several
//! random designs (maximin design, Johnson, Moore & Ylvisaker 1990).

use nn_tensor::random::Stream;

/// Number of random designs from which the best is chosen.
const N_DESIGNS: usize = 50;

/// `n_points` positions of `n_dimensions` numbers in `0..1`.
pub(crate) fn latin_hypercube(
    n_points: usize,
    n_dimensions: usize,
    stream: &mut Stream,
) -> Vec<Vec<f64>> {
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for _ in 0..N_DESIGNS {
        let design = draw(n_points, n_dimensions, stream);
        let distance = smallest_distance(&design);
        if distance > best.0 {
            best = (distance, design);
        }
    }
    best.1
}

fn draw(n_points: usize, n_dimensions: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
    let mut points = vec![Vec::with_capacity(n_dimensions); n_points];
    for _ in 0..n_dimensions {
        let parts = stream.permutation(n_points);
        for (point, part) in points.iter_mut().zip(parts) {
            point.push((f64::from(part) + stream.uniform()) / n_points as f64);
        }
    }
    points
}

/// The squared minimum distance between points; infinite for a single point.
fn smallest_distance(points: &[Vec<f64>]) -> f64 {
    let mut smallest = f64::INFINITY;
    for (index, a) in points.iter().enumerate() {
        for b in &points[..index] {
            let distance = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
            smallest = smallest.min(distance);
        }
    }
    smallest
}

#[cfg(test)]
mod tests {
    use nn_tensor::random::{Purpose, Streams};

    use super::*;

    fn stream() -> Stream {
        Streams::new(0).stream(Purpose::Test, 0)
    }

    #[test]
    fn every_part_of_every_dimension_holds_one_point() {
        let design = latin_hypercube(7, 3, &mut stream());
        assert_eq!(design.len(), 7);
        for dimension in 0..3 {
            let mut parts: Vec<usize> = design
                .iter()
                .map(|point| (point[dimension] * 7.0) as usize)
                .collect();
            parts.sort_unstable();
            assert_eq!(parts, [0, 1, 2, 3, 4, 5, 6]);
        }
    }

    #[test]
    fn the_chosen_design_is_spread_wider_than_the_first() {
        let first = smallest_distance(&draw(8, 2, &mut stream()));
        let best = smallest_distance(&latin_hypercube(8, 2, &mut stream()));
        assert!(best > first, "{best} against {first}");
        assert_eq!(latin_hypercube(1, 2, &mut stream()).len(), 1);
    }
}
