//! Notes for the user about a table: inferred properties and possible problems.

use std::fmt;

use crate::column::Separator;
use crate::decode::Encoding;
use crate::error::Place;
use crate::options::Task;

/// Maximum number of names or line numbers in a note.
const MAX_LISTED: usize = 8;

/// A note for the user about a table.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// One line of the [`Summary`](crate::summary::Summary) of the table.
    Summary(String),
    /// The file is not UTF-8.
    NotUtf8(Encoding),
    /// Lines that begin with `#` were skipped.
    CommentLines {
        /// Numbers of the skipped lines, counted from 1.
        lines: Vec<u64>,
    },
    /// Another separator fits almost as well as the inferred one.
    DoubtfulSeparator {
        /// The separator that was inferred and used.
        used: Separator,
        /// The separator that fits almost as well.
        other: Separator,
    },
    /// The first row holds numbers but was taken as the column names.
    NumericHeader {
        /// Name of the first column, as read from the header row.
        first: String,
        /// Name of the last column, as read from the header row.
        last: String,
    },
    /// Some rows occur more than once.
    Duplicates {
        /// Number of rows that repeat an earlier row.
        n_rows: usize,
    },
    /// Some test or validation rows are also training rows.
    Leaked {
        /// Number of test or validation rows that repeat a training row.
        n_rows: usize,
        /// The split with the repeated rows: `test` or `validation`.
        split: &'static str,
    },
    /// Some columns have numbers in a format other than the default, such as `1.234,5`.
    FormattedNumbers {
        /// Name of the first column whose number format is not the default.
        column: String,
        /// Number of other columns whose number format is not the default.
        n_more: usize,
        /// Text of an example cell of the column.
        example: String,
        /// The number read from the example cell.
        value: f64,
        /// Whether the numbers could also be read with a different decimal separator.
        is_ambiguous: bool,
    },
    /// A column was read as dates.
    Dates {
        /// Name of the column.
        column: String,
        /// Text of an example cell of the column.
        example: String,
        /// The date read from the example cell, in ISO 8601.
        value: String,
        /// Whether day and month could be swapped.
        is_ambiguous: bool,
    },
    /// Whole numbers were read as categories, because numbers would lose leading zeros or
    /// digits.
    Codes {
        /// Name of the column.
        column: String,
        /// Text of an example cell of the column.
        example: String,
    },
    /// A word in a column of numbers was interpreted as a missing value.
    AssumedMark {
        /// Name of the column.
        column: String,
        /// The word that marks a missing value.
        mark: String,
        /// Number of rows that have the word in the column.
        n_rows: usize,
    },
    /// Some cells contain a quotation mark, perhaps because a separator or another quotation
    /// mark is missing.
    Quotes {
        /// Name of the column.
        column: String,
        /// Number of distinct cells that contain a quotation mark.
        n_cells: usize,
        /// The first cell that contains a quotation mark.
        example: String,
    },
    /// The cells of a column look like numbers but have no common format.
    MostlyDigits {
        /// Name of the column.
        column: String,
        /// Texts of two example cells of the column.
        examples: Vec<String>,
    },
    /// A text column was left out, because almost every row has a different value.
    LeftOut {
        /// Name of the column.
        column: String,
        /// Number of distinct values in the text column.
        n_distinct: usize,
        /// Number of rows with a value in the text column.
        n_rows: usize,
    },
    /// A column of row numbers was left out.
    RowNumbers {
        /// Name of the column.
        column: String,
    },
    /// The logarithm of a skewed target is predicted.
    LogTarget {
        /// Name of the column.
        column: String,
    },
    /// A target is skewed, but its logarithm is not.
    SkewedTarget {
        /// Name of the column.
        column: String,
    },
    /// The column that orders the rows by time is also an input.
    OrderIsInput {
        /// Name of the column.
        column: String,
    },
    /// Columns without any value were left out.
    EmptyColumns {
        /// Names of the empty columns.
        names: Vec<String>,
    },
    /// The rarest categories of a column are treated like unseen categories.
    RareCategories {
        /// Name of the column.
        column: String,
        /// Number of categories with their own input.
        n_kept: usize,
        /// Number of categories that are treated like unseen categories.
        n_merged: usize,
    },
    /// Rows without a target were dropped.
    MissingTargets {
        /// Names of the target columns.
        columns: Vec<String>,
        /// Number of rows without a target.
        n_rows: usize,
    },
    /// The task was inferred from the cells of the target column.
    TaskInferred {
        /// Name of the target column.
        column: String,
        /// The task inferred from the cells of the target column.
        task: Task,
        /// Number of distinct values in the column.
        n_values: usize,
    },
    /// There are almost as many classes as rows.
    ManyClasses {
        /// Name of the target column.
        column: String,
        /// Number of classes of the target.
        n_classes: usize,
        /// Number of rows of the table.
        n_rows: usize,
        /// Names of two classes, as examples.
        examples: Vec<String>,
    },
    /// One input column determines the target.
    GivesTargetAway {
        /// Name of the column.
        column: String,
        /// Name of the target column.
        target: String,
    },
    /// The table was recognized as images.
    PixelTable {
        /// The largest value of a training pixel.
        largest: u8,
    },
    /// Columns with the same value in all training rows were left out.
    ConstantColumns {
        /// Names of the constant columns.
        names: Vec<String>,
    },
    /// A target has the same value in all training rows.
    ConstantTarget {
        /// Name of the column.
        name: String,
    },
    /// The table has columns that the model does not use.
    ExtraColumns {
        /// Names of the unused columns.
        names: Vec<String>,
    },
    /// A column has missing values, but had none in the training rows.
    NewMissing {
        /// Name of the column.
        column: String,
        /// Number of rows with a missing value in the column.
        n_rows: usize,
    },
    /// Cells that do not match the type of their column were treated as missing.
    Unreadable {
        /// Name of the column.
        column: String,
        /// Number of cells that do not match the type.
        n_rows: usize,
        /// Place of the first cell that does not match the type.
        place: Place,
        /// Text of the first cell that does not match the type.
        example: String,
    },
    /// Some categories do not occur in the training rows.
    UnseenCategories {
        /// Name of the column.
        column: String,
        /// Number of rows with an unknown category.
        n_rows: usize,
        /// The first unknown category.
        example: String,
    },
    /// Some classes differ from the classes of the model only by a trailing period.
    TrailingPeriods {
        /// Name of the target column.
        column: String,
        /// Number of rows with a class that differs by a trailing period.
        n_rows: usize,
        /// The first class that differs by a trailing period.
        example: String,
    },
}

impl Note {
    /// Returns `true` if the note is a warning: an inferred property could be wrong,
    /// or training on the data is useless.
    pub fn is_doubtful(&self) -> bool {
        match self {
            Self::NotUtf8(Encoding::Windows1252 { .. })
            | Self::DoubtfulSeparator { .. }
            | Self::NumericHeader { .. }
            | Self::AssumedMark { .. }
            | Self::MostlyDigits { .. }
            | Self::LeftOut { .. }
            | Self::RareCategories { .. }
            | Self::TaskInferred { .. }
            | Self::ManyClasses { .. }
            | Self::GivesTargetAway { .. }
            | Self::ConstantColumns { .. }
            | Self::ConstantTarget { .. }
            | Self::NewMissing { .. }
            | Self::Unreadable { .. }
            | Self::UnseenCategories { .. } => true,
            Self::FormattedNumbers { is_ambiguous, .. } | Self::Dates { is_ambiguous, .. } => {
                *is_ambiguous
            }
            Self::Summary(_)
            | Self::NotUtf8(_)
            | Self::CommentLines { .. }
            | Self::Duplicates { .. }
            | Self::Leaked { .. }
            | Self::Codes { .. }
            | Self::Quotes { .. }
            | Self::RowNumbers { .. }
            | Self::LogTarget { .. }
            | Self::SkewedTarget { .. }
            | Self::OrderIsInput { .. }
            | Self::EmptyColumns { .. }
            | Self::MissingTargets { .. }
            | Self::PixelTable { .. }
            | Self::ExtraColumns { .. }
            | Self::TrailingPeriods { .. } => false,
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Summary(line) => f.write_str(line),
            Self::NotUtf8(Encoding::Windows1252 { line }) => write!(
                f,
                "line {line} is not UTF-8: the file is read as {}",
                Encoding::Windows1252 { line: *line }
            ),
            Self::NotUtf8(encoding) => write!(f, "the file is read as {encoding}"),
            Self::CommentLines { lines } => write!(
                f,
                "{} that {} with # skipped: {}",
                counted(lines.len(), "line"),
                if lines.len() == 1 { "begins" } else { "begin" },
                listed(lines)
            ),
            Self::DoubtfulSeparator { used, other } => write!(
                f,
                "the fields are separated by {used} or by {other}: {used} are assumed; set \
                 `separator` if that is wrong"
            ),
            Self::NumericHeader { first, last } => write!(
                f,
                "the first row, \"{first}\" to \"{last}\", is taken as the column names; set \
                 `header` to no if it is data"
            ),
            Self::Duplicates { n_rows } => {
                write!(f, "{}", counted(*n_rows, "row"))?;
                write!(
                    f,
                    " repeat{} an earlier row",
                    if *n_rows == 1 { "s" } else { "" }
                )
            }
            Self::Leaked { n_rows, split } => write!(
                f,
                "{} the same cells as a training row: the {split} accuracy may be too high",
                has(*n_rows, &format!("{split} row"))
            ),
            Self::FormattedNumbers {
                column,
                n_more,
                example,
                value,
                is_ambiguous,
            } => {
                write!(f, "column \"{column}\": \"{example}\" is read as {value}")?;
                if *n_more > 0 {
                    write!(f, " (and {} likewise)", counted(*n_more, "other column"))?;
                }
                if *is_ambiguous {
                    f.write_str("; another reading is possible")?;
                }
                Ok(())
            }
            Self::Dates {
                column,
                example,
                value,
                is_ambiguous,
            } => {
                write!(
                    f,
                    "column \"{column}\": \"{example}\" is read as the date {value}"
                )?;
                if *is_ambiguous {
                    f.write_str("; day and month could be swapped")?;
                }
                Ok(())
            }
            Self::Codes { column, example } => write!(
                f,
                "column \"{column}\": whole numbers such as {example} are read as categories"
            ),
            Self::AssumedMark {
                column,
                mark,
                n_rows,
            } => write!(
                f,
                "column \"{column}\": \"{mark}\" in {} is taken as a missing value",
                counted(*n_rows, "row")
            ),
            Self::Quotes {
                column,
                n_cells,
                example,
            } => write!(
                f,
                "column \"{column}\": a quotation mark is part of {}, such as {example:?}",
                counted(*n_cells, "value")
            ),
            Self::MostlyDigits { column, examples } => write!(
                f,
                "column \"{column}\": {} look like numbers, but are not all in one format: they \
                 are read as categories",
                quoted(examples)
            ),
            Self::LeftOut {
                column,
                n_distinct,
                n_rows,
            } => write!(
                f,
                "column \"{column}\" is left out: {n_distinct} distinct values in {} (to keep it, \
                 add it to `categorical`)",
                counted(*n_rows, "row")
            ),
            Self::LogTarget { column } => write!(
                f,
                "target \"{column}\" is skewed: its logarithm is predicted"
            ),
            Self::SkewedTarget { column } => write!(
                f,
                "target \"{column}\" is skewed, so its large values dominate the loss \
                 (`target-transform = log` predicts the logarithm, for small relative errors)"
            ),
            Self::RowNumbers { column } => {
                write!(
                    f,
                    "column \"{column}\" is left out: it contains row numbers"
                )
            }
            Self::OrderIsInput { column } => write!(
                f,
                "column \"{column}\" orders the rows and is also an input: the test rows have \
                 later values than the training rows (to leave it out, add it to `ignore`)"
            ),
            Self::EmptyColumns { names } => write!(
                f,
                "columns left out, because every value is missing: {}",
                quoted(names)
            ),
            Self::RareCategories {
                column,
                n_kept,
                n_merged,
            } => write!(
                f,
                "column \"{column}\": the {n_kept} most frequent categories have one input each; \
                 {n_merged} rare ones are treated as unseen categories"
            ),
            Self::MissingTargets { columns, n_rows } => write!(
                f,
                "{} without a value in {} dropped",
                are(*n_rows, "row"),
                quoted(columns)
            ),
            Self::TaskInferred {
                column,
                task: Task::Classification,
                n_values,
            } => write!(
                f,
                "target \"{column}\": {n_values} distinct whole numbers, treated as classification"
            ),
            Self::TaskInferred {
                column, n_values, ..
            } => write!(
                f,
                "target \"{column}\": {n_values} distinct numbers, treated as regression"
            ),
            Self::ManyClasses {
                column,
                n_classes,
                n_rows,
                examples,
            } => write!(
                f,
                "target \"{column}\": {n_classes} classes in {n_rows} rows, such as {}: is this \
                 the right column, and are its cells numbers?",
                quoted(examples)
            ),
            Self::GivesTargetAway { column, target } => write!(
                f,
                "column \"{column}\" alone predicts the target \"{target}\": add it to `ignore` \
                 if it is not known when predicting"
            ),
            Self::PixelTable { largest: u8::MAX } => {
                f.write_str("784 pixel columns, treated as images of 28x28 pixels")
            }
            Self::PixelTable { largest } => write!(
                f,
                "784 pixel columns, treated as images of 28x28 pixels with values from 0 to {largest}"
            ),
            Self::ConstantColumns { names } => write!(
                f,
                "columns left out, because each has the same value in all training rows: {}",
                quoted(names)
            ),
            Self::ConstantTarget { name } => {
                write!(
                    f,
                    "target \"{name}\" has the same value in all training rows"
                )
            }
            Self::ExtraColumns { names } => write!(f, "unused columns: {}", quoted(names)),
            Self::NewMissing { column, n_rows } => write!(
                f,
                "column \"{column}\": {} a missing value; the training rows had none",
                has(*n_rows, "row")
            ),
            Self::Unreadable {
                column,
                n_rows,
                place,
                example,
            } => write!(
                f,
                "column \"{column}\": {} not of the expected type and treated as missing, such \
                 as \"{example}\" in {place}",
                are(*n_rows, "cell")
            ),
            Self::UnseenCategories {
                column,
                n_rows,
                example,
            } => write!(
                f,
                "column \"{column}\": {} a category that is not in the training rows, such as \
                 \"{example}\"",
                has(*n_rows, "row")
            ),
            Self::TrailingPeriods {
                column,
                n_rows,
                example,
            } => write!(
                f,
                "target \"{column}\": the trailing period is ignored in {}, such as \
                 \"{example}\"",
                counted(*n_rows, "row")
            ),
        }
    }
}

fn counted(n: usize, noun: &str) -> String {
    match n {
        1 => format!("1 {noun}"),
        _ => format!("{n} {noun}s"),
    }
}

fn are(n: usize, noun: &str) -> String {
    format!("{} {}", counted(n, noun), if n == 1 { "is" } else { "are" })
}

fn has(n: usize, noun: &str) -> String {
    format!(
        "{} {}",
        counted(n, noun),
        if n == 1 { "has" } else { "have" }
    )
}

/// The first items of a list, and how many more there are.
fn listed<T: fmt::Display>(items: &[T]) -> String {
    let shown: Vec<String> = items.iter().take(MAX_LISTED).map(T::to_string).collect();
    match items.len().saturating_sub(MAX_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    listed(&names)
}
