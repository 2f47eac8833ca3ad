//! Bar charts, with one number per class, layer or run.

use super::listed;
use crate::axis::{Axis, Format};
use crate::frame::{Entry, Frame, Key};
use crate::number;
use crate::palette;
use crate::scale::{Padding, Scale};
use crate::svg::{Anchor, Svg, shortened, text_width};

/// Fraction of the width of a group that its bars fill.
const FILLED: f64 = 0.75;

/// Approximate width of the area for data, in CSS pixels.
const ROOM: f64 = 500.0;

/// A bar chart, with one group of bars per name.
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    /// Title above the chart.
    pub title: String,
    /// Label of the horizontal axis.
    pub x_label: String,
    /// Vertical axis, which starts at 0.
    pub y: Axis,
    /// Names of the groups.
    pub names: Vec<String>,
    /// The series, each with one number per name.
    pub series: Vec<Bars>,
}

/// A series of bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// Name in the legend.
    pub name: String,
    /// Heights of the bars, in the order of the names; NaN and infinite values have no bar.
    pub values: Vec<f64>,
}

impl BarChart {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let values = || self.series.iter().flat_map(|series| series.values.iter());
        let y = Scale::new(&self.y, values().copied(), Padding::FromZero);
        let x_axis = Axis::new(self.x_label.clone());
        let legend: Vec<Entry<'_>> = self.series.iter().enumerate().map(entry).collect();
        let scales = [self.x_scale(), y];
        let mut frame = Frame::new(&self.title, [&x_axis, &self.y], scales, &legend);
        for (index, series) in self.series.iter().enumerate() {
            self.draw(&mut frame, index, series);
        }
        let height = frame.height();
        let description = format!(
            "Bar chart of {} for {}",
            self.y.label,
            listed(self.names.iter().map(String::as_str))
        );
        frame.drawing.finish(height, &description)
    }

    /// Returns `true` if there is space for a number above each bar.
    fn has_written_bars(&self) -> bool {
        let n_bars = (self.names.len() * self.series.len()).max(1);
        let room = FILLED * ROOM / n_bars as f64;
        let mut values = self.series.iter().flat_map(|series| &series.values);
        values.all(|&value| text_width(&written(value, self.y.format), 11.0) < room)
    }

    /// The horizontal scale, with names shortened and left out to fit.
    fn x_scale(&self) -> Scale {
        let place = ROOM / self.names.len().max(1) as f64;
        let names: Vec<String> = self
            .names
            .iter()
            .map(|name| shortened(name, place.max(40.0), 13.0))
            .collect();
        let widest = names.iter().map(|name| text_width(name, 13.0) + 6.0);
        let most = ROOM / widest.fold(10.0, f64::max);
        Scale::categories(&names, most as usize)
    }

    fn draw(&self, frame: &mut Frame, index: usize, series: &Bars) {
        let n_series = self.series.len() as f64;
        let width = FILLED / n_series;
        let class = format!("fill {}", palette::series_class(index));
        let zero = frame.y.position(0.0).unwrap_or(0.0).clamp(0.0, 1.0);
        let n_places = self.names.len().max(1) as f64;
        for (place, &value) in series.values.iter().take(self.names.len()).enumerate() {
            let Some(end) = frame.y.position(value) else {
                continue;
            };
            let start = place as f64 + (1.0 - FILLED) / 2.0 + width * index as f64;
            let (low, high) = (end.min(zero).max(0.0), end.max(zero).min(1.0));
            let corner = frame.pixel_at((start / n_places, high));
            let opposite = frame.pixel_at(((start + 0.94 * width) / n_places, low));
            let size = (opposite.0 - corner.0, opposite.1 - corner.1);
            let written = written(value, self.y.format);
            let hint = format!("{}, {}: {written}", self.names[place], series.name);
            frame.drawing.rectangle(corner, size, &class, "", &hint);
            if self.has_written_bars() {
                let above = (corner.0 + size.0 / 2.0, corner.1 - 4.0);
                frame.drawing.text(above, Anchor::Middle, "small", &written);
            }
        }
    }
}

fn entry((index, series): (usize, &Bars)) -> Entry<'_> {
    Entry {
        name: &series.name,
        index,
        key: Key::Block,
    }
}

fn written(value: f64, format: Format) -> String {
    match format {
        Format::Percent => number::short_percent(value),
        Format::Number | Format::Whole => number::number(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_bar() {
        let chart = BarChart {
            title: "Saturated".to_owned(),
            x_label: "layer".to_owned(),
            y: Axis::new("share").percent(),
            names: vec!["1".to_owned(), "2".to_owned(), "3".to_owned()],
            series: vec![
                Bars {
                    name: "a".to_owned(),
                    values: vec![0.5, f64::NAN, 0.0],
                },
                Bars {
                    name: "b".to_owned(),
                    values: vec![0.1],
                },
            ],
        };
        let hints = chart.svg().inline().matches("<rect").count();
        assert_eq!(hints, 3 + 2, "three bars and two keys");
    }
}
