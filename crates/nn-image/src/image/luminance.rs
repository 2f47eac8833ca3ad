//! Computes the luminance of colors. Transparent colors are blended with white.

/// Luminance (ITU-R BT.601) of one pixel: gray, gray + alpha, RGB or RGBA.
pub(super) fn luminance(samples: &[u8]) -> u8 {
    let of_color = |r: u8, g: u8, b: u8| {
        (u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114 + 500) / 1000
    };
    let (value, alpha) = match *samples {
        [gray] => (u32::from(gray), 255),
        [gray, alpha] => (u32::from(gray), u32::from(alpha)),
        [r, g, b] => (of_color(r, g, b), 255),
        [r, g, b, alpha] => (of_color(r, g, b), u32::from(alpha)),
        _ => unreachable!("a pixel has 1 to 4 samples"),
    };
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}
