//! A request for a data set, known or new.

use std::path::Path;

use nn_table::Preprocessing;

use crate::split_options::SplitOptions;

/// The data set to load.
#[derive(Clone, Copy, Debug)]
pub struct DataRequest<'a> {
    /// Name, folder or CSV file.
    pub name: &'a str,
    /// Folder of the data sets.
    pub data_dir: &'a Path,
    /// Options of the split and of reading a table.
    pub options: &'a SplitOptions,
    /// Preprocessing of the model to use; `None` to learn it from the table.
    pub model: Option<&'a Preprocessing>,
    /// Whether the table is new: none of its rows were trained on.
    pub is_new: bool,
    /// The run whose data set to find, where the path is relative to another folder.
    pub run: Option<&'a Path>,
}

impl<'a> DataRequest<'a> {
    /// A data set to train on, without a model.
    pub fn for_training(name: &'a str, data_dir: &'a Path, options: &'a SplitOptions) -> Self {
        Self {
            name,
            data_dir,
            options,
            model: None,
            is_new: false,
            run: None,
        }
    }

    /// Whether to stratify the split by class. Runs and models of versions
    /// without stratification lack the setting and keep their split: otherwise
    /// rows that they were trained on would become test rows.
    pub fn is_stratified(&self) -> bool {
        let is_new_training = self.run.is_none() && self.model.is_none();
        self.options.stratify.unwrap_or(is_new_training)
    }
}

#[cfg(test)]
mod tests {
    use nn_table::TargetEncoding;

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
            schema: None,
        };
        let is_stratified = |stratify, model, run| {
            let settings = Settings {
                stratify,
                ..Settings::default()
            };
            let options = SplitOptions::new(&settings).expect("the settings are right");
            let request = DataRequest {
                model,
                run,
                ..DataRequest::for_training("table.csv", Path::new("datasets"), &options)
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
