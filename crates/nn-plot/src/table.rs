//! HTML tables: numbers are right-aligned, text is left-aligned.

use crate::escape::escaped;

/// A table with column headings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Caption; an empty text means no caption.
    pub caption: String,
    /// Columns with their headings.
    pub columns: Vec<Column>,
    /// Rows of cells, one cell per column; missing cells are empty.
    pub rows: Vec<Vec<Cell>>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Heading, with the unit if there is one.
    pub name: String,
    /// Whether the cells are numbers, which are right-aligned.
    pub is_number: bool,
}

/// A cell of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Text of the cell.
    pub text: String,
    /// Emphasis of the cell. The text must be clear without the emphasis.
    pub tone: Tone,
}

/// The emphasis of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Plain text without emphasis.
    #[default]
    Plain,
    /// Emphasis for a good result.
    Good,
    /// Emphasis for a bad result.
    Bad,
    /// A highlighted background.
    Marked,
    /// Less prominent text.
    Muted,
}

impl Tone {
    /// Class in the style sheet of the page; empty for plain text.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Marked => "marked",
            Self::Muted => "muted",
        }
    }
}

impl Column {
    /// Creates a column of text.
    pub fn text(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_number: false,
        }
    }

    /// Creates a column of numbers.
    pub fn number(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_number: true,
        }
    }
}

impl Cell {
    /// Creates a cell without emphasis.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Plain,
        }
    }

    /// Sets the emphasis.
    pub fn tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }

    fn html(&self, is_number: bool) -> String {
        let tone = self.tone.class();
        let classes: Vec<&str> = ["number"]
            .into_iter()
            .filter(|_| is_number)
            .chain([tone])
            .filter(|class| !class.is_empty())
            .collect();
        let class = match classes[..] {
            [] => String::new(),
            _ => format!(" class=\"{}\"", classes.join(" ")),
        };
        format!("<td{class}>{}</td>", escaped(&self.text))
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text)
    }
}

impl Table {
    /// Creates a table without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            ..Self::default()
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = impl Into<Cell>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The HTML element, in a box that scrolls in a narrow window.
    pub(crate) fn html(&self) -> String {
        let heads: String = self
            .columns
            .iter()
            .map(|column| {
                let class = if column.is_number {
                    " class=\"number\""
                } else {
                    ""
                };
                format!("<th scope=\"col\"{class}>{}</th>", escaped(&column.name))
            })
            .collect();
        let rows: String = self.rows.iter().map(|row| self.row_html(row)).collect();
        let caption = match self.caption.as_str() {
            "" => String::new(),
            caption => format!("<caption>{}</caption>", escaped(caption)),
        };
        format!(
            "<div class=\"scroll\" tabindex=\"0\"><table>{caption}<thead><tr>{heads}</tr></thead>\
             <tbody>{rows}</tbody></table></div>\n"
        )
    }

    fn row_html(&self, row: &[Cell]) -> String {
        let empty = Cell::default();
        let cells: String = self
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| row.get(index).unwrap_or(&empty).html(column.is_number))
            .collect();
        format!("<tr>{cells}</tr>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_escaped_and_numbers_marked() {
        let mut table = Table::new(vec![Column::text("<b>"), Column::number("n")]);
        table.row([Cell::new("<i>"), Cell::new("3").tone(Tone::Bad)]);
        table.row(["alone"]);
        let html = table.html();
        assert!(html.contains("&lt;b&gt;</th>") && html.contains("<td>&lt;i&gt;</td>"));
        assert!(html.contains("<td class=\"number bad\">3</td>"), "{html}");
        assert!(
            html.contains("<td>alone</td><td class=\"number\"></td>"),
            "{html}"
        );
    }
}
