//! Places labels beside points so that no curve crosses a label.

/// Space between a label and its point, and between a label and a curve, in CSS pixels.
const GAP: f64 = 4.0;

/// Distance between the places that are tried, in CSS pixels.
const STEP: f64 = 6.0;

/// A rectangle in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rectangle {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The place for a label of this size that is nearest to its point, inside of the area,
/// and crossed by no curve. If there is none, the nearest of those that are crossed by
/// the fewest segments.
pub(crate) fn place(
    point: (f64, f64),
    (width, height): (f64, f64),
    area: Rectangle,
    curves: &[Vec<(f64, f64)>],
) -> Rectangle {
    let candidates = tops(point.1, height, area).flat_map(|top| {
        lefts(point.0, width, area).map(move |left| Rectangle {
            left,
            top,
            width,
            height,
        })
    });
    let mut candidates: Vec<(f64, Rectangle)> = candidates
        .filter(|place| !place.grown(GAP).contains(point))
        .map(|place| (place.distance(point), place))
        .collect();
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let crossings = |place: &Rectangle| {
        let place = place.grown(GAP);
        let segments = curves.iter().flat_map(|curve| curve.windows(2));
        segments
            .filter(|segment| place.is_crossed(segment[0], segment[1]))
            .count()
    };
    let places = candidates.iter().map(|(_, place)| *place);
    let free = places.clone().find(|place| crossings(place) == 0);
    let least = || places.min_by_key(crossings);
    free.or_else(least).unwrap_or(Rectangle {
        left: point.0,
        top: point.1 - height - GAP,
        width,
        height,
    })
}

/// Upper edges of the places that are tried: in the whole area.
fn tops(y: f64, height: f64, area: Rectangle) -> impl Iterator<Item = f64> {
    let lowest = area.top + area.height - height;
    let n = (area.height / STEP) as i32;
    let offsets = (-n..=n).map(move |step| y - height / 2.0 + STEP * f64::from(step));
    offsets.filter(move |&top| top >= area.top && top <= lowest)
}

/// Left edges of the places that are tried: right of the point, left of it, and around it.
fn lefts(x: f64, width: f64, area: Rectangle) -> impl Iterator<Item = f64> {
    let rightmost = (area.left + area.width - width).max(area.left);
    let offsets = [2.0 * GAP, -width / 2.0, -width - 2.0 * GAP];
    offsets
        .into_iter()
        .map(move |offset| (x + offset).clamp(area.left, rightmost))
}

impl Rectangle {
    /// The rectangle with a margin on all sides.
    fn grown(self, margin: f64) -> Self {
        Self {
            left: self.left - margin,
            top: self.top - margin,
            width: self.width + 2.0 * margin,
            height: self.height + 2.0 * margin,
        }
    }

    fn right(self) -> f64 {
        self.left + self.width
    }

    fn bottom(self) -> f64 {
        self.top + self.height
    }

    fn contains(self, (x, y): (f64, f64)) -> bool {
        (self.left..=self.right()).contains(&x) && (self.top..=self.bottom()).contains(&y)
    }

    /// The nearest point of the rectangle.
    pub(crate) fn nearest(self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            x.clamp(self.left, self.right()),
            y.clamp(self.top, self.bottom()),
        )
    }

    pub(crate) fn distance(self, point: (f64, f64)) -> f64 {
        let nearest = self.nearest(point);
        (nearest.0 - point.0).hypot(nearest.1 - point.1)
    }

    /// Whether a segment has a point in the rectangle (Liang–Barsky clipping).
    fn is_crossed(self, from: (f64, f64), to: (f64, f64)) -> bool {
        let (dx, dy) = (to.0 - from.0, to.1 - from.1);
        let (mut start, mut end) = (0.0_f64, 1.0_f64);
        for (change, room) in [
            (-dx, from.0 - self.left),
            (dx, self.right() - from.0),
            (-dy, from.1 - self.top),
            (dy, self.bottom() - from.1),
        ] {
            if change == 0.0 {
                if room < 0.0 {
                    return false;
                }
            } else if change < 0.0 {
                start = start.max(room / change);
            } else {
                end = end.min(room / change);
            }
        }
        start <= end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AREA: Rectangle = Rectangle {
        left: 0.0,
        top: 0.0,
        width: 300.0,
        height: 200.0,
    };

    fn crossed(place: Rectangle, curve: &[(f64, f64)]) -> bool {
        curve
            .windows(2)
            .any(|segment| place.is_crossed(segment[0], segment[1]))
    }

    #[test]
    fn a_segment_crosses_a_rectangle_or_not() {
        let place = Rectangle {
            left: 10.0,
            top: 10.0,
            width: 20.0,
            height: 10.0,
        };
        for (from, to, expected) in [
            ((0.0, 15.0), (40.0, 15.0), true),
            ((15.0, 15.0), (16.0, 15.0), true),
            ((0.0, 5.0), (40.0, 5.0), false),
            ((0.0, 20.0), (12.0, 0.0), false),
            ((5.0, 0.0), (5.0, 40.0), false),
            ((20.0, 12.0), (20.0, 12.0), true),
        ] {
            assert_eq!(place.is_crossed(from, to), expected, "{from:?} {to:?}");
            assert_eq!(place.is_crossed(to, from), expected, "{to:?} {from:?}");
        }
    }

    #[test]
    fn a_label_lies_on_no_curve_and_inside_of_the_area() {
        // Two falling curves, as losses over epochs.
        let curve = |a: f64, b: f64| -> Vec<(f64, f64)> {
            (0..=30)
                .map(|i| {
                    let x = f64::from(i);
                    (10.0 * x, 190.0 - 180.0 * (-a * x).exp() - b * x)
                })
                .collect()
        };
        let curves = [curve(0.1, 0.0), curve(0.12, -1.0)];
        for curve in &curves {
            for &point in curve {
                let place = place(point, (120.0, 13.0), AREA, &curves);
                assert!(curves.iter().all(|it| !crossed(place, it)), "{point:?}");
                assert!(place.left >= 0.0 && place.right() <= 300.0, "{place:?}");
                assert!(place.top >= 0.0 && place.bottom() <= 200.0, "{place:?}");
            }
        }
    }

    #[test]
    fn without_curves_a_label_is_beside_its_point() {
        let place = place((100.0, 100.0), (50.0, 13.0), AREA, &[]);
        assert!(place.distance((100.0, 100.0)) <= 3.0 * GAP, "{place:?}");
        assert!(!place.contains((100.0, 100.0)));
    }

    #[test]
    fn a_label_that_does_not_fit_is_placed_all_the_same() {
        let wide = place((100.0, 100.0), (500.0, 13.0), AREA, &[]);
        assert_eq!(wide.left, 0.0);
        let high = place((100.0, 100.0), (50.0, 500.0), AREA, &[]);
        assert!(high.top.is_finite());
    }
}
