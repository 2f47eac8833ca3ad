//! The schema of a table: its separator, its header, and the type of each column.

use std::fmt;
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::date_format::DateFormat;
use crate::number_format::NumberFormat;
use crate::{Error, Result};

/// Strings that represent missing values in every table, ignoring case.
pub const MISSING_MARKS: [&str; 8] = ["", "NA", "N/A", "NaN", "null", "None", "?", "-"];

/// Maximum number of columns, so that a line of separators cannot exhaust the
/// memory.
pub(crate) const MAX_COLUMNS: usize = nn_columnar::MAX_COLUMNS;

/// The schema of a table: its separator, its header, and the type of each column. A model
/// file contains the schema, so that later tables are read in the same way.
///
/// ```
/// use std::path::Path;
/// use nn_table::{ColumnType, Separator, Table, TableOptions};
///
/// let text = "age;city\n1,5;Bonn\n2,25;Rome\n?;Rome\n";
/// let table = Table::parse(Path::new("t.csv"), text.as_bytes(), &TableOptions::default())?;
/// let schema = table.schema();
/// assert_eq!(schema.separator, Separator::Semicolon);
/// assert!(schema.header);
/// assert!(matches!(schema.columns[0].column_type, ColumnType::Number(_)));
/// assert_eq!(schema.columns[1].column_type, ColumnType::Category);
/// # Ok::<(), nn_table::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The separator of the fields.
    pub separator: Separator,
    /// Whether the first row holds the column names.
    pub header: bool,
    /// Strings that represent missing values, in addition to [`MISSING_MARKS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// All columns in the order of the file.
    pub columns: Vec<Column>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name of the column; `column1`, `column2`, ... in a table without a header.
    pub name: String,
    /// Type of the cells.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// A word that was taken as a missing value in this column: the only word among numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// The type of the cells in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ColumnType {
    /// Numbers.
    Number(NumberFormat),
    /// Dates, times, or both.
    Date(DateFormat),
    /// Categories: words or codes, compared as text.
    Category,
    /// The column is skipped, and its cells may contain anything.
    Ignored,
}

impl ColumnType {
    /// Type of a column whose numbers have the default format, with a decimal point.
    pub fn plain_number() -> Self {
        Self::Number(NumberFormat::default())
    }

    /// Name of the type: `number`, `date`, `category` or `ignored`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::Date(_) => "date",
            Self::Category => "category",
            Self::Ignored => "ignored",
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "number" => Some(Self::plain_number()),
            "date" => Some(Self::Date(DateFormat::new("iso"))),
            "category" => Some(Self::Category),
            "ignored" | "ignore" => Some(Self::Ignored),
            _ => None,
        }
    }
}

/// A type is written as its name, or as a map with the key `type` and the parts of
/// its format.
impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TypeVisitor)
    }
}

struct TypeVisitor;

impl<'de> Visitor<'de> for TypeVisitor {
    type Value = ColumnType;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("number, date, category or ignored, or a map with the key type")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ColumnType, E> {
        ColumnType::named(name)
            .ok_or_else(|| E::unknown_variant(name, &["number", "date", "category", "ignored"]))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<ColumnType, M::Error> {
        #[derive(Deserialize)]
        #[serde(tag = "type", rename_all = "kebab-case")]
        enum Map {
            Number(NumberFormat),
            Date(DateFormat),
            Category,
            Ignored,
        }
        Ok(match Map::deserialize(MapAccessDeserializer::new(map))? {
            Map::Number(format) => ColumnType::Number(format),
            Map::Date(format) => ColumnType::Date(format),
            Map::Category => ColumnType::Category,
            Map::Ignored => ColumnType::Ignored,
        })
    }
}

/// The character that separates the fields of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Separator {
    /// A comma, `,`.
    #[default]
    #[serde(rename = ",")]
    Comma,
    /// A semicolon, `;`.
    #[serde(rename = ";")]
    Semicolon,
    /// A tab character.
    #[serde(rename = "\t")]
    Tab,
    /// A vertical bar, `|`.
    #[serde(rename = "|")]
    Pipe,
    /// One or more spaces or tabs.
    #[serde(rename = " ")]
    Blanks,
}

impl Separator {
    /// All separators.
    pub const ALL: [Self; 5] = [
        Self::Comma,
        Self::Semicolon,
        Self::Tab,
        Self::Pipe,
        Self::Blanks,
    ];

    /// Name of the separator in settings: `comma`, `semicolon`, `tab`, `pipe` or
    /// `blanks`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Comma => "comma",
            Self::Semicolon => "semicolon",
            Self::Tab => "tab",
            Self::Pipe => "pipe",
            Self::Blanks => "blanks",
        }
    }

    /// The byte between two fields. Runs of blanks are replaced by a unit separator
    /// before a table is read.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
            Self::Blanks => 0x1f,
        }
    }
}

/// In a sentence: `commas`, `semicolons`, `tabs`, `vertical bars` or `blanks`.
impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Pipe => "vertical bars",
            Self::Blanks => "blanks",
        })
    }
}

impl FromStr for Separator {
    type Err = Error;

    /// Parses a name or the character itself.
    fn from_str(text: &str) -> Result<Self> {
        let is_meant = |it: &Self| it.name() == text || text.as_bytes() == [it.byte()];
        let found = Self::ALL.into_iter().find(is_meant);
        found.ok_or_else(|| Error::UnknownChoice {
            what: "separator",
            name: text.to_owned(),
            choices: Self::ALL.map(Self::name).to_vec(),
        })
    }
}

/// Whether a trimmed cell represents a missing value.
pub(crate) fn is_missing(cell: &str, marks: &[String]) -> bool {
    cell.len() <= 4
        && MISSING_MARKS
            .iter()
            .any(|mark| mark.eq_ignore_ascii_case(cell))
        || marks.iter().any(|mark| mark == cell)
}
