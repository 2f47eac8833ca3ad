//! Histograms of distributions.

use super::listed;
use crate::axis::Axis;
use crate::frame::{Entry, Frame, Key};
use crate::number;
use crate::palette;
use crate::scale::{Padding, Scale};
use crate::svg::Svg;

/// A chart of one or more histograms.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Title above the chart.
    pub title: String,
    /// Horizontal axis: the measured quantity.
    pub x: Axis,
    /// Vertical axis: fraction or count, starting at 0.
    pub y: Axis,
    /// Histograms to draw over each other, with one color per series.
    pub series: Vec<Bins>,
}

/// The bins of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub struct Bins {
    /// Name in the legend.
    pub name: String,
    /// Edges of the bins in ascending order, one more than the number of bins.
    pub edges: Vec<f64>,
    /// Fraction or count of each bin.
    pub heights: Vec<f64>,
}

impl Bins {
    /// Computes the fractions of `values` in `n_bins` bins of equal width between `low` and `high`.
    /// Values outside this range are counted in the outermost bins; NaN is ignored.
    pub fn fractions(
        name: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
        (low, high): (f64, f64),
        n_bins: usize,
    ) -> Self {
        let n_bins = n_bins.max(1);
        let mut heights = vec![0.0; n_bins];
        let mut n_values = 0_u64;
        for value in values.into_iter().filter(|value| !value.is_nan()) {
            let place = (value - low) / (high - low) * n_bins as f64;
            heights[(place.max(0.0) as usize).min(n_bins - 1)] += 1.0;
            n_values += 1;
        }
        heights
            .iter_mut()
            .for_each(|height| *height /= n_values.max(1) as f64);
        let edge = |index: usize| low + (high - low) * index as f64 / n_bins as f64;
        Self {
            name: name.into(),
            edges: (0..=n_bins).map(edge).collect(),
            heights,
        }
    }

    fn bins(&self) -> impl Iterator<Item = ([f64; 2], f64)> {
        let pairs = self.edges.windows(2).map(|pair| [pair[0], pair[1]]);
        pairs.zip(self.heights.iter().copied())
    }
}

impl Histogram {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let edges = self.series.iter().flat_map(|series| series.edges.iter());
        let heights = self.series.iter().flat_map(|series| series.heights.iter());
        let x = Scale::new(&self.x, edges.copied(), Padding::None);
        let y = Scale::new(&self.y, heights.copied(), Padding::FromZero);
        let legend: Vec<Entry<'_>> = self.series.iter().enumerate().map(entry).collect();
        let mut frame = Frame::new(&self.title, [&self.x, &self.y], [x, y], &legend);
        for (index, series) in self.series.iter().enumerate() {
            self.draw(&mut frame, index, series);
        }
        let height = frame.height();
        let description = format!(
            "Histograms of {}: {}",
            self.x.label,
            listed(self.series.iter().map(|series| series.name.as_str()))
        );
        frame.drawing.finish(height, &description)
    }

    /// Draws the bins, with an outline if there are several series.
    fn draw(&self, frame: &mut Frame, index: usize, series: &Bins) {
        let class = palette::series_class(index);
        let is_only = self.series.len() == 1;
        let opacity = if is_only { "0.85" } else { "0.3" };
        let look = format!("fill-opacity=\"{opacity}\"");
        let mut outline = Vec::new();
        for ([from, to], height) in series.bins() {
            let corners = frame.pixel((from, height)).zip(frame.pixel((to, 0.0)));
            let Some((corner, opposite)) = corners else {
                continue;
            };
            let size = (opposite.0 - corner.0, opposite.1 - corner.1);
            let hint = format!(
                "{} to {}: {}",
                number::number(from),
                number::number(to),
                number::number(height)
            );
            let fill = format!("fill {class}");
            frame.drawing.rectangle(corner, size, &fill, &look, &hint);
            outline.extend([corner, (opposite.0, corner.1)]);
        }
        if !is_only && !outline.is_empty() {
            let line = format!("line {class}");
            frame.drawing.path(&outline, &line, "stroke-width=\"1.5\"");
        }
    }
}

fn entry((index, series): (usize, &Bins)) -> Entry<'_> {
    Entry {
        name: &series.name,
        index,
        key: Key::Block,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_add_up_to_one() {
        let values = [-9.0, 0.1, 0.6, 0.7, 9.0, f64::NAN];
        let bins = Bins::fractions("z", values, (0.0, 1.0), 2);
        assert_eq!(bins.edges, [0.0, 0.5, 1.0]);
        assert_eq!(bins.heights, [0.4, 0.6]);
        assert_eq!(Bins::fractions("none", [], (0.0, 1.0), 3).heights, [0.0; 3]);
    }
}
