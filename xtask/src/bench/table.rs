//! Markdown tables with aligned columns, also readable as plain text, and formatting of
//! numbers.

/// A table under construction: a header and rows of cells.
#[derive(Clone, Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    /// Index of the first column that is aligned to the right.
    first_number: usize,
}

impl Table {
    /// Creates a table with names in the first column, aligned to the left, and numbers in
    /// the other columns, aligned to the right.
    pub(super) fn new<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self {
            rows: vec![head.into_iter().map(Into::into).collect()],
            first_number: 1,
        }
    }

    /// Creates a table with texts in all columns.
    pub(super) fn of_texts<S: Into<String>>(head: impl IntoIterator<Item = S>) -> Self {
        Self {
            first_number: usize::MAX,
            ..Self::new(head)
        }
    }

    pub(super) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(super) fn markdown(&self) -> String {
        let n_columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..n_columns).map(|column| width(column).max(3)).collect();
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            text.push_str(&self.line(row, &widths));
            if index == 0 {
                text.push_str(&self.rule(&widths));
            }
        }
        text
    }

    fn line(&self, row: &[String], widths: &[usize]) -> String {
        let mut text = String::from("|");
        for (column, &width) in widths.iter().enumerate() {
            let cell = row.get(column).map_or("", String::as_str);
            if column < self.first_number {
                text.push_str(&format!(" {cell:<width$} |"));
            } else {
                text.push_str(&format!(" {cell:>width$} |"));
            }
        }
        text + "\n"
    }

    fn rule(&self, widths: &[usize]) -> String {
        let mut text = String::from("|");
        for (column, &width) in widths.iter().enumerate() {
            let end = if column < self.first_number { '-' } else { ':' };
            text.push_str(&format!(" {}{end} |", "-".repeat(width - 1)));
        }
        text + "\n"
    }
}

/// Formats seconds with three significant digits: `12.3 s`, `0.123 s`, `12.3 ms`.
pub(super) fn seconds(seconds: f64) -> String {
    if seconds.is_nan() {
        "-".to_owned()
    } else if seconds < 0.1 {
        format!("{} ms", three_digits(1e3 * seconds))
    } else {
        format!("{} s", three_digits(seconds))
    }
}

/// Formats a number with three significant digits: `0.123`, `1.23`, `12.3`, `123`.
pub(super) fn three_digits(number: f64) -> String {
    let digits = match number.abs() {
        x if x.is_nan() => return "-".to_owned(),
        x if x < 0.9995 => 3,
        x if x < 9.995 => 2,
        x if x < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.digits$}")
}

/// Formats a number with its digits in groups of three: `1 234 567`.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// Formats a fraction as a percentage.
pub(super) fn percent(share: f64) -> String {
    if share.is_nan() {
        return "-".to_owned();
    }
    format!("{:.2} %", 100.0 * share)
}

/// Formats a ratio, such as `1.83 x`.
pub(super) fn ratio(ratio: f64) -> String {
    if ratio.is_nan() {
        return "-".to_owned();
    }
    format!("{} x", three_digits(ratio))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut table = Table::new(["program", "s"]);
        table.row(["nn", "0.125"]);
        table.row(["é"]);
        assert_eq!(
            table.markdown(),
            "| program |     s |\n\
             | ------- | ----: |\n\
             | nn      | 0.125 |\n\
             | é       |       |\n"
        );
        let mut texts = Table::of_texts(["a", "b"]);
        texts.row(["x", "y"]);
        assert!(texts.markdown().ends_with("| --- | --- |\n| x   | y   |\n"));
    }

    #[test]
    fn numbers_keep_three_digits() {
        let texts = [0.01234, 0.9996, 9.994, 45.67, 123.4].map(three_digits);
        assert_eq!(texts, ["0.012", "1.00", "9.99", "45.7", "123"]);
        assert_eq!(seconds(0.01234), "12.3 ms");
        assert_eq!(seconds(0.5), "0.500 s");
        assert_eq!(seconds(f64::NAN), "-");
        assert_eq!(ratio(2.0), "2.00 x");
        assert_eq!(thousands(1_234_567.0), "1 234 567");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(percent(0.98765), "98.77 %");
    }
}
