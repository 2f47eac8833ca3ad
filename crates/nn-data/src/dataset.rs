//! Data sets: inputs and targets of training and test samples.

use std::path::{Path, PathBuf};
use std::thread;

use ndarray::Array2;

use crate::catalog::Source;
use crate::checksum::Checksum;
use crate::error::{Error, IdxProblem, Result};
use crate::idx::{self, Idx, IdxData, Magic};
use crate::idx_names::{IdxNames, SplitFiles};

/// A data set: training samples and test samples.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// Name of the data set: from the catalog, or from the folder or file.
    pub name: String,
    /// Samples for training and validation.
    pub train: Split,
    /// Samples for the final test. May be empty.
    pub test: Split,
    /// Names of the classes; empty for regression.
    pub class_names: Vec<String>,
    /// Height and width of the images in pixels, if the inputs are images.
    pub image_size: Option<(usize, usize)>,
}

/// A set of samples: inputs and targets.
#[derive(Clone, Debug)]
pub struct Split {
    /// Inputs, one row per sample.
    pub inputs: Inputs,
    /// Targets, one entry per sample.
    pub targets: Targets,
}

/// The inputs of a network, `[n_samples, n_inputs]`.
#[derive(Clone, Debug)]
pub enum Inputs {
    /// Pixels as bytes 0..=255, which are divided by 255 to give the inputs of the network.
    Pixels(Array2<u8>),
    /// Numbers that are passed to the network unchanged.
    Features(Array2<f32>),
}

/// The targets of a network.
#[derive(Clone, Debug)]
pub enum Targets {
    /// Class indices for classification, `[n_samples]`.
    Classes(Vec<u32>),
    /// Numbers for regression, or 0 and 1 for multi-label classification,
    /// `[n_samples, n_outputs]`.
    Values(Array2<f32>),
}

impl Dataset {
    /// Reads a data set of the catalog from its folder in `data_dir`.
    ///
    /// Each file may be compressed (`NAME.gz`) or not (`NAME`).
    ///
    /// # Errors
    /// Returns [`Error::MissingFile`] if the data set has not been downloaded; [`Error::Idx`],
    /// [`Error::CountMismatch`], [`Error::ImageSize`], [`Error::LabelOutOfRange`] or
    /// [`Error::Empty`] for invalid files; [`Error::File`] if a file cannot be read.
    pub fn load(source: &Source, data_dir: &Path) -> Result<Self> {
        let folder = source.folder(data_dir);
        let find = |name| find_file(&folder, name, Some(source.name));
        let files = &source.files;
        let train = SplitFiles {
            images: find(files.train_images.plain_name())?,
            labels: find(files.train_labels.plain_name())?,
        };
        let test = SplitFiles {
            images: find(files.test_images.plain_name())?,
            labels: find(files.test_labels.plain_name())?,
        };
        let (train, test) = read_both(train, Some(test))?;
        let class_names = source.class_names.iter().map(ToString::to_string).collect();
        assemble(source.name.to_owned(), train, test, class_names)
    }

    /// Reads images from a folder of files named like MNIST's:
    /// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and the same with
    /// `t10k` for the optional test samples. Each file may end in `.gz`, have a dot
    /// before `idx`, or be named as in EMNIST:
    /// `emnist-letters-train-images-idx3-ubyte`. EMNIST images, which are stored transposed, are
    /// transposed back.
    ///
    /// The classes are named `0`, `1`, ... up to the largest label.
    ///
    /// # Errors
    /// Returns the errors of [`Dataset::load`]; [`Error::SwappedFiles`] if the image file
    /// contains labels and the label file contains images; [`Error::SeveralDatasets`] if the
    /// folder contains files of several data sets.
    pub fn load_idx_folder(folder: &Path) -> Result<Self> {
        let names = IdxNames::find(folder)?;
        let (mut train, mut test) = read_both(names.train, names.test)?;
        if names.are_transposed {
            train.transpose();
            test.iter_mut().for_each(Labeled::transpose);
        }
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        let labels = train
            .labels
            .iter()
            .chain(test.iter().flat_map(|test| &test.labels));
        let largest = labels.max().copied().unwrap_or(0);
        let class_names = (0..=largest).map(|class| class.to_string()).collect();
        assemble(
            name.to_string_lossy().into_owned(),
            train,
            test,
            class_names,
        )
    }

    /// Number of inputs per sample.
    pub fn n_inputs(&self) -> usize {
        self.train.n_inputs()
    }

    /// SHA-256 of all inputs and targets, in lower-case hexadecimal: of the training samples, then
    /// of the test samples. Class indices above 255 count as their lowest byte.
    ///
    /// ```
    /// use nn_data::{Dataset, Inputs, Split, Targets, checksum};
    ///
    /// let split = |pixels: Vec<u8>, classes: Vec<u32>| Split {
    ///     inputs: Inputs::Pixels(ndarray::Array2::from_shape_vec((1, 2), pixels).unwrap()),
    ///     targets: Targets::Classes(classes),
    /// };
    /// let dataset = Dataset {
    ///     name: "two".to_owned(),
    ///     train: split(vec![7, 8], vec![1]),
    ///     test: split(vec![9, 10], vec![0]),
    ///     class_names: vec!["a".to_owned(), "b".to_owned()],
    ///     image_size: None,
    /// };
    /// assert_eq!(dataset.sha256(), checksum::sha256(&[7, 8, 1, 9, 10, 0][..])?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn sha256(&self) -> String {
        let mut checksum = Checksum::default();
        for split in [&self.train, &self.test] {
            match &split.inputs {
                Inputs::Pixels(pixels) => checksum.add(pixels.iter().copied()),
                Inputs::Features(values) => checksum.add(little_endian(values)),
            }
            match &split.targets {
                Targets::Classes(labels) => checksum.add(labels.iter().map(|&label| label as u8)),
                Targets::Values(values) => checksum.add(little_endian(values)),
            }
        }
        checksum.finish()
    }

    /// Number of classes; 0 for regression.
    pub fn n_classes(&self) -> usize {
        self.class_names.len()
    }
}

impl Split {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match &self.inputs {
            Inputs::Pixels(rows) => rows.nrows(),
            Inputs::Features(rows) => rows.nrows(),
        }
    }

    /// Returns `true` if there are no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of inputs per sample.
    pub fn n_inputs(&self) -> usize {
        match &self.inputs {
            Inputs::Pixels(rows) => rows.ncols(),
            Inputs::Features(rows) => rows.ncols(),
        }
    }

    /// Number of samples per class, `[n_classes]`; zeros if the targets are not
    /// classes.
    ///
    /// # Panics
    /// Panics if a class index is not below `n_classes`.
    pub fn class_counts(&self, n_classes: usize) -> Vec<usize> {
        let mut counts = vec![0; n_classes];
        if let Targets::Classes(classes) = &self.targets {
            for &class in classes {
                counts[class as usize] += 1;
            }
        }
        counts
    }
}

/// Images with their labels, at least one.
struct Labeled {
    files: SplitFiles,
    image_size: (usize, usize),
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

fn little_endian(values: &Array2<f32>) -> impl Iterator<Item = u8> {
    values.iter().flat_map(|value| value.to_le_bytes())
}

fn find_file(folder: &Path, name: &str, dataset: Option<&'static str>) -> Result<PathBuf> {
    idx::locate(folder, name).ok_or_else(|| Error::MissingFile {
        path: folder.join(name),
        dataset,
    })
}

/// Reads the training and the test files in parallel, since decompression takes
/// most of the time.
fn read_both(train: SplitFiles, test: Option<SplitFiles>) -> Result<(Labeled, Option<Labeled>)> {
    thread::scope(|scope| {
        let test = test.map(|files| scope.spawn(move || read_labeled(files)));
        let train = read_labeled(train);
        let test = test.map(|reader| match reader.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        Ok((train?, test.transpose()?))
    })
}

fn read_labeled(files: SplitFiles) -> Result<Labeled> {
    let images = idx::read_file(&files.images, Some(Magic::IMAGES))
        .map_err(|error| exchanged(&files, error))?;
    let labels = idx::read_file(&files.labels, Some(Magic::LABELS))?;
    let (n_images, n_labels) = (images.dims[0], labels.dims[0]);
    let image_size = (images.dims[1], images.dims[2]);
    if n_images != n_labels {
        return Err(Error::CountMismatch {
            images: files.images,
            n_images,
            labels: files.labels,
            n_labels,
        });
    }
    if n_images == 0 {
        return Err(Error::Empty { path: files.images });
    }
    if image_size.0 == 0 || image_size.1 == 0 {
        return Err(Error::ImageSize {
            path: files.images,
            expected: None,
            found: image_size,
        });
    }
    Ok(Labeled {
        files,
        image_size,
        pixels: bytes(images),
        labels: bytes(labels),
    })
}

/// The error of a file of images that holds labels, if the file of labels holds images.
fn exchanged(files: &SplitFiles, error: Error) -> Error {
    let holds = |path: &Path, magic| idx::read_file(path, Some(magic)).is_ok();
    let is_magic = matches!(
        error,
        Error::Idx {
            problem: IdxProblem::Magic { .. },
            ..
        }
    );
    if is_magic && holds(&files.images, Magic::LABELS) && holds(&files.labels, Magic::IMAGES) {
        let SplitFiles { images, labels } = files.clone();
        return Error::SwappedFiles { images, labels };
    }
    error
}

fn bytes(idx: Idx) -> Vec<u8> {
    match idx.data {
        IdxData::U8(bytes) => bytes,
        _ => unreachable!("a file read with Magic::IMAGES or Magic::LABELS holds u8"),
    }
}

fn assemble(
    name: String,
    train: Labeled,
    test: Option<Labeled>,
    class_names: Vec<String>,
) -> Result<Dataset> {
    let image_size = train.image_size;
    if let Some(test) = test.as_ref().filter(|test| test.image_size != image_size) {
        return Err(Error::ImageSize {
            path: test.files.images.clone(),
            expected: Some(image_size),
            found: test.image_size,
        });
    }
    let n_inputs = image_size.0 * image_size.1;
    let test = match test {
        Some(test) => test.into_split(class_names.len())?,
        None => Split {
            inputs: Inputs::Pixels(Array2::zeros((0, n_inputs))),
            targets: Targets::Classes(Vec::new()),
        },
    };
    Ok(Dataset {
        name,
        train: train.into_split(class_names.len())?,
        test,
        class_names,
        image_size: Some(image_size),
    })
}

impl Labeled {
    /// Exchanges rows and columns of every image.
    fn transpose(&mut self) {
        let (height, width) = self.image_size;
        for image in self.pixels.chunks_exact_mut(height * width) {
            let stored = image.to_vec();
            for (at, pixel) in image.iter_mut().enumerate() {
                *pixel = stored[at % height * width + at / height];
            }
        }
        self.image_size = (width, height);
    }

    fn into_split(self, n_classes: usize) -> Result<Split> {
        let bad = |&label: &u8| usize::from(label) >= n_classes;
        if let Some(index) = self.labels.iter().position(bad) {
            return Err(Error::LabelOutOfRange {
                path: self.files.labels,
                index,
                label: u32::from(self.labels[index]),
                n_classes,
            });
        }
        let shape = (self.labels.len(), self.image_size.0 * self.image_size.1);
        let rows = Array2::from_shape_vec(shape, self.pixels)
            .expect("an IDX file has as many elements as its dimensions say");
        Ok(Split {
            inputs: Inputs::Pixels(rows),
            targets: Targets::Classes(self.labels.into_iter().map(u32::from).collect()),
        })
    }
}
