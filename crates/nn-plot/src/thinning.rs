//! Thinning of curves with more points than pixels.

/// Keeps about `max_points` points of a curve: the first, lowest, highest and last
/// of each section, so no peak is lost.
pub(crate) fn thinned(points: &[(f64, f64)], max_points: usize) -> Vec<(f64, f64)> {
    if points.len() <= max_points.max(4) {
        return points.to_vec();
    }
    let section = points.len().div_ceil(max_points.max(4) / 4);
    let mut kept = Vec::with_capacity(max_points);
    for points in points.chunks(section) {
        let by_height = |a: &usize, b: &usize| points[*a].1.total_cmp(&points[*b].1);
        let lowest = (0..points.len()).min_by(by_height).unwrap_or(0);
        let highest = (0..points.len()).max_by(by_height).unwrap_or(0);
        let mut indices = [
            0,
            lowest.min(highest),
            lowest.max(highest),
            points.len() - 1,
        ]
        .to_vec();
        indices.dedup();
        kept.extend(indices.into_iter().map(|index| points[index]));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_stay() {
        let points = [(0.0, 1.0), (1.0, 2.0)];
        assert_eq!(thinned(&points, 100), points);
        assert_eq!(thinned(&[], 100), []);
    }

    #[test]
    fn ends_and_peaks_stay_and_order_is_kept() {
        let mut points: Vec<(f64, f64)> = (0..10_000).map(|i| (f64::from(i), 0.0)).collect();
        points[4321].1 = 9.0;
        points[4322].1 = -9.0;
        let kept = thinned(&points, 400);
        assert!(kept.len() <= 400, "{}", kept.len());
        assert_eq!((kept[0], kept[kept.len() - 1]), (points[0], points[9999]));
        assert!(kept.contains(&points[4321]) && kept.contains(&points[4322]));
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    }
}
