//! Errors of nn-image, with the location, the expected value, the value found, and a hint.

use std::path::PathBuf;

use nn_data::ErrorKind;

/// A `Result` whose default error is the [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of this crate.
///
/// The message is one line with the place, the expected and the found value. [`Error::help`] says
/// how to fix the error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] nn_files::Error),
    /// A data set has no samples, or cannot be written.
    #[error(transparent)]
    Data(#[from] nn_data::Error),
    /// A file begins neither like a PNG nor like a JPEG image.
    #[error(
        "{path}: not a PNG or JPEG image: expected 89 50 4e 47 0d 0a 1a 0a or ff d8 ff, \
         found {start}{hint}",
        path = path.display(),
        start = hexadecimal(start),
        hint = in_brackets(*looks_like)
    )]
    NotAnImage {
        /// Path of the file.
        path: PathBuf,
        /// The first 8 bytes, or fewer if the file is shorter.
        start: Vec<u8>,
        /// The file format that the first bytes indicate, if it is known.
        looks_like: Option<&'static str>,
    },
    /// A PNG file is truncated or damaged.
    #[error("{path}: damaged PNG: {source}", path = path.display())]
    BadPng {
        /// Path of the damaged file.
        path: PathBuf,
        /// The error of the decoder.
        source: png::DecodingError,
    },
    /// A JPEG file is truncated, damaged or of an unsupported kind.
    #[error("{path}: damaged JPEG: {problem}", path = path.display())]
    BadJpeg {
        /// Path of the damaged file.
        path: PathBuf,
        /// The problem that the decoder found.
        problem: String,
    },
    /// An image has too many pixels.
    #[error(
        "{path}: expected an image of at most {max_side} pixels per side and {max_pixels} in \
         total, found {width}x{height}",
        path = path.display()
    )]
    ImageTooLarge {
        /// Path of the image file.
        path: PathBuf,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Maximum width and height in pixels.
        max_side: u32,
        /// Maximum number of pixels.
        max_pixels: u64,
    },
    /// A text is not a valid image size.
    #[error("expected a height and a width from 1 to {max_side}, such as 28x28, found {found:?}")]
    InvalidImageSize {
        /// Maximum height and width in pixels.
        max_side: usize,
        /// The text that is not a valid image size.
        found: String,
    },
    /// A folder holds no folders of images.
    #[error(
        "{folder}: expected one folder of PNG or JPEG images per class, found no folder{}",
        loose_images(*n_images),
        folder = folder.display()
    )]
    NoClassFolders {
        /// Path of the folder.
        folder: PathBuf,
        /// Number of image files in the folder itself.
        n_images: usize,
    },
    /// The images of a folder belong to fewer than two classes.
    #[error(
        "{folder}: expected images of at least 2 classes, found {}",
        found.as_ref().map_or_else(|| "no image".to_owned(), |name| format!("1 class, {name:?}")),
        folder = folder.display()
    )]
    TooFewClasses {
        /// Path of the folder.
        folder: PathBuf,
        /// The only class with images, if there is one.
        found: Option<String>,
    },
    /// A class folder holds another folder.
    #[error(
        "{folder}: expected the images of one class, found the folder {name:?}",
        folder = folder.display()
    )]
    NestedFolder {
        /// Path of the class folder.
        folder: PathBuf,
        /// Name of the nested folder.
        name: String,
    },
    /// A folder with one folder per split also contains a folder that is not a split, or two
    /// folders for the same split.
    #[error(
        "{folder}: expected the folders train, validation and test, also found {other:?}",
        folder = folder.display()
    )]
    MixedFolders {
        /// Path of the folder.
        folder: PathBuf,
        /// Name of the other folder.
        other: String,
    },
    /// The name of a file or folder is not UTF-8.
    #[error("{path}: expected a name in UTF-8", path = path.display())]
    NameNotUtf8 {
        /// Path of the file or folder.
        path: PathBuf,
    },
    /// The name of an export format is unknown.
    #[error("unknown format {name:?}; expected one of: {}", known.join(", "))]
    UnknownFormat {
        /// The unknown name of an export format.
        name: String,
        /// Names of all export formats.
        known: Vec<&'static str>,
    },
    /// A data set does not consist of labeled images.
    #[error("{name}: expected a data set of labeled images")]
    NotImages {
        /// Name of the data set.
        name: String,
    },
    /// There are more classes than the labels of an IDX file can express.
    #[error("expected at most 256 classes, found {n_classes} (labels in IDX files are bytes)")]
    TooManyClasses {
        /// Number of classes.
        n_classes: usize,
    },
    /// The name of a class cannot be used as a folder name.
    #[error("class {class:?}: expected a name that is valid and unique as a folder name")]
    ClassFolderName {
        /// Name of the class.
        class: String,
    },
    /// An image has too little contrast between ink and paper.
    #[error(
        "blank image: expected ink and paper to differ by at least {needed} of 255 gray levels, \
         found {contrast}"
    )]
    BlankImage {
        /// Difference between ink and paper in gray levels.
        contrast: u8,
        /// Minimum difference in gray levels.
        needed: u8,
    },
}

impl Error {
    /// Category of the error, for example to choose an exit code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File(error) => error.into(),
            Self::Data(error) => error.kind(),
            Self::NotAnImage { .. }
            | Self::BadPng { .. }
            | Self::BadJpeg { .. }
            | Self::ImageTooLarge { .. }
            | Self::NoClassFolders { .. }
            | Self::TooFewClasses { .. }
            | Self::NestedFolder { .. }
            | Self::MixedFolders { .. }
            | Self::NameNotUtf8 { .. }
            | Self::NotImages { .. }
            | Self::TooManyClasses { .. }
            | Self::ClassFolderName { .. }
            | Self::BlankImage { .. } => ErrorKind::Data,
            Self::InvalidImageSize { .. } | Self::UnknownFormat { .. } => ErrorKind::Usage,
        }
    }

    /// A hint that says how to fix the error, if there is one.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::File(error) => return error.help().map(str::to_owned),
            Self::Data(error) => return error.help(),
            Self::NotAnImage { .. } => "save or convert the image as PNG or JPEG",
            Self::BadPng { .. } | Self::BadJpeg { .. } => "save or copy the image again",
            Self::ImageTooLarge { .. } => "crop the image, or scale it down",
            Self::InvalidImageSize { .. } => "write the height first: 32x24",
            Self::NoClassFolders { .. } | Self::TooFewClasses { .. } => {
                "move the images of each class to a folder with the name of the class: \
                 FOLDER/CLASS/IMAGE.png"
            }
            Self::NestedFolder { .. } => {
                "images are read from FOLDER/CLASS/ or from FOLDER/train/CLASS/; move them there"
            }
            Self::MixedFolders { .. } => {
                "keep the class folders in train, validation and test, or use class folders only"
            }
            Self::NameNotUtf8 { .. } => "rename the file or folder",
            Self::UnknownFormat { .. } => "choose the format idx, csv or png",
            Self::NotImages { .. } => "only labeled images can be exported as IDX or PNG",
            Self::TooManyClasses { .. } => "use the format csv or png",
            Self::ClassFolderName { .. } => "use the format idx or csv",
            Self::BlankImage { .. } => {
                "draw with a darker or thicker pen, or with light strokes on a dark background"
            }
        };
        Some(help.to_owned())
    }
}

fn loose_images(n_images: usize) -> String {
    match n_images {
        0 => String::new(),
        1 => ", but 1 image file".to_owned(),
        n => format!(", but {n} image files"),
    }
}

fn in_brackets(looks_like: Option<&'static str>) -> String {
    looks_like.map_or_else(String::new, |name| format!(" ({name})"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}
