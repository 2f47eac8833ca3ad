//! A plan: the network and the training configuration for some settings and a data set,
//! with all defaults filled in and all values checked.

use std::sync::Arc;

use nn_core::init::Init;
use nn_core::model_file::{Description, InputDescription, Json, Model};
use nn_core::regularization::Regularization;
use nn_core::stage::{
    CategoryEmbedding, LayerNorm, MemberInit, Members, ParametricActivation, PeriodicEmbedding,
    PiecewiseLinearEmbedding, Residual, Scaling, Stage,
};
use nn_core::training::{ClassWeights, Monitor, RateFactor};
use nn_core::{
    Activation, LayerConfig, Loss, Network, NetworkConfig, Optimizer, Schedule, TrainingConfig,
};
use nn_data::augment::Augment;
use nn_settings::preset::preset_flags;
use nn_settings::settings::{WEIGHT_DECAY, default};
use nn_settings::{
    Activations, Calibrate, Choice, Error, NumericEmbedding, OnDivergence, Preset, Result,
    Settings, Widths,
};
use nn_table::TargetTransform;

use crate::data::{Data, PIXEL_SCALE};
use crate::source_model::{SourceModel, activation_of};
use crate::task::Task;

/// A checked network and training configuration.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The number of inputs and the layers of the network.
    pub network: NetworkConfig,
    /// The configuration of the trainer.
    pub training: TrainingConfig,
    /// Reaction to a loss or a gradient that becomes NaN or infinite.
    pub on_divergence: OnDivergence,
    /// Data augmentation of the training images.
    pub augment: Augment,
    /// The preset with the settings that it sets, as flags; `None` without a preset.
    pub preset: Option<String>,
    /// Whether the initial values of the network depend on the training samples.
    pub has_data_init: bool,
    /// The start from a trained model, if the setting `from` names one.
    pub start: Option<FineTuning>,
    /// The resolved settings: every default is filled in.
    pub settings: Settings,
}

/// The start of a training run from a trained model.
#[derive(Clone, Debug)]
pub struct FineTuning {
    /// The model.
    pub source: Arc<SourceModel>,
    /// Number of layers that have the weights of the model, counted from the first.
    pub n_kept: usize,
    /// Why the output layer has initial weights; `None` if it has the weights of the model.
    pub new_outputs: Option<String>,
}

impl Plan {
    /// Fills in the defaults for `data` and checks everything.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) for settings that are invalid,
    /// contradict each other, or do not match the data.
    pub fn new(settings: &Settings, data: &Data) -> Result<Self> {
        let settings = &match data.rows_file() {
            Some(file) => file.settings(settings)?,
            None => settings.clone(),
        };
        check_preset(settings, data)?;
        check_freeze(settings)?;
        let source = data.source.as_ref();
        let same_outputs = source.filter(|it| has_outputs_of(it, data));
        if let Some(source) = source {
            source.check(settings, same_outputs.is_some())?;
            check_inputs(source, data)?;
        }
        let settings = &source.map_or_else(|| settings.clone(), |it| it.complete(settings));
        let is_regression = matches!(data.task, Task::Regression(_));
        let preset = preset_flags(settings, is_regression, data.n_train());
        let settings = &settings.with_preset(is_regression, data.n_train());
        check_table_settings(settings, data)?;
        check_ensemble(settings)?;
        check_image_size(settings, data)?;
        let usual_loss = || same_outputs.map_or_else(|| default_loss(data.task), |it| it.loss());
        let loss = value(&settings.loss).unwrap_or_else(usual_loss);
        let n_outputs = n_outputs(data.task, loss)?;
        check_bce(settings, n_outputs)?;
        check_calibrate(settings, loss)?;
        check_task_settings(settings, data.task)?;
        check_monitor(settings)?;
        let output = output_activation(settings, loss, same_outputs, data.task, n_outputs)?;
        let (layers, start) = match source {
            Some(source) => {
                let output = output_layer(settings, n_outputs, output);
                let (layers, start) = fine_tuning(source, settings, data, output);
                (layers, Some(start))
            }
            None => {
                let mut layers = layers(settings, n_outputs, output)?;
                layers[0].inputs = input_stages(settings, data);
                (layers, None)
            }
        };
        let network = NetworkConfig {
            n_inputs: data.n_inputs(),
            layers,
        };
        network.check().map_err(of_setting)?;
        check_frozen_layers(settings, &network)?;
        let rate_factors = rate_factors(settings, &network);
        let training = training(settings, loss, rate_factors)?;
        check_class_weights(&training.class_weights, data)?;
        training.check().map_err(of_setting)?;
        let has_batch_norm = network.layers.iter().any(|layer| layer.batch_norm);
        training.check_batches(has_batch_norm, data.n_train())?;
        let on_divergence = value(&settings.on_divergence).unwrap_or(default::ON_DIVERGENCE);
        let augment = augment(settings, data)?;
        let settings = resolved(settings, data, &network, &training, augment);
        // A model that could not be saved is not trained.
        <Model>::check(&network, loss, &description(&settings, data))?;
        Ok(Self {
            network,
            training,
            on_divergence,
            augment,
            preset,
            has_data_init: settings.data_init.unwrap_or(false),
            start,
            settings,
        })
    }

    /// The network with its initial weights, before they are adapted to the training
    /// samples: see [`initial_network`](crate::trainer::initial_network).
    ///
    /// # Errors
    /// Returns an error if the network does not fit into memory.
    pub fn network(&self) -> Result<Network> {
        Ok(Network::new(&self.network, self.training.seed)?)
    }

    /// The number of networks of the ensemble that these settings train; `None` for a single
    /// network.
    pub fn n_networks(&self) -> Option<usize> {
        self.settings
            .ensemble
            .filter(|_| self.settings.member.is_none())
    }

    /// Returns `true` if the run needs validation samples: for early stopping, or to calibrate the
    /// probabilities.
    pub fn needs_validation(&self) -> bool {
        let calibrate = value(&self.settings.calibrate).unwrap_or(Calibrate::None);
        self.training.patience > 0 || calibrate == Calibrate::Temperature
    }

    /// Returns an error if these settings train an ensemble.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) for an ensemble.
    pub fn check_single(&self) -> Result<()> {
        match self.n_networks() {
            None => Ok(()),
            Some(n) => Err(Error::usage(format!(
                "`ensemble = {n}`: expected a single network here"
            ))
            .with_help("leave `ensemble` out; `nn train` trains ensembles")),
        }
    }

    /// The contents of the model file: a network with everything needed to use it.
    pub fn model(&self, data: &Data, network: Network) -> Model {
        Model {
            network,
            loss: self.training.loss,
            description: description(&self.settings, data),
        }
    }
}

/// The settings for values of nn-core, by the beginnings of the values' names.
const NAMES: [(&str, &str); 17] = [
    ("accumulate", "accumulate"),
    ("averaging", "averaging"),
    ("clip-norm", "clip-norm"),
    ("clip-value", "clip-value"),
    ("dropout", "dropout"),
    ("epochs", "epochs"),
    ("l1", "l1"),
    ("l2", "l2"),
    ("label smoothing", "label-smoothing"),
    ("number of members", "members"),
    ("learning rate", "lr"),
    ("learning-rate factor", "lr-factors"),
    ("weight-decay factor", "lr-factors"),
    ("max-norm", "max-norm"),
    ("weight decay", "weight-decay"),
    ("size of a category embedding", "category-embedding"),
    ("width of layer", "hidden"),
];

/// Converts an error of nn-core into an error that names the setting.
fn of_setting(error: nn_core::Error) -> Error {
    let nn_core::Error::OutOfRange {
        what,
        expected,
        found,
    } = &error
    else {
        return error.into();
    };
    match NAMES.iter().find(|(name, _)| what.starts_with(name)) {
        Some((_, setting)) => {
            Error::usage(format!("`{setting}`: expected {expected}, found {found}"))
        }
        None => error.into(),
    }
}

/// The presets for tables have no effect on images.
fn check_preset(settings: &Settings, data: &Data) -> Result<()> {
    match value(&settings.preset) {
        None | Some(Preset::Plain) => Ok(()),
        Some(_) if data.has_columns() => Ok(()),
        Some(preset) => Err(Error::usage(format!(
            "`preset = {preset}`: needs a table, but {} has images",
            data.dataset.name
        ))
        .with_help("leave `preset` out, or give a CSV file as `data`")),
    }
}

/// Only layers with trained weights are frozen.
fn check_freeze(settings: &Settings) -> Result<()> {
    match settings.freeze {
        Some(n) if n > 0 && settings.from.is_none() => Err(Error::usage(format!(
            "`freeze = {n}`: layers with initial weights would not learn"
        ))
        .with_help("set `from` to a trained run, or leave out `freeze`")),
        _ => Ok(()),
    }
}

/// The output layer is always trained.
fn check_frozen_layers(settings: &Settings, network: &NetworkConfig) -> Result<()> {
    let (n_hidden, n_frozen) = (network.layers.len() - 1, settings.freeze.unwrap_or(0));
    if n_frozen <= n_hidden {
        return Ok(());
    }
    Err(Error::usage(format!(
        "`freeze`: expected at most {n_hidden}, the number of hidden layers, found {n_frozen}"
    )))
}

/// Whether the outputs of a model have the same meaning as those for a data set.
fn has_outputs_of(source: &SourceModel, data: &Data) -> bool {
    let target = data.preprocessing.as_ref().map(|it| &it.target);
    source.has_outputs_of(&data.class_names, target)
}

/// A model can only be trained further on inputs of the same kind.
fn check_inputs(source: &SourceModel, data: &Data) -> Result<()> {
    let (name, model) = (&data.dataset.name, source.path());
    let mismatch = |expected: String, found: String| {
        let problem =
            format!("`from`: the model {model} expects {expected}, but {name} has {found}");
        Err(Error::usage(problem))
    };
    let kind = |shape: &[usize]| match shape {
        [height, width] => format!("images of {height}x{width} pixels"),
        [n] => format!("rows of {n} values"),
        _ => "inputs of another shape".to_owned(),
    };
    let source_columns = source
        .preprocessing()
        .filter(|it| it.image_size().is_none());
    if source_columns.is_some() != data.has_columns() {
        let kinds = [
            "the columns of its table".to_owned(),
            kind(&data.input_shape()),
        ];
        let [expected, found] = match source_columns {
            Some(_) => kinds,
            None => [kind(&source.input_shape()), "columns of a table".to_owned()],
        };
        return mismatch(expected, found);
    }
    if source_columns.is_none() && source.input_shape() != data.input_shape() {
        let error = mismatch(kind(&source.input_shape()), kind(&data.input_shape()));
        return match data.folder_image_size {
            Some(_) => error.map_err(|error| error.with_help("leave out `image-size`")),
            None => error.map_err(|error| error.with_help("train a new network, without `from`")),
        };
    }
    let scale = input_scale(data);
    if source.input_scale() != scale {
        let factor = |scale: f64| format!("inputs that are multiplied by {scale}");
        return mismatch(factor(source.input_scale()), factor(scale));
    }
    Ok(())
}

/// The layers of a network that starts from a model, and the number of layers that have its
/// weights. `output` is the output layer for the settings and the data.
fn fine_tuning(
    source: &Arc<SourceModel>,
    settings: &Settings,
    data: &Data,
    output: LayerConfig,
) -> (Vec<LayerConfig>, FineTuning) {
    let mut layers = source.hidden_layers(settings.dropout);
    let own = source.output_layer();
    let is_like = (own.n_outputs, own.activation) == (output.n_outputs, output.activation);
    let new_outputs = if !has_outputs_of(source, data) {
        Some(outputs_differ(source, data))
    } else if !is_like {
        Some(format!(
            "the model has {} outputs ({}), and this run {} ({})",
            own.n_outputs, own.activation, output.n_outputs, output.activation
        ))
    } else {
        None
    };
    let n_hidden = layers.len();
    layers.push(match new_outputs {
        None => own,
        // A network without hidden layers embeds its inputs in the output layer.
        Some(_) => LayerConfig {
            inputs: own.inputs,
            ..output
        },
    });
    let start = FineTuning {
        source: Arc::clone(source),
        n_kept: n_hidden + usize::from(new_outputs.is_none()),
        new_outputs,
    };
    (layers, start)
}

/// How the outputs of a model and of a data set differ.
fn outputs_differ(source: &SourceModel, data: &Data) -> String {
    let outputs = |names: &[String], n_outputs: usize| match names {
        [] => format!("{n_outputs} predicted numbers"),
        names if names.len() <= MOST_NAMED => format!("classes {}", names.join(", ")),
        names => format!("{} classes", names.len()),
    };
    let own = outputs(source.class_names(), source.network().n_outputs());
    let names = data.target_names().count();
    let new = outputs(&data.class_names, names);
    match own == new {
        true => format!("{new}, but not those of the model"),
        false => format!("{new} instead of {own}"),
    }
}

/// Most classes that a message names.
const MOST_NAMED: usize = 10;

/// Settings of tables have no effect on images.
fn check_table_settings(settings: &Settings, data: &Data) -> Result<()> {
    let given = [
        ("target", settings.target.is_some()),
        ("task", settings.task.is_some()),
        ("target-transform", settings.target_transform.is_some()),
        ("header", settings.header.is_some()),
        ("separator", settings.separator.is_some()),
        ("missing", settings.missing.is_some()),
        ("schema", settings.schema.is_some()),
        ("sample-weight", settings.sample_weight.is_some()),
        ("group", settings.group.is_some()),
        ("order-by", settings.order_by.is_some()),
        ("split-column", settings.split_column.is_some()),
        ("categorical", settings.categorical.is_some()),
        ("ignore", settings.ignore.is_some()),
        ("scaling", settings.scaling.is_some()),
        ("clip-outputs", settings.clip_outputs.is_some()),
        ("numeric-embedding", settings.numeric_embedding.is_some()),
        ("category-embedding", settings.category_embedding.is_some()),
    ];
    let given = given.iter().find(|(_, is_given)| *is_given);
    match given.filter(|_| data.preprocessing.is_none()) {
        None => Ok(()),
        Some((name, _)) => Err(Error::usage(format!(
            "`{name}`: needs a table, but {} has images",
            data.dataset.name
        ))
        .with_help(format!("leave `{name}` out, or give a CSV file as `data`"))),
    }
}

/// The largest number of networks of an ensemble.
const MAX_NETWORKS: usize = 1000;

/// Checks the number of networks, and the number of the network to train.
fn check_ensemble(settings: &Settings) -> Result<()> {
    let Some(n_networks) = settings.ensemble else {
        return match settings.member {
            None => Ok(()),
            Some(_) => Err(Error::usage(
                "`member`: needs `ensemble`, the number of networks",
            )),
        };
    };
    if !(2..=MAX_NETWORKS).contains(&n_networks) {
        return Err(Error::usage(format!(
            "`ensemble`: expected a whole number from 2 to {MAX_NETWORKS}, found {n_networks}"
        )));
    }
    match settings.member {
        Some(member) if !(1..=n_networks).contains(&member) => Err(Error::usage(format!(
            "`member`: expected a whole number from 1 to {n_networks}, found {member}"
        ))),
        _ => Ok(()),
    }
}

/// Returns `true` for a loss whose outputs are probabilities.
fn has_probabilities(loss: Loss) -> bool {
    matches!(
        loss,
        Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::Kl
    )
}

/// Only probabilities can be calibrated.
fn check_calibrate(settings: &Settings, loss: Loss) -> Result<()> {
    match value(&settings.calibrate) {
        Some(Calibrate::Temperature) if !has_probabilities(loss) => Err(Error::usage(format!(
            "`calibrate = temperature`: needs probabilities, but the loss is {loss}"
        ))
        .with_help("leave `calibrate` out")),
        _ => Ok(()),
    }
}

/// Settings of classes have no effect on numbers, and settings of numbers none on classes.
fn check_task_settings(settings: &Settings, task: Task) -> Result<()> {
    let is_smoothed = settings.label_smoothing > Some(0.0);
    let is_logarithm = value(&settings.target_transform) == Some(TargetTransform::Log);
    let is_clipped = settings.clip_outputs == Some(true);
    let is_regression = matches!(task, Task::Regression(_));
    let classes = "needs classes or labels";
    let numbers = "needs numbers as targets";
    let without_effect = [
        ("label-smoothing", classes, is_smoothed && is_regression),
        ("target-transform", numbers, is_logarithm && !is_regression),
        ("clip-outputs", numbers, is_clipped && !is_regression),
    ];
    match without_effect.iter().find(|(.., is_given)| *is_given) {
        None => Ok(()),
        Some((name, needed, _)) => Err(Error::usage(format!(
            "`{name}`: {needed}, but the task is {}",
            task.name()
        ))
        .with_help(format!("leave `{name}` out"))),
    }
}

/// The best epoch has an effect only with early stopping.
fn check_monitor(settings: &Settings) -> Result<()> {
    match value(&settings.monitor) {
        Some(monitor) if settings.patience.unwrap_or(default::PATIENCE) == 0 => {
            Err(Error::usage(format!(
                "`monitor = {monitor}`: chooses the best epoch, but the weights of the last epoch \
                 are kept"
            ))
            .with_help("add `patience = 10` to keep the weights of the best epoch"))
        }
        _ => Ok(()),
    }
}

/// The calibration. By default, the probabilities of tables are calibrated; a network of an
/// ensemble is calibrated as part of the ensemble.
fn calibrate(settings: &Settings, data: &Data, loss: Loss) -> Calibrate {
    if settings.member.is_some() {
        return Calibrate::None;
    }
    let has_default = data.has_columns() && has_probabilities(loss);
    value(&settings.calibrate).unwrap_or(match has_default {
        true => Calibrate::Temperature,
        false => Calibrate::None,
    })
}

/// Only a folder of images is read with a size.
fn check_image_size(settings: &Settings, data: &Data) -> Result<()> {
    match &settings.image_size {
        Some(size) if data.folder_image_size.is_none() => Err(Error::usage(format!(
            "`image-size = {size}`: needs a folder of PNG or JPEG files, found {}",
            data.dataset.name
        ))
        .with_help("leave `image-size` out")),
        _ => Ok(()),
    }
}

/// The value of a choice, if there is one.
fn value<T: Clone>(choice: &Option<Choice<T>>) -> Option<T> {
    choice.as_ref().map(|choice| choice.value().clone())
}

/// The description of a network that was trained with these settings.
fn description(settings: &Settings, data: &Data) -> Description {
    Description {
        class_names: data.class_names.clone(),
        input: InputDescription {
            shape: data.input_shape(),
            scale: input_scale(data),
            preprocessing: data.preprocessing.as_ref().map(|preprocessing| {
                Json::new(preprocessing).expect("preprocessing is plain JSON")
            }),
        },
        training: settings.to_json(),
        table_sha256: data.table_sha256.clone(),
    }
}

/// The factor that multiplies the stored inputs.
fn input_scale(data: &Data) -> f64 {
    match data.dataset.train.inputs {
        nn_data::Inputs::Pixels(_) => PIXEL_SCALE,
        nn_data::Inputs::Features(_) => 1.0,
    }
}

fn default_loss(task: Task) -> Loss {
    match task {
        Task::Classification(2) => Loss::BinaryCrossEntropy,
        Task::Classification(_) => Loss::CrossEntropy,
        Task::MultiLabel(_) => Loss::BinaryCrossEntropy,
        Task::Regression(_) => Loss::Mse,
    }
}

/// The number of outputs: one per class, or a single one for two classes if the loss
/// supports a single output.
///
/// # Errors
/// Returns an error if the loss does not match the task.
pub fn n_outputs(task: Task, loss: Loss) -> Result<usize> {
    match (task, loss) {
        (Task::Classification(..=2), Loss::BinaryCrossEntropy | Loss::Hinge) => Ok(1),
        (Task::Classification(n), _) => Ok(n),
        (Task::MultiLabel(_) | Task::Regression(_), Loss::Hinge) => {
            Err(Error::usage("loss hinge: needs one class per sample"))
        }
        (Task::MultiLabel(n), _) => Ok(n),
        (Task::Regression(_), Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::Kl) => {
            Err(Error::usage(format!(
                "loss {loss}: needs classes, but the targets are numbers"
            ))
            .with_help("use mse, mae or huber"))
        }
        (Task::Regression(n), _) => Ok(n),
    }
}

/// `bce` is a name of PyTorch and Keras, which take the mean over the outputs.
fn check_bce(settings: &Settings, n_outputs: usize) -> Result<()> {
    let is_bce = settings
        .loss
        .as_ref()
        .is_some_and(|loss| loss.text() == "bce");
    if !is_bce || n_outputs == 1 {
        return Ok(());
    }
    Err(Error::usage(format!(
        "`loss = bce`: other libraries take the mean over the outputs ({n_outputs} in this \
         network)"
    ))
    .with_help(format!(
        "use `loss = binary-cross-entropy`, the sum over the outputs: {n_outputs} times as large"
    )))
}

fn output_activation(
    settings: &Settings,
    loss: Loss,
    same_outputs: Option<&Arc<SourceModel>>,
    task: Task,
    n_outputs: usize,
) -> Result<Activation> {
    let of_model = same_outputs.filter(|it| it.loss() == loss);
    let usual = || {
        if let Some(source) = of_model {
            return source.output_layer().activation;
        }
        loss.required_output().unwrap_or(match task {
            Task::Classification(_) => Activation::Softmax,
            Task::MultiLabel(_) => Activation::Sigmoid,
            Task::Regression(_) => Activation::Identity,
        })
    };
    let chosen = value(&settings.output_activation).unwrap_or_else(usual);
    loss.check_output(chosen)?;
    if chosen == Activation::Softmax && n_outputs == 1 {
        return Err(Error::usage(
            "`output-activation = softmax`: a single output would always be 1",
        )
        .with_help("use identity for regression, sigmoid for probabilities"));
    }
    Ok(chosen)
}

/// The stages before the first weighted sums: embeddings of the columns of a table, and
/// learned factors.
fn input_stages(settings: &Settings, data: &Data) -> Vec<Stage> {
    let mut stages = Vec::new();
    if let Some(preprocessing) = data.preprocessing.as_ref() {
        let n_columns = Some(preprocessing.n_numeric_inputs()).filter(|&n| n > 0);
        let embedding = value(&settings.numeric_embedding).filter(|_| n_columns.is_some());
        match embedding.unwrap_or_default() {
            NumericEmbedding::None => {}
            NumericEmbedding::Periodic => stages.push(
                PeriodicEmbedding {
                    n_frequencies: 16,
                    n_outputs: 4,
                    std: 0.1,
                    n_columns,
                }
                .into(),
            ),
            NumericEmbedding::PiecewiseLinear => stages.push(
                PiecewiseLinearEmbedding {
                    n_bins: 32,
                    n_outputs: 8,
                    n_columns,
                }
                .into(),
            ),
        }
        let width = settings.category_embedding.unwrap_or(0);
        let categories = preprocessing.category_counts().map(|count| [count, width]);
        let columns: Vec<[usize; 2]> = categories.collect();
        if !columns.is_empty() {
            stages.push(CategoryEmbedding { columns }.into());
        }
    }
    if settings.input_scaling == Some(true) {
        stages.push(Scaling.into());
    }
    if let Some(n_members) = settings.members {
        let embedding = value(&settings.numeric_embedding).unwrap_or_default();
        let init = match embedding {
            NumericEmbedding::None => MemberInit::Signs,
            NumericEmbedding::Periodic | NumericEmbedding::PiecewiseLinear => MemberInit::Normal,
        };
        stages.push(Members { n_members, init }.into());
    }
    stages
}

/// The learning-rate factors: those of the widths of the layers, then the given factors of
/// tensors that the network has.
fn rate_factors(settings: &Settings, network: &NetworkConfig) -> Vec<RateFactor> {
    let n_frozen = settings.freeze.unwrap_or(0);
    let mut factors = Vec::new();
    if settings.fan_in_lr == Some(true) {
        let mut width = network.n_inputs;
        for (index, layer) in network.layers.iter().enumerate() {
            let fan_in = layer
                .inputs
                .iter()
                .fold(width, |n, stage| stage.n_outputs(n));
            let root = (fan_in as f64).sqrt();
            let factor = RateFactor {
                layer: Some(index),
                decay: root,
                ..RateFactor::new("weight", 1.0 / root)
            };
            factors.extend((index >= n_frozen).then_some(factor));
            width = layer.n_outputs;
        }
    }
    let given = value(&settings.lr_factors).unwrap_or_default().0;
    factors.extend(
        given
            .into_iter()
            .filter(|it| has_tensor(&network.layers[n_frozen..], &it.tensor)),
    );
    factors
}

/// Returns `true` if one of the layers has a tensor of this name.
fn has_tensor(layers: &[LayerConfig], tensor: &str) -> bool {
    let stage_of_tensor = tensor.split('.').next().unwrap_or_default();
    match stage_of_tensor {
        "weight" | "bias" => true,
        "batch_norm" => layers.iter().any(|layer| layer.batch_norm),
        stage => {
            let stage = stage.replace('_', "-");
            let stages = layers.iter();
            let stages = stages.flat_map(|it| it.inputs.iter().chain(&it.sums).chain(&it.outputs));
            let mut names = stages.map(|it| it.to_string());
            names.any(|name| name.split(':').next() == Some(&*stage))
        }
    }
}

fn layers(settings: &Settings, n_outputs: usize, output: Activation) -> Result<Vec<LayerConfig>> {
    let widths = value(&settings.hidden).map_or_else(|| default::HIDDEN.to_vec(), |it| it.0);
    let activations = activations(settings, widths.len())?;
    let hidden = |width: usize, activation: Activation| {
        let mut hidden = LayerConfig {
            batch_norm: settings.batch_norm.unwrap_or(false),
            dropout: settings.dropout.unwrap_or(0.0),
            ..dense_layer(settings, width, activation)
        };
        if settings.layer_norm == Some(true) {
            hidden.sums.push(LayerNorm.into());
        }
        if settings.parametric_activation == Some(true) {
            hidden.sums.push(ParametricActivation(activation).into());
            hidden.activation = Activation::Identity;
        }
        hidden
    };
    let mut layers: Vec<LayerConfig> = widths
        .into_iter()
        .zip(activations)
        .map(|(width, activation)| hidden(width, activation))
        .collect();
    if settings.residual == Some(true) {
        add_residuals(&mut layers)?;
    }
    layers.push(output_layer(settings, n_outputs, output));
    Ok(layers)
}

/// A layer with the initial values of the settings.
fn dense_layer(settings: &Settings, n_outputs: usize, activation: Activation) -> LayerConfig {
    let usual = LayerConfig::new(n_outputs, activation);
    LayerConfig {
        init: value(&settings.init).unwrap_or(usual.init),
        bias_init: value(&settings.bias_init).unwrap_or(Init::Zeros),
        ..usual
    }
}

/// The output layer with the initial values of the settings.
fn output_layer(settings: &Settings, n_outputs: usize, activation: Activation) -> LayerConfig {
    let layer = dense_layer(settings, n_outputs, activation);
    match value(&settings.output_init) {
        None => layer,
        Some(init) => LayerConfig {
            init,
            bias_init: Init::Zeros,
            ..layer
        },
    }
}

/// A residual connection for every hidden layer as wide as the previous one.
fn add_residuals(hidden: &mut [LayerConfig]) -> Result<()> {
    let widths: Vec<usize> = hidden.iter().map(|layer| layer.n_outputs).collect();
    let same = |index: &usize| widths[index - 1] == widths[*index];
    let residual: Vec<usize> = (1..widths.len()).filter(same).collect();
    if residual.is_empty() {
        return Err(Error::usage(
            "`residual`: expected a hidden layer as wide as the previous one, found none",
        )
        .with_help("use equal widths, such as `hidden = 128,128`"));
    }
    for index in residual {
        hidden[index].outputs.push(Residual.into());
    }
    Ok(())
}

fn activations(settings: &Settings, n_hidden: usize) -> Result<Vec<Activation>> {
    let chosen = value(&settings.activation).map_or_else(|| vec![default::ACTIVATION], |it| it.0);
    match chosen[..] {
        [one] => Ok(vec![one; n_hidden]),
        _ if chosen.len() == n_hidden => Ok(chosen),
        _ => Err(Error::usage(format!(
            "`activation`: expected 1 or {n_hidden} names for {n_hidden} hidden layers, found {}",
            chosen.len()
        ))),
    }
}

fn training(
    settings: &Settings,
    loss: Loss,
    rate_factors: Vec<RateFactor>,
) -> Result<TrainingConfig> {
    let (optimizer, weight_decay) = weight_decay(settings)?;
    let usual = TrainingConfig::new(loss, optimizer);
    Ok(TrainingConfig {
        reduction: value(&settings.reduction).unwrap_or(default::REDUCTION),
        label_smoothing: settings.label_smoothing.unwrap_or(0.0),
        class_weights: value(&settings.class_weight).unwrap_or(ClassWeights::None),
        learning_rate: settings.lr.unwrap_or(usual.learning_rate),
        schedule: schedule(settings),
        batch_size: value(&settings.batch_size).unwrap_or(default::BATCH_SIZE),
        drop_last: settings.drop_last.unwrap_or(false),
        accumulate: settings.accumulate.unwrap_or(default::ACCUMULATE),
        epochs: settings.epochs.unwrap_or(default::EPOCHS),
        regularization: Regularization {
            l1: settings.l1.unwrap_or(0.0),
            l2: settings.l2.unwrap_or(0.0),
        },
        weight_decay,
        weight_decay_schedule: value(&settings.weight_decay_schedule).unwrap_or(Schedule::Constant),
        dropout_schedule: value(&settings.dropout_schedule).unwrap_or(Schedule::Constant),
        rate_factors,
        max_norm: settings.max_norm,
        clip_norm: settings.clip_norm,
        clip_value: settings.clip_value,
        patience: settings.patience.unwrap_or(default::PATIENCE),
        monitor: value(&settings.monitor).unwrap_or_default(),
        averaging: settings.averaging,
        frozen_layers: settings.freeze.unwrap_or(0),
        seed: network_seed(settings),
        ..usual
    })
}

/// The seed of the network: the networks of an ensemble have successive seeds, and the seed of
/// the settings sets the split.
fn network_seed(settings: &Settings) -> u64 {
    let member = settings.member.unwrap_or(1).saturating_sub(1);
    let seed = settings.seed.unwrap_or(default::SEED);
    seed.wrapping_add(member as u64)
}

/// The optimizer, and the weight decay in addition to the optimizer's own. The setting
/// has the meaning of `weight_decay` in PyTorch: the parameter of adamw, and a part of
/// the gradient for other optimizers.
fn weight_decay(settings: &Settings) -> Result<(Optimizer, f64)> {
    let written = settings.optimizer.as_ref();
    let optimizer = value(&settings.optimizer).unwrap_or_else(default::optimizer);
    let Some(asked) = settings.weight_decay else {
        return Ok((optimizer, 0.0));
    };
    let mut decayed = optimizer;
    let Optimizer::AdamW { weight_decay, .. } = &mut decayed else {
        return Ok((optimizer, asked));
    };
    let is_written = written.is_some_and(|it| it.text().contains(WEIGHT_DECAY));
    if is_written && *weight_decay != asked {
        return Err(Error::usage(format!(
            "`weight-decay`: expected {weight_decay} as in `optimizer = {optimizer}`, found {asked}"
        ))
        .with_help(
            "give the weight decay only once, as in `optimizer = adamw` and `weight-decay = 0.01`",
        ));
    }
    *weight_decay = asked;
    Ok((decayed, 0.0))
}

/// The cosine schedule is the default only together with the default optimizer and rate;
/// a given optimizer or rate gets a constant schedule.
fn schedule(settings: &Settings) -> Schedule {
    let is_default = settings.optimizer.is_none() && settings.lr.is_none();
    value(&settings.schedule).unwrap_or_else(|| match is_default {
        true => default::schedule(),
        false => Schedule::Constant,
    })
}

fn check_class_weights(weights: &ClassWeights, data: &Data) -> Result<()> {
    let n_classes = data.class_names.len();
    match (weights, data.task) {
        (ClassWeights::None, _) => Ok(()),
        (_, Task::MultiLabel(_) | Task::Regression(_)) => {
            Err(Error::usage("`class-weight`: needs one class per sample"))
        }
        (ClassWeights::Given(weights), _) if weights.len() != n_classes => {
            Err(Error::usage(format!(
                "`class-weight`: expected {n_classes} numbers for {n_classes} classes, found {}",
                weights.len()
            )))
        }
        (ClassWeights::Given(weights), _) if weights.iter().all(|&weight| weight == 0.0) => Err(
            Error::usage("`class-weight`: expected at least one number above 0, found none")
                .with_help(
                    "a weight of 0 ignores a class, and a weight of 2 counts each of its samples twice",
                ),
        ),
        _ => Ok(()),
    }
}

fn augment(settings: &Settings, data: &Data) -> Result<Augment> {
    let augment = value(&settings.augment).unwrap_or(Augment::NONE);
    if augment != Augment::NONE && data.rows_file().is_some() {
        let problem = format!(
            "`augment = {augment}`: needs images in memory, but {} is a file of rows",
            data.dataset.name
        );
        return Err(Error::usage(problem).with_help("leave `augment` out, or train on the images"));
    }
    if augment != Augment::NONE && data.dataset.image_size.is_none() {
        return Err(Error::usage(format!(
            "`augment = {augment}`: needs images, but {} has rows of {} values",
            data.dataset.name,
            data.n_inputs()
        ))
        .with_help("leave `augment` out: data augmentation is for images"));
    }
    Ok(augment)
}

/// The settings with every default written out.
fn resolved(
    asked: &Settings,
    data: &Data,
    network: &NetworkConfig,
    training: &TrainingConfig,
    augment: Augment,
) -> Settings {
    let (output, hidden) = network
        .layers
        .split_last()
        .expect("a checked network has a layer");
    let widths = hidden.iter().map(|layer| layer.n_outputs).collect();
    let activations = match hidden {
        [] => vec![default::ACTIVATION],
        _ => hidden.iter().map(activation_of).collect(),
    };
    // Every setting is named, so that the compiler asks for a new one.
    Settings {
        data: Some(data.origin.clone()),
        image_size: data.folder_image_size.map(Into::into),
        validation: asked.validation.or(Some(default::VALIDATION)),
        test_split: asked.test_split.or(Some(default::TEST_SPLIT)),
        stratify: data.stratify.or(asked.stratify),
        split_seed: asked.split_seed,
        folds: asked.folds,
        fold: asked.fold,
        limit_train: asked.limit_train,
        train_size: asked.train_size,
        sizes: asked.sizes.clone(),
        positive_class: asked.positive_class,
        class_weight: Some(training.class_weights.clone().into()),
        target: asked.target.clone(),
        task: asked.task.clone(),
        target_transform: asked.target_transform.clone(),
        header: asked.header.clone(),
        separator: asked.separator.clone(),
        missing: asked.missing.clone(),
        schema: asked.schema.clone(),
        sample_weight: asked.sample_weight.clone(),
        group: asked.group.clone(),
        order_by: asked.order_by.clone(),
        split_column: asked.split_column.clone(),
        categorical: asked.categorical.clone(),
        ignore: asked.ignore.clone(),
        scaling: asked.scaling.clone(),
        clip_outputs: asked.clip_outputs,
        from: asked.from.clone(),
        from_sha256: asked.from_sha256.clone(),
        freeze: asked.freeze.filter(|&n| n > 0),
        // Its settings are written one by one.
        preset: None,
        hidden: Some(Widths(widths).into()),
        numeric_embedding: asked.numeric_embedding.clone(),
        category_embedding: asked.category_embedding,
        members: asked.members,
        input_scaling: asked.input_scaling,
        activation: Some(Activations(activations).into()),
        parametric_activation: asked.parametric_activation,
        output_activation: Some(output.activation.into()),
        init: asked.init.clone(),
        bias_init: asked.bias_init.clone().or(Some(Init::Zeros.into())),
        output_init: asked.output_init.clone(),
        data_init: asked.data_init,
        batch_norm: asked.batch_norm.or(Some(false)),
        layer_norm: asked.layer_norm.or(Some(false)),
        residual: asked.residual.or(Some(false)),
        // The layers of a model may differ in their dropout.
        dropout: asked.dropout.or(data.source.is_none().then_some(0.0)),
        dropout_schedule: asked.dropout_schedule.clone(),
        loss: Some(training.loss.into()),
        reduction: Some(training.reduction.into()),
        optimizer: Some(training.optimizer.into()),
        lr: Some(training.learning_rate),
        lr_factors: asked.lr_factors.clone(),
        fan_in_lr: asked.fan_in_lr,
        schedule: Some(training.schedule.into()),
        batch_size: Some(training.batch_size.into()),
        drop_last: Some(training.drop_last).filter(|&is_dropped| is_dropped),
        accumulate: Some(training.accumulate),
        epochs: Some(training.epochs),
        patience: Some(training.patience),
        monitor: Some(training.monitor)
            .filter(|&monitor| monitor != Monitor::Loss)
            .map(Choice::from),
        on_divergence: asked
            .on_divergence
            .clone()
            .or(Some(default::ON_DIVERGENCE.into())),
        ensemble: asked.ensemble,
        member: asked.member,
        calibrate: Some(calibrate(asked, data, training.loss).into()),
        seed: asked.seed.or(Some(default::SEED)),
        seeds: asked.seeds,
        augment: Some(augment.into()),
        l1: Some(training.regularization.l1),
        l2: Some(training.regularization.l2),
        // That of adamw is a parameter of the optimizer.
        weight_decay: Some(training.weight_decay).filter(|&decay| decay != 0.0),
        weight_decay_schedule: asked.weight_decay_schedule.clone(),
        max_norm: training.max_norm,
        label_smoothing: Some(training.label_smoothing),
        clip_norm: training.clip_norm,
        clip_value: training.clip_value,
        averaging: training.averaging,
    }
}
