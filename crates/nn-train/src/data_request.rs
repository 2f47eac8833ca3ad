//! A request to load a data set, for training or for a trained model.

use std::path::Path;

use nn_table::{Preprocessing, Progress, TableOptions};

use crate::source_model::SourceModel;
use crate::split_options::SplitOptions;

/// A request to load a data set.
#[derive(Clone, Copy, Debug)]
pub struct DataRequest<'a> {
    /// Name of a data set, or path of a folder or CSV file.
    pub name: &'a str,
    /// Folder of the data sets.
    pub data_dir: &'a Path,
    /// Options for splitting the data set and for reading a table.
    pub options: &'a SplitOptions,
    /// Preprocessing of a trained model; `None` to fit the preprocessing to the table.
    pub model: Option<&'a Preprocessing>,
    /// The model that training starts from; its encoding of the inputs is kept.
    pub source: Option<&'a SourceModel>,
    /// Whether the data set is not the one that the model was trained on.
    pub is_new: bool,
    /// The run whose data set is loaded: relative paths are also resolved from the folders above
    /// the run.
    pub run: Option<&'a Path>,
    /// Shows the progress of reading a large table.
    pub progress: Progress<'a>,
    /// Options that encode a table with fewer training samples than
    /// [`MIN_SAMPLES_OF_DEFAULT`](crate::preset::MIN_SAMPLES_OF_DEFAULT), in place of `options`.
    pub small_table: Option<&'a TableOptions>,
}

impl<'a> DataRequest<'a> {
    /// Requests a data set for training, without a model.
    pub fn for_training(name: &'a str, data_dir: &'a Path, options: &'a SplitOptions) -> Self {
        Self {
            name,
            data_dir,
            options,
            model: None,
            source: None,
            is_new: false,
            run: None,
            progress: Progress::NONE,
            small_table: None,
        }
    }

    /// Returns `true` if the split is stratified by class. Runs and models of program versions
    /// without stratification keep their unstratified split, so that no training row becomes a test
    /// row.
    pub fn is_stratified(&self) -> bool {
        let is_new_training = self.run.is_none() && self.model.is_none();
        self.options.stratify.unwrap_or(is_new_training)
    }
}

#[cfg(test)]
mod tests {
    use nn_table::TargetEncoding;

    use super::*;
    use nn_settings::Settings;

    /// Runs and models of versions without the setting lack it.
    #[test]
    fn a_run_that_does_not_say_keeps_its_division() {
        let preprocessing = Preprocessing {
            inputs: nn_table::preprocessing::InputEncoding::Pixels,
            target: TargetEncoding::MultiLabel(Vec::new()),
            sample_weight: None,
            split_columns: Vec::new(),
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
