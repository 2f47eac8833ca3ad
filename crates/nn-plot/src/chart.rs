//! Chart types: structs with public fields and a method `svg()`.

mod bar;
mod confusion;
mod histogram;
mod images;
mod line;
mod network;
mod plane_map;
mod scatter;
mod surface;

pub use bar::{BarChart, Bars};
pub use confusion::ConfusionChart;
pub use histogram::{Bins, Histogram};
pub use images::{ImageGrid, Picture, Pixels, Tile};
pub use line::LineChart;
pub use network::{NetworkDiagram, NeuronLayer, WeightMatrix};
pub use plane_map::PlaneMap;
pub use scatter::ScatterChart;
pub use surface::SurfaceChart;

use crate::axis::Axis;
use crate::frame::{Entry, Frame, Key};

/// A named series of points.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points in the order in which they are connected. NaN and infinite values leave gaps.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// Creates a series.
    pub fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self {
            name: name.into(),
            points: points.into_iter().collect(),
        }
    }

    /// Creates a series at x = 1, 2, 3, ..., such as the loss per epoch.
    pub fn counted(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        let points = (1_u32..).map(f64::from).zip(values);
        Self::new(name, points)
    }
}

/// A labeled point, such as the best epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Position (x, y) in units of the axes.
    pub point: (f64, f64),
    /// Text next to the point.
    pub label: String,
}

impl Mark {
    /// Creates a labeled point.
    pub fn new(point: (f64, f64), label: impl Into<String>) -> Self {
        Self {
            point,
            label: label.into(),
        }
    }

    /// Draws a ring around the point, and the label beside it.
    fn draw(&self, frame: &mut Frame) {
        let Some(point) = frame.pixel(self.point) else {
            return;
        };
        let ring = "stroke-width=\"2\"";
        frame
            .drawing
            .circle(point, 5.0, "line ink", ring, &self.label);
        frame.label(point, &self.label);
    }
}

/// Legend entries of `series`.
fn legend(series: &[Series], key: Key) -> Vec<Entry<'_>> {
    let entries = series.iter().enumerate().map(|(index, series)| Entry {
        name: &series.name,
        index,
        key,
    });
    entries.collect()
}

/// Description such as "Lines of loss over epoch: training, validation".
fn description(what: &str, x: &Axis, y: &Axis, series: &[Series]) -> String {
    let names = listed(series.iter().map(|series| series.name.as_str()));
    format!("{what} of {} over {}: {names}", y.label, x.label)
}

/// List of names such as "a, b, c and 4 more".
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const MAX_NAMES: usize = 12;
    let n = names.len();
    let first: Vec<&str> = names.take(MAX_NAMES).collect();
    match n.saturating_sub(MAX_NAMES) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
