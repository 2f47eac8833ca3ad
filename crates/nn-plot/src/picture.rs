//! Images as PNG data URIs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Index of the transparent color of an image with transparency.
pub(crate) const TRANSPARENT: u8 = 0;

/// Encodes `width` x `height` pixels, each an index into the palette `colors` (RGB),
/// as `data:image/png;base64,...`. Missing pixels have the first color.
pub(crate) fn data_uri(
    (width, height): (u32, u32),
    pixels: &[u8],
    colors: &[[u8; 3]],
    has_transparent: bool,
) -> String {
    let (width, height) = (width.max(1), height.max(1));
    let mut bytes = Vec::new();
    encode(&mut bytes, (width, height), pixels, colors, has_transparent)
        .expect("writing a complete image to memory cannot fail");
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

fn encode(
    bytes: &mut Vec<u8>,
    (width, height): (u32, u32),
    pixels: &[u8],
    colors: &[[u8; 3]],
    has_transparent: bool,
) -> Result<(), png::EncodingError> {
    let mut whole = pixels.to_vec();
    whole.resize(width as usize * height as usize, 0);
    let mut encoder = png::Encoder::new(bytes, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colors.as_flattened().to_vec());
    encoder.set_compression(png::Compression::High);
    if has_transparent {
        let mut opacity = vec![255; colors.len()];
        opacity[usize::from(TRANSPARENT)] = 0;
        encoder.set_trns(opacity);
    }
    encoder.write_header()?.write_image_data(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_can_be_read_again() {
        let uri = data_uri((2, 2), &[0, 1, 1], &[[9, 8, 7], [1, 2, 3]], false);
        let base64 = uri.strip_prefix("data:image/png;base64,").expect("a PNG");
        let bytes = STANDARD.decode(base64).expect("base64");
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        reader.next_frame(&mut pixels).expect("an image");
        assert_eq!(pixels, [9, 8, 7, 1, 2, 3, 1, 2, 3, 9, 8, 7]);
    }
}
