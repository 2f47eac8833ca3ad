//! Finds IDX files in a folder by MNIST's file names and their common variants.
//!
//! `train-images-idx3-ubyte` is also found as `train-images.idx3-ubyte` (as some
//! programs unpack it), as `emnist-letters-train-images-idx3-ubyte` (EMNIST), and with
//! `.gz`. The names of test files begin with `t10k` or `test`.

use std::fs;
use std::path::{Path, PathBuf};

use nn_files::io_error;

use crate::error::{Error, Result};
use crate::idx;

/// The files of images and labels of one split.
#[derive(Clone, Debug)]
pub(crate) struct SplitFiles {
    pub(crate) images: PathBuf,
    pub(crate) labels: PathBuf,
}

/// The IDX files of a folder.
#[derive(Clone, Debug)]
pub(crate) struct IdxNames {
    pub(crate) train: SplitFiles,
    pub(crate) test: Option<SplitFiles>,
    /// Whether rows and columns of the images are exchanged, as in EMNIST.
    pub(crate) are_transposed: bool,
}

/// The parts of a file name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    /// The data set, such as `emnist-letters`; empty for MNIST's names.
    dataset: String,
    is_train: bool,
    has_images: bool,
}

/// Returns whether a folder contains a file that is named like an IDX file.
///
/// # Errors
/// Returns [`Error::File`] if the folder cannot be read.
pub fn has_idx_files(folder: &Path) -> Result<bool> {
    Ok(!idx_files(folder)?.is_empty())
}

impl IdxNames {
    /// Finds the files in a folder.
    pub(crate) fn find(folder: &Path) -> Result<Self> {
        let files = idx_files(folder)?;
        let mut datasets: Vec<&str> = files.iter().map(|(parts, _)| &*parts.dataset).collect();
        datasets.sort_unstable();
        datasets.dedup();
        let dataset = match datasets[..] {
            [] => "",
            [dataset] => dataset,
            _ => {
                return Err(Error::SeveralDatasets {
                    folder: folder.to_owned(),
                    found: datasets.iter().map(ToString::to_string).collect(),
                });
            }
        };
        let find = |is_train, has_images| {
            let wanted = Parts {
                dataset: dataset.to_owned(),
                is_train,
                has_images,
            };
            let found = files.iter().find(|(parts, _)| *parts == wanted);
            found
                .map(|(_, path)| path.clone())
                .ok_or_else(|| Error::MissingFile {
                    path: folder.join(wanted.name()),
                    dataset: None,
                })
        };
        let pair = |is_train| -> Result<SplitFiles> {
            Ok(SplitFiles {
                images: find(is_train, true)?,
                labels: find(is_train, false)?,
            })
        };
        let has_test = files.iter().any(|(parts, _)| !parts.is_train);
        Ok(Self {
            train: pair(true)?,
            test: has_test.then(|| pair(false)).transpose()?,
            are_transposed: dataset.starts_with("emnist"),
        })
    }
}

impl Parts {
    /// The parts of the name of an IDX file.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        let name = name.replace(['.', '_'], "-");
        let (start, has_images) = match name.strip_suffix("-images-idx3-ubyte") {
            Some(start) => (start, true),
            None => (name.strip_suffix("-labels-idx1-ubyte")?, false),
        };
        let (dataset, split) = start.rsplit_once('-').unwrap_or(("", start));
        let is_train = match split {
            "train" => true,
            "t10k" | "test" => false,
            _ => return None,
        };
        Some(Self {
            dataset: dataset.to_owned(),
            is_train,
            has_images,
        })
    }

    /// The usual name.
    fn name(&self) -> String {
        let split = match (self.is_train, &*self.dataset) {
            (true, _) => "train",
            (false, "") => "t10k",
            (false, _) => "test",
        };
        let kind = if self.has_images {
            "images-idx3-ubyte"
        } else {
            "labels-idx1-ubyte"
        };
        match &*self.dataset {
            "" => format!("{split}-{kind}"),
            dataset => format!("{dataset}-{split}-{kind}"),
        }
    }
}

/// The IDX files of a folder by their names; those with MNIST's own names first, and
/// uncompressed ones before compressed ones.
fn idx_files(folder: &Path) -> Result<Vec<(Parts, PathBuf)>> {
    let io = io_error(folder);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(&io)? {
        let entry = entry.map_err(&io)?;
        let parts = entry.file_name().to_str().and_then(Parts::of_name);
        files.extend(parts.map(|parts| (parts, entry.path())));
    }
    let rank = |parts: &Parts, path: &PathBuf| {
        let is_usual = idx::locate(folder, &parts.name()).as_ref() == Some(path);
        (!is_usual, path.clone())
    };
    files.sort_by_cached_key(|(parts, path)| rank(parts, path));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_names_are_understood() {
        let parts = |dataset: &str, is_train, has_images| {
            Some(Parts {
                dataset: dataset.to_owned(),
                is_train,
                has_images,
            })
        };
        for (name, expected) in [
            ("train-images-idx3-ubyte", parts("", true, true)),
            ("train-labels.idx1-ubyte", parts("", true, false)),
            ("t10k-images.idx3-ubyte.gz", parts("", false, true)),
            ("T10K-LABELS-IDX1-UBYTE", parts("", false, false)),
            ("test_labels_idx1_ubyte", parts("", false, false)),
            (
                "emnist-letters-train-images-idx3-ubyte.gz",
                parts("emnist-letters", true, true),
            ),
            (
                "emnist-letters-test-labels-idx1-ubyte",
                parts("emnist-letters", false, false),
            ),
            ("train-images-idx1-ubyte", None),
            ("images-idx3-ubyte", None),
            ("train-images-idx3-ubyte.zip", None),
            ("notes.txt", None),
        ] {
            assert_eq!(Parts::of_name(name), expected, "{name}");
        }
        let emnist = Parts::of_name("emnist-letters-test-labels-idx1-ubyte").expect("a name");
        assert_eq!(emnist.name(), "emnist-letters-test-labels-idx1-ubyte");
    }
}
