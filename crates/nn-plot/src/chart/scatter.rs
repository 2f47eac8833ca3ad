//! Scatter charts, such as trials of a search or predicted and actual values.

use super::{Mark, Series, description, legend};
use crate::axis::Axis;
use crate::frame::{Frame, Key};
use crate::number;
use crate::palette;
use crate::scale::{Padding, Scale};
use crate::svg::Svg;

/// Maximum number of points of a series; larger series are subsampled evenly.
const MAX_POINTS: usize = 2000;

/// A scatter chart of one or more series.
#[derive(Clone, Debug, PartialEq)]
pub struct ScatterChart {
    /// Title above the chart.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Named series of points, with one color per series.
    pub series: Vec<Series>,
    /// Labeled points, such as the best trial.
    pub marks: Vec<Mark>,
    /// Whether both axes have the same range and the line y = x is drawn.
    pub has_diagonal: bool,
}

impl ScatterChart {
    /// Creates a chart without labeled points or diagonal.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            series,
            marks: Vec::new(),
            has_diagonal: false,
        }
    }

    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let legend = legend(&self.series, Key::Dot);
        let mut frame = Frame::new(&self.title, [&self.x, &self.y], self.scales(), &legend);
        if self.has_diagonal {
            let ends = [frame.pixel_at((0.0, 0.0)), frame.pixel_at((1.0, 1.0))];
            let look = "stroke-dasharray=\"5 4\"";
            frame.drawing.path(&ends, "axis", look);
        }
        for (index, series) in self.series.iter().enumerate() {
            draw_points(&mut frame, series, index);
        }
        self.marks.iter().for_each(|mark| mark.draw(&mut frame));
        let height = frame.height();
        frame.drawing.finish(height, &self.description())
    }

    fn scales(&self) -> [Scale; 2] {
        let xs = || self.points().map(|point| point.0);
        let ys = || self.points().map(|point| point.1);
        if self.has_diagonal {
            let scale = |axis| Scale::new(axis, xs().chain(ys()), Padding::Some);
            [scale(&self.x), scale(&self.y)]
        } else {
            [
                Scale::new(&self.x, xs(), Padding::Some),
                Scale::new(&self.y, ys(), Padding::Some),
            ]
        }
    }

    fn points(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.series.iter().flat_map(|series| &series.points)
    }

    fn description(&self) -> String {
        description("Points", &self.x, &self.y, &self.series)
    }
}

fn draw_points(frame: &mut Frame, series: &Series, index: usize) {
    let every = series.points.len().div_ceil(MAX_POINTS).max(1);
    let radius = if series.points.len() > 300 { 2.5 } else { 4.0 };
    let class = format!("fill {}", palette::series_class(index));
    for &point in series.points.iter().step_by(every) {
        let Some(pixel) = frame.pixel(point) else {
            continue;
        };
        let hint = format!("{}, {}", number::number(point.0), number::number(point.1));
        let drawing = &mut frame.drawing;
        drawing.circle(pixel, radius, &class, "fill-opacity=\"0.7\"", &hint);
        frame.keep_free(vec![pixel]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_without_a_position_are_left_out() {
        let points = [(1e-4, 0.5), (0.0, 0.5), (0.1, f64::NAN), (1.0, 0.2)];
        let series = vec![Series::new("trials", points)];
        let chart = ScatterChart::new("Trials", Axis::new("rate").log(), Axis::new("loss"), series);
        assert_eq!(chart.svg().inline().matches("<circle").count(), 2);
    }

    #[test]
    fn many_points_are_subsampled() {
        let points = (0..100_000).map(|i| (f64::from(i), f64::from(i)));
        let series = vec![Series::new("houses", points)];
        let chart = ScatterChart::new(
            "Prices",
            Axis::new("actual"),
            Axis::new("predicted"),
            series,
        );
        let n_drawn = chart.svg().inline().matches("<circle").count();
        assert!((1000..=MAX_POINTS).contains(&n_drawn), "{n_drawn}");
    }
}
