//! Notes about the data, shown to the user before training.
//!
//! Notes describe the training rows, which do not include all rows of the file if
//! `limit-train` or `validation` is set or if rows have the weight 0.

use std::fmt;

use nn_image::FolderNote;

use crate::split::Split;

/// Maximum number of classes named in a note; the other classes are counted.
const MOST_NAMES: usize = 5;

/// A class is uneven if its fraction of the rows of a split differs by more than this from
/// its fraction of all rows.
const MAX_DIFFERENCE: f64 = 0.1;

/// A note about the data that is not an error but that a user should know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// The built-in digits are used because MNIST is not in the data folder.
    BuiltInDigits,
    /// A note from reading a table.
    Table(nn_table::Note),
    /// A note from reading a folder of images.
    Images(FolderNote),
    /// All training rows with a weight above 0 belong to one class.
    OneClass {
        /// Name of the class.
        name: String,
        /// Number of training rows of the class.
        n_rows: usize,
    },
    /// The model from which training starts was trained on the same data, split differently.
    OtherSplit {
        /// Path of the model.
        model: String,
    },
    /// Some classes have no training row.
    NotTrained(Classes),
    /// In some classes, all training rows have the weight 0.
    Weightless(Classes),
    /// Some classes have no test or validation row.
    NotMeasured {
        /// The split in which the classes have no row.
        split: Split,
        /// The classes that have no row in the split.
        classes: Classes,
    },
    /// A split has many more or fewer rows than requested, because rows with the same
    /// group or time stay together.
    UnevenSplit {
        /// The split with the unexpected number of rows.
        split: Split,
        /// Number of rows in the split.
        n_rows: usize,
        /// The requested number of rows of the split.
        n_wanted: usize,
    },
    /// A class is more or less frequent in a split than in all the data.
    UnevenClass {
        /// The split with the different class frequency.
        split: Split,
        /// Name of the class.
        name: String,
        /// Fraction of the rows of the split that belong to the class.
        share: f64,
        /// Fraction of all rows that belong to the class.
        share_of_all: f64,
    },
}

/// A subset of the classes of the data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classes {
    /// Names of the classes in the subset.
    pub names: Vec<String>,
    /// Number of classes in the data.
    pub n_classes: usize,
}

/// The number of rows of each class.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClassCounts {
    /// Number of rows in all the data, used or not.
    pub(crate) all: Vec<usize>,
    pub(crate) train: Vec<usize>,
    /// Number of training rows with a weight above 0.
    pub(crate) weighted: Vec<usize>,
    pub(crate) validation: Vec<usize>,
    pub(crate) test: Vec<usize>,
}

impl ClassCounts {
    /// The notes about classes of these names.
    pub(crate) fn notes(&self, names: &[String]) -> Vec<Note> {
        let named = |is_meant: &dyn Fn(usize) -> bool| Classes {
            names: (0..names.len())
                .filter(|&class| self.all[class] > 0 && is_meant(class))
                .map(|class| names[class].clone())
                .collect(),
            n_classes: self.all.iter().filter(|&&n| n > 0).count(),
        };
        let only = named(&|class| self.weighted[class] > 0);
        let one_class = match &only.names[..] {
            [name] => Some(Note::OneClass {
                name: name.clone(),
                n_rows: self.weighted.iter().sum(),
            }),
            _ => None,
        };
        let not_measured = |split, counts: &[usize]| {
            let is_measured = counts.iter().any(|&n| n > 0);
            let classes = named(&|class| is_measured && counts[class] == 0);
            Note::NotMeasured { split, classes }
        };
        let others = [
            Note::NotTrained(named(&|class| self.train[class] == 0)),
            Note::Weightless(named(&|class| {
                self.train[class] > 0 && self.weighted[class] == 0
            })),
            not_measured(Split::Validation, &self.validation),
            not_measured(Split::Test, &self.test),
        ];
        one_class
            .into_iter()
            .chain(others.into_iter().filter(Note::names_classes))
            .collect()
    }
}

impl ClassCounts {
    /// A note for each split with uneven classes, about the most uneven one.
    pub(crate) fn uneven(&self, names: &[String]) -> Vec<Note> {
        let splits = [
            (Split::Train, &self.train),
            (Split::Validation, &self.validation),
            (Split::Test, &self.test),
        ];
        let uneven = splits
            .into_iter()
            .filter_map(|(split, counts)| self.most_uneven(split, counts, names));
        uneven.collect()
    }

    fn most_uneven(&self, split: Split, counts: &[usize], names: &[String]) -> Option<Note> {
        let share = |counts: &[usize], class: usize| {
            counts[class] as f64 / counts.iter().sum::<usize>() as f64
        };
        let difference = |class: usize| (share(counts, class) - share(&self.all, class)).abs();
        if counts.iter().all(|&n| n == 0) {
            return None;
        }
        let class = (0..names.len()).max_by(|&a, &b| difference(a).total_cmp(&difference(b)))?;
        (difference(class) > MAX_DIFFERENCE).then(|| Note::UnevenClass {
            split,
            name: names[class].clone(),
            share: share(counts, class),
            share_of_all: share(&self.all, class),
        })
    }
}

impl Note {
    /// Returns `true` if `--strict` rejects the data, because something had to be inferred or
    /// because there is nothing to learn.
    pub fn is_doubtful(&self) -> bool {
        match self {
            Self::Table(note) => note.is_doubtful(),
            Self::Images(note) => matches!(note, FolderNote::DefaultSize { .. }),
            Self::BuiltInDigits
            | Self::OneClass { .. }
            | Self::OtherSplit { .. }
            | Self::NotTrained(_)
            | Self::Weightless(_) => true,
            Self::NotMeasured { .. } | Self::UnevenSplit { .. } | Self::UnevenClass { .. } => false,
        }
    }

    fn names_classes(&self) -> bool {
        match self {
            Self::NotTrained(classes)
            | Self::Weightless(classes)
            | Self::NotMeasured { classes, .. } => !classes.names.is_empty(),
            Self::BuiltInDigits
            | Self::Table(_)
            | Self::Images(_)
            | Self::OneClass { .. }
            | Self::OtherSplit { .. }
            | Self::UnevenSplit { .. }
            | Self::UnevenClass { .. } => true,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltInDigits => {
                f.write_str("no MNIST in the data folder, so the built-in digits are used")
            }
            Self::Table(note) => note.fmt(f),
            Self::Images(note) => note.fmt(f),
            Self::OneClass { name, n_rows } => {
                write!(
                    f,
                    "all {n_rows} training rows belong to one class, \"{name}\""
                )
            }
            Self::OtherSplit { model } => write!(
                f,
                "the model {model} was trained on a different split of these data, so its training \
                 samples may be among the validation and test samples, whose scores are then too \
                 good"
            ),
            Self::NotTrained(classes) => classes.write(f, "no training row"),
            Self::Weightless(classes) => {
                classes.write(f, "no training row with a sample weight above 0")
            }
            Self::NotMeasured { split, classes } => classes.write(f, &format!("no {split} row")),
            Self::UnevenSplit {
                split,
                n_rows,
                n_wanted,
            } => write!(
                f,
                "{n_rows} {split} rows instead of about {n_wanted}, because rows with the same group \
                 or time stay together"
            ),
            Self::UnevenClass {
                split,
                name,
                share,
                share_of_all,
            } => write!(
                f,
                "class \"{name}\" is {:.0} % of the {split} rows, but {:.0} % of all rows",
                share * 100.0,
                share_of_all * 100.0
            ),
        }
    }
}

impl Classes {
    /// `2 of 3 classes have no test row: "b", "c"`
    fn write(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        let (n, have) = match self.names.len() {
            1 => (1, "has"),
            n => (n, "have"),
        };
        write!(f, "{n} of {} classes {have} {what}: ", self.n_classes)?;
        let names = self.names.iter().take(MOST_NAMES);
        let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        write!(f, "{}", names.join(", "))?;
        match n.checked_sub(MOST_NAMES) {
            None | Some(0) => Ok(()),
            Some(more) => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(counts: &ClassCounts) -> Vec<String> {
        let names: Vec<String> = (0..counts.all.len()).map(|i| format!("c{i}")).collect();
        let notes = counts.notes(&names);
        notes.iter().map(Note::to_string).collect()
    }

    #[test]
    fn classes_that_are_missing_are_named() {
        let counts = ClassCounts {
            all: vec![60, 50, 30, 0, 9],
            train: vec![40, 0, 20, 0, 8],
            weighted: vec![40, 0, 0, 0, 8],
            validation: vec![10, 0, 5, 0, 1],
            test: vec![10, 50, 5, 0, 0],
        };
        assert_eq!(
            told(&counts),
            [
                "1 of 4 classes has no training row: \"c1\"",
                "1 of 4 classes has no training row with a sample weight above 0: \"c2\"",
                "1 of 4 classes has no validation row: \"c1\"",
                "1 of 4 classes has no test row: \"c4\"",
            ]
        );
    }

    #[test]
    fn one_class_is_told_however_many_the_file_has() {
        let only = |all: Vec<usize>| ClassCounts {
            train: vec![54, 0],
            weighted: vec![54, 0],
            validation: vec![0, 0],
            test: vec![0, 0],
            all,
        };
        let one = "all 54 training rows belong to one class, \"c0\"";
        // The second class is the counterpart that a single one is given.
        assert_eq!(told(&only(vec![54, 0])), [one]);
        let missing = "1 of 2 classes has no training row: \"c1\"";
        assert_eq!(told(&only(vec![54, 6])), [one, missing]);
    }

    /// In the test rows, the shares differ by 10, 20 and 30 points.
    #[test]
    fn the_most_uneven_class_of_a_split_is_named() {
        let counts = ClassCounts {
            all: vec![50, 30, 20],
            train: vec![40, 24, 16],
            validation: vec![0, 0, 0],
            test: vec![8, 2, 10],
            ..ClassCounts::default()
        };
        let names = ["a", "b", "c"].map(str::to_owned);
        let notes = counts.uneven(&names);
        let texts: Vec<String> = notes.iter().map(Note::to_string).collect();
        let uneven = "class \"c\" is 50 % of the test rows, but 20 % of all rows";
        assert_eq!(texts, [uneven]);
    }

    #[test]
    fn long_lists_are_cut() {
        let counts = ClassCounts {
            all: vec![1; 12],
            train: vec![1; 12],
            weighted: vec![1; 12],
            validation: vec![0; 12],
            test: [vec![1; 4], vec![0; 8]].concat(),
        };
        let cut =
            "8 of 12 classes have no test row: \"c4\", \"c5\", \"c6\", \"c7\", \"c8\" and 3 more";
        assert_eq!(told(&counts), [cut]);
    }
}
