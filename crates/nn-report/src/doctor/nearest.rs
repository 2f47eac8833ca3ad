//! Finds the nearest neighbor of each sample.

/// For each row of `[n_samples, n_inputs]`, the nearest row with other inputs: a copy of a
/// row predicts it without any generalization.
pub(super) fn nearest_neighbours(inputs: &[f32], n_inputs: usize) -> Vec<Option<usize>> {
    let rows: Vec<&[f32]> = inputs.chunks_exact(n_inputs.max(1)).collect();
    let mut nearest = vec![(f32::INFINITY, None); rows.len()];
    for (a, row) in rows.iter().enumerate() {
        for (b, other) in rows.iter().enumerate().skip(a + 1) {
            let distance = square_distance(row, other);
            for (one, neighbour) in [(a, b), (b, a)] {
                if distance > 0.0 && distance < nearest[one].0 {
                    nearest[one] = (distance, Some(neighbour));
                }
            }
        }
    }
    nearest
        .into_iter()
        .map(|(_, neighbour)| neighbour)
        .collect()
}

/// Sums in eight lanes, so that the compiler can use vector instructions.
fn square_distance(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut sums = [0.0_f32; LANES];
    let (whole_a, rest_a) = a.as_chunks::<LANES>();
    let (whole_b, rest_b) = b.as_chunks::<LANES>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..LANES {
            sums[lane] += (a[lane] - b[lane]) * (a[lane] - b[lane]);
        }
    }
    let rest = rest_a.iter().zip(rest_b);
    sums.iter().sum::<f32>() + rest.map(|(a, b)| (a - b) * (a - b)).sum::<f32>()
}
