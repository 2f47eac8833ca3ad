//! Data sets of PNG and JPEG files: a folder with one folder per class.
//!
//! ```text
//! animals/cat/1.jpg         or, already split:   animals/train/cat/1.jpg
//! animals/cat/2.jpg                              animals/validation/cat/7.jpg
//! animals/dog/1.png                              animals/test/dog/9.png
//! ```
//!
//! The classes are the names of the folders, in [natural order](crate::natural_order).
//! The samples are sorted by the last number in their file names, then by file name, then
//! by class, so that the first samples belong to all classes.

mod layout;
mod note;

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering as Order};

use ndarray::{Array2, Axis};
use nn_data::{Dataset, Inputs, Split, Targets};
use nn_files::io_error;
use nn_tensor::Threads;

use crate::error::{Error, Result};
use crate::image::{ImageSize, is_image, read_decoded, read_size, resize};
use crate::natural_order::{by_value, last_number, natural_order};
use layout::Layout;
pub use note::FolderNote;

/// The size of images that have several sizes or are large, unless one is asked for.
const DEFAULT_SIZE: ImageSize = ImageSize {
    height: 28,
    width: 28,
};
/// Images up to this height and width keep their size, if all have the same.
const MAX_OWN_SIDE: usize = 64;
/// Number of files whose sizes are compared at once.
const SIZE_BLOCK: usize = 256;

/// A folder of class folders; the images are not yet read.
#[derive(Clone, Debug)]
pub struct ImageFolder {
    name: String,
    class_names: Vec<String>,
    train: Vec<ImageFile>,
    validation: Vec<ImageFile>,
    test: Vec<ImageFile>,
    skipped: Skipped,
}

/// The images of a folder.
#[derive(Clone, Debug)]
pub struct FolderImages {
    /// The images as a data set. If the folder has separate validation samples, they are at the end of
    /// the training samples.
    pub dataset: Dataset,
    /// Number of validation samples at the end of the training samples.
    pub n_validation: usize,
    /// Notes for the user about the files.
    pub notes: Vec<FolderNote>,
}

/// The size to which the images of a folder are resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChosenSize {
    /// Height and width to which the images are resized.
    pub size: ImageSize,
    /// Whether the default size was chosen, because no size was given and the images have no
    /// small common size.
    pub is_default: bool,
}

/// An image and its class.
#[derive(Clone, Debug)]
struct ImageFile {
    path: PathBuf,
    name: String,
    class: u32,
}

/// What was not read.
#[derive(Clone, Debug, Default)]
struct Skipped {
    n_hidden: usize,
    others: Vec<PathBuf>,
}

impl ImageFolder {
    /// Finds the images of a folder and their classes.
    ///
    /// # Errors
    /// Returns [`Error::NoClassFolders`], [`Error::TooFewClasses`], [`Error::NestedFolder`],
    /// [`Error::MixedFolders`] or [`Error::Data`] if the folder is not laid out as
    /// described in [this module](self); [`Error::NameNotUtf8`] for a name that is not
    /// UTF-8; [`Error::File`] if a folder or file cannot be read.
    pub fn open(folder: &Path) -> Result<Self> {
        let mut skipped = Skipped::default();
        let (folders, n_loose) = entries(folder, &mut skipped)?;
        let names: Vec<&str> = folders.iter().map(|(name, _)| &**name).collect();
        let [mut train, mut validation, mut test] = [const { Vec::new() }; 3];
        match Layout::of(folder, &names, n_loose)? {
            Layout::Classes => train = class_images(&folders, &mut skipped)?,
            Layout::Splits(splits) => {
                for ((_, path), split) in folders.iter().zip(splits) {
                    let (classes, n_loose) = entries(path, &mut skipped)?;
                    layout::check_classes(path, classes.len(), n_loose)?;
                    let images = class_images(&classes, &mut skipped)?;
                    match split {
                        layout::Part::Train => train = images,
                        layout::Part::Validation => validation = images,
                        layout::Part::Test => test = images,
                    }
                }
            }
        }
        let parts = [&train, &validation, &test];
        let class_names = class_names(parts.into_iter().flatten().map(|(class, _)| class));
        layout::check_class_names(folder, &class_names)?;
        if train.is_empty() {
            let path = folder.to_owned();
            return Err(nn_data::Error::Empty { path }.into());
        }
        let files = |images| sorted_files(images, &class_names);
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        Ok(Self {
            name: name.to_string_lossy().into_owned(),
            train: files(train),
            validation: files(validation),
            test: files(test),
            class_names,
            skipped,
        })
    }

    /// Number of images.
    pub fn n_images(&self) -> usize {
        self.train.len() + self.validation.len() + self.test.len()
    }

    /// Chooses the size to which the images are resized: `wanted`, if given; otherwise the
    /// common size, if all images have the same size of at most 64x64; otherwise 28x28.
    ///
    /// # Errors
    /// Returns the errors of [`read_image`](crate::read_image) that reading the beginning of a
    /// file reveals.
    pub fn choose_size(&self, wanted: Option<ImageSize>, threads: &Threads) -> Result<ChosenSize> {
        let known = match wanted {
            None => self.common_size(threads)?,
            wanted => wanted,
        };
        Ok(ChosenSize {
            size: known.unwrap_or(DEFAULT_SIZE),
            is_default: known.is_none(),
        })
    }

    /// The size of all images, if they have the same and it is small.
    fn common_size(&self, threads: &Threads) -> Result<Option<ImageSize>> {
        let files: Vec<&ImageFile> = self.files().collect();
        let mut common = None;
        for block in files.chunks(SIZE_BLOCK) {
            let mut sizes: Vec<_> = block.iter().map(|file| (*file, None)).collect();
            threads.for_each(&mut sizes, |_, (file, size)| {
                *size = Some(read_size(&file.path));
            });
            for size in sizes.into_iter().filter_map(|(_, size)| size) {
                let size = size?;
                let is_small = size.height.max(size.width) <= MAX_OWN_SIDE;
                if !is_small || *common.get_or_insert(size) != size {
                    return Ok(None);
                }
            }
        }
        Ok(common)
    }

    /// Reads all images in parallel, as gray values of one size. An image of a different
    /// size is resized without keeping the aspect ratio.
    ///
    /// # Errors
    /// Returns the error of [`read_image`](crate::read_image) for the first file that cannot be
    /// read.
    pub fn read(&self, chosen: ChosenSize, threads: &Threads) -> Result<FolderImages> {
        let size = chosen.size;
        let all: Vec<&ImageFile> = self.train.iter().chain(&self.validation).collect();
        let (train, n_colored) = read_files(&all, size, threads)?;
        let test: Vec<&ImageFile> = self.test.iter().collect();
        let (test, n_colored_test) = read_files(&test, size, threads)?;
        let dataset = Dataset {
            name: self.name.clone(),
            train,
            test,
            class_names: self.class_names.clone(),
            image_size: Some(size.shape()),
        };
        Ok(FolderImages {
            dataset,
            n_validation: self.validation.len(),
            notes: self.notes(chosen, n_colored + n_colored_test),
        })
    }

    fn files(&self) -> impl Iterator<Item = &ImageFile> {
        self.train.iter().chain(&self.validation).chain(&self.test)
    }

    fn notes(&self, chosen: ChosenSize, n_colored: usize) -> Vec<FolderNote> {
        let Skipped { n_hidden, others } = &self.skipped;
        let skipped = (*n_hidden > 0 || !others.is_empty()).then(|| FolderNote::Skipped {
            n_hidden: *n_hidden,
            n_others: others.len(),
            example: others.first().cloned(),
        });
        let size = chosen.size;
        let resized = chosen
            .is_default
            .then_some(FolderNote::DefaultSize { size });
        let colors = (n_colored > 0).then(|| FolderNote::Colors {
            n_colored,
            n_images: self.n_images(),
        });
        [skipped, resized, colors].into_iter().flatten().collect()
    }
}

/// The folders in a folder, in natural order, and the number of image files.
fn entries(folder: &Path, skipped: &mut Skipped) -> Result<(Vec<(String, PathBuf)>, usize)> {
    let (mut folders, mut n_images) = (Vec::new(), 0);
    for (name, path) in visible_entries(folder, skipped)? {
        if path.is_dir() {
            folders.push((name, path));
        } else {
            n_images += usize::from(has_image_name(&path));
            skipped.others.push(path);
        }
    }
    Ok((folders, n_images))
}

/// The images of class folders, each with the name of its class.
fn class_images(
    folders: &[(String, PathBuf)],
    skipped: &mut Skipped,
) -> Result<Vec<(String, ImageFile)>> {
    let mut images = Vec::new();
    for (class, folder) in folders {
        for (name, path) in visible_entries(folder, skipped)? {
            if path.is_dir() {
                let folder = folder.clone();
                return Err(Error::NestedFolder { folder, name });
            }
            if !has_image_name(&path) && !is_image(&path)? {
                skipped.others.push(path);
                continue;
            }
            let class = class.clone();
            images.push((
                class,
                ImageFile {
                    path,
                    name,
                    class: 0,
                },
            ));
        }
    }
    Ok(images)
}

/// The files and folders whose names do not begin with a dot, in natural order.
fn visible_entries(folder: &Path, skipped: &mut Skipped) -> Result<Vec<(String, PathBuf)>> {
    let io = io_error(folder);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(&io)? {
        let entry = entry.map_err(&io)?;
        let name = entry.file_name().into_string();
        let name = name.map_err(|_| Error::NameNotUtf8 { path: entry.path() })?;
        if name.starts_with('.') || name == "__MACOSX" {
            skipped.n_hidden += 1;
        } else {
            entries.push((name, entry.path()));
        }
    }
    entries.sort_by(|(a, _), (b, _)| natural_order(a, b));
    Ok(entries)
}

/// Whether the name of a file ends like that of a PNG or JPEG image.
fn has_image_name(path: &Path) -> bool {
    const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "jpe", "jfif"];
    path.extension().is_some_and(|ending| {
        ENDINGS
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

fn class_names<'a>(classes: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = classes.cloned().collect();
    names.sort_by(|a, b| natural_order(a, b));
    names.dedup();
    names
}

/// The files in the order of the samples, with the indices of their classes.
fn sorted_files(images: Vec<(String, ImageFile)>, class_names: &[String]) -> Vec<ImageFile> {
    let index_of = |class: &str| {
        let index = class_names.binary_search_by(|name| natural_order(name, class));
        index.expect("every class has a name") as u32
    };
    let mut files: Vec<ImageFile> = images
        .into_iter()
        .map(|(class, file)| ImageFile {
            class: index_of(&class),
            ..file
        })
        .collect();
    files.sort_by(|a, b| {
        by_last_number(&a.name, &b.name)
            .then_with(|| natural_order(&a.name, &b.name))
            .then(a.class.cmp(&b.class))
    });
    files
}

/// Names without a number come first.
fn by_last_number(a: &str, b: &str) -> Ordering {
    match (last_number(a), last_number(b)) {
        (Some(a), Some(b)) => by_value(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// The images of these files and the number of files with colors.
fn read_files(files: &[&ImageFile], size: ImageSize, threads: &Threads) -> Result<(Split, usize)> {
    let mut pixels = Array2::zeros((files.len(), size.n_pixels()));
    let (n_colored, has_failed) = (AtomicUsize::new(0), AtomicBool::new(false));
    let rows = pixels.axis_iter_mut(Axis(0));
    let mut rows: Vec<_> = rows
        .zip(files)
        .map(|(row, file)| (row, file, Ok(())))
        .collect();
    threads.for_each(&mut rows, |_, (row, file, result)| {
        if has_failed.load(Order::Relaxed) {
            return;
        }
        match read_decoded(&file.path) {
            Ok(image) => {
                n_colored.fetch_add(usize::from(image.has_colors), Order::Relaxed);
                let gray = resize(image.gray.view(), size.shape());
                row.iter_mut().zip(&gray).for_each(|(to, from)| *to = *from);
            }
            Err(error) => {
                has_failed.store(true, Order::Relaxed);
                *result = Err(error);
            }
        }
    });
    rows.into_iter().try_for_each(|(_, _, result)| result)?;
    let classes = files.iter().map(|file| file.class).collect();
    let split = Split {
        inputs: Inputs::Pixels(pixels),
        targets: Targets::Classes(classes),
    };
    Ok((split, n_colored.into_inner()))
}
