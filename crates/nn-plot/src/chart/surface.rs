//! Contour charts of a function of two parameters, with a path such as the path of gradient
//! descent.

use crate::axis::Axis;
use crate::frame::Frame;
use crate::palette;
use crate::picture::{TRANSPARENT, data_uri};
use crate::scale::{Padding, Scale};
use crate::svg::{Anchor, Svg};

/// Number of color bands.
const BANDS: u8 = 24;

/// Width and height of the image in pixels.
const RESOLUTION: usize = 220;

/// Width of the color bar with its labels.
const BAR: f64 = 74.0;

/// A contour chart of values on a grid, with a path.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceChart {
    /// Title above the chart.
    pub title: String,
    /// Axis of the first parameter.
    pub x: Axis,
    /// Axis of the second parameter.
    pub y: Axis,
    /// Axis of the values, shown as colors.
    pub value: Axis,
    /// Grid points of the first parameter, ascending and equidistant on the axis.
    pub xs: Vec<f64>,
    /// Grid points of the second parameter, ascending and equidistant on the axis.
    pub ys: Vec<f64>,
    /// Values `[ys, xs]` in row-major order; NaN and infinite values have no color.
    pub values: Vec<f64>,
    /// Points of the path; the first one is a ring, the last one a disc.
    pub path: Vec<(f64, f64)>,
}

impl SurfaceChart {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let x = Scale::new(&self.x, self.xs.iter().copied(), Padding::None);
        let y = Scale::new(&self.y, self.ys.iter().copied(), Padding::None);
        let value = Scale::new(&self.value, self.values.iter().copied(), Padding::None);
        let mut frame = Frame::with_margin(&self.title, [&self.x, &self.y], [x, y], &[], BAR);
        let [corner, opposite] = [(0.0, 1.0), (1.0, 0.0)].map(|place| frame.pixel_at(place));
        let size = (opposite.0 - corner.0, opposite.1 - corner.1);
        frame
            .drawing
            .image(corner, size, &self.picture(&value), "", "");
        self.draw_bar(&mut frame, &value);
        self.draw_path(&mut frame);
        let height = frame.height();
        frame.drawing.finish(height, &self.description())
    }

    fn picture(&self, value: &Scale) -> String {
        let place = |index: usize, n: usize| {
            let fraction = index as f64 / (RESOLUTION - 1) as f64;
            fraction * n.saturating_sub(1) as f64
        };
        let band = |index: usize| {
            let row = place(RESOLUTION - 1 - index / RESOLUTION, self.ys.len());
            let column = place(index % RESOLUTION, self.xs.len());
            let position = self.between(row, column, value);
            position.map_or(TRANSPARENT, |position| {
                1 + (position.clamp(0.0, 1.0) * f64::from(BANDS)).min(f64::from(BANDS - 1)) as u8
            })
        };
        let pixels: Vec<u8> = (0..RESOLUTION * RESOLUTION).map(band).collect();
        let size = (RESOLUTION as u32, RESOLUTION as u32);
        data_uri(size, &pixels, &colors(), true)
    }

    /// Position on the scale of values, by bilinear interpolation on the grid.
    fn between(&self, row: f64, column: f64, value: &Scale) -> Option<f64> {
        let node = |row: usize, column: usize| {
            let row = row.min(self.ys.len().checked_sub(1)?);
            let column = column.min(self.xs.len().checked_sub(1)?);
            let found = self.values.get(row * self.xs.len() + column)?;
            value.position(*found)
        };
        let (top, left) = (row.floor() as usize, column.floor() as usize);
        let (down, right) = (row - top as f64, column - left as f64);
        let above = lerp(node(top, left)?, node(top, left + 1)?, right);
        let below = lerp(node(top + 1, left)?, node(top + 1, left + 1)?, right);
        Some(lerp(above, below, down))
    }

    /// Draws the color bar.
    fn draw_bar(&self, frame: &mut Frame, value: &Scale) {
        let [low, high] = [0.0, 1.0].map(|place| frame.pixel_at((1.0, place)));
        let (x, height) = (low.0 + 14.0, low.1 - high.1);
        let step = height / f64::from(BANDS);
        for (band, [red, green, blue]) in colors()[1..].iter().enumerate() {
            let corner = (x, low.1 - step * (band + 1) as f64);
            let look = format!("fill=\"rgb({red},{green},{blue})\"");
            let size = (12.0, step + 0.5);
            frame.drawing.rectangle(corner, size, "", &look, "");
        }
        for tick in &value.ticks {
            let y = low.1 - height * tick.position + 4.0;
            frame
                .drawing
                .text((x + 17.0, y), Anchor::Start, "small muted", &tick.label);
        }
        let name = crate::svg::shortened(&self.value.label, BAR, 11.0);
        let at = (x + BAR - 16.0, high.1 - 10.0);
        frame.drawing.text(at, Anchor::End, "small", &name);
    }

    fn draw_path(&self, frame: &mut Frame) {
        let pixels: Vec<(f64, f64)> = self
            .path
            .iter()
            .filter_map(|&point| frame.pixel(point))
            .collect();
        let (Some(&first), Some(&last)) = (pixels.first(), pixels.last()) else {
            return;
        };
        // White on black is visible on every color of the map.
        for (color, width) in [("#000", 4.0), ("#fff", 2.0)] {
            let look = format!(
                "fill=\"none\" stroke=\"{color}\" stroke-width=\"{width}\" stroke-linejoin=\"round\""
            );
            frame.drawing.path(&pixels, "", &look);
        }
        if pixels.len() <= 60 {
            let look = "fill=\"#fff\" stroke=\"#000\"";
            for &pixel in &pixels {
                frame.drawing.circle(pixel, 2.6, "", look, "");
            }
        }
        let ring = "fill=\"none\" stroke=\"#fff\" stroke-width=\"2.5\"";
        frame.drawing.circle(first, 6.0, "", ring, "start");
        let disc = "fill=\"#fff\" stroke=\"#000\" stroke-width=\"1.5\"";
        frame.drawing.circle(last, 5.5, "", disc, "end");
    }

    fn description(&self) -> String {
        format!(
            "Contour chart of {} over {} and {}, with a path of {} points",
            self.value.label,
            self.x.label,
            self.y.label,
            self.path.len()
        )
    }
}

fn lerp(from: f64, to: f64, part: f64) -> f64 {
    from + part * (to - from)
}

/// The transparent color, then one color per band.
fn colors() -> Vec<[u8; 3]> {
    let band = |band: u8| palette::sequential(f64::from(band) / f64::from(BANDS - 1));
    [[0; 3]].into_iter().chain((0..BANDS).map(band)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bowl() -> SurfaceChart {
        let xs: Vec<f64> = (-10..=10).map(f64::from).collect();
        let values = xs
            .iter()
            .flat_map(|y| xs.iter().map(move |x| x * x + 2.0 * y * y));
        SurfaceChart {
            title: "Bowl".to_owned(),
            x: Axis::new("w1"),
            y: Axis::new("w2"),
            value: Axis::new("cost"),
            values: values.collect(),
            ys: xs.clone(),
            xs,
            path: vec![(8.0, 8.0), (4.0, 2.0), (99.0, 0.0), (0.0, 0.0)],
        }
    }

    #[test]
    fn values_between_nodes_are_interpolated() {
        let chart = bowl();
        let scale = Scale::new(&chart.value, [0.0, 300.0].into_iter(), Padding::None);
        let at = |row, column| {
            chart
                .between(row, column, &scale)
                .map(|place| 300.0 * place)
        };
        assert!(
            at(10.0, 10.0).is_some_and(|value| value.abs() < 1e-9),
            "the middle"
        );
        assert!(at(10.0, 10.5).is_some_and(|value| (value - 0.5).abs() < 1e-9));
        assert!(at(20.0, 20.0).is_some_and(|value| (value - 300.0).abs() < 1e-9));
    }

    #[test]
    fn grids_with_holes_do_not_panic() {
        let mut holes = bowl();
        holes.values[7] = f64::NAN;
        let short = SurfaceChart {
            values: vec![1.0],
            ..bowl()
        };
        let empty = SurfaceChart {
            xs: vec![],
            ys: vec![],
            values: vec![],
            path: vec![],
            ..bowl()
        };
        let log = SurfaceChart {
            value: Axis::new("cost").log(),
            ..bowl()
        };
        for chart in [holes, short, empty, log] {
            roxmltree::Document::parse(&chart.svg().standalone()).expect("well-formed");
        }
    }
}
