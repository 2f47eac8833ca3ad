//! Fine-tuning: the model that a training run starts from, named by the setting `from`.
//!
//! The hidden layers and the encoding of the inputs are those of the model. The output layer is
//! kept if the new data have the same classes or the same target columns; otherwise it gets
//! initial weights.

use std::path::Path;

use nn_core::model_file::weights_sha256;
use nn_core::stage::Stage;
use nn_core::{Activation, LayerConfig, Loss, Model, Network};
use nn_files::escaped_path;
use nn_settings::{Activations, Choice, Error, ErrorKind, Result, Settings, Widths};
use nn_table::{Preprocessing, TargetEncoding};
use serde_json::Value;

use crate::location::{locate_data, locate_model};
use crate::stored_model::{preprocessing_of, read_model, settings_of};

/// Folder in which the name of a run is searched for.
const RUNS_DIR: &str = "runs";

/// Settings of the hidden layers and of the encoding of the inputs, which the model determines.
const OF_THE_MODEL: [&str; 11] = [
    "hidden",
    "activation",
    "batch-norm",
    "layer-norm",
    "residual",
    "parametric-activation",
    "numeric-embedding",
    "category-embedding",
    "members",
    "input-scaling",
    "scaling",
];

/// Settings of the target of a table, which the model determines if the target is the same.
const OF_THE_TARGET: [&str; 2] = ["target-transform", "clip-outputs"];

/// The model that a training run starts from.
#[derive(Clone, Debug)]
pub struct SourceModel {
    path: String,
    sha256: String,
    model: Model,
    preprocessing: Option<Preprocessing>,
    /// The settings that the model was trained with; empty if the model file has none.
    settings: Settings,
}

impl SourceModel {
    /// Reads the model that the setting `from` names; `None` without this setting. If `run` is
    /// given, the model is also searched for relative to the run.
    ///
    /// # Errors
    /// Returns an error if there is no such model, if it is damaged, or if its weights are not
    /// those with which the run was started.
    pub fn open(settings: &Settings, run: Option<&Path>) -> Result<Option<Self>> {
        let Some(path) = &settings.from else {
            return Ok(None);
        };
        let located = locate_data(&escaped_path::path(path), run);
        let model_file = locate_model(&located, Path::new(RUNS_DIR))?;
        let model = read_model(&model_file, false)?;
        let sha256 = weights_sha256(&model.network);
        if let Some(expected) = settings.from_sha256.as_ref().filter(|it| **it != sha256) {
            return Err(Error::new(
                ErrorKind::Data,
                format!(
                    "{}: the model has changed since the run was started from it: expected \
                     weights with SHA-256 {expected}, found {sha256}",
                    model_file.display()
                ),
            )
            .with_help("restore the model, or start a new run with `from`"));
        }
        let is_of_run = !model.description.training.is_null();
        Ok(Some(Self {
            path: path.clone(),
            sha256,
            preprocessing: preprocessing_of(&model)?,
            settings: match is_of_run {
                true => settings_of(&model)?,
                false => Settings::default(),
            },
            model,
        }))
    }

    /// The path of the model, as given in the setting `from`.
    pub fn path(&self) -> String {
        escaped_path::shown(&self.path)
    }

    /// SHA-256 of the weights.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The network of the model.
    pub fn network(&self) -> &Network {
        &self.model.network
    }

    /// The preprocessing of the model, if it was trained on a table.
    pub fn preprocessing(&self) -> Option<&Preprocessing> {
        self.preprocessing.as_ref()
    }

    /// Names of the classes of the model; empty for regression, and if they are unknown.
    pub fn class_names(&self) -> &[String] {
        &self.model.description.class_names
    }

    /// Shape of one input: `[height, width]` of an image, or `[n]`.
    pub fn input_shape(&self) -> Vec<usize> {
        match &self.model.description.input.shape[..] {
            [] => vec![self.network().n_inputs()],
            shape => shape.to_vec(),
        }
    }

    /// Height and width of the images that the model was trained on; `None` for rows of values.
    pub fn image_size(&self) -> Option<[usize; 2]> {
        match self.model.description.input.shape[..] {
            [height, width] => Some([height, width]),
            _ => None,
        }
    }

    /// Fills in the settings that the model determines, and the data set of the model if no other
    /// is named, with its split.
    pub fn complete(&self, settings: &Settings) -> Settings {
        let mut completed = settings.clone().or(&self.own_settings());
        if self.has_data_of(settings) {
            completed = completed.or(&self.data_settings());
        }
        Settings {
            from: Some(self.path.clone()),
            from_sha256: Some(self.sha256.clone()),
            data_init: None,
            ..completed
        }
    }

    /// Whether the settings name the data set of the model, or none.
    pub fn has_data_of(&self, settings: &Settings) -> bool {
        self.settings.data.is_some()
            && (settings.data.is_none() || settings.data == self.settings.data)
    }

    /// Whether the model was trained on the table with this checksum.
    pub fn has_table(&self, sha256: Option<&str>) -> bool {
        let own = self.model.description.table_sha256.as_deref();
        own.is_some() && own == sha256
    }

    /// Whether completed settings split the data set in the same way as for the model.
    pub fn has_split_of(&self, completed: &Settings) -> bool {
        let defaults = Settings {
            stratify: self.settings.stratify,
            ..Settings::default_values()
        };
        let completed = completed.clone().or(&defaults);
        effective_split(&self.settings).to_json() == effective_split(&completed).to_json()
    }

    /// Returns an error if given settings contradict the model.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] for the first setting of a hidden layer or of the inputs that
    /// differs from the model; of the targets, if `has_same_outputs`.
    pub fn check(&self, given: &Settings, has_same_outputs: bool) -> Result<()> {
        let own = self.own_settings().to_json();
        let expanded = Settings {
            activation: self.expanded(given.activation.as_ref()),
            ..given.clone()
        };
        let expanded = expanded.to_json();
        let of_target = OF_THE_TARGET.iter().filter(|_| has_same_outputs);
        let trained = self.settings.to_json();
        for name in OF_THE_MODEL.iter().chain(of_target) {
            let own = own.get(name).or_else(|| trained.get(name));
            let Some(found) = expanded.get(name).filter(|&found| !is_like(found, own)) else {
                continue;
            };
            let text = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
            return Err(Error::usage(format!(
                "`{name}`: expected {}, as in the model {}, found {}",
                own.map_or_else(|| "none".to_owned(), text),
                self.path(),
                text(found)
            ))
            .with_help(format!(
                "leave out `{name}`, or train a new network without `from`"
            )));
        }
        Ok(())
    }

    /// One activation for all hidden layers as a list of one activation per layer.
    fn expanded(&self, given: Option<&Choice<Activations>>) -> Option<Choice<Activations>> {
        let given = given?;
        let n_hidden = self.network().layers().len() - 1;
        match given.value().0[..] {
            [one] if n_hidden > 0 => Some(Activations(vec![one; n_hidden]).into()),
            _ => Some(Activations(given.value().0.clone()).into()),
        }
    }

    /// The settings that describe the hidden layers and the encoding of the inputs.
    fn own_settings(&self) -> Settings {
        let hidden = &self.hidden_layers(None)[..];
        let widths = hidden.iter().map(|layer| layer.n_outputs).collect();
        let activations = hidden.iter().map(activation_of).collect();
        let dropout = hidden.first().map(|layer| layer.dropout);
        let own = &self.settings;
        Settings {
            hidden: Some(Widths(widths).into()),
            activation: (!hidden.is_empty()).then(|| Activations(activations).into()),
            // Different probabilities cannot be written as one setting.
            dropout: dropout.filter(|&first| hidden.iter().all(|it| it.dropout == first)),
            batch_norm: own.batch_norm.or(all_or_none(hidden, |it| it.batch_norm)),
            layer_norm: own.layer_norm.or(all_or_none(hidden, |it| {
                it.sums.iter().any(|it| matches!(it, Stage::LayerNorm(_)))
            })),
            residual: own.residual,
            parametric_activation: own.parametric_activation,
            numeric_embedding: own.numeric_embedding.clone(),
            category_embedding: own.category_embedding,
            members: own.members,
            input_scaling: own.input_scaling,
            scaling: own.scaling.clone(),
            ..Settings::default()
        }
    }

    /// The settings that determine the data set of the model and its split.
    fn data_settings(&self) -> Settings {
        let own = self.settings.clone();
        Settings {
            data: own.data,
            image_size: own.image_size,
            positive_class: own.positive_class,
            target: own.target,
            task: own.task,
            target_transform: own.target_transform,
            header: own.header,
            separator: own.separator,
            missing: own.missing,
            schema: own.schema,
            sample_weight: own.sample_weight,
            categorical: own.categorical,
            ignore: own.ignore,
            clip_outputs: own.clip_outputs,
            ..split_settings(&self.settings)
        }
    }

    /// Whether the outputs of the model have the same meaning as those of a data set: the same
    /// classes, or the same target columns.
    pub fn has_outputs_of(&self, class_names: &[String], target: Option<&TargetEncoding>) -> bool {
        let own = self.preprocessing.as_ref().map(|it| &it.target);
        match (own, target) {
            (_, Some(TargetEncoding::Regression(_))) => own == target,
            (Some(TargetEncoding::MultiLabel(_)), Some(TargetEncoding::Classification { .. }))
            | (Some(TargetEncoding::Classification { .. }), Some(TargetEncoding::MultiLabel(_))) => {
                false
            }
            _ if self.class_names().is_empty() => {
                let n_outputs = self.network().n_outputs();
                n_outputs == class_names.len() || (n_outputs, class_names.len()) == (1, 2)
            }
            _ => self.class_names() == class_names,
        }
    }

    /// The loss that the model was trained with.
    pub fn loss(&self) -> Loss {
        self.model.loss
    }

    /// The factor that multiplies the stored inputs of the model.
    pub fn input_scale(&self) -> f64 {
        self.model.description.input.scale
    }

    /// The hidden layers of the model, with this dropout probability if there is one.
    pub fn hidden_layers(&self, dropout: Option<f64>) -> Vec<LayerConfig> {
        let mut layers = self.network().config().layers;
        layers.pop();
        for layer in &mut layers {
            layer.dropout = dropout.unwrap_or(layer.dropout);
        }
        layers
    }

    /// The output layer of the model.
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn output_layer(&self) -> LayerConfig {
        let mut layers = self.network().config().layers;
        layers.pop().expect("a network has a layer")
    }
}

/// The settings that decide which rows are training rows.
fn split_settings(settings: &Settings) -> Settings {
    let all = settings.clone();
    Settings {
        validation: all.validation,
        test_split: all.test_split,
        stratify: all.stratify,
        folds: all.folds,
        fold: all.fold,
        limit_train: all.limit_train,
        train_size: all.train_size,
        group: all.group,
        order_by: all.order_by,
        split_column: all.split_column,
        seed: all.seed,
        split_seed: all.split_seed,
        ..Settings::default()
    }
}

/// [`split_settings`] with the seed that the split uses as the only seed.
fn effective_split(settings: &Settings) -> Settings {
    Settings {
        split_seed: settings.split_seed.or(settings.seed),
        seed: None,
        ..split_settings(settings)
    }
}

/// Returns `true` if two JSON values of a setting have the same effect; `None` is the default value.
fn is_like(value: &Value, other: Option<&Value>) -> bool {
    let is_default = |value: &Value| {
        let is_zero = value.as_u64() == Some(0);
        let is_name = matches!(value.as_str(), Some("none" | "standard"));
        value.is_null() || *value == Value::Bool(false) || is_zero || is_name
    };
    Some(value) == other || is_default(value) && other.is_none_or(is_default)
}

/// `Some` if all layers agree.
fn all_or_none(layers: &[LayerConfig], is_true: impl Fn(&LayerConfig) -> bool) -> Option<bool> {
    let first = is_true(layers.first()?);
    let mut rest = layers.iter();
    rest.all(|layer| is_true(layer) == first).then_some(first)
}

/// The activation of a hidden layer, which may be parametric.
pub(crate) fn activation_of(layer: &LayerConfig) -> Activation {
    let parametric = layer.sums.iter().find_map(|stage| match stage {
        Stage::ParametricActivation(parametric) => Some(parametric.0),
        _ => None,
    });
    parametric.unwrap_or(layer.activation)
}
