//! Charts of a layer with two inputs and three outputs: a grid in the plane and its
//! image in space.

use crate::palette;
use crate::svg::{Anchor, Drawing, Svg, TITLE_HEIGHT, path_data};

const WIDTH: u32 = 640;

/// Side of a panel.
const SIDE: f64 = 270.0;

/// Viewing angles in radians.
const ELEVATION: f64 = 0.45;
const AZIMUTH: f64 = -0.6;

/// A grid of points in the plane, and its image in space.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaneMap {
    /// Title above the chart.
    pub title: String,
    /// Number of points per row and per column.
    pub n: usize,
    /// `n * n` points in the plane, in row-major order.
    pub plane: Vec<[f64; 2]>,
    /// The images of the points, in the same order.
    pub space: Vec<[f64; 3]>,
    /// Names of the two inputs.
    pub input_names: [String; 2],
    /// Names of the three outputs.
    pub output_names: [String; 3],
}

/// A quadrilateral of the grid.
struct Patch {
    corners: [(f64, f64); 4],
    /// Depth; larger is closer to the viewer.
    depth: f64,
    /// Position along the first input, from 0 to 1.
    place: f64,
}

impl PlaneMap {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let mut drawing = Drawing::new(&self.title, WIDTH);
        let top = TITLE_HEIGHT + 26.0;
        self.draw_plane(&mut drawing, (40.0, top));
        self.draw_space(&mut drawing, (362.0, top));
        let arrow = [(316.0, top + SIDE / 2.0), (340.0, top + SIDE / 2.0)];
        drawing.path(&arrow, "line neutral", "stroke-width=\"2\"");
        let y = arrow[1].1;
        let head = [(333.0, y - 6.0), arrow[1], (333.0, y + 6.0)];
        drawing.path(&head, "line neutral", "stroke-width=\"2\"");
        let description = format!(
            "A grid of {0} by {0} points of the plane, and its image in space",
            self.n
        );
        drawing.finish(top + SIDE + 34.0, &description)
    }

    fn draw_plane(&self, drawing: &mut Drawing, corner: (f64, f64)) {
        let unit = Unit::around(&self.plane);
        let pixel = |point: &[f64; 2]| {
            let [x, y] = unit.apply(point)?;
            Some((corner.0 + SIDE * x, corner.1 + SIDE * (1.0 - y)))
        };
        let pixels: Vec<_> = self.plane.iter().map(pixel).collect();
        draw_patches(drawing, self.patches(&pixels, |_| Some(0.0)));
        let [first, second] = &self.input_names;
        let (x, y) = (corner.0 + SIDE / 2.0, corner.1 + SIDE + 22.0);
        drawing.text((x, y), Anchor::Middle, "muted", first);
        drawing.text((corner.0, corner.1 - 8.0), Anchor::Start, "muted", second);
    }

    fn draw_space(&self, drawing: &mut Drawing, corner: (f64, f64)) {
        let unit = Unit::around(&self.space);
        let place = |[x, y]: [f64; 2]| {
            let scale = 0.62 * SIDE;
            let center = (corner.0 + SIDE / 2.0, corner.1 + SIDE / 2.0);
            (center.0 + scale * x, center.1 - scale * y)
        };
        let ends = draw_axes(drawing, place);
        let projected = |point: &[f64; 3]| unit.apply(point).map(|point| project(centered(point)));
        let pixels: Vec<_> = self
            .space
            .iter()
            .map(|point| projected(point).map(|(flat, _)| place(flat)))
            .collect();
        let depth = |index: usize| projected(self.space.get(index)?).map(|(_, depth)| depth);
        draw_patches(drawing, self.patches(&pixels, depth));
        for ((x, y), name) in ends.into_iter().zip(&self.output_names) {
            drawing.text((x, y + 4.0), Anchor::Middle, "halo", name);
        }
    }

    /// The quadrilaterals with finite corners, distant ones first.
    fn patches(
        &self,
        pixels: &[Option<(f64, f64)>],
        depth: impl Fn(usize) -> Option<f64>,
    ) -> Vec<Patch> {
        let n = self.n;
        let n_patches = n.saturating_sub(1);
        let patch = |row: usize, column: usize| {
            let first = row * n + column;
            let indices = [first, first + 1, first + n + 1, first + n];
            let pixel = |index: usize| pixels.get(index).copied().flatten();
            Some(Patch {
                corners: [
                    pixel(indices[0])?,
                    pixel(indices[1])?,
                    pixel(indices[2])?,
                    pixel(indices[3])?,
                ],
                depth: indices.into_iter().filter_map(&depth).sum(),
                place: column as f64 / n_patches.saturating_sub(1).max(1) as f64,
            })
        };
        let mut patches: Vec<Patch> = (0..n_patches)
            .flat_map(|row| (0..n_patches).map(move |column| (row, column)))
            .filter_map(|(row, column)| patch(row, column))
            .collect();
        patches.sort_by(|a, b| a.depth.total_cmp(&b.depth));
        patches
    }
}

/// Draws three visible edges of the unit cube, at the bottom in front and at the
/// left. Returns the positions of their names.
fn draw_axes(drawing: &mut Drawing, place: impl Fn([f64; 2]) -> (f64, f64)) -> [(f64, f64); 3] {
    const EDGES: [[[f64; 3]; 2]; 3] = [
        [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]],
        [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
    ];
    const BESIDE: [(f64, f64); 3] = [(-30.0, 18.0), (32.0, 20.0), (0.0, -14.0)];
    std::array::from_fn(|axis| {
        let [from, to] = EDGES[axis].map(|end| place(project(centered(end)).0));
        drawing.line(from, to, "axis", "stroke-width=\"1\"");
        let at = if axis == 2 {
            to
        } else {
            (0.5 * (from.0 + to.0), 0.5 * (from.1 + to.1))
        };
        (at.0 + BESIDE[axis].0, at.1 + BESIDE[axis].1)
    })
}

fn draw_patches(drawing: &mut Drawing, patches: Vec<Patch>) {
    for patch in patches {
        let [red, green, blue] = palette::sequential(patch.place);
        drawing.raw(&format!(
            "<path d=\"{}Z\" fill=\"rgb({red},{green},{blue})\" fill-opacity=\"0.85\" \
             stroke=\"#fff\" stroke-width=\"0.6\" stroke-linejoin=\"round\"/>",
            path_data(&patch.corners)
        ));
    }
}

/// Maps points to 0..=1, with the same factor along all axes.
struct Unit<const N: usize> {
    low: [f64; N],
    span: f64,
}

impl<const N: usize> Unit<N> {
    fn around(points: &[[f64; N]]) -> Self {
        let finite = || {
            points
                .iter()
                .filter(|point| point.iter().all(|x| x.is_finite()))
        };
        let extreme = |axis: usize, start: f64, choose: fn(f64, f64) -> f64| {
            finite().map(|point| point[axis]).fold(start, choose)
        };
        let low: [f64; N] = std::array::from_fn(|axis| extreme(axis, f64::INFINITY, f64::min));
        let high: [f64; N] = std::array::from_fn(|axis| extreme(axis, f64::NEG_INFINITY, f64::max));
        let spans = low.iter().zip(&high).map(|(low, high)| high - low);
        let span = spans.fold(f64::MIN_POSITIVE, f64::max);
        Self { low, span }
    }

    fn apply(&self, point: &[f64; N]) -> Option<[f64; N]> {
        let moved: [f64; N] =
            std::array::from_fn(|axis| (point[axis] - self.low[axis]) / self.span);
        moved.iter().all(|x| x.is_finite()).then_some(moved)
    }
}

fn centered(point: [f64; 3]) -> [f64; 3] {
    point.map(|x| x - 0.5)
}

/// Parallel projection: position (right, up) and depth.
fn project([x, y, z]: [f64; 3]) -> ([f64; 2], f64) {
    let (sin, cos) = AZIMUTH.sin_cos();
    let (right, away) = (cos * x - sin * y, sin * x + cos * y);
    let (sin, cos) = ELEVATION.sin_cos();
    ([right, cos * z + sin * away], sin * z - cos * away)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(n: usize, height: impl Fn(f64, f64) -> f64) -> PlaneMap {
        let points = (0..n * n).map(|index| [(index % n) as f64, (index / n) as f64]);
        let plane: Vec<[f64; 2]> = points.collect();
        PlaneMap {
            title: "A layer".to_owned(),
            n,
            space: plane.iter().map(|&[x, y]| [x, y, height(x, y)]).collect(),
            plane,
            input_names: ["a".to_owned(), "b".to_owned()],
            output_names: ["x".to_owned(), "y".to_owned(), "z".to_owned()],
        }
    }

    #[test]
    fn every_patch_is_drawn_twice() {
        let svg = map(5, |x, y| x * y).svg();
        assert_eq!(svg.inline().matches("Z\" fill").count(), 2 * 16);
    }

    #[test]
    fn higher_points_are_drawn_higher_and_closer() {
        let (low, high) = (project([0.0; 3]), project([0.0, 0.0, 1.0]));
        assert!(high.0[1] > low.0[1] && high.1 > low.1);
    }

    #[test]
    fn points_without_a_position_leave_holes() {
        let svg = map(3, |x, y| if x + y == 0.0 { f64::NAN } else { x }).svg();
        assert_eq!(svg.inline().matches("Z\" fill").count(), 4 + 3);
        for n in [0, 1] {
            map(n, |_, _| 0.0).svg();
        }
        PlaneMap {
            plane: vec![],
            space: vec![],
            ..map(4, |x, _| x)
        }
        .svg();
    }
}
