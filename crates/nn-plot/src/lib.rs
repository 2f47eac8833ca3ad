//! Charts as SVG, tables, and pages as HTML.
//!
//! It knows no network, no data set and no run. A caller puts numbers into a
//! chart of the module [`chart`], which draws itself as [`Svg`]: for a file of
//! its own, or for a [`Page`].
//!
//! # The principal types
//! - [`chart::LineChart`], [`chart::ScatterChart`], [`chart::BarChart`],
//!   [`chart::Histogram`] have two [`Axis`]es; [`chart::ConfusionChart`],
//!   [`chart::ImageGrid`], [`chart::NetworkDiagram`], [`chart::SurfaceChart`]
//!   and [`chart::PlaneMap`] draw what is peculiar to neural networks.
//! - [`Svg`] follows the reader's light or dark scheme, has a title and a
//!   description for those who cannot see it, and needs no script.
//! - [`Page`] puts charts, [`Table`]s and text into one HTML file that loads
//!   nothing.
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
//! # What is never trusted
//! Titles, names and captions may hold anything: every text is escaped. Numbers
//! may be infinite or NaN: they leave gaps. Sizes may not fit each other: what
//! is missing is left out. Nothing here panics or fails.
#![forbid(unsafe_code)]

mod escape;
pub mod number;
mod axis;
mod scale;
mod thinning;
mod palette;
mod svg;
mod picture;
mod canvas;
mod frame;
pub mod chart;
mod table;
mod page;

pub use axis::{Axis, Format};
pub use page::{Body, Page};
pub use svg::Svg;
pub use table::{Cell, Column, Table, Tone};
