//! What must hold for any bytes taken for an image of a digit, PNG or JPEG.

use std::io::Cursor;
use std::path::Path;

use ndarray::Array2;
use nn_image::decode_image;
use nn_image::digit::normalize;

/// Maximum number of pixels of an image that a target for a decoder also normalizes.
const MAX_PIXELS: usize = 1024;

/// Decodes an image and normalizes it to MNIST's format.
///
/// With `is_for_decoder`, large images are only decoded, so that most of the time is spent on
/// decoding. Otherwise, bytes that are no image are taken for grey values, because few bytes
/// are images.
pub(crate) fn check(bytes: &[u8], is_for_decoder: bool) {
    let image = match decode_image(Path::new("x"), Cursor::new(bytes)) {
        Ok(image) if is_for_decoder && image.len() > MAX_PIXELS => None,
        Ok(image) => Some(image),
        Err(_) if is_for_decoder => None,
        Err(_) => raw_image(bytes),
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
