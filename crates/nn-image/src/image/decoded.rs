//! A decoded image as gray values.

use ndarray::Array2;

/// A decoded image, upright.
pub(crate) struct Decoded {
    /// Gray values `[height, width]`.
    pub(crate) gray: Array2<u8>,
    /// Whether the file can have colors.
    pub(crate) has_colors: bool,
}
