//! Axes of a chart: label, scale, range and number format.

/// An axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Label with the unit, such as `time [s]`.
    pub label: String,
    /// Whether the axis is logarithmic.
    pub is_log: bool,
    /// Lower and upper bound; by default the range of the data.
    pub range: Option<(f64, f64)>,
    /// Format of the numbers.
    pub format: Format,
}

/// The format of the numbers on an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// Decimal numbers.
    #[default]
    Number,
    /// Whole numbers, with ticks only at whole numbers.
    Whole,
    /// Fractions from 0 to 1, shown as percentages.
    Percent,
}

impl Axis {
    /// Creates a linear axis with the range of the data.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            is_log: false,
            range: None,
            format: Format::Number,
        }
    }

    /// Makes the axis logarithmic; numbers that are 0 or negative are left out.
    pub fn log(self) -> Self {
        Self {
            is_log: true,
            ..self
        }
    }

    /// Sets the range from `low` to `high`, independent of the data.
    pub fn range(self, low: f64, high: f64) -> Self {
        Self {
            range: Some((low, high)),
            ..self
        }
    }

    /// Formats whole numbers, such as epochs.
    pub fn whole(self) -> Self {
        Self {
            format: Format::Whole,
            ..self
        }
    }

    /// Formats fractions as percentages.
    pub fn percent(self) -> Self {
        Self {
            format: Format::Percent,
            ..self
        }
    }
}
