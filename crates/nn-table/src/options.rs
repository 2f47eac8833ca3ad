//! Options for reading a table, and the roles of its columns.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::choice::choice;
use crate::column::{ColumnType, Separator};
use crate::scaling::Scaling;
use crate::target_transform::TargetTransform;
use crate::{Error, Result};

/// Options for reading a table, and the roles of its columns.
///
/// Options that are not given are inferred from the content of the file.
///
/// | Name | Default | Purpose |
/// |---|---|---|
/// | `target` | see [`TableOptions::target`] | columns to predict |
/// | `task` | `auto` | classification, regression or multi-label classification |
/// | `header` | `auto` | whether the first row holds the column names |
/// | `separator` | inferred | separator of the fields |
/// | `missing` | none | additional strings that represent missing values |
/// | `sample_weight` | none | column of sample weights |
/// | `categorical` | none | columns of numeric codes to read as categories |
/// | `ignore` | none | columns to skip |
/// | `columns` | inferred | types of columns |
/// | `expected` | none | types of columns that the table may have |
/// | `group` | none | column that groups the rows: a group stays in one split |
/// | `order_by` | none | column that orders the rows by time |
/// | `split_column` | none | column with the split of each row |
/// | `target_transform` | `none` | transform of the regression targets |
/// | `scaling` | `standard` | scaling of numeric inputs |
/// | `orders_for_embeddings` | false | numbers first, and indices of categories last |
/// | `indexes_categories` | false | encodes many categories as an index |
/// | `clips_outputs` | false | clips predicted numbers to the range of the training rows |
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableOptions {
    /// Name of the target column, or several names separated by commas.
    ///
    /// The default is the column named `label`, `target`, `class` or `y`, in this order
    /// and ignoring case; otherwise the last column.
    pub target: Option<String>,
    /// The learning task.
    pub task: Task,
    /// Whether the first row holds the column names.
    pub header: Header,
    /// The separator of the fields; `None` infers the separator.
    pub separator: Option<Separator>,
    /// Strings that represent missing values, in addition to
    /// [`MISSING_MARKS`](crate::MISSING_MARKS).
    pub missing: Vec<String>,
    /// Name of the column of sample weights, each at least 0.
    pub sample_weight: Option<String>,
    /// Names of the columns whose numbers are codes, not quantities.
    pub categorical: Vec<String>,
    /// Names of the columns to skip; their cells may hold anything.
    pub ignore: Vec<String>,
    /// Types of the columns, by column name.
    pub columns: BTreeMap<String, ColumnType>,
    /// Types of columns that the table may have, by column name, for columns whose type no
    /// other option sets: see [`Preprocessing::reading_options`](crate::Preprocessing::reading_options).
    pub expected: BTreeMap<String, ColumnType>,
    /// Name of the column that groups the rows: rows with the same value belong to the same
    /// split. The column is not an input.
    pub group: Option<String>,
    /// Name of the column that orders the rows by time. The column is an input unless
    /// `ignore` contains its name.
    pub order_by: Option<String>,
    /// Name of the column with the split of each row. The column is not an input.
    pub split_column: Option<String>,
    /// The transform of the regression targets.
    pub target_transform: TargetTransform,
    /// The scaling of numeric inputs.
    pub scaling: Scaling,
    /// Whether the inputs of numeric columns come first, for a network that embeds them; by
    /// default, the inputs have the order of the columns.
    pub orders_for_embeddings: bool,
    /// Whether a column with more than 8 categories is encoded as the index of the category,
    /// for a network that embeds it; these inputs come last.
    pub indexes_categories: bool,
    /// Whether predicted numbers are clipped to the range of the target in the training
    /// rows.
    pub clips_outputs: bool,
}

impl TableOptions {
    /// The type of a column that the options ask for.
    pub(crate) fn type_of(&self, name: &str) -> Option<ColumnType> {
        if self.ignores(name) {
            // The split needs the cells of a column that is no input.
            return (!self.decides_split(name)).then_some(ColumnType::Ignored);
        }
        if self.categorical.iter().any(|listed| listed == name) {
            return Some(ColumnType::Category);
        }
        let asked = self.columns.get(name);
        asked.or_else(|| self.expected.get(name)).cloned()
    }

    /// Whether the options ask to skip a column.
    pub(crate) fn ignores(&self, name: &str) -> bool {
        let is_listed = self.ignore.iter().any(|listed| listed == name);
        is_listed || self.columns.get(name) == Some(&ColumnType::Ignored)
    }

    /// Names of the columns that decide the split and are never inputs.
    pub(crate) fn group_and_split(&self) -> impl Iterator<Item = &str> {
        [&self.group, &self.split_column]
            .into_iter()
            .filter_map(|column| column.as_deref())
    }

    fn decides_split(&self, name: &str) -> bool {
        self.order_by.as_deref() == Some(name) || self.group_and_split().any(|it| it == name)
    }

    /// The names of all columns whose type the options ask for.
    pub(crate) fn named_columns(&self) -> impl Iterator<Item = &String> {
        let lists = self.categorical.iter().chain(&self.ignore);
        lists.chain(self.columns.keys())
    }

    /// Adds the options of a schema file in TOML. Options that are already given take
    /// precedence.
    ///
    /// ```
    /// use nn_table::{ColumnType, TableOptions};
    ///
    /// let mut options = TableOptions::default();
    /// options.add_toml(
    ///     "header = true\nmissing = [\"-999\"]\n\
    ///      [columns]\nzip = \"category\"\nprice = { type = \"number\", decimal = \",\" }\n",
    /// )?;
    /// assert_eq!(options.missing, ["-999"]);
    /// assert_eq!(options.columns["zip"], ColumnType::Category);
    /// # Ok::<(), nn_table::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::BadSchema`] for invalid TOML, or an unknown key or type.
    pub fn add_toml(&mut self, text: &str) -> Result<()> {
        let file: SchemaFile = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.as_bytes()[..start]
                .iter()
                .filter(|&&b| b == b'\n')
                .count();
            let reason = error.message().replace('`', "\"");
            Error::BadSchema {
                reason: format!("line {line}: {reason}"),
            }
        })?;
        if let (Header::Auto, Some(header)) = (self.header, file.header) {
            self.header = if header { Header::Yes } else { Header::No };
        }
        self.separator = self.separator.or(file.separator);
        self.target = self.target.take().or(file.target);
        self.missing.extend(file.missing);
        for (name, column) in file.columns {
            self.columns.entry(name).or_insert(column);
        }
        Ok(())
    }
}

/// The content of a schema file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemaFile {
    header: Option<bool>,
    separator: Option<Separator>,
    target: Option<String>,
    #[serde(default)]
    missing: Vec<String>,
    #[serde(default)]
    columns: BTreeMap<String, ColumnType>,
}

/// Whether the first row holds the column names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    /// Infer the header by comparing the cells of the first row with the cells below.
    #[default]
    Auto,
    /// The first row is a header.
    Yes,
    /// The first row is data; the columns are named `column1`, `column2`, ...
    No,
}

impl Header {
    /// All settings of the header.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Yes, Self::No];

    /// Name of the setting: `auto`, `yes` or `no`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}

impl FromStr for Header {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        choice("header", name, &Self::ALL, Self::name)
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The learning task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Infer the task from the target columns. A single target is a classification target
    /// if it contains categories, whole numbers with at most 2 distinct values, or whole
    /// numbers with at most 20 distinct values that occur at least ten times on average;
    /// otherwise, it is a regression target. Several targets are multi-label targets if
    /// all cells are 0 or 1; otherwise, they are regression targets.
    #[default]
    Auto,
    /// Classification: one of several classes.
    Classification,
    /// Regression: one or more numbers.
    Regression,
    /// Multi-label classification: several labels of 0 or 1, one per column.
    MultiLabel,
}

impl Task {
    /// All tasks, and `auto`.
    pub const ALL: [Self; 4] = [
        Self::Auto,
        Self::Classification,
        Self::Regression,
        Self::MultiLabel,
    ];

    /// Name of the task, such as `regression`; `auto` infers the task.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Classification => "classification",
            Self::Regression => "regression",
            Self::MultiLabel => "multi-label",
        }
    }
}

impl FromStr for Task {
    type Err = Error;

    /// Parses a name; `classify` and `regress` are accepted as aliases.
    fn from_str(name: &str) -> Result<Self> {
        let name = match name {
            "classify" => "classification",
            "regress" => "regression",
            name => name,
        };
        choice("task", name, &Self::ALL, Self::name)
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
