//! Detects the layout of a folder of images: class folders, or folders for the splits that
//! contain class folders.

use std::path::Path;

use crate::error::{Error, Result};

/// The layout of a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// One folder per class.
    Classes,
    /// One folder per split, in the order of the names.
    Splits(Vec<Part>),
}

/// A part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Validation,
    Test,
}

impl Layout {
    /// The layout of `folder` by the names of the folders in it and the number of
    /// images beside them.
    pub(super) fn of(folder: &Path, names: &[&str], n_images: usize) -> Result<Self> {
        check_classes(folder, names.len(), n_images)?;
        let parts: Vec<Option<Part>> = names.iter().map(|name| Part::of_name(name)).collect();
        if !parts.contains(&Some(Part::Train)) {
            return Ok(Self::Classes);
        }
        match names.iter().zip(&parts).find(|(_, part)| part.is_none()) {
            Some((other, _)) => Err(Error::MixedFolders {
                folder: folder.to_owned(),
                other: (*other).to_owned(),
            }),
            None => {
                let parts: Vec<Part> = parts.into_iter().flatten().collect();
                check_unique(folder, names, &parts)?;
                Ok(Self::Splits(parts))
            }
        }
    }
}

impl Part {
    fn of_name(name: &str) -> Option<Self> {
        match &*name.to_ascii_lowercase() {
            "train" | "training" => Some(Self::Train),
            "validation" | "valid" | "val" => Some(Self::Validation),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

/// Each split has one folder.
fn check_unique(folder: &Path, names: &[&str], parts: &[Part]) -> Result<()> {
    let twice = (1..parts.len()).find(|&at| parts[..at].contains(&parts[at]));
    match twice {
        None => Ok(()),
        Some(at) => Err(Error::MixedFolders {
            folder: folder.to_owned(),
            other: names[at].to_owned(),
        }),
    }
}

/// There must be class folders.
pub(super) fn check_classes(folder: &Path, n_folders: usize, n_images: usize) -> Result<()> {
    if n_folders > 0 {
        return Ok(());
    }
    Err(Error::NoClassFolders {
        folder: folder.to_owned(),
        n_images,
    })
}

/// There must be two classes.
pub(super) fn check_class_names(folder: &Path, names: &[String]) -> Result<()> {
    if names.len() >= 2 {
        return Ok(());
    }
    Err(Error::TooFewClasses {
        folder: folder.to_owned(),
        found: names.first().cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_decide() {
        use Part::{Test, Train, Validation};
        let layout = |names: &[&str]| Layout::of(Path::new("x"), names, 0);
        let splits = |names: &[&str]| match layout(names) {
            Ok(Layout::Splits(parts)) => parts,
            other => panic!("{names:?}: {other:?}"),
        };
        assert_eq!(splits(&["test", "train"]), [Test, Train]);
        assert_eq!(splits(&["Training", "VAL"]), [Train, Validation]);
        assert_eq!(
            splits(&["testing", "train", "valid"]),
            [Test, Train, Validation]
        );
        for classes in [&["cat", "dog"][..], &["test", "val"], &["0", "1", "2"]] {
            assert_eq!(layout(classes).expect("classes"), Layout::Classes);
        }
        for wrong in [&["cat", "train"][..], &["train", "val", "valid"]] {
            let error = layout(wrong).expect_err("a mixture");
            assert!(matches!(error, Error::MixedFolders { .. }), "{error}");
        }
        let error = Layout::of(Path::new("x"), &[], 3).expect_err("no classes");
        assert!(error.to_string().contains("3 image files"), "{error}");
    }
}
