//! A plan: the network and the training configuration for some settings and a data set,
//! with all defaults filled in and all values checked.

use nn_core::init::Init;
use nn_core::model_file::{Description, InputDescription, Json, Model};
use nn_core::regularization::Regularization;
use nn_core::stage::{
    CategoryEmbedding, LayerNorm, ParametricActivation, PeriodicEmbedding,
    PiecewiseLinearEmbedding, Residual, Scaling, Stage,
};
use nn_core::training::{ClassWeights, RateFactor};
use nn_core::{
    Activation, LayerConfig, Loss, Network, NetworkConfig, Optimizer, Schedule, TrainingConfig,
};
use nn_data::augment::Augment;
use nn_settings::preset::preset_flags;
use nn_settings::settings::{WEIGHT_DECAY, default};
use nn_settings::{
    Activations, Choice, Error, NumericEmbedding, OnDivergence, Preset, Result, Settings, Widths,
};

use crate::data::{Data, PIXEL_SCALE};
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
    /// The resolved settings: every default is filled in.
    pub settings: Settings,
}

impl Plan {
    /// Fills in the defaults for `data` and checks everything.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`](crate::ErrorKind::Usage) for settings that are invalid,
    /// contradict each other, or do not match the data.
    pub fn new(settings: &Settings, data: &Data) -> Result<Self> {
        check_preset(settings, data)?;
        let is_regression = matches!(data.task, Task::Regression(_));
        let preset = preset_flags(settings, is_regression);
        let settings = &settings.with_preset(is_regression);
        check_table_settings(settings, data)?;
        check_image_size(settings, data)?;
        let loss = value(&settings.loss).unwrap_or_else(|| default_loss(data.task));
        let n_outputs = n_outputs(data.task, loss)?;
        check_bce(settings, n_outputs)?;
        let output = output_activation(settings, loss, data.task, n_outputs)?;
        let mut layers = layers(settings, n_outputs, output)?;
        layers[0].inputs = input_stages(settings, data);
        let network = NetworkConfig {
            n_inputs: data.n_inputs(),
            layers,
        };
        network.check().map_err(of_setting)?;
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
const NAMES: [(&str, &str); 16] = [
    ("accumulate", "accumulate"),
    ("averaging", "averaging"),
    ("clip-norm", "clip-norm"),
    ("clip-value", "clip-value"),
    ("dropout", "dropout"),
    ("epochs", "epochs"),
    ("l1", "l1"),
    ("l2", "l2"),
    ("label smoothing", "label-smoothing"),
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
        Some(_) if has_columns(data) => Ok(()),
        Some(preset) => Err(Error::usage(format!(
            "`preset = {preset}`: needs a table, but {} has images",
            data.dataset.name
        ))
        .with_help("leave `preset` out, or give a CSV file as `data`")),
    }
}

/// Returns `true` for a table whose columns are not pixels.
fn has_columns(data: &Data) -> bool {
    let preprocessing = data.preprocessing.as_ref();
    preprocessing.is_some_and(|it| it.image_size().is_none())
}

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
            scale: match data.dataset.train.inputs {
                nn_data::Inputs::Pixels(_) => PIXEL_SCALE,
                nn_data::Inputs::Features(_) => 1.0,
            },
            preprocessing: data.preprocessing.as_ref().map(|preprocessing| {
                Json::new(preprocessing).expect("preprocessing is plain JSON")
            }),
        },
        training: settings.to_json(),
        table_sha256: data.table_sha256.clone(),
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
    task: Task,
    n_outputs: usize,
) -> Result<Activation> {
    let usual = || {
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
    stages
}

/// The learning-rate factors: those of the widths of the layers, then the given factors of
/// tensors that the network has.
fn rate_factors(settings: &Settings, network: &NetworkConfig) -> Vec<RateFactor> {
    let mut factors = Vec::new();
    if settings.fan_in_lr == Some(true) {
        let mut width = network.n_inputs;
        for (index, layer) in network.layers.iter().enumerate() {
            let fan_in = layer
                .inputs
                .iter()
                .fold(width, |n, stage| stage.n_outputs(n));
            let root = (fan_in as f64).sqrt();
            factors.push(RateFactor {
                layer: Some(index),
                decay: root,
                ..RateFactor::new("weight", 1.0 / root)
            });
            width = layer.n_outputs;
        }
    }
    let given = value(&settings.lr_factors).unwrap_or_default().0;
    factors.extend(
        given
            .into_iter()
            .filter(|it| has_tensor(network, &it.tensor)),
    );
    factors
}

/// Returns `true` if a layer has a tensor of this name.
fn has_tensor(network: &NetworkConfig, tensor: &str) -> bool {
    let stage_of_tensor = tensor.split('.').next().unwrap_or_default();
    match stage_of_tensor {
        "weight" | "bias" => true,
        "batch_norm" => network.layers.iter().any(|layer| layer.batch_norm),
        stage => {
            let stage = stage.replace('_', "-");
            let layers = network.layers.iter();
            let stages = layers.flat_map(|it| it.inputs.iter().chain(&it.sums).chain(&it.outputs));
            let mut names = stages.map(|it| it.to_string());
            names.any(|name| name.split(':').next() == Some(&*stage))
        }
    }
}

fn layers(settings: &Settings, n_outputs: usize, output: Activation) -> Result<Vec<LayerConfig>> {
    let widths = value(&settings.hidden).map_or_else(|| default::HIDDEN.to_vec(), |it| it.0);
    let activations = activations(settings, widths.len())?;
    let init = value(&settings.init);
    let bias_init = value(&settings.bias_init).unwrap_or(Init::Zeros);
    let layer = |n_outputs: usize, activation: Activation| {
        let usual = LayerConfig::new(n_outputs, activation);
        LayerConfig {
            init: init.unwrap_or(usual.init),
            bias_init,
            ..usual
        }
    };
    let hidden = |width: usize, activation: Activation| {
        let mut hidden = LayerConfig {
            batch_norm: settings.batch_norm.unwrap_or(false),
            dropout: settings.dropout.unwrap_or(0.0),
            ..layer(width, activation)
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
    layers.push(layer(n_outputs, output));
    Ok(layers)
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
        averaging: settings.averaging,
        seed: settings.seed.unwrap_or(default::SEED),
        ..usual
    })
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
        // Its settings are written one by one.
        preset: None,
        hidden: Some(Widths(widths).into()),
        numeric_embedding: asked.numeric_embedding.clone(),
        category_embedding: asked.category_embedding,
        input_scaling: asked.input_scaling,
        activation: Some(Activations(activations).into()),
        parametric_activation: asked.parametric_activation,
        output_activation: Some(output.activation.into()),
        init: asked.init.clone(),
        bias_init: Some(output.bias_init.into()),
        data_init: asked.data_init,
        batch_norm: asked.batch_norm.or(Some(false)),
        layer_norm: asked.layer_norm.or(Some(false)),
        residual: asked.residual.or(Some(false)),
        dropout: asked.dropout.or(Some(0.0)),
        dropout_schedule: asked.dropout_schedule.clone(),
        loss: Some(training.loss.into()),
        reduction: Some(training.reduction.into()),
        optimizer: Some(training.optimizer.into()),
        lr: Some(training.learning_rate),
        lr_factors: asked.lr_factors.clone(),
        fan_in_lr: asked.fan_in_lr,
        schedule: Some(training.schedule.into()),
        batch_size: Some(training.batch_size.into()),
        accumulate: Some(training.accumulate),
        epochs: Some(training.epochs),
        patience: Some(training.patience),
        on_divergence: asked
            .on_divergence
            .clone()
            .or(Some(default::ON_DIVERGENCE.into())),
        seed: Some(training.seed),
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

/// The activation of a hidden layer, which may be parametric.
fn activation_of(layer: &LayerConfig) -> Activation {
    let parametric = layer.sums.iter().find_map(|stage| match stage {
        Stage::ParametricActivation(parametric) => Some(parametric.0),
        _ => None,
    });
    parametric.unwrap_or(layer.activation)
}
