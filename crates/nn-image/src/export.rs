//! Exports a data set of images as IDX files, as CSV files, or as folders of PNG files.
//!
//! | format | files |
//! |---|---|
//! | [`Format::Idx`] | `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, and `t10k-...` |
//! | [`Format::Csv`] | `train.csv`, `test.csv`: a column `label`, then `pixel0` and so on |
//! | [`Format::Png`] | `train/CLASS/00000.png`, `test/CLASS/00000.png` |
//!
//! Reading the files of any format gives the same samples in the same order. Without test
//! samples, PNG files are in `CLASS/00000.png`.

use std::fmt;
use std::fs;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::str::FromStr;

use ndarray::{Array2, ArrayView2};
use nn_data::idx::{Idx, IdxData};
use nn_data::{Dataset, Inputs, Split, Targets};
use nn_files::io_error;

use crate::error::{Error, Result};
use crate::image::write_png;

/// A file format to which a data set of images is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// IDX files with the same names as MNIST's files.
    Idx,
    /// CSV tables with one row per image.
    Csv,
    /// One folder of PNG files per class.
    Png,
}

impl Format {
    /// All export formats.
    pub const ALL: [Self; 3] = [Self::Idx, Self::Csv, Self::Png];

    /// Name of the format, such as `idx`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idx => "idx",
            Self::Csv => "csv",
            Self::Png => "png",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|format| format.name() == text);
        found.ok_or_else(|| Error::UnknownFormat {
            name: text.to_owned(),
            known: Self::ALL.map(Self::name).to_vec(),
        })
    }
}

/// The images of one split.
struct Images<'a> {
    pixels: ArrayView2<'a, u8>,
    classes: &'a [u32],
    size: (usize, usize),
}

/// Writes a data set into an existing folder.
///
/// # Errors
/// Returns [`Error::NotImages`] if the samples are not labeled images,
/// [`Error::ClassFolderName`] if the name of a class cannot be used as a folder name,
/// [`Error::TooManyClasses`] for IDX files with more than 256 classes, [`Error::File`] if
/// writing fails.
pub fn write(dataset: &Dataset, format: Format, folder: &Path) -> Result<()> {
    let train = images(dataset, &dataset.train)?;
    let test = images(dataset, &dataset.test)?;
    let has_test = !test.classes.is_empty();
    match format {
        Format::Idx => {
            check_bytes(dataset)?;
            write_idx(&train, folder, "train")?;
            if has_test {
                write_idx(&test, folder, "t10k")?;
            }
        }
        Format::Csv => {
            write_csv(&train, &dataset.class_names, &folder.join("train.csv"))?;
            if has_test {
                write_csv(&test, &dataset.class_names, &folder.join("test.csv"))?;
            }
        }
        Format::Png => {
            let names = folder_names(&dataset.class_names)?;
            if has_test {
                write_pngs(&train, &names, &folder.join("train"))?;
                write_pngs(&test, &names, &folder.join("test"))?;
            } else {
                write_pngs(&train, &names, folder)?;
            }
        }
    }
    Ok(())
}

fn images<'a>(dataset: &Dataset, split: &'a Split) -> Result<Images<'a>> {
    match (&split.inputs, &split.targets, dataset.image_size) {
        (Inputs::Pixels(pixels), Targets::Classes(classes), Some(size)) => Ok(Images {
            pixels: pixels.view(),
            classes,
            size,
        }),
        _ => Err(Error::NotImages {
            name: dataset.name.clone(),
        }),
    }
}

/// Labels of IDX files are bytes.
fn check_bytes(dataset: &Dataset) -> Result<()> {
    let n_classes = dataset.n_classes();
    if n_classes <= 256 {
        return Ok(());
    }
    Err(Error::TooManyClasses { n_classes })
}

fn write_idx(images: &Images<'_>, folder: &Path, prefix: &str) -> Result<()> {
    let (height, width) = images.size;
    let pixels = Idx {
        dims: vec![images.pixels.nrows(), height, width],
        data: IdxData::U8(images.pixels.iter().copied().collect()),
    };
    let labels = Idx {
        dims: vec![images.classes.len()],
        data: IdxData::U8(images.classes.iter().map(|&class| class as u8).collect()),
    };
    for (idx, name) in [(pixels, "images-idx3-ubyte"), (labels, "labels-idx1-ubyte")] {
        let path = folder.join(format!("{prefix}-{name}"));
        let file = File::create(&path).map_err(io_error(&path))?;
        let mut file = BufWriter::new(file);
        let written = idx.write(&mut file);
        written.map_err(|problem| nn_data::Error::Idx {
            path: path.clone(),
            problem,
        })?;
        file.flush().map_err(io_error(&path))?;
    }
    Ok(())
}

fn write_csv(images: &Images<'_>, names: &[String], path: &Path) -> Result<()> {
    let write = || {
        let mut file = BufWriter::new(File::create(path)?);
        write!(file, "label")?;
        for pixel in 0..images.pixels.ncols() {
            write!(file, ",pixel{pixel}")?;
        }
        writeln!(file)?;
        for (row, &class) in images.pixels.rows().into_iter().zip(images.classes) {
            write!(file, "{}", quoted(&names[class as usize]))?;
            for value in row {
                write!(file, ",{value}")?;
            }
            writeln!(file)?;
        }
        file.flush()
    };
    write().map_err(io_error(path))?;
    Ok(())
}

/// A cell of a CSV file (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

fn write_pngs(images: &Images<'_>, names: &[String], folder: &Path) -> Result<()> {
    let mut is_made = vec![false; names.len()];
    let n_digits = images.classes.len().saturating_sub(1).to_string().len();
    let rows = images.pixels.rows().into_iter().zip(images.classes);
    for (index, (row, &class)) in rows.enumerate() {
        let class = class as usize;
        let folder = folder.join(&names[class]);
        if !std::mem::replace(&mut is_made[class], true) {
            let made = fs::create_dir_all(&folder);
            made.map_err(io_error(&folder))?;
        }
        let image = Array2::from_shape_vec(images.size, row.to_vec());
        let image = image.expect("an image has as many pixels as its size says");
        write_png(
            &folder.join(format!("{index:0n_digits$}.png")),
            image.view(),
        )?;
    }
    Ok(())
}

/// The names of the class folders: slashes become underscores.
fn folder_names(classes: &[String]) -> Result<Vec<String>> {
    let names: Vec<String> = classes
        .iter()
        .map(|class| class.replace(['/', '\\', ':', '\0'], "_"))
        .collect();
    for (index, name) in names.iter().enumerate() {
        let is_wrong = name.is_empty() || name.starts_with('.') || names[..index].contains(name);
        if is_wrong {
            return Err(Error::ClassFolderName {
                class: classes[index].clone(),
            });
        }
    }
    Ok(names)
}
