//! Quantization of values to signed bytes, for pictures in the browser.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The largest absolute value.
pub(crate) fn largest(values: &[f32]) -> f32 {
    values
        .iter()
        .fold(0.0, |largest: f32, value| largest.max(value.abs()))
}

/// Values as signed bytes in base64; the largest absolute value becomes 127.
pub(crate) fn bytes_of(values: &[f32]) -> String {
    bytes_with_scale(values, largest(values))
}

/// Values as signed bytes in base64; `scale` becomes 127.
pub(crate) fn bytes_with_scale(values: &[f32], scale: f32) -> String {
    let factor = if scale > 0.0 { 127.0 / scale } else { 0.0 };
    let bytes: Vec<u8> = values
        .iter()
        .map(|value| (value * factor).round() as i8 as u8)
        .collect();
    BASE64_STANDARD.encode(bytes)
}
