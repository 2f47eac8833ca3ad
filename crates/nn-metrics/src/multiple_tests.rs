//! Correction of p-values for several tests.

/// The p-values of several tests, adjusted so that the probability of any false positive is at
/// most the level at which they are compared (Holm, *A simple sequentially rejective multiple
/// test procedure*, 1979). The adjusted values have the order of `p_values`.
///
/// ```text
/// p'(i) = max over j ≤ i of min(1, (m − j + 1) · p(j)),  p(1) ≤ p(2) ≤ … ≤ p(m)
/// ```
///
/// ```
/// assert_eq!(nn_metrics::holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
/// ```
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (position, &test) in order.iter().enumerate() {
        let n_left = (p_values.len() - position) as f64;
        largest = largest.max(n_left * p_values[test]).min(1.0);
        adjusted[test] = largest;
    }
    adjusted
}
