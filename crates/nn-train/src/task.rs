//! The learning task of a data set.

/// The learning task of a network, with its number of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Classification into this number of classes.
    Classification(usize),
    /// Multi-label classification with this number of labels.
    MultiLabel(usize),
    /// Regression of this number of values.
    Regression(usize),
}

impl Task {
    /// The name of the task, as in the setting `task`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Classification(_) => "classification",
            Self::MultiLabel(_) => "multi-label",
            Self::Regression(_) => "regression",
        }
    }
}

/// Adds a second class, `not NAME`, if there is only one class, because classification needs two
/// classes.
pub fn with_counterpart(class_names: &mut Vec<String>) {
    if let [only] = &class_names[..] {
        class_names.push(format!("not {only}"));
    }
}
