//! SVG charts, HTML tables and self-contained HTML pages.
//!
//! The crate depends on no other crate of the workspace. Each chart type of the module [`chart`]
//! is a struct with numbers and names, and its method `svg()` draws an [`Svg`] for a file or for a
//! [`Page`].
//!
//! # The principal types
//! - [`chart::LineChart`], [`chart::ScatterChart`], [`chart::BarChart`],
//!   [`chart::Histogram`] have two axes ([`Axis`]); [`chart::ConfusionChart`],
//!   [`chart::ImageGrid`], [`chart::NetworkDiagram`], [`chart::SurfaceChart`]
//!   and [`chart::PlaneMap`] are specific to neural networks.
//! - [`Svg`] is a chart with a title and a description for screen readers. The chart follows the
//!   light or dark color scheme of the reader and needs no script.
//! - [`Page`] is a self-contained HTML file of charts, tables ([`Table`]) and text.
//!
//! ```
//! use nn_plot::chart::{LineChart, Series};
//! use nn_plot::{Axis, Page};
//!
//! let losses = vec![
//!     Series::counted("training", [0.9, 0.4, 0.2]),
//!     Series::counted("validation", [0.9, 0.5, f64::NAN]),
//! ];
//! let chart = LineChart::new("Loss", Axis::new("epoch").whole(), Axis::new("loss"), losses);
//! let svg = chart.svg();
//! assert!(svg.standalone().starts_with("<?xml"));
//!
//! let mut page = Page::new("My first run");
//! page.section("Training")
//!     .paragraph("Three epochs of `nn train`.")
//!     .figure(&svg, "The last validation loss is missing.");
//! assert!(page.html().contains("<h2 id=\"section-1\">Training</h2>"));
//! ```
//!
//! # Untrusted input
//! All titles, names and captions are escaped. NaN and infinite values appear as gaps in a
//! chart. If the lengths of lists do not match, the missing parts are left out. No function of
//! this crate panics or returns an error.
#![forbid(unsafe_code)]

mod escape;
pub mod number;
mod axis;
mod scale;
mod thinning;
mod palette;
mod svg;
mod picture;
mod label_place;
mod frame;
pub mod chart;
mod table;
mod page;

pub use axis::{Axis, Format};
pub use page::{Body, Page};
pub use svg::Svg;
pub use table::{Cell, Column, Table, Tone};
