//! Summary of a table: its format, and the type, role and encoding of each column.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write};

use nn_columnar::FileFormat;
use serde::{Serialize, Serializer};

use crate::cells::{Cells, MISSING};
use crate::column::ColumnType;
use crate::date_format;
use crate::encoding::ColumnEncoding;
use crate::number_scaling::NumberScaling;
use crate::preprocessing::{InputEncoding, Preprocessing};
use crate::table::Table;
use crate::target::TargetEncoding;

/// Distinct numbers are counted up to this number.
const MAX_COUNTED: usize = 10_000;

/// Number of examples per column.
const N_EXAMPLES: usize = 3;

/// Maximum number of characters of an example.
const MAX_SHOWN: usize = 24;

/// Maximum number of columns of one kind in the short form.
const MAX_NAMED: usize = 12;

/// Summary of a table: its format, and the type, role and encoding of each column.
///
/// ```
/// use std::path::Path;
/// use nn_table::summary::Summary;
/// use nn_table::{Preprocessing, Table, TableOptions};
///
/// let text = "age,city,rich\n20,Bonn,no\n?,Rome,no\n50,Rome,yes\n40,Bonn,no\n";
/// let options = TableOptions::default();
/// let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &options)?;
/// let (fitted, _) = Preprocessing::fit(&table, &[0, 1, 2, 3], &options)?;
/// let summary = Summary::new(&table, Some(&fitted));
/// let lines: Vec<String> = summary.lines().collect();
/// assert_eq!(lines[0], "4 rows, 3 columns separated by commas, names in the first row");
/// assert_eq!(lines[1], "target rich: no 75 %, yes 25 %");
/// assert_eq!(lines[2], "1 number: age 20 to 50 (1 missing)");
/// assert_eq!(lines[3], "1 category: city 2 values");
/// # Ok::<(), nn_table::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Number of rows, not counting the header.
    pub rows: usize,
    /// The format of the file; `None`, and `"text"` in JSON, for a text file.
    #[serde(serialize_with = "format_or_text")]
    pub format: Option<FileFormat>,
    /// The separator in a text file as a plural noun, such as `commas`.
    pub separator: Option<String>,
    /// Whether the file has column names; in a text file, they are the first row.
    pub header: bool,
    /// The encoding of a text file.
    pub encoding: Option<String>,
    /// Number of rows that equal an earlier row.
    pub duplicate_rows: usize,
    /// `classification`, `regression` or `multi-label`; `None` without preprocessing.
    pub task: Option<&'static str>,
    /// Number of inputs of the network; `None` without preprocessing.
    pub inputs: Option<usize>,
    /// The classes with their numbers of rows, the most frequent first.
    pub classes: Vec<Class>,
    /// Whether the inputs are the pixels of an image.
    pub is_image: bool,
    /// All columns in the order of the file.
    pub columns: Vec<ColumnSummary>,
}

/// A class of the target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Class {
    /// Name of the class.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
}

/// The type, the values, the role and the encoding of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Name of the column.
    pub name: String,
    /// `number`, `date`, `category` or `ignored`.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// `target`, `weight`, `split`, `input` or `left out`; `None` without preprocessing.
    pub role: Option<&'static str>,
    /// Number of missing values.
    pub missing: usize,
    /// Number of distinct values; `None` for more than 10 000 and for ignored columns.
    pub distinct: Option<usize>,
    /// Smallest and largest number or date.
    pub range: Option<(String, String)>,
    /// The first distinct values.
    pub examples: Vec<String>,
    /// Number of inputs of the network.
    pub inputs: usize,
    /// Description of the encoding.
    pub becomes: String,
}

fn format_or_text<S: Serializer>(
    format: &Option<FileFormat>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match format {
        Some(format) => format.serialize(serializer),
        None => serializer.serialize_str("text"),
    }
}

impl Summary {
    /// Summarizes a table; with preprocessing, the summary includes the roles of the
    /// columns.
    pub fn new(table: &Table, preprocessing: Option<&Preprocessing>) -> Self {
        let task = preprocessing.map(|it| match it.target {
            TargetEncoding::Classification { .. } => "classification",
            TargetEncoding::Regression(_) => "regression",
            TargetEncoding::MultiLabel(_) => "multi-label",
        });
        let columns = (0..table.n_columns()).map(|it| ColumnSummary::new(table, it, preprocessing));
        let is_text = table.format().is_none();
        Self {
            rows: table.n_rows(),
            format: table.format(),
            separator: is_text.then(|| table.schema().separator.to_string()),
            header: table.has_header(),
            encoding: is_text.then(|| table.encoding().to_string()),
            duplicate_rows: table.n_duplicates(),
            task,
            inputs: preprocessing.map(Preprocessing::n_inputs),
            classes: preprocessing
                .map(|it| classes(table, it))
                .unwrap_or_default(),
            is_image: preprocessing.is_some_and(|it| it.image_size().is_some()),
            columns: columns.collect(),
        }
    }

    /// Returns a short summary of a few lines, without the name of the file.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let layout = match self.format {
            Some(format) => format!("in {format}"),
            None => {
                let separator = self.separator.as_deref().unwrap_or_default();
                format!("separated by {separator}")
            }
        };
        let names = match (&self.separator, self.header) {
            (Some(_), true) => ", names in the first row",
            (None, true) => "",
            (_, false) => ", no names: columns are called column1, column2, ...",
        };
        let shape = format!(
            "{}, {} {layout}{names}",
            counted(self.rows, "row", "rows"),
            counted(self.columns.len(), "column", "columns"),
        );
        [Some(shape), self.target_line()]
            .into_iter()
            .flatten()
            .chain(self.group_line("number", ["number", "numbers"]))
            .chain(self.group_line("date", ["date", "dates"]))
            .chain(self.group_line("category", ["category", "categories"]))
    }

    fn target_line(&self) -> Option<String> {
        let targets = self.columns.iter().filter(|it| it.role == Some("target"));
        let described: Vec<String> = targets
            .map(|column| match &self.classes[..] {
                [] => column.short(),
                classes => format!("{}: {}", column.name, shares(classes, self.rows)),
            })
            .collect();
        (!described.is_empty()).then(|| format!("target {}", described.join(", ")))
    }

    fn group_line(&self, type_name: &str, nouns: [&str; 2]) -> Option<String> {
        let is_in_group = |it: &&ColumnSummary| {
            it.type_name == type_name && !matches!(it.role, Some("target" | "split" | "left out"))
        };
        let group: Vec<&ColumnSummary> = self.columns.iter().filter(is_in_group).collect();
        if self.is_image && group.iter().all(|column| column.missing == 0) {
            return None;
        }
        let mut line = counted(group.len(), nouns[0], nouns[1]);
        // Columns with missing values come first in a long list.
        let mut order = group.clone();
        if group.len() > MAX_NAMED {
            order.sort_by_key(|column| column.missing == 0);
        }
        let shown: Vec<String> = order.iter().take(MAX_NAMED).map(|it| it.short()).collect();
        write!(line, ": {}", shown.join(", ")).ok()?;
        if let Some(more @ 1..) = group.len().checked_sub(MAX_NAMED) {
            let missing: usize = order[MAX_NAMED..].iter().map(|it| it.missing).sum();
            write!(line, " and {more} more ({missing} missing)").ok()?;
        }
        (!group.is_empty()).then_some(line)
    }
}

impl ColumnSummary {
    fn new(table: &Table, position: usize, preprocessing: Option<&Preprocessing>) -> Self {
        let cells = table.cells(position);
        let name = table.name(position);
        let role = preprocessing.map(|it| role(it, name));
        let encoding = preprocessing.and_then(|it| encoding_of(it, name));
        Self {
            name: name.to_owned(),
            type_name: table.column_type(position).name(),
            role,
            missing: cells.n_missing(0..table.n_rows()),
            distinct: n_distinct(cells),
            range: range(table, position),
            examples: examples(table, position),
            inputs: match (encoding, preprocessing) {
                (Some(encoding), _) => encoding.width(),
                (None, Some(it)) if role == Some("input") => usize::from(it.image_size().is_some()),
                _ => 0,
            },
            becomes: becomes(role, encoding),
        }
    }

    /// Name, range or number of values, and missing values.
    fn short(&self) -> String {
        let mut text = self.name.clone();
        let values = match (&self.range, self.distinct) {
            (Some((least, most)), _) => format!(" {least} to {most}"),
            (None, Some(n)) => format!(" {}", counted(n, "value", "values")),
            (None, None) => String::new(),
        };
        text.push_str(&values);
        if self.missing > 0 {
            text.push_str(&format!(" ({} missing)", self.missing));
        }
        text
    }
}

fn role(preprocessing: &Preprocessing, name: &str) -> &'static str {
    if preprocessing
        .target
        .columns()
        .iter()
        .any(|target| target == name)
    {
        "target"
    } else if preprocessing.sample_weight.as_deref() == Some(name) {
        "weight"
    } else if preprocessing.split_columns.iter().any(|it| it == name) {
        "split"
    } else if preprocessing.image_size().is_some() || encoding_of(preprocessing, name).is_some() {
        "input"
    } else {
        "left out"
    }
}

fn encoding_of<'a>(preprocessing: &'a Preprocessing, name: &str) -> Option<&'a ColumnEncoding> {
    let InputEncoding::Columns(columns) = &preprocessing.inputs else {
        return None;
    };
    let column = columns.iter().find(|column| column.name == name)?;
    Some(&column.encoding)
}

fn becomes(role: Option<&'static str>, encoding: Option<&ColumnEncoding>) -> String {
    match encoding {
        Some(ColumnEncoding::Standardize(number)) => {
            let scaled = match number.scaling {
                NumberScaling::Standard(_) => "a standardized number",
                NumberScaling::Robust(_) => "a robustly scaled number",
            };
            match number.has_indicator {
                true => format!("{scaled} and an indicator of missing values"),
                false => scaled.to_owned(),
            }
        }
        Some(ColumnEncoding::OneHot(categories)) => {
            format!(
                "one-hot, {}",
                counted(categories.len(), "category", "categories")
            )
        }
        Some(ColumnEncoding::Index(categories)) => {
            format!(
                "an embedding of {}",
                counted(categories.len(), "category", "categories")
            )
        }
        Some(ColumnEncoding::Date(_)) => {
            "seconds, and weekday, month and hour if they vary".to_owned()
        }
        None => role.unwrap_or_default().to_owned(),
    }
}

fn n_distinct(cells: &Cells) -> Option<usize> {
    match cells {
        Cells::Words { words, .. } => Some(words.len()),
        Cells::Bytes(values) => {
            let mut seen = [false; 256];
            values
                .iter()
                .for_each(|&value| seen[usize::from(value)] = true);
            Some(seen.iter().filter(|&&seen| seen).count())
        }
        Cells::Numbers(values) => {
            let mut seen = HashSet::new();
            let values = (0..values.len()).map(|row| values.get(row));
            for value in values.filter(|value| !value.is_nan()) {
                seen.insert((value + 0.0).to_bits());
                if seen.len() > MAX_COUNTED {
                    return None;
                }
            }
            Some(seen.len())
        }
        Cells::Ignored => None,
    }
}

fn range(table: &Table, position: usize) -> Option<(String, String)> {
    let numbers = table.cells(position).numbers()?;
    let present = || numbers.iter().copied().filter(|number| !number.is_nan());
    let (least, most) = (present().reduce(f64::min)?, present().reduce(f64::max)?);
    let shown = |number: f64| match table.column_type(position) {
        ColumnType::Date(_) => date_format::shown(number),
        _ => (number + 0.0).to_string(),
    };
    Some((shown(least), shown(most)))
}

fn examples(table: &Table, position: usize) -> Vec<String> {
    let cells = table.cells(position);
    let mut examples: Vec<String> = Vec::new();
    for row in 0..table.n_rows().min(1000) {
        if examples.len() == N_EXAMPLES {
            break;
        }
        let word = cells.word(row);
        if !word.is_empty() && !examples.iter().any(|it| *it == shortened_text(&word)) {
            examples.push(shortened_text(&word));
        }
    }
    examples
}

fn shortened_text(word: &str) -> String {
    if word.chars().count() <= MAX_SHOWN {
        return word.to_owned();
    }
    let start: String = word.chars().take(MAX_SHOWN - 3).collect();
    format!("{start}...")
}

/// The classes with their numbers of rows, the most frequent first.
fn classes(table: &Table, preprocessing: &Preprocessing) -> Vec<Class> {
    let TargetEncoding::Classification { column, .. } = &preprocessing.target else {
        return Vec::new();
    };
    let Some(position) = table.find(column) else {
        return Vec::new();
    };
    let mut counts = BTreeMap::new();
    match table.cells(position) {
        Cells::Words { words, codes } => {
            for &code in codes.iter().filter(|&&code| code != MISSING) {
                *counts.entry(words[code as usize].clone()).or_insert(0) += 1;
            }
        }
        cells => {
            for row in 0..table.n_rows() {
                *counts.entry(cells.word(row).into_owned()).or_insert(0) += 1;
            }
        }
    }
    let mut classes: Vec<Class> = counts
        .into_iter()
        .map(|(name, rows)| Class { name, rows })
        .collect();
    classes.sort_by_key(|class| Reverse(class.rows));
    classes
}

/// `no 75 %, yes 25 %`
fn shares(classes: &[Class], n_rows: usize) -> String {
    let share = |class: &Class| {
        let percent = 100.0 * class.rows as f64 / n_rows as f64;
        format!("{} {} %", shortened_text(&class.name), Percent(percent))
    };
    let shown: Vec<String> = classes.iter().take(MAX_NAMED).map(share).collect();
    match classes.len().saturating_sub(MAX_NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more classes", shown.join(", ")),
    }
}

/// A percentage with one digit, if it is not whole.
struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.1}", self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
