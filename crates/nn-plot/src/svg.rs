//! SVG charts, for pages and for files.

use std::fmt::{self, Write};

use crate::escape::escaped;
use crate::palette;

/// A chart as an SVG image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg {
    title: String,
    description: String,
    width: u32,
    height: u32,
    body: String,
}

impl Svg {
    /// Title of the chart.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The `<svg>` element for a [`Page`](crate::Page); it has no style sheet, because the page has
    /// one.
    pub fn inline(&self) -> String {
        self.element("")
    }

    /// The content of an `.svg` file, including the style sheet.
    pub fn standalone(&self) -> String {
        let background = "svg.chart{background:#ffffff;background:var(--paper)}";
        let style = format!("<style>{}{background}</style>", palette::style_sheet());
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n",
            self.element(&style)
        )
    }

    fn element(&self, style: &str) -> String {
        let Self {
            title,
            description,
            width,
            height,
            body,
        } = self;
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\" \
             aria-label=\"{title}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\"><title>{title}</title><desc>{description}</desc>{style}{body}</svg>"
        )
    }
}

/// A chart that is being drawn, in CSS pixels.
#[derive(Debug)]
pub(crate) struct Drawing {
    title: String,
    width: u32,
    body: String,
}

/// Horizontal alignment of a text at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Height of the title.
pub(crate) const TITLE_HEIGHT: f64 = 30.0;

impl Drawing {
    /// Creates a drawing with a title.
    pub(crate) fn new(title: &str, width: u32) -> Self {
        let mut drawing = Self {
            title: title.to_owned(),
            width,
            body: String::new(),
        };
        let shown = shortened(title, f64::from(width) - 16.0, 16.0);
        drawing.text((8.0, 20.0), Anchor::Start, "title", &shown);
        drawing
    }

    pub(crate) fn width(&self) -> f64 {
        f64::from(self.width)
    }

    /// Finishes the drawing; `description` is for screen readers.
    pub(crate) fn finish(self, height: f64, description: &str) -> Svg {
        Svg {
            title: self.title,
            description: description.to_owned(),
            width: self.width,
            height: height.ceil().max(1.0) as u32,
            body: self.body,
        }
    }

    /// Adds markup.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = class_attribute(class);
        self.add(format_args!(
            "<text x=\"{}\" y=\"{}\"{anchor}{class}>{}</text>",
            short(at.0),
            short(at.1),
            escaped(text)
        ));
    }

    /// Adds a text centered at a point and rotated to read from bottom to top.
    pub(crate) fn vertical_text(&mut self, at: (f64, f64), class: &str, text: &str) {
        let (x, y) = (short(at.0), short(at.1));
        self.raw(&format!("<g transform=\"translate({x} {y}) rotate(-90)\">"));
        self.text((0.0, 0.0), Anchor::Middle, class, text);
        self.raw("</g>");
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str, attributes: &str) {
        self.add(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"{}{}/>",
            short(from.0),
            short(from.1),
            short(to.0),
            short(to.1),
            class_attribute(class),
            attribute_text(attributes),
        ));
    }

    /// Adds a line through `points`.
    pub(crate) fn path(&mut self, points: &[(f64, f64)], class: &str, attributes: &str) {
        self.add(format_args!(
            "<path d=\"{}\"{}{}/>",
            path_data(points),
            class_attribute(class),
            attribute_text(attributes),
        ));
    }

    /// Adds a circle. A `hint` that is not empty is a tooltip.
    pub(crate) fn circle(
        &mut self,
        center: (f64, f64),
        radius: f64,
        class: &str,
        attributes: &str,
        hint: &str,
    ) {
        self.add(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}{}>{}</circle>",
            short(center.0),
            short(center.1),
            short(radius),
            class_attribute(class),
            attribute_text(attributes),
            hint_element(hint),
        ));
    }

    pub(crate) fn rectangle(
        &mut self,
        corner: (f64, f64),
        size: (f64, f64),
        class: &str,
        attributes: &str,
        hint: &str,
    ) {
        self.add(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}{}>{}</rect>",
            short(corner.0),
            short(corner.1),
            short(size.0),
            short(size.1),
            class_attribute(class),
            attribute_text(attributes),
            hint_element(hint),
        ));
    }

    /// Adds an image given as a data URI.
    pub(crate) fn image(
        &mut self,
        corner: (f64, f64),
        size: (f64, f64),
        uri: &str,
        attributes: &str,
        hint: &str,
    ) {
        self.add(format_args!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\"{} \
             href=\"{uri}\">{}</image>",
            short(corner.0),
            short(corner.1),
            short(size.0),
            short(size.1),
            attribute_text(attributes),
            hint_element(hint),
        ));
    }

    fn add(&mut self, markup: fmt::Arguments<'_>) {
        self.body
            .write_fmt(markup)
            .expect("a string takes all that is written");
    }
}

/// `M1 2L3 4`
pub(crate) fn path_data(points: &[(f64, f64)]) -> String {
    points
        .iter()
        .enumerate()
        .map(|(index, point)| {
            let command = if index == 0 { 'M' } else { 'L' };
            format!("{command}{} {}", short(point.0), short(point.1))
        })
        .collect()
}

/// Approximate width of a text, in the units of `font_size`.
pub(crate) fn text_width(text: &str, font_size: f64) -> f64 {
    // Mean widths of common sans-serif fonts; wide scripts need a whole em.
    let ems: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | 'I' | '.' | ',' | ' ' | ':' | '\'' | '|' | '(' | ')' => 0.3,
            'm' | 'w' | 'M' | 'W' | '%' | '@' => 0.9,
            c if c.is_ascii() => 0.57,
            c if (c as u32) < 0x2E80 => 0.6,
            _ => 1.0,
        })
        .sum();
    ems * font_size
}

/// Truncates `text` to `width`, with an ellipsis.
pub(crate) fn shortened(text: &str, width: f64, font_size: f64) -> String {
    if text_width(text, font_size) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    for c in text.chars() {
        kept.push(c);
        if text_width(&kept, font_size) + font_size > width {
            break;
        }
    }
    kept.pop();
    kept.push('…');
    kept
}

fn class_attribute(class: &str) -> String {
    if class.is_empty() {
        String::new()
    } else {
        format!(" class=\"{class}\"")
    }
}

fn attribute_text(attributes: &str) -> String {
    if attributes.is_empty() {
        String::new()
    } else {
        format!(" {attributes}")
    }
}

fn hint_element(hint: &str) -> String {
    if hint.is_empty() {
        String::new()
    } else {
        format!("<title>{}</title>", escaped(hint))
    }
}

/// Formats a coordinate with at most one decimal.
fn short(value: f64) -> String {
    let rounded = (10.0 * value).round() / 10.0;
    if rounded.is_finite() {
        format!("{}", rounded + 0.0)
    } else {
        "0".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_xml_with_a_title() {
        let svg = Drawing::new("a <b> & \"c\"", 300).finish(100.0, "nothing");
        for text in [svg.inline(), svg.standalone()] {
            let document = roxmltree::Document::parse(&text).expect("well-formed");
            let root = document.root_element();
            assert_eq!(root.attribute("role"), Some("img"));
            assert_eq!(root.attribute("aria-label"), Some("a <b> & \"c\""));
            let title = root.first_element_child().and_then(|title| title.text());
            assert_eq!(title, Some("a <b> & \"c\""));
        }
    }

    #[test]
    fn long_texts_are_shortened() {
        assert_eq!(shortened("short", 100.0, 10.0), "short");
        let long = shortened(&"x".repeat(1000), 100.0, 10.0);
        assert!(
            long.ends_with('…') && text_width(&long, 10.0) <= 110.0,
            "{long}"
        );
        assert_eq!(shortened("öööö", 1.0, 10.0), "…");
    }

    #[test]
    fn coordinates_are_short() {
        assert_eq!(short(1.0 / 3.0), "0.3");
        assert_eq!(short(-0.01), "0");
        assert_eq!(short(f64::NAN), "0");
    }
}
