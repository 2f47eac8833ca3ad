//! The size of an image.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// Maximum height and width of the images of a data set.
const MAX_SIDE: usize = 4096;

/// Height and width of an image in pixels, written as `28x28`: height first.
///
/// ```
/// use nn_image::ImageSize;
///
/// let size: ImageSize = "32x24".parse()?;
/// assert_eq!((size.height, size.width), (32, 24));
/// assert_eq!(size.to_string(), "32x24");
/// # Ok::<(), nn_image::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageSize {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl ImageSize {
    /// The size as an array shape: height, then width.
    pub fn shape(self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// Number of pixels of an image of this size.
    pub fn n_pixels(self) -> usize {
        self.height * self.width
    }
}

impl fmt::Display for ImageSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.height, self.width)
    }
}

impl FromStr for ImageSize {
    type Err = Error;

    /// # Errors
    /// Returns [`Error::InvalidImageSize`] if a side is not a number from 1 to 4096.
    fn from_str(text: &str) -> Result<Self> {
        let side = |text: &str| {
            let side: usize = text.trim().parse().ok()?;
            (1..=MAX_SIDE).contains(&side).then_some(side)
        };
        let sides = text.split_once(['x', 'X', '*', ',']);
        let size = sides.and_then(|(height, width)| {
            Some(Self {
                height: side(height)?,
                width: side(width)?,
            })
        });
        size.ok_or_else(|| Error::InvalidImageSize {
            max_side: MAX_SIDE,
            found: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_two_sides_from_1_to_4096() {
        for (text, size) in [
            ("28x28", (28, 28)),
            ("1x4096", (1, 4096)),
            ("32 X 24", (32, 24)),
        ] {
            let found: ImageSize = text.parse().expect("a size");
            assert_eq!(found.shape(), size);
        }
        for text in ["", "28", "0x3", "3x0", "4097x1", "-1x3", "1x2x3", "axb"] {
            let error = text.parse::<ImageSize>().expect_err("not a size");
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }
}
