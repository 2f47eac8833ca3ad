//! plotters' pixels as SVG elements with classes instead of colours.
//!
//! plotters draws on a grid of whole numbers in fixed colours. Here a unit of
//! the grid is a tenth of a CSS pixel, and a colour is the number of an
//! [`Ink`], from which the class of the element follows; the style sheet
//! decides what it looks like on light and on dark.

use std::convert::Infallible;
use std::fmt::{self, Write};

use plotters::style::RGBColor;
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontTransform,
};

use crate::escape::escaped;
use crate::palette;

/// Units of the grid in a CSS pixel.
pub(crate) const UNITS: f64 = 10.0;

/// Size of the text on axes, in units.
const FONT_SIZE: f64 = 13.0 * UNITS;

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// What something is drawn with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    Grid,
    Axis,
    Text,
    /// The line of the series with this number.
    Series(usize),
}

impl Ink {
    /// The colour that carries it through plotters.
    pub(crate) fn colour(self) -> RGBColor {
        match self {
            Self::Grid => RGBColor(0, 0, 0),
            Self::Axis => RGBColor(0, 0, 1),
            Self::Text => RGBColor(0, 0, 2),
            Self::Series(index) => RGBColor(1, (index >> 8) as u8, index as u8),
        }
    }

    fn of(colour: BackendColor) -> Self {
        match colour.rgb {
            (0, 0, 0) => Self::Grid,
            (0, 0, 1) => Self::Axis,
            (1, high, low) => Self::Series(usize::from(high) << 8 | usize::from(low)),
            _ => Self::Text,
        }
    }

    /// Attributes of a line.
    fn stroke(self, width: u32) -> String {
        match self {
            Self::Grid => format!("class=\"grid\" stroke-width=\"{width}\""),
            Self::Axis | Self::Text => format!("class=\"axis\" stroke-width=\"{width}\""),
            Self::Series(index) => {
                let class = palette::series_class(index);
                let dashes = palette::dashes(index)
                    .map(|dashes| format!(" stroke-dasharray=\"{}\"", scaled(dashes, width)))
                    .unwrap_or_default();
                format!("class=\"line {class}\" stroke-width=\"{width}\"{dashes}")
            }
        }
    }

    /// Attributes of an area.
    fn fill(self) -> String {
        match self {
            Self::Series(index) => format!("class=\"fill {}\"", palette::series_class(index)),
            _ => "class=\"fill neutral\"".to_owned(),
        }
    }
}

/// Dashes given in widths of the line, in units.
fn scaled(dashes: &str, width: u32) -> String {
    let lengths: Vec<String> = dashes
        .split(' ')
        .filter_map(|length| length.parse::<f64>().ok())
        .map(|length| (length * f64::from(width)).to_string())
        .collect();
    lengths.join(" ")
}

/// Collects what plotters draws.
#[derive(Debug)]
pub(crate) struct Canvas<'a> {
    markup: &'a mut String,
    size: (u32, u32),
}

impl<'a> Canvas<'a> {
    /// `size` in units.
    pub(crate) fn new(markup: &'a mut String, size: (u32, u32)) -> Self {
        Self { markup, size }
    }

    fn add(&mut self, markup: fmt::Arguments<'_>) -> Drawn {
        self.markup
            .write_fmt(markup)
            .expect("a string takes all that is written");
        Ok(())
    }
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let look = look_of(style, fill);
        self.add(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {look}/>",
            from.0.min(to.0),
            from.1.min(to.1),
            (to.0 - from.0).abs(),
            (to.1 - from.1).abs(),
        ))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let look = Ink::of(style.color()).stroke(style.stroke_width());
        let data = path_data(path);
        self.add(format_args!("<path d=\"{data}\" {look}/>"))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let look = look_of(style, fill);
        let (x, y) = centre;
        self.add(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" {look}/>"
        ))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let look = Ink::of(style.color()).fill();
        let data = path_data(corners);
        self.add(format_args!("<path d=\"{data}Z\" {look}/>"))
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let (x, y) = at;
        let anchor = match style.anchor().h_pos {
            HPos::Left => "",
            HPos::Center => " text-anchor=\"middle\"",
            HPos::Right => " text-anchor=\"end\"",
        };
        // From a box's edge to the line that letters stand on.
        let dy = match style.anchor().v_pos {
            VPos::Top => 0.85,
            VPos::Center => 0.35,
            VPos::Bottom => -0.25,
        } * FONT_SIZE;
        let turn = match style.transform() {
            FontTransform::None => String::new(),
            FontTransform::Rotate90 => format!(" transform=\"rotate(90 {x} {y})\""),
            FontTransform::Rotate180 => format!(" transform=\"rotate(180 {x} {y})\""),
            FontTransform::Rotate270 => format!(" transform=\"rotate(-90 {x} {y})\""),
        };
        self.add(format_args!(
            "<text x=\"{x}\" y=\"{y}\" dy=\"{dy:.0}\"{anchor}{turn} class=\"muted\">{}</text>",
            escaped(text)
        ))
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        _style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let width = crate::svg::text_width(text, FONT_SIZE);
        Ok((width as u32, FONT_SIZE as u32))
    }
}

/// Attributes of an area or of its edge.
fn look_of(style: &impl BackendStyle, is_filled: bool) -> String {
    let ink = Ink::of(style.color());
    if is_filled {
        ink.fill()
    } else {
        ink.stroke(style.stroke_width())
    }
}

fn path_data(points: impl IntoIterator<Item = BackendCoord>) -> String {
    let mut data = String::new();
    for (x, y) in points {
        let command = if data.is_empty() { 'M' } else { 'L' };
        data.push_str(&format!("{command}{x} {y}"));
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::Color;

    #[test]
    fn inks_travel_as_colours() {
        for ink in [
            Ink::Grid,
            Ink::Axis,
            Ink::Text,
            Ink::Series(0),
            Ink::Series(1000),
        ] {
            assert_eq!(Ink::of(ink.colour().to_backend_color()), ink);
        }
    }

    #[test]
    fn the_seventh_series_is_dashed() {
        assert!(!Ink::Series(5).stroke(20).contains("dash"));
        let dashed = Ink::Series(6).stroke(20);
        assert!(
            dashed.contains("s0") && dashed.contains("\"120 60\""),
            "{dashed}"
        );
    }
}
