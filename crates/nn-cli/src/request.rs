//! A request for a data set.

use std::path::Path;

use nn_table::preprocessing::Preprocessing;

use crate::selection::Selection;

/// The data set to load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Name, folder or CSV file.
    pub(crate) name: &'a str,
    pub(crate) data_dir: &'a Path,
    pub(crate) selection: &'a Selection,
    /// Preprocessing of the model to use; `None` to learn it from the table.
    pub(crate) model: Option<&'a Preprocessing>,
    /// Whether the table is new: none of its rows were trained on.
    pub(crate) is_new: bool,
    /// The run whose data set to find, where the path is relative to another folder.
    pub(crate) run: Option<&'a Path>,
}

impl<'a> Request<'a> {
    /// A data set to train on, without a model.
    pub(crate) fn to_learn(name: &'a str, data_dir: &'a Path, selection: &'a Selection) -> Self {
        Self {
            name,
            data_dir,
            selection,
            model: None,
            is_new: false,
            run: None,
        }
    }

    /// Whether to stratify the split by class. Runs and models of versions
    /// without stratification lack the setting and keep their split: otherwise
    /// rows that they were trained on would become test rows.
    pub(crate) fn is_stratified(&self) -> bool {
        let is_new_training = self.run.is_none() && self.model.is_none();
        self.selection.stratify.unwrap_or(is_new_training)
    }
}

#[cfg(test)]
mod tests {
    use nn_table::preprocessing::TargetEncoding;

    use super::*;
    use crate::settings::Settings;

    /// Runs and models of versions without the setting lack it.
    #[test]
    fn a_run_that_does_not_say_keeps_its_division() {
        let preprocessing = Preprocessing {
            inputs: nn_table::preprocessing::InputEncoding::Pixels,
            target: TargetEncoding::MultiLabel(Vec::new()),
            sample_weight: None,
            has_header: true,
        };
        let is_stratified = |stratify, model, run| {
            let settings = Settings {
                stratify,
                ..Settings::default()
            };
            let selection = Selection::new(&settings).expect("the settings are right");
            let request = Request {
                model,
                run,
                ..Request::to_learn("table.csv", Path::new("datasets"), &selection)
            };
            request.is_stratified()
        };
        let (model, run) = (Some(&preprocessing), Some(Path::new("runs/a")));
        assert!(is_stratified(None, None, None));
        for (model, run) in [(model, None), (None, run), (model, run)] {
            assert!(!is_stratified(None, model, run));
            assert!(is_stratified(Some(true), model, run));
            assert!(!is_stratified(Some(false), model, run));
        }
    }
}
