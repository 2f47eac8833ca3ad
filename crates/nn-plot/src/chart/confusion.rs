//! Charts of a confusion matrix.

use crate::number;
use crate::svg::{Anchor, Drawing, Svg, TITLE_HEIGHT, shortened, text_width};

/// Maximum width of the class names, in CSS pixels.
const MAX_LABEL: f64 = 150.0;

/// Approximate width and height of the matrix, in CSS pixels.
const SIDE: f64 = 460.0;

/// Minimum size of a cell with a number.
const NUMBER_CELL: f64 = 24.0;

/// Opacity of the most frequent mistake, on which text is legible in both color
/// schemes.
const MOST_MISTAKEN: f64 = 0.6;

/// A confusion matrix: correct predictions in blue, mistakes in orange, frequent cells in
/// stronger colors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionChart {
    /// Title above the chart.
    pub title: String,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Number of samples per cell, indexed as `[true class][predicted class]`.
    pub counts: Vec<Vec<u64>>,
}

/// Layout of the cells, in CSS pixels.
struct Layout {
    left: f64,
    top: f64,
    cell: f64,
}

impl ConfusionChart {
    /// Draws the chart.
    pub fn svg(&self) -> Svg {
        let n = self.class_names.len();
        let longest = self.class_names.iter().map(|name| text_width(name, 13.0));
        let layout = Layout {
            left: longest.fold(20.0, f64::max).min(MAX_LABEL) + 36.0,
            top: TITLE_HEIGHT + 44.0,
            cell: (SIDE / n.max(1) as f64).clamp(5.0, 46.0),
        };
        let side = layout.cell * n as f64;
        let width = (layout.left + side + 14.0).max(320.0);
        let mut drawing = Drawing::new(&self.title, width.ceil() as u32);
        self.draw_labels(&mut drawing, &layout, side);
        self.draw_cells(&mut drawing, &layout);
        drawing.finish(layout.top + side + 14.0, &self.description())
    }

    fn draw_labels(&self, drawing: &mut Drawing, layout: &Layout, side: f64) {
        let Layout { left, top, cell } = *layout;
        let middle = left + side / 2.0;
        drawing.text(
            (middle, top - 28.0),
            Anchor::Middle,
            "muted",
            "predicted class",
        );
        drawing.vertical_text((16.0, top + side / 2.0), "muted", "true class");
        let every = (14.0 / cell).ceil() as usize;
        for (index, name) in self.class_names.iter().enumerate().step_by(every) {
            let center = cell * (index as f64 + 0.5);
            let row = shortened(name, left - 30.0, 13.0);
            drawing.text((left - 6.0, top + center + 4.5), Anchor::End, "", &row);
            let column = shortened(name, (every as f64 * cell).max(14.0), 13.0);
            drawing.text((left + center, top - 8.0), Anchor::Middle, "", &column);
        }
    }

    fn draw_cells(&self, drawing: &mut Drawing, layout: &Layout) {
        let Layout { left, top, cell } = *layout;
        let most_wrong = self
            .cells()
            .filter(|cell| cell.0 != cell.1)
            .map(|cell| cell.2);
        let most_wrong = most_wrong.max().unwrap_or(0);
        let side = cell * self.class_names.len() as f64;
        let outline = "stroke-width=\"1\"";
        drawing.rectangle((left, top), (side, side), "grid", outline, "");
        for (row, column, count) in self.cells().filter(|cell| cell.2 > 0) {
            let is_right = row == column;
            let whole = if is_right {
                self.counts[row].iter().sum()
            } else {
                most_wrong
            };
            // The square root makes rare mistakes visible.
            let strength = (count as f64 / whole.max(1) as f64).sqrt();
            let strength = if is_right {
                strength
            } else {
                MOST_MISTAKEN * strength
            };
            let corner = (left + cell * column as f64, top + cell * row as f64);
            let class = if is_right {
                "fill right-cell"
            } else {
                "fill mistake-cell"
            };
            let look = format!("fill-opacity=\"{strength:.2}\"");
            let size = (cell - 0.5, cell - 0.5);
            drawing.rectangle(corner, size, class, &look, &self.hint(row, column, count));
            let text = number::count(count);
            if cell >= NUMBER_CELL && text_width(&text, 13.0) < cell {
                let at = (corner.0 + cell / 2.0, corner.1 + cell / 2.0 + 4.5);
                drawing.text(at, Anchor::Middle, "", &text);
            }
        }
    }

    fn hint(&self, row: usize, column: usize, count: u64) -> String {
        let (truth, predicted) = (&self.class_names[row], &self.class_names[column]);
        format!("{truth} predicted as {predicted}: {}", number::count(count))
    }

    /// Row, column and count of each cell.
    fn cells(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        let n = self.class_names.len();
        self.counts
            .iter()
            .take(n)
            .enumerate()
            .flat_map(move |(row, counts)| {
                let counts = counts.iter().take(n).enumerate();
                counts.map(move |(column, &count)| (row, column, count))
            })
    }

    fn description(&self) -> String {
        let right: u64 = self
            .cells()
            .filter(|cell| cell.0 == cell.1)
            .map(|cell| cell.2)
            .sum();
        let all: u64 = self.cells().map(|cell| cell.2).sum();
        format!(
            "Confusion matrix of {} classes: {} of {} predictions are correct",
            self.class_names.len(),
            number::count(right),
            number::count(all)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_and_names_escaped() {
        let chart = ConfusionChart {
            title: "Test".to_owned(),
            class_names: vec!["<script>".to_owned(), "b".to_owned()],
            counts: vec![vec![90, 10], vec![0, 100]],
        };
        let text = chart.svg().standalone();
        assert!(!text.contains("<script"), "{text}");
        assert!(text.contains(">90</text>") && text.contains("190 of 200 predictions are correct"));
        assert!(!text.contains(">0</text>"));
    }

    #[test]
    fn a_matrix_that_does_not_match_its_names_does_not_panic() {
        for (n, counts) in [
            (0, vec![]),
            (1, vec![vec![1, 2], vec![3]]),
            (3, vec![vec![1]]),
        ] {
            let class_names = (0..n).map(|index| index.to_string()).collect();
            ConfusionChart {
                title: String::new(),
                class_names,
                counts,
            }
            .svg();
        }
    }
}
