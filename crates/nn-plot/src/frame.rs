//! The frame of a chart with two axes: title, legend, mesh, labels and the
//! place for data, laid out by plotters.

use std::convert::Infallible;
use std::ops::Range;

use plotters::chart::ChartBuilder;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::drawing::{DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::Circle;
use plotters::prelude::{Cartesian2d, ChartContext, LineSeries};
use plotters::series::PointSeries;
use plotters::style::{Color, IntoTextStyle, ShapeStyle, TextStyle};

use crate::axis::Axis;
use crate::canvas::{Canvas, Ink, UNITS};
use crate::palette;
use crate::scale::{Scale, Tick};
use crate::svg::{Anchor, Drawing, TITLE_HEIGHT, shortened, text_width};

/// Size of a chart with axes, in CSS pixels.
pub(crate) const WIDTH: u32 = 600;
const PLOT_HEIGHT: f64 = 310.0;

const FONT_SIZE: f64 = 13.0;
const LEGEND_LINE: f64 = 20.0;
const LEGEND_KEY: f64 = 26.0;
const RIGHT_MARGIN: f64 = 18.0;
const X_LABELS: f64 = 44.0;

/// A chart with two axes, before its data are drawn.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) drawing: Drawing,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
    /// Left, top, width and height of the place for data, in CSS pixels.
    place: [f64; 4],
    top: f64,
    labels: [String; 2],
}

/// An entry of a legend.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) name: &'a str,
    /// Which series.
    pub(crate) index: usize,
    pub(crate) key: Key,
}

/// What stands before a name in a legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Line,
    Dot,
    Block,
}

impl Frame {
    /// Title and legend on top, axes around the place for data.
    pub(crate) fn new(
        title: &str,
        axes: [&Axis; 2],
        scales: [Scale; 2],
        legend: &[Entry<'_>],
    ) -> Self {
        Self::with_margin(title, axes, scales, legend, RIGHT_MARGIN)
    }

    /// With room for something at the right.
    pub(crate) fn with_margin(
        title: &str,
        axes: [&Axis; 2],
        [x, y]: [Scale; 2],
        legend: &[Entry<'_>],
        right: f64,
    ) -> Self {
        let mut drawing = Drawing::new(title, WIDTH);
        let top = TITLE_HEIGHT + legend_into(&mut drawing, legend);
        let widest = y
            .ticks
            .iter()
            .map(|tick| text_width(&tick.label, FONT_SIZE))
            .fold(20.0, f64::max);
        let left = (widest + 40.0).min(200.0);
        let place = [
            left,
            top + 8.0,
            f64::from(WIDTH) - left - right,
            PLOT_HEIGHT - 8.0 - X_LABELS,
        ];
        Self {
            drawing,
            x,
            y,
            place,
            top,
            labels: axes.map(|axis| axis.label.clone()),
        }
    }

    /// Height of the whole chart.
    pub(crate) fn height(&self) -> f64 {
        self.top + PLOT_HEIGHT
    }

    /// Draws mesh and axes, and by `draw` what plotters knows to draw.
    pub(crate) fn plot(&mut self, draw: impl FnOnce(&mut Plot<'_, '_>)) {
        let mut markup = String::new();
        self.plot_into(&mut markup, draw)
            .expect("neither writing to memory nor the layout can fail");
        let scale = 1.0 / UNITS;
        self.drawing.raw(&format!(
            "<g class=\"plot\" transform=\"scale({scale})\">{markup}</g>"
        ));
    }

    fn plot_into(
        &self,
        markup: &mut String,
        draw: impl FnOnce(&mut Plot<'_, '_>),
    ) -> Result<(), DrawingAreaErrorKind<Infallible>> {
        let units = |pixels: f64| (UNITS * pixels).round() as u32;
        let [left, top, width, height] = self.place;
        let size = (units(f64::from(WIDTH)), units(self.height()));
        let area = Canvas::new(markup, size).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin_top(units(top))
            .margin_right(size.0 - units(left + width))
            .x_label_area_size(size.1 - units(top + height))
            .y_label_area_size(units(left))
            .build_cartesian_2d(
                Positions(self.x.ticks.clone()),
                Positions(self.y.ticks.clone()),
            )?;
        let ink = Ink::Text.colour();
        let text: TextStyle<'_> = ("sans-serif", FONT_SIZE * UNITS)
            .into_text_style(&area)
            .color(&ink);
        let [x_name, y_name] = self.names();
        chart
            .configure_mesh()
            .max_light_lines(0)
            .bold_line_style(ShapeStyle::from(&Ink::Grid.colour()).stroke_width(units(1.0)))
            .axis_style(ShapeStyle::from(&Ink::Axis.colour()).stroke_width(units(1.0)))
            .set_all_tick_mark_size(units(3.5))
            .label_style(text.clone())
            .axis_desc_style(text)
            .x_desc(x_name)
            .y_desc(y_name)
            .draw()?;
        draw(&mut Plot {
            chart: &mut chart,
            frame: self,
        });
        Ok(())
    }

    /// Names of the axes, as long as there is room for them.
    fn names(&self) -> [String; 2] {
        let [_, _, width, height] = self.place;
        [
            shortened(&self.labels[0], width, FONT_SIZE),
            shortened(&self.labels[1], height, FONT_SIZE),
        ]
    }

    /// Where a pair of numbers lies, in CSS pixels; `None` if it has no place
    /// or lies outside.
    pub(crate) fn pixel(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let position = (self.x.position(x)?, self.y.position(y)?);
        let inside = -1e-9..=1.0 + 1e-9;
        (inside.contains(&position.0) && inside.contains(&position.1))
            .then(|| self.pixel_at(position))
    }

    /// The CSS pixel of positions from 0 to 1 on both axes.
    pub(crate) fn pixel_at(&self, position: (f64, f64)) -> (f64, f64) {
        let [left, top, width, height] = self.place;
        (left + width * position.0, top + height * (1.0 - position.1))
    }
}

/// A frame while plotters draws in it.
pub(crate) struct Plot<'c, 'f> {
    chart: &'c mut dyn Draw,
    frame: &'f Frame,
}

/// plotters' chart without its many type parameters.
trait Draw {
    fn draw_line(&mut self, points: Vec<(f64, f64)>, style: ShapeStyle);
    fn draw_points(&mut self, points: Vec<(f64, f64)>, radius: u32, style: ShapeStyle);
}

impl<X, Y> Draw for ChartContext<'_, Canvas<'_>, Cartesian2d<X, Y>>
where
    X: Ranged<ValueType = f64>,
    Y: Ranged<ValueType = f64>,
{
    fn draw_line(&mut self, points: Vec<(f64, f64)>, style: ShapeStyle) {
        self.draw_series(LineSeries::new(points, style))
            .expect("writing to memory cannot fail");
    }

    fn draw_points(&mut self, points: Vec<(f64, f64)>, radius: u32, style: ShapeStyle) {
        self.draw_series(PointSeries::<_, _, Circle<_, _>, _>::new(
            points, radius, style,
        ))
        .expect("writing to memory cannot fail");
    }
}

impl Plot<'_, '_> {
    /// A line through points, in the colour of series `index`. What has no
    /// place on an axis is a gap; a point between two gaps is a dot.
    pub(crate) fn line(&mut self, points: &[(f64, f64)], index: usize, most: usize) {
        let style =
            ShapeStyle::from(&Ink::Series(index).colour()).stroke_width((2.0 * UNITS) as u32);
        for stretch in stretches(self.frame, points) {
            match stretch[..] {
                [one] => self.dots(&[one], index, 4.0),
                _ => self
                    .chart
                    .draw_line(crate::thinning::thinned(&stretch, most), style),
            }
        }
    }

    /// Dots at positions from 0 to 1, in the colour of series `index`.
    fn dots(&mut self, positions: &[(f64, f64)], index: usize, radius: f64) {
        let style = Ink::Series(index).colour().filled();
        self.chart
            .draw_points(positions.to_vec(), (UNITS * radius) as u32, style);
    }
}

/// The stretches of a curve without gaps, as positions on the axes.
fn stretches(frame: &Frame, points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    let mut stretches = vec![Vec::new()];
    for &(x, y) in points {
        let position = frame.x.position(x).zip(frame.y.position(y));
        match (position, stretches.last_mut()) {
            (Some(position), Some(stretch)) => stretch.push(clamped(position)),
            _ => stretches.push(Vec::new()),
        }
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches
}

/// Not so far outside the frame that a whole number of pixels overflows.
fn clamped((x, y): (f64, f64)) -> (f64, f64) {
    (x.clamp(0.0, 1.0), y.clamp(0.0, 1.0))
}

/// An axis as plotters sees it: from 0 to 1, with our ticks.
struct Positions(Vec<Tick>);

impl Ranged for Positions {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, position: &f64, (low, high): (i32, i32)) -> i32 {
        low + (position * f64::from(high - low)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.0.iter().map(|tick| tick.position).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..1.0
    }
}

impl ValueFormatter<f64> for Positions {
    fn format_ext(&self, position: &f64) -> String {
        let tick = self.0.iter().find(|tick| tick.position == *position);
        tick.map_or_else(String::new, |tick| tick.label.clone())
    }
}

/// Writes a legend below the title, in as many lines as it needs; returns its
/// height. A single series needs none.
fn legend_into(drawing: &mut Drawing, entries: &[Entry<'_>]) -> f64 {
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
        key_into(drawing, entry, (x, y - 4.5));
        drawing.text((x + LEGEND_KEY, y), Anchor::Start, "", &name);
        x += width;
    }
    y - TITLE_HEIGHT + 8.0
}

fn key_into(drawing: &mut Drawing, entry: &Entry<'_>, (x, y): (f64, f64)) {
    let class = palette::series_class(entry.index);
    match entry.key {
        Key::Line => {
            let dashes = palette::dashes(entry.index)
                .map(|dashes| format!(" stroke-dasharray=\"{dashes}\""))
                .unwrap_or_default();
            let look = format!("stroke-width=\"2.5\"{dashes}");
            drawing.line((x, y), (x + 20.0, y), &format!("line {class}"), &look);
        }
        Key::Dot => drawing.circle((x + 12.0, y), 4.5, &format!("fill {class}"), "", ""),
        Key::Block => {
            let corner = (x + 6.0, y - 6.0);
            drawing.rectangle(corner, (12.0, 12.0), &format!("fill {class}"), "", "");
        }
    }
}
