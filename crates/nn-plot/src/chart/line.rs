//! Line charts, such as loss and accuracy over epochs.

use super::{Mark, Series, description, legend};
use crate::axis::Axis;
use crate::frame::{Frame, Key};
use crate::scale::{Padding, Scale};
use crate::svg::Svg;

/// Maximum number of points of a line: about two per pixel.
const MAX_POINTS: usize = 1200;

/// A line chart of one or more series.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// Title above the chart.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// The series; up to twelve can be distinguished.
    pub series: Vec<Series>,
    /// Labeled points, such as the best epoch.
    pub marks: Vec<Mark>,
}

impl LineChart {
    /// Creates a chart without labeled points.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis, series: Vec<Series>) -> Self {
        Self {
            title: title.into(),
            x,
            y,
            series,
            marks: Vec::new(),
        }
    }

    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let all = || self.series.iter().flat_map(|series| &series.points);
        let x = Scale::new(&self.x, all().map(|point| point.0), Padding::None);
        let y = Scale::new(&self.y, all().map(|point| point.1), Padding::Some);
        let legend = legend(&self.series, Key::Line);
        let mut frame = Frame::new(&self.title, [&self.x, &self.y], [x, y], &legend);
        for (index, series) in self.series.iter().enumerate() {
            frame.line(&series.points, index, MAX_POINTS);
        }
        self.marks.iter().for_each(|mark| mark.draw(&mut frame));
        let height = frame.height();
        frame.drawing.finish(height, &self.description())
    }

    fn description(&self) -> String {
        description("Lines", &self.x, &self.y, &self.series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(series: Vec<Series>) -> LineChart {
        LineChart::new(
            "Loss",
            Axis::new("epoch").whole(),
            Axis::new("loss"),
            series,
        )
    }

    fn elements(svg: &Svg, tag: &str, class: &str) -> usize {
        let text = svg.standalone();
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        document
            .descendants()
            .filter(|node| node.has_tag_name(tag))
            .filter(|node| {
                let classes = node.attribute("class").unwrap_or_default();
                classes.split(' ').any(|found| found == class)
            })
            .count()
    }

    #[test]
    fn nan_and_infinity_are_gaps() {
        let values = [3.0, 2.0, f64::NAN, 1.0, 0.5, f64::INFINITY, 0.4];
        let svg = chart(vec![Series::counted("train", values)]).svg();
        assert_eq!(elements(&svg, "path", "line"), 2);
        assert_eq!(elements(&svg, "circle", "fill"), 1, "a point between gaps");
    }

    #[test]
    fn one_point_is_visible() {
        let svg = chart(vec![Series::counted("train", [0.7])]).svg();
        assert_eq!(elements(&svg, "circle", "fill"), 1);
    }

    #[test]
    fn nothing_to_draw_is_a_frame() {
        for series in [vec![], vec![Series::counted("empty", [])]] {
            let svg = chart(series).svg();
            assert_eq!(elements(&svg, "path", "line"), 0);
            assert!(elements(&svg, "path", "axis") > 0);
        }
    }

    #[test]
    fn a_legend_names_several_series_only() {
        let one = Series::counted("<only>", [1.0, 2.0]);
        let two = Series::counted("other", [2.0, 1.0]);
        assert!(
            !chart(vec![one.clone()])
                .svg()
                .inline()
                .contains("&lt;only&gt;</text>")
        );
        assert!(
            chart(vec![one, two])
                .svg()
                .inline()
                .contains("&lt;only&gt;</text>")
        );
    }

    #[test]
    fn long_series_are_thinned() {
        let values = (0..50_000).map(|i| f64::from(i % 97));
        let length = chart(vec![Series::counted("steps", values)])
            .svg()
            .inline()
            .len();
        assert!(length < 40_000, "{length} bytes");
    }
}
