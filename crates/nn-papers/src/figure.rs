//! The pictures of a claim, as numbers; `page` draws them.

use serde::{Deserialize, Serialize};

/// A picture, before it is drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Figure {
    /// Curves over one axis, with a legend.
    Lines {
        title: String,
        x: String,
        y: String,
        series: Vec<Series>,
    },
    /// Points over a logarithmic axis; the highest is marked.
    Points {
        title: String,
        x: String,
        y: String,
        points: Vec<[f64; 2]>,
    },
    /// Images with the right answer and the network's.
    Images {
        title: String,
        columns: usize,
        height: usize,
        width: usize,
        images: Vec<Image>,
    },
    /// Neurons and their connections.
    Network { title: String, widths: Vec<usize> },
    /// A grid of points of the plane, and where a layer of three neurons puts
    /// them in space.
    Map {
        title: String,
        /// Points a row of the grid.
        columns: usize,
        plane: Vec<[f64; 2]>,
        space: Vec<[f64; 3]>,
    },
    /// A function of two parameters, and the way that gradient descent took.
    Surface {
        title: String,
        x: String,
        y: String,
        xs: Vec<f64>,
        ys: Vec<f64>,
        /// `values[row][column]` at `(xs[column], ys[row])`.
        values: Vec<Vec<f64>>,
        path: Vec<[f64; 2]>,
    },
}

/// One curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<[f64; 2]>,
}

impl Series {
    pub(crate) fn new(
        name: impl Into<String>,
        points: impl IntoIterator<Item = (usize, f64)>,
    ) -> Self {
        Self {
            name: name.into(),
            points: points.into_iter().map(|(x, y)| [x as f64, y]).collect(),
        }
    }
}

/// One image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Two hexadecimal digits a pixel, row after row.
    pub(crate) pixels: String,
    pub(crate) right: u32,
    pub(crate) answer: u32,
}

impl Image {
    pub(crate) fn new(pixels: &[u8], right: u32, answer: u32) -> Self {
        Self {
            pixels: pixels.iter().map(|pixel| format!("{pixel:02x}")).collect(),
            right,
            answer,
        }
    }

    /// The grey values again; a digit that is none counts as 0.
    pub(crate) fn grey(&self) -> Vec<u8> {
        let digit = |byte: &u8| (*byte as char).to_digit(16).unwrap_or(0) as u8;
        self.pixels
            .as_bytes()
            .chunks_exact(2)
            .map(|pair| 16 * digit(&pair[0]) + digit(&pair[1]))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back() {
        let pixels: Vec<u8> = (0..=255).collect();
        assert_eq!(Image::new(&pixels, 1, 2).grey(), pixels);
    }
}
