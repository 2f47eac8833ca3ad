//! The figures of a claim as data; `drawing` turns them into charts.

use serde::{Deserialize, Serialize};

/// Height and width of an image of a digit.
const IMAGE_SIDE: usize = 28;

/// The data of a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Figure {
    /// Curves over a common axis, with a legend.
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
    /// Images with their true and their predicted class.
    Images {
        title: String,
        columns: usize,
        height: usize,
        width: usize,
        images: Vec<Image>,
    },
    /// Neurons and their connections.
    Network { title: String, widths: Vec<usize> },
    /// A grid of points in the plane, and their images in space under a layer of
    /// two inputs and three neurons.
    Map {
        title: String,
        /// Number of points per row of the grid.
        columns: usize,
        plane: Vec<[f64; 2]>,
        space: Vec<[f64; 3]>,
    },
    /// A function of two parameters, and the path of gradient descent on it.
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

impl Figure {
    /// Curves over the epochs of training runs.
    pub(crate) fn over_epochs(title: &str, y: &str, series: Vec<Series>) -> Self {
        Self::Lines {
            title: title.to_owned(),
            x: "epoch".to_owned(),
            y: y.to_owned(),
            series,
        }
    }

    /// Images of digits in rows of `columns`.
    pub(crate) fn digits(title: &str, columns: usize, images: Vec<Image>) -> Self {
        Self::Images {
            title: title.to_owned(),
            columns,
            height: IMAGE_SIDE,
            width: IMAGE_SIDE,
            images,
        }
    }
}

/// A named curve of a line chart.
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

/// An image of a digit with its true and its predicted class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Two hexadecimal digits per pixel, in row-major order.
    pub(crate) pixels: String,
    #[serde(rename = "right")]
    pub(crate) label: u32,
    #[serde(rename = "answer")]
    pub(crate) predicted: u32,
}

impl Image {
    pub(crate) fn new(pixels: &[u8], label: u32, predicted: u32) -> Self {
        Self {
            pixels: pixels.iter().map(|pixel| format!("{pixel:02x}")).collect(),
            label,
            predicted,
        }
    }

    /// Returns `true` if the predicted class is the true class.
    pub(crate) fn is_correct(&self) -> bool {
        self.label == self.predicted
    }

    /// The gray values in row-major order. An invalid hexadecimal digit counts as 0.
    pub(crate) fn gray(&self) -> Vec<u8> {
        let digit = |byte: &u8| (*byte as char).to_digit(16).unwrap_or(0) as u8;
        self.pixels
            .as_bytes()
            .chunks_exact(2)
            .map(|pair| 16 * digit(&pair[0]) + digit(&pair[1]))
            .collect()
    }
}

/// Number of images whose predicted class is the true class.
pub(crate) fn n_correct(images: &[Image]) -> usize {
    images.iter().filter(|image| image.is_correct()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_survive_the_round_trip() {
        let pixels: Vec<u8> = (0..=255).collect();
        assert_eq!(Image::new(&pixels, 1, 2).gray(), pixels);
    }

    /// Files of earlier versions contain these names.
    #[test]
    fn names_of_an_image_in_files_are_stable() {
        let json = r#"{"pixels":"00ff","right":3,"answer":5}"#;
        let image: Image = serde_json::from_str(json).expect("an image");
        assert_eq!(image, Image::new(&[0, 255], 3, 5));
        assert_eq!(serde_json::to_string(&image).expect("plain JSON"), json);
    }
}
