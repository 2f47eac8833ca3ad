//! The catalog of data sets that can be downloaded: files, mirrors, checksums.
//!
//! To add a data set, add a `static` and an entry in [`ALL`]; the commands, the help and the error
//! messages are derived from it.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::idx;

/// A data set that can be downloaded.
#[derive(Clone, Debug)]
pub struct Source {
    /// Name of the data set and of its folder.
    pub name: &'static str,
    /// Alternative names of the data set.
    pub aliases: &'static [&'static str],
    /// Description of the content, in one line.
    pub description: &'static str,
    /// The paper to cite.
    pub citation: &'static str,
    /// License of the data.
    pub license: &'static str,
    /// Numbers of training and test samples.
    pub n_samples: (usize, usize),
    /// Height and width of an image in pixels.
    pub image_size: (usize, usize),
    /// Names of the classes, in the order of the labels.
    pub class_names: &'static [&'static str],
    /// The files of images and labels.
    pub files: IdxFiles,
    /// Addresses of the folders with the files, in order of preference.
    pub mirrors: &'static [&'static str],
}

/// The four files of a data set in MNIST's format.
#[derive(Clone, Debug)]
pub struct IdxFiles {
    /// Training images, `[n_samples, height, width]`.
    pub train_images: RemoteFile,
    /// Training labels, `[n_samples]`.
    pub train_labels: RemoteFile,
    /// Test images, `[n_samples, height, width]`.
    pub test_images: RemoteFile,
    /// Test labels, `[n_samples]`.
    pub test_labels: RemoteFile,
}

/// A published file with its size and checksum.
#[derive(Clone, Debug)]
pub struct RemoteFile {
    /// File name, on the mirrors and in the data folder.
    pub name: &'static str,
    /// Size in bytes.
    pub size: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// All data sets of the catalog.
pub const ALL: &[&Source] = &[&MNIST, &FASHION_MNIST];

/// MNIST: handwritten digits (LeCun et al. 1998).
pub static MNIST: Source = Source {
    name: "mnist",
    aliases: &[],
    description: "handwritten digits, 28x28 gray values, 10 classes",
    citation: "LeCun, Bottou, Bengio and Haffner: Gradient-based learning applied to document \
               recognition, Proceedings of the IEEE 86(11), 1998",
    license: "CC BY-SA 3.0",
    n_samples: (60_000, 10_000),
    image_size: (28, 28),
    class_names: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    files: IdxFiles {
        train_images: RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            size: 9_912_422,
            sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        },
        train_labels: RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            size: 28_881,
            sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        },
        test_images: RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            size: 1_648_877,
            sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        },
        test_labels: RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            size: 4_542,
            sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    },
    // Not yann.lecun.com, the original host: it has served nothing since 2025.
    mirrors: &[
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
    ],
};

/// Fashion-MNIST: pictures of clothes (Xiao et al. 2017).
pub static FASHION_MNIST: Source = Source {
    name: "fashion-mnist",
    aliases: &["fashion", "fashion_mnist", "fashionmnist"],
    description: "pictures of clothes, 28x28 gray values, 10 classes",
    citation: "Xiao, Rasul and Vollgraf: Fashion-MNIST: a Novel Image Dataset for Benchmarking \
               Machine Learning Algorithms, arXiv:1708.07747, 2017",
    license: "MIT",
    n_samples: (60_000, 10_000),
    image_size: (28, 28),
    class_names: &[
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    files: IdxFiles {
        train_images: RemoteFile {
            name: "train-images-idx3-ubyte.gz",
            size: 26_421_880,
            sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        },
        train_labels: RemoteFile {
            name: "train-labels-idx1-ubyte.gz",
            size: 29_515,
            sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        },
        test_images: RemoteFile {
            name: "t10k-images-idx3-ubyte.gz",
            size: 4_422_102,
            sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        },
        test_labels: RemoteFile {
            name: "t10k-labels-idx1-ubyte.gz",
            size: 5_148,
            sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    },
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    ],
};

/// Finds a data set by name or alias, ignoring case.
///
/// # Errors
/// Returns [`Error::UnknownDataset`] for an unknown name; the error lists the known names.
///
/// ```
/// assert_eq!(nn_data::catalog::find("fashion")?.name, "fashion-mnist");
/// # Ok::<(), nn_data::Error>(())
/// ```
pub fn find(name: &str) -> Result<&'static Source> {
    ALL.iter()
        .copied()
        .find(|source| source.is_called(name))
        .ok_or_else(|| Error::UnknownDataset {
            name: name.to_owned(),
            known: ALL.iter().map(|source| source.name).collect(),
        })
}

impl Source {
    /// The folder of this data set in `data_dir`.
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        data_dir.join(self.name)
    }

    /// Returns `true` if all files of this data set exist in `data_dir`, compressed or not.
    ///
    /// Only names and sizes are compared, not checksums.
    pub fn is_present(&self, data_dir: &Path) -> bool {
        let folder = self.folder(data_dir);
        self.files.all().into_iter().all(|file| {
            let found = idx::locate(&folder, file.plain_name()).and_then(|path| {
                let length = path.metadata().ok().filter(|found| found.is_file())?.len();
                Some((path, length))
            });
            found.is_some_and(|(path, length)| length == file.size || !path.ends_with(file.name))
        })
    }

    fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
            || self
                .aliases
                .iter()
                .any(|alias| alias.eq_ignore_ascii_case(name))
    }
}

impl IdxFiles {
    /// All files, training images first.
    pub fn all(&self) -> [&RemoteFile; 4] {
        [
            &self.train_images,
            &self.train_labels,
            &self.test_images,
            &self.test_labels,
        ]
    }
}

impl RemoteFile {
    /// File name without `.gz`.
    pub fn plain_name(&self) -> &'static str {
        self.name.strip_suffix(".gz").unwrap_or(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_and_alias_finds_its_data_set_and_no_other() {
        for source in ALL {
            for name in source.aliases.iter().chain([&source.name]) {
                let found = find(&name.to_uppercase()).expect("a name in the catalog");
                assert_eq!(found.name, source.name, "asked for {name}");
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_names_there_are() {
        let error = find("mnits").expect_err("a name not in the catalog");
        assert_eq!(
            error.to_string(),
            "unknown data set \"mnits\"; expected one of: mnist, fashion-mnist"
        );
    }

    #[test]
    fn every_entry_is_well_formed() {
        for source in ALL {
            assert!(source.mirrors.len() >= 2, "{}: mirrors", source.name);
            for mirror in source.mirrors {
                assert!(mirror.starts_with("https://") && mirror.ends_with('/'));
            }
            for file in source.files.all() {
                let is_hex = |c| matches!(c, '0'..='9' | 'a'..='f');
                assert!(file.sha256.len() == 64 && file.sha256.chars().all(is_hex));
            }
        }
    }
}
