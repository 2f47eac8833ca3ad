//! The location of MNIST.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::workspace;

/// The files that the peers read; `nn` reads other files, too.
const FILES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

/// The folder of the data sets: `NN_DATA_DIR`, or the workspace's `datasets/`.
pub(super) fn data_folder() -> PathBuf {
    let default = || workspace::root().join("datasets");
    let folder = std::env::var_os("NN_DATA_DIR").map_or_else(default, PathBuf::from);
    std::path::absolute(&folder).unwrap_or(folder)
}

/// Checks that the folder of the data sets contains MNIST.
///
/// # Errors
/// [`Error::NoMnist`] if a file is missing.
pub(super) fn check(data: &Path) -> Result<()> {
    let mut files = FILES.iter().map(|file| data.join("mnist").join(file));
    match files.find(|file| !file.is_file()) {
        None => Ok(()),
        Some(file) => Err(Error::NoMnist { file }),
    }
}
