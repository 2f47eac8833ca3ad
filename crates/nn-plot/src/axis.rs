//! What is measured along an axis, and how it is written.

/// An axis of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What is measured, with its unit: `time [s]`.
    pub label: String,
    /// Whether equal distances are equal ratios.
    pub is_log: bool,
    /// Lowest and highest number; by default what the data need.
    pub range: Option<(f64, f64)>,
    /// How numbers are written.
    pub format: Format,
}

/// How the numbers of an axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Format {
    /// As they are.
    #[default]
    Number,
    /// Whole numbers: no tick lies between two of them.
    Whole,
    /// Shares from 0 to 1 as percentages.
    Percent,
}

impl Axis {
    /// A linear axis as long as the data need.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            is_log: false,
            range: None,
            format: Format::Number,
        }
    }

    /// With equal distances for equal ratios; numbers of 0 and below are left
    /// out.
    pub fn log(self) -> Self {
        Self {
            is_log: true,
            ..self
        }
    }

    /// From `low` to `high`, whatever the data are.
    pub fn range(self, low: f64, high: f64) -> Self {
        Self {
            range: Some((low, high)),
            ..self
        }
    }

    /// Counted in whole numbers, such as epochs.
    pub fn whole(self) -> Self {
        Self {
            format: Format::Whole,
            ..self
        }
    }

    /// Of shares, shown as percentages.
    pub fn percent(self) -> Self {
        Self {
            format: Format::Percent,
            ..self
        }
    }
}
