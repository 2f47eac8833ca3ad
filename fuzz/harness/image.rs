//! What must hold for any bytes taken for an image of a digit, PNG or JPEG.

use std::io::Cursor;
use std::path::Path;

use ndarray::Array2;
use nn_image::decode_image;
use nn_image::digit::normalize;

/// Gives the image MNIST's framing. With `takes_raw`, bytes that are no image are taken for
/// grey values, since few are images.
pub(crate) fn check(bytes: &[u8], takes_raw: bool) {
    let image = match decode_image(Path::new("x"), Cursor::new(bytes)) {
        Ok(image) => Some(image),
        Err(_) if takes_raw => raw_image(bytes),
        Err(_) => None,
    };
    let Some(Ok(digit)) = image.map(|image| normalize(image.view())) else {
        return;
    };
    assert!(digit.pixels.iter().any(|&pixel| pixel > 0), "ink stays");
}

/// The first byte is the width.
fn raw_image(bytes: &[u8]) -> Option<Array2<u8>> {
    let (&width, values) = bytes.split_first()?;
    let width = usize::from(width).max(1);
    let height = values.len() / width;
    let values = values[..height * width].to_vec();
    let image = Array2::from_shape_vec((height, width), values);
    image.ok().filter(|image| !image.is_empty())
}
