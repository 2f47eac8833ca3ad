//! Notes for the user about the files of a folder of images.

use std::fmt;
use std::path::PathBuf;

use crate::image::ImageSize;

/// A note for the user about a folder of images.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderNote {
    /// Files that are not images of a class were skipped.
    Skipped {
        /// Number of hidden files and folders.
        n_hidden: usize,
        /// Number of other files, which are not PNG or JPEG images or not in a class folder.
        n_others: usize,
        /// Path of one of the other files, as an example.
        example: Option<PathBuf>,
    },
    /// The images were resized to the default size, because they have several sizes or are
    /// large, and no size was given.
    DefaultSize {
        /// The size to which the images were resized.
        size: ImageSize,
    },
    /// Color images were converted to grayscale.
    Colors {
        /// Number of color images.
        n_colored: usize,
        /// Total number of images.
        n_images: usize,
    },
}

impl fmt::Display for FolderNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped {
                n_hidden,
                n_others,
                example,
            } => {
                write!(f, "skipped {}", counted(n_hidden + n_others, "file"))?;
                if *n_hidden > 0 {
                    write!(f, ", {n_hidden} of them hidden")?;
                }
                match example {
                    None => Ok(()),
                    Some(path) => write!(
                        f,
                        ", such as {}: not a PNG or JPEG image in a class folder",
                        path.display()
                    ),
                }
            }
            Self::DefaultSize { size } => write!(
                f,
                "the images are large or have several sizes, so they are resized to {size} pixels \
                 (`image-size` sets another size)"
            ),
            Self::Colors {
                n_colored,
                n_images,
            } => write!(
                f,
                "{n_colored} of {} {} colors, which are converted to gray (luminance)",
                counted(*n_images, "image"),
                if *n_colored == 1 { "has" } else { "have" },
            ),
        }
    }
}

/// `1 file`, `2 files`
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}
