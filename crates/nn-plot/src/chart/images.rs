//! Grids of small images, such as samples with predictions or weights of neurons.

use crate::number;
use crate::palette;
use crate::picture::data_uri;
use crate::svg::{Anchor, Drawing, Svg, TITLE_HEIGHT, shortened};

/// Maximum width of the chart, in CSS pixels.
const WIDTH: f64 = 600.0;

const GAP: f64 = 10.0;
const CAPTION_HEIGHT: f64 = 16.0;

/// Number of color levels per sign.
const LEVELS: f64 = 63.0;

/// A grid of images with captions.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageGrid {
    /// Title above the chart.
    pub title: String,
    /// Number of images per row.
    pub columns: usize,
    /// The images in row-major order.
    pub tiles: Vec<Tile>,
}

/// An image with its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct Tile {
    /// The image to draw.
    pub picture: Picture,
    /// One or two short lines below the image.
    pub caption: String,
    /// Whether the image is marked as a mistake.
    pub is_mistake: bool,
}

/// An image with one channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// `width * height` numbers in row-major order; missing numbers count as 0.
    pub pixels: Pixels,
}

/// The pixels of an image.
#[derive(Clone, Debug, PartialEq)]
pub enum Pixels {
    /// Gray values: 0 is black, 1 is white.
    Gray(Vec<f32>),
    /// Signed values: 0 is white, positive numbers are blue, negative numbers are
    /// orange. All images of a grid have the same color scale.
    Signed(Vec<f32>),
}

impl ImageGrid {
    /// Draws the grid.
    pub fn svg(&self) -> Svg {
        let columns = self.columns.clamp(1, 64);
        let columns = columns.min(self.tiles.len().max(1));
        let side = ((WIDTH - GAP) / columns as f64 - GAP).clamp(24.0, 84.0);
        let n_lines = self.tiles.iter().map(|tile| tile.caption.lines().count());
        let n_lines = n_lines.max().unwrap_or(0);
        let pitch = (side + GAP, side + GAP + CAPTION_HEIGHT * n_lines as f64);
        let width = (GAP + pitch.0 * columns as f64).max(320.0);
        let mut drawing = Drawing::new(&self.title, width.ceil() as u32);
        let full = full_scale(&self.tiles);
        for (index, tile) in self.tiles.iter().enumerate() {
            let (row, column) = (index / columns, index % columns);
            let corner = (
                GAP + pitch.0 * column as f64,
                TITLE_HEIGHT + 6.0 + pitch.1 * row as f64,
            );
            tile.draw(&mut drawing, corner, side, full);
        }
        let n_rows = self.tiles.len().div_ceil(columns);
        let mut height = TITLE_HEIGHT + 6.0 + pitch.1 * n_rows as f64;
        if self.has_signs() {
            height += 22.0;
            draw_key(&mut drawing, height - 10.0, full);
        }
        drawing.finish(height, &self.description())
    }

    fn has_signs(&self) -> bool {
        self.tiles
            .iter()
            .any(|tile| matches!(tile.picture.pixels, Pixels::Signed(_)))
    }

    fn description(&self) -> String {
        let n_mistakes = self.tiles.iter().filter(|tile| tile.is_mistake).count();
        match n_mistakes {
            0 => format!("{} images", self.tiles.len()),
            n => format!("{} images, {n} of them misclassified", self.tiles.len()),
        }
    }
}

impl Tile {
    fn draw(&self, drawing: &mut Drawing, corner: (f64, f64), side: f64, full: f32) {
        let Picture { width, height, .. } = self.picture;
        let scale = side / width.max(height).max(1) as f64;
        let size = (scale * width.max(1) as f64, scale * height.max(1) as f64);
        let uri = self.picture.data_uri(full);
        let look = "class=\"pixels\"";
        let hint = self.caption.replace('\n', ", ");
        drawing.image(corner, size, &uri, look, &hint);
        if self.is_mistake {
            let look = "stroke-width=\"3\"";
            drawing.rectangle(corner, size, "line mistake", look, "");
        }
        let x = corner.0 + side / 2.0;
        for (index, line) in self.caption.lines().enumerate() {
            let y = corner.1 + side + 13.0 + CAPTION_HEIGHT * index as f64;
            let is_marked = self.is_mistake && index == 0;
            let text = if is_marked {
                format!("✗ {line}")
            } else {
                line.to_owned()
            };
            let class = if is_marked {
                "small bold wrong"
            } else {
                "small"
            };
            let text = shortened(&text, side + GAP, 11.0);
            drawing.text((x, y), Anchor::Middle, class, &text);
        }
    }
}

impl Picture {
    /// Encodes the image as PNG; numbers of absolute value `full` have the strongest
    /// color.
    fn data_uri(&self, full: f32) -> String {
        let size = (self.width as u32, self.height as u32);
        let n_pixels = self.width * self.height;
        match &self.pixels {
            Pixels::Gray(values) => {
                let colors: Vec<[u8; 3]> = (0..=255).map(|level| [level; 3]).collect();
                // NaN becomes 0.
                let level = |value: &f32| (255.0 * value).round() as u8;
                let pixels: Vec<u8> = values.iter().take(n_pixels).map(level).collect();
                data_uri(size, &pixels, &colors, false)
            }
            Pixels::Signed(values) => {
                let color = |level: i32| palette::diverging(f64::from(level) / LEVELS);
                let colors: Vec<[u8; 3]> = (-(LEVELS as i32)..=LEVELS as i32).map(color).collect();
                let level = |value: &f32| {
                    let fraction = f64::from(value / full).clamp(-1.0, 1.0);
                    (LEVELS * fraction).round() as i32 + LEVELS as i32
                };
                let pixels = values.iter().take(n_pixels).map(|value| level(value) as u8);
                let mut pixels: Vec<u8> = pixels.collect();
                pixels.resize(n_pixels, LEVELS as u8);
                data_uri(size, &pixels, &colors, false)
            }
        }
    }
}

/// The 99.5th percentile of the absolute values, so that a few large numbers do not
/// dominate the scale.
fn full_scale(tiles: &[Tile]) -> f32 {
    let mut sizes: Vec<f32> = tiles
        .iter()
        .filter_map(|tile| match &tile.picture.pixels {
            Pixels::Signed(values) => Some(values),
            Pixels::Gray(_) => None,
        })
        .flatten()
        .map(|value| value.abs())
        .filter(|size| size.is_finite())
        .collect();
    if sizes.is_empty() {
        return 1.0;
    }
    let place = (sizes.len() - 1) * 995 / 1000;
    let (_, size, _) = sizes.select_nth_unstable_by(place, f32::total_cmp);
    size.max(f32::MIN_POSITIVE)
}

/// Draws the legend of signed images.
fn draw_key(drawing: &mut Drawing, y: f64, full: f32) {
    let full = number::number(f64::from(full));
    let mut x = GAP;
    for (value, text) in [
        (-1.0, format!("−{full} and below")),
        (0.0, "0".to_owned()),
        (1.0, format!("{full} and above")),
    ] {
        let [red, green, blue] = palette::diverging(value);
        let look = format!("fill=\"rgb({red},{green},{blue})\" stroke-width=\"1\"");
        drawing.rectangle((x, y - 10.0), (12.0, 12.0), "key", &look, "");
        drawing.text((x + 17.0, y), Anchor::Start, "small", &text);
        x += 17.0 + 12.0 + crate::svg::text_width(&text, 11.0) + 12.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(pixels: Pixels, n: usize) -> ImageGrid {
        let tile = Tile {
            picture: Picture {
                width: 28,
                height: 28,
                pixels,
            },
            caption: "7 for <2>".to_owned(),
            is_mistake: true,
        };
        ImageGrid {
            title: "Mistakes".to_owned(),
            columns: 8,
            tiles: vec![tile; n],
        }
    }

    #[test]
    fn weights_of_64_neurons_stay_small() {
        let noise = |index: u32| (index.wrapping_mul(2_654_435_761) >> 16) as f32 / 65_536.0 - 0.5;
        let weights = Pixels::Signed((0..784).map(noise).collect());
        let length = grid(weights, 64).svg().inline().len();
        assert!(length < 200_000, "{length} bytes");
    }

    #[test]
    fn odd_pixels_do_not_panic() {
        for values in [
            vec![],
            vec![f32::NAN; 3],
            vec![f32::INFINITY; 2000],
            vec![0.0; 784],
        ] {
            for pixels in [Pixels::Gray(values.clone()), Pixels::Signed(values.clone())] {
                let text = grid(pixels, 3).svg().standalone();
                roxmltree::Document::parse(&text).expect("well-formed");
            }
        }
        let picture = Picture {
            width: 0,
            height: 0,
            pixels: Pixels::Gray(vec![]),
        };
        let tile = Tile {
            picture,
            caption: String::new(),
            is_mistake: false,
        };
        ImageGrid {
            title: String::new(),
            columns: 0,
            tiles: vec![tile],
        }
        .svg();
    }

    #[test]
    fn outliers_do_not_set_the_scale() {
        let mut weights = vec![0.1_f32; 999];
        weights.push(1e6);
        assert_eq!(full_scale(&grid(Pixels::Signed(weights), 1).tiles), 0.1);
    }
}
