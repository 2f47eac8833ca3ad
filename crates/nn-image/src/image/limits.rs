//! Size limits for images that are read from files.

use std::path::Path;

use crate::{Error, Result};

/// Maximum height and width in pixels.
const MAX_SIDE: u32 = 10_000;
/// Maximum number of pixels.
pub(super) const MAX_PIXELS: u64 = 60 << 20;

/// Rejects an image with too many pixels before it is decoded.
pub(super) fn check_size(path: &Path, width: u32, height: u32) -> Result<()> {
    if width.max(height) <= MAX_SIDE && u64::from(width) * u64::from(height) <= MAX_PIXELS {
        return Ok(());
    }
    Err(Error::ImageTooLarge {
        path: path.to_owned(),
        width,
        height,
        max_side: MAX_SIDE,
        max_pixels: MAX_PIXELS,
    })
}
