//! The frame of a chart with two axes: title, legend, grid, labels and plot area.

use crate::axis::Axis;
use crate::label_place::{Rectangle, place};
use crate::palette;
use crate::scale::Scale;
use crate::svg::{Anchor, Drawing, TITLE_HEIGHT, shortened, text_width};
use crate::thinning::thinned;

/// Width of a chart with axes, in CSS pixels.
pub(crate) const WIDTH: u32 = 600;
const PLOT_HEIGHT: f64 = 310.0;

const FONT_SIZE: f64 = 13.0;
const LEGEND_LINE: f64 = 20.0;
const LEGEND_KEY: f64 = 26.0;
const RIGHT_MARGIN: f64 = 18.0;
const X_LABELS: f64 = 44.0;
const TICK_LENGTH: f64 = 3.5;
const LABEL_CLASS: &str = "muted label";

/// A chart with two axes, to which data can be added.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) drawing: Drawing,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    /// Left, top, width and height of the area for data, in CSS pixels.
    area: [f64; 4],
    top: f64,
    /// The curves that labels must not cover, in CSS pixels.
    curves: Vec<Vec<(f64, f64)>>,
}

/// An entry of a legend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    /// Index of the series.
    pub(crate) index: usize,
    pub(crate) key: Key,
}

/// The symbol before a name in a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Line,
    Dot,
    Block,
}

impl Frame {
    /// Draws title, legend, grid and axes.
    pub(crate) fn new(
        title: &str,
        axes: [&Axis; 2],
        scales: [Scale; 2],
        legend: &[Entry<'_>],
    ) -> Self {
        Self::with_margin(title, axes, scales, legend, RIGHT_MARGIN)
    }

    /// Draws a frame with a right margin other than the default.
    pub(crate) fn with_margin(
        title: &str,
        axes: [&Axis; 2],
        [x, y]: [Scale; 2],
        legend: &[Entry<'_>],
        right: f64,
    ) -> Self {
        let mut drawing = Drawing::new(title, WIDTH);
        let top = TITLE_HEIGHT + draw_legend(&mut drawing, legend);
        let widest = y
            .ticks
            .iter()
            .map(|tick| text_width(&tick.label, FONT_SIZE))
            .fold(20.0, f64::max);
        let left = (widest + 40.0).min(200.0);
        let area = [
            left,
            top + 8.0,
            f64::from(WIDTH) - left - right,
            PLOT_HEIGHT - 8.0 - X_LABELS,
        ];
        let mut frame = Self {
            drawing,
            x,
            y,
            area,
            top,
            curves: Vec::new(),
        };
        frame.draw_grid();
        frame.draw_axes(axes);
        frame
    }

    /// Height of the whole chart.
    pub(crate) fn height(&self) -> f64 {
        self.top + PLOT_HEIGHT
    }

    fn draw_grid(&mut self) {
        let [left, top, width, height] = self.area;
        for tick in &self.x.ticks {
            let x = left + width * tick.position;
            self.drawing.line((x, top), (x, top + height), "grid", "");
        }
        for tick in &self.y.ticks {
            let y = top + height * (1.0 - tick.position);
            self.drawing.line((left, y), (left + width, y), "grid", "");
        }
    }

    /// Axis lines, ticks with their labels, and the names of the axes.
    fn draw_axes(&mut self, axes: [&Axis; 2]) {
        let Self { drawing, area, .. } = self;
        let [left, top, width, height] = *area;
        let bottom = top + height;
        drawing.path(
            &[(left, top), (left, bottom), (left + width, bottom)],
            "axis",
            "",
        );
        for tick in &self.x.ticks {
            let x = left + width * tick.position;
            drawing.line((x, bottom), (x, bottom + TICK_LENGTH), "axis", "");
            let at = (x, bottom + 18.0);
            drawing.text(at, Anchor::Middle, LABEL_CLASS, &tick.label);
        }
        for tick in &self.y.ticks {
            let y = top + height * (1.0 - tick.position);
            drawing.line((left - TICK_LENGTH, y), (left, y), "axis", "");
            let at = (left - 8.0, y + 0.35 * FONT_SIZE);
            drawing.text(at, Anchor::End, LABEL_CLASS, &tick.label);
        }
        let [x_name, y_name] = [(axes[0], width), (axes[1], height)]
            .map(|(axis, length)| shortened(&axis.label, length, FONT_SIZE));
        let at = (left + width / 2.0, bottom + X_LABELS - 6.0);
        drawing.text(at, Anchor::Middle, LABEL_CLASS, &x_name);
        drawing.vertical_text((16.0, top + height / 2.0), LABEL_CLASS, &y_name);
    }

    /// Draws a line through points, in the color of series `index`. A point
    /// that has no position on an axis is a gap; a point between two gaps is a
    /// dot. Of many points, at most about `max_points` are drawn.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], index: usize, max_points: usize) {
        for segment in self.segments(points) {
            let pixels: Vec<(f64, f64)> = thinned(&segment, max_points)
                .into_iter()
                .map(|position| self.pixel_at(position))
                .collect();
            let class = palette::series_class(index);
            if let [pixel] = pixels[..] {
                self.drawing
                    .circle(pixel, 4.0, &format!("fill {class}"), "", "");
            } else {
                let stroke = palette::stroke(index);
                self.drawing
                    .path(&pixels, &format!("line {class}"), &stroke);
            }
            self.keep_free(pixels);
        }
    }

    /// Keeps labels off a curve, or off single points.
    pub(crate) fn keep_free(&mut self, mut pixels: Vec<(f64, f64)>) {
        if let [pixel] = pixels[..] {
            pixels.push(pixel);
        }
        self.curves.push(pixels);
    }

    /// Draws a label near a point, where it covers no curve, with a line to the point if
    /// it is far away.
    pub(crate) fn label(&mut self, point: (f64, f64), text: &str) {
        let [left, top, width, height] = self.area;
        let area = Rectangle {
            left,
            top,
            width,
            height,
        };
        // The width is an estimate.
        let size = (1.1 * text_width(text, FONT_SIZE), FONT_SIZE);
        let place = place(point, size, area, &self.curves);
        if place.distance(point) > FONT_SIZE {
            self.drawing.line(point, place.nearest(point), "axis", "");
        }
        // A text is positioned at its base line.
        let at = (place.left + place.width / 2.0, place.top + 0.8 * FONT_SIZE);
        self.drawing.text(at, Anchor::Middle, "halo", text);
        let corners = [place.left, place.left + place.width];
        self.keep_free(corners.map(|x| (x, place.top + FONT_SIZE / 2.0)).to_vec());
    }

    /// The segments of a curve without gaps, as positions on the axes.
    fn segments(&self, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
        let clamped = |(x, y): (f64, f64)| (x.clamp(0.0, 1.0), y.clamp(0.0, 1.0));
        let positions: Vec<Option<(f64, f64)>> = points
            .iter()
            .map(|&(x, y)| self.x.position(x).zip(self.y.position(y)).map(clamped))
            .collect();
        positions
            .split(Option::is_none)
            .filter(|segment| !segment.is_empty())
            .map(|segment| segment.iter().copied().flatten().collect())
            .collect()
    }

    /// The CSS pixel of a pair of numbers; `None` if it has no position or is outside
    /// of the area.
    pub(crate) fn pixel(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let position = (self.x.position(x)?, self.y.position(y)?);
        let inside = -1e-9..=1.0 + 1e-9;
        (inside.contains(&position.0) && inside.contains(&position.1))
            .then(|| self.pixel_at(position))
    }

    /// The CSS pixel of positions from 0 to 1 on both axes.
    pub(crate) fn pixel_at(&self, position: (f64, f64)) -> (f64, f64) {
        let [left, top, width, height] = self.area;
        (left + width * position.0, top + height * (1.0 - position.1))
    }
}

/// Draws a legend below the title, unless there is a single series. Returns its
/// height.
fn draw_legend(drawing: &mut Drawing, entries: &[Entry<'_>]) -> f64 {
    if entries.len() < 2 {
        return 0.0;
    }
    let (mut x, mut y) = (8.0, TITLE_HEIGHT + 12.0);
    for entry in entries {
        let name = shortened(entry.name, drawing.width() - 60.0, FONT_SIZE);
        let width = LEGEND_KEY + text_width(&name, FONT_SIZE) + 18.0;
        if x > 8.0 && x + width > drawing.width() {
            (x, y) = (8.0, y + LEGEND_LINE);
        }
        draw_key(drawing, entry, (x, y - 4.5));
        drawing.text((x + LEGEND_KEY, y), Anchor::Start, "", &name);
        x += width;
    }
    y - TITLE_HEIGHT + 8.0
}

fn draw_key(drawing: &mut Drawing, entry: &Entry<'_>, (x, y): (f64, f64)) {
    let class = palette::series_class(entry.index);
    match entry.key {
        Key::Line => {
            let stroke = palette::stroke(entry.index);
            drawing.line((x, y), (x + 20.0, y), &format!("line {class}"), &stroke);
        }
        Key::Dot => drawing.circle((x + 12.0, y), 4.5, &format!("fill {class}"), "", ""),
        Key::Block => {
            let corner = (x + 6.0, y - 6.0);
            drawing.rectangle(corner, (12.0, 12.0), &format!("fill {class}"), "", "");
        }
    }
}
