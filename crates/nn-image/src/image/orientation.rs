//! Reads the orientation of a photograph from the EXIF data.
//!
//! A camera stores the pixels as its sensor reads them. The EXIF tag 0112 says how to
//! turn the image upright (CIPA DC-008, section 4.6.4). EXIF data is a TIFF file:
//! a header with the byte order, then a directory of entries of 12 bytes.

use ndarray::{Array2, Axis};

use super::size::ImageSize;

/// How the stored pixels differ from the upright image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orientation {
    /// Rows and columns are exchanged first.
    transposed: bool,
    /// Then the rows are reversed.
    upside_down: bool,
    /// Then the columns are reversed.
    mirrored: bool,
}

/// The tag of the orientation.
const TAG: u16 = 0x0112;
/// The type of an entry with 16-bit numbers.
const SHORT: u16 = 3;
const ENTRY_BYTES: usize = 12;

impl Orientation {
    /// The orientation in EXIF data; upright if there is none or it is damaged.
    pub(super) fn from_exif(exif: &[u8]) -> Self {
        Self::from_code(orientation_code(exif).unwrap_or(1))
    }

    /// The orientation with a code from 1 to 8; upright for any other code.
    fn from_code(code: u16) -> Self {
        let [transposed, upside_down, mirrored] = match code {
            2 => [false, false, true],
            3 => [false, true, true],
            4 => [false, true, false],
            5 => [true, false, false],
            6 => [true, false, true],
            7 => [true, true, true],
            8 => [true, true, false],
            _ => [false; 3],
        };
        Self {
            transposed,
            upside_down,
            mirrored,
        }
    }

    /// The size of the upright image.
    pub(super) fn apply_to_size(self, stored: ImageSize) -> ImageSize {
        if self.transposed {
            ImageSize {
                height: stored.width,
                width: stored.height,
            }
        } else {
            stored
        }
    }

    /// Turns stored pixels upright.
    pub(super) fn apply(self, stored: Array2<u8>) -> Array2<u8> {
        if self == Self::default() {
            return stored;
        }
        let mut view = stored.view();
        if self.transposed {
            view.swap_axes(0, 1);
        }
        if self.upside_down {
            view.invert_axis(Axis(0));
        }
        if self.mirrored {
            view.invert_axis(Axis(1));
        }
        view.as_standard_layout().into_owned()
    }
}

fn orientation_code(exif: &[u8]) -> Option<u16> {
    let is_little_endian = match exif.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let u16_at = |at: usize| {
        let bytes = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if is_little_endian {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    };
    let u32_at = |at: usize| {
        let bytes = exif.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if is_little_endian {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    };
    let directory = usize::try_from(u32_at(4)?).ok()?;
    let first = directory.checked_add(2)?;
    (0..usize::from(u16_at(directory)?))
        .map_while(|index| first.checked_add(index * ENTRY_BYTES))
        .find(|&entry| u16_at(entry) == Some(TAG) && u16_at(entry + 2) == Some(SHORT))
        .and_then(|entry| u16_at(entry + 8))
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    /// EXIF data with a resolution, an orientation and a software tag.
    fn exif(is_little_endian: bool, code: u16) -> Vec<u8> {
        let short = |value: u16| {
            if is_little_endian {
                value.to_le_bytes()
            } else {
                value.to_be_bytes()
            }
        };
        let long = |value: u32| {
            if is_little_endian {
                value.to_le_bytes()
            } else {
                value.to_be_bytes()
            }
        };
        let mut bytes = if is_little_endian { b"II*\0" } else { b"MM\0*" }.to_vec();
        bytes.extend(long(8));
        bytes.extend(short(2));
        for (tag, value) in [(0x0128_u16, 2_u16), (TAG, code)] {
            bytes.extend(short(tag));
            bytes.extend(short(SHORT));
            bytes.extend(long(1));
            bytes.extend(short(value));
            bytes.extend(short(0));
        }
        bytes.extend(long(0));
        bytes
    }

    /// The eight codes of the standard: where the stored first row and first column
    /// are in the upright image. Stored is [[1, 2, 3], [4, 5, 6]].
    #[test]
    fn every_code_turns_the_image_upright() {
        let stored = array![[1, 2, 3], [4, 5, 6]];
        for (code, upright) in [
            (1, array![[1, 2, 3], [4, 5, 6]]),
            (2, array![[3, 2, 1], [6, 5, 4]]),
            (3, array![[6, 5, 4], [3, 2, 1]]),
            (4, array![[4, 5, 6], [1, 2, 3]]),
            (5, array![[1, 4], [2, 5], [3, 6]]),
            (6, array![[4, 1], [5, 2], [6, 3]]),
            (7, array![[6, 3], [5, 2], [4, 1]]),
            (8, array![[3, 6], [2, 5], [1, 4]]),
            (0, array![[1, 2, 3], [4, 5, 6]]),
            (9, array![[1, 2, 3], [4, 5, 6]]),
        ] {
            for is_little_endian in [true, false] {
                let orientation = Orientation::from_exif(&exif(is_little_endian, code));
                assert_eq!(orientation.apply(stored.clone()), upright, "code {code}");
            }
        }
    }

    #[test]
    fn damaged_exif_data_is_upright() {
        let whole = exif(true, 6);
        let turned = Orientation::from_code(6);
        assert_eq!(Orientation::from_exif(&whole), turned);
        for end in 0..whole.len() {
            let found = Orientation::from_exif(&whole[..end]);
            assert!(found == turned || found == Orientation::default(), "{end}");
        }
        let mut far = whole;
        far[4..8].fill(0xff);
        assert_eq!(Orientation::from_exif(&far), Orientation::default());
    }
}
