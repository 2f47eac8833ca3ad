//! What was asked for, with defaults filled in and checked: the network and
//! the training that a set of settings and a data set make.

use std::str::FromStr;

use nn_core::init::Init;
use nn_core::model_file::{Description, InputDescription, Json, Model};
use nn_core::regularization::Regularization;
use nn_core::stage::{LayerNorm, Residual, Stage};
use nn_core::training::{BatchSize, ClassWeights, Reduction};
use nn_core::{Activation, LayerConfig, Loss, NetworkConfig, Optimizer, Schedule, TrainingConfig};
use nn_data::augment::Augment;

use crate::datasets::{Data, PIXEL_SCALE};
use crate::failure::{Failure, Result};
use crate::selection::{TEST_SPLIT, VALIDATION};
use crate::settings::{Settings, WEIGHT_DECAY};
use crate::task::Task;

/// The default network and training; chosen on MNIST's validation split.
const HIDDEN: &str = "256,128";
const ACTIVATION: &str = "relu";
const OPTIMIZER: &str = "adam";
const SCHEDULE: &str = "cosine";
const BATCH_SIZE: &str = "64";
const EPOCHS: usize = 10;
const ON_DIVERGENCE: &str = "stop";
const AUGMENT: &str = "none";

/// A checked network and training.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) network: NetworkConfig,
    pub(crate) training: TrainingConfig,
    pub(crate) on_divergence: OnDivergence,
    /// How training images are deformed.
    pub(crate) augment: Augment,
    /// The settings with every default filled in.
    pub(crate) settings: Settings,
}

/// What happens when a loss or a gradient is no longer a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDivergence {
    /// The training ends; the best weights stay.
    Stop,
    /// The epoch starts again with half the learning rate.
    HalveRate,
}

impl Plan {
    /// Fills in the defaults for `data` and checks everything.
    pub(crate) fn new(settings: &Settings, data: &Data) -> Result<Self> {
        let loss: Loss = match &settings.loss {
            Some(name) => parse("--loss", name)?,
            None => default_loss(data.task),
        };
        let n_outputs = n_outputs(data.task, loss)?;
        check_bce(settings, n_outputs)?;
        let output = output_activation(settings, loss, data.task)?;
        let layers = layers(settings, n_outputs, output)?;
        let network = NetworkConfig {
            n_inputs: data.n_inputs(),
            layers,
        };
        network.check()?;
        let training = training(settings, loss)?;
        check_class_weights(&training.class_weights, data)?;
        training.check()?;
        let has_batch_norm = network.layers.iter().any(|layer| layer.batch_norm);
        training.check_batches(has_batch_norm, data.n_train())?;
        let on_divergence = on_divergence(settings)?;
        let augment = augment(settings, data)?;
        let settings = resolved(settings, data, &network, &training, augment);
        // What could not be saved is not trained.
        <Model>::check(&network, loss, &description(&settings, data))?;
        Ok(Self {
            network,
            training,
            on_divergence,
            augment,
            settings,
        })
    }
}

/// What a model file says of a network that is trained with these settings.
pub(crate) fn description(settings: &Settings, data: &Data) -> Description {
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
        Task::Classes(2) => Loss::BinaryCrossEntropy,
        Task::Classes(_) => Loss::CrossEntropy,
        Task::Flags(_) => Loss::BinaryCrossEntropy,
        Task::Numbers(_) => Loss::Mse,
    }
}

/// One output a class, or a single one for two classes where the loss has a
/// form for that.
pub(crate) fn n_outputs(task: Task, loss: Loss) -> Result<usize> {
    match (task, loss) {
        (Task::Classes(..=2), Loss::BinaryCrossEntropy | Loss::Hinge) => Ok(1),
        (Task::Classes(n), _) => Ok(n),
        (Task::Flags(_) | Task::Numbers(_), Loss::Hinge) => {
            Err(Failure::usage("loss hinge: needs one class a sample"))
        }
        (Task::Flags(n), _) => Ok(n),
        (Task::Numbers(_), Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::Kl) => Err(
            Failure::usage(format!("loss {loss}: needs classes, not numbers, to learn"))
                .help("use mse, mae or huber"),
        ),
        (Task::Numbers(n), _) => Ok(n),
    }
}

/// `bce` is a name of PyTorch and Keras, which take the mean over the outputs.
fn check_bce(settings: &Settings, n_outputs: usize) -> Result<()> {
    if settings.loss.as_deref() != Some("bce") || n_outputs == 1 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--loss bce: elsewhere the mean over the outputs, here there are {n_outputs}"
    ))
    .help(format!(
        "use --loss binary-cross-entropy, the sum over the outputs: {n_outputs} times as large"
    )))
}

fn output_activation(settings: &Settings, loss: Loss, task: Task) -> Result<Activation> {
    let chosen = match &settings.output_activation {
        Some(name) => parse("--output-activation", name)?,
        None => loss.required_output().unwrap_or(match task {
            Task::Classes(_) => Activation::Softmax,
            Task::Flags(_) => Activation::Sigmoid,
            Task::Numbers(_) => Activation::Identity,
        }),
    };
    loss.check_output(chosen)?;
    Ok(chosen)
}

fn layers(settings: &Settings, n_outputs: usize, output: Activation) -> Result<Vec<LayerConfig>> {
    let widths = widths(settings.hidden.as_deref().unwrap_or(HIDDEN))?;
    let activations = activations(
        settings.activation.as_deref().unwrap_or(ACTIVATION),
        widths.len(),
    )?;
    let init = settings
        .init
        .as_deref()
        .map(|name| parse::<Init>("--init", name))
        .transpose()?;
    let bias_init = match settings.bias_init.as_deref() {
        Some(name) => parse("--bias-init", name)?,
        None => Init::Zeros,
    };
    let layer = |n_outputs: usize, activation: Activation| {
        let usual = LayerConfig::new(n_outputs, activation);
        LayerConfig {
            init: init.unwrap_or(usual.init),
            bias_init,
            ..usual
        }
    };
    let sums: Vec<Stage> = match settings.layer_norm {
        Some(true) => vec![LayerNorm.into()],
        _ => Vec::new(),
    };
    let mut layers: Vec<LayerConfig> = widths
        .into_iter()
        .zip(activations)
        .map(|(width, activation)| LayerConfig {
            batch_norm: settings.batch_norm.unwrap_or(false),
            sums: sums.clone(),
            dropout: settings.dropout.unwrap_or(0.0),
            ..layer(width, activation)
        })
        .collect();
    if settings.residual == Some(true) {
        add_residuals(&mut layers)?;
    }
    layers.push(layer(n_outputs, output));
    Ok(layers)
}

/// A residual sum for every hidden layer as wide as the one before it.
fn add_residuals(hidden: &mut [LayerConfig]) -> Result<()> {
    let widths: Vec<usize> = hidden.iter().map(|layer| layer.n_outputs).collect();
    let same = |index: &usize| widths[index - 1] == widths[*index];
    let residual: Vec<usize> = (1..widths.len()).filter(same).collect();
    if residual.is_empty() {
        return Err(Failure::usage(
            "--residual: expected a hidden layer as wide as the one before it, found none",
        )
        .help("use equal widths, such as --hidden 128,128"));
    }
    for index in residual {
        hidden[index].outputs.push(Residual.into());
    }
    Ok(())
}

fn widths(text: &str) -> Result<Vec<usize>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |part: &str| {
        Failure::usage(format!(
            "--hidden: expected widths such as 128,64, found \"{}\"",
            part.escape_debug()
        ))
    };
    text.split(',')
        .map(|part| part.trim().parse().map_err(|_| wrong(part)))
        .collect()
}

fn activations(text: &str, n_hidden: usize) -> Result<Vec<Activation>> {
    let parsed: Vec<Activation> = text
        .split(',')
        .map(|name| parse("--activation", name))
        .collect::<Result<_>>()?;
    match parsed[..] {
        [one] => Ok(vec![one; n_hidden]),
        _ if parsed.len() == n_hidden => Ok(parsed),
        _ => Err(Failure::usage(format!(
            "--activation: expected 1 or {n_hidden} names for {n_hidden} hidden layers, found {}",
            parsed.len()
        ))),
    }
}

fn training(settings: &Settings, loss: Loss) -> Result<TrainingConfig> {
    let optimizer: Optimizer = parse(
        "--optimizer",
        settings.optimizer.as_deref().unwrap_or(OPTIMIZER),
    )?;
    let (optimizer, weight_decay) = weight_decay(settings, optimizer)?;
    let usual = TrainingConfig::new(loss, optimizer);
    Ok(TrainingConfig {
        reduction: match settings.reduction.as_deref() {
            None | Some("mean") => Reduction::Mean,
            Some("sum") => Reduction::Sum,
            Some(other) => {
                return Err(Failure::usage(format!(
                    "--reduction: expected mean or sum, found \"{}\"",
                    other.escape_debug()
                )));
            }
        },
        label_smoothing: settings.label_smoothing.unwrap_or(0.0),
        class_weights: class_weights(settings.class_weight.as_deref())?,
        learning_rate: settings.lr.unwrap_or(usual.learning_rate),
        schedule: schedule(settings)?,
        batch_size: batch_size(settings.batch_size.as_deref().unwrap_or(BATCH_SIZE))?,
        accumulate: settings.accumulate.unwrap_or(1),
        epochs: settings.epochs.unwrap_or(EPOCHS),
        regularization: Regularization {
            l1: settings.l1.unwrap_or(0.0),
            l2: settings.l2.unwrap_or(0.0),
        },
        weight_decay,
        max_norm: settings.max_norm,
        clip_norm: settings.clip_norm,
        clip_value: settings.clip_value,
        patience: settings.patience.unwrap_or(0),
        averaging: settings.averaging,
        seed: settings.seed.unwrap_or(0),
        ..usual
    })
}

/// `--weight-decay` means what PyTorch's `weight_decay` means: adamw's own
/// parameter, and with other optimizers a setting of the training.
fn weight_decay(settings: &Settings, optimizer: Optimizer) -> Result<(Optimizer, f64)> {
    let Some(asked) = settings.weight_decay else {
        return Ok((optimizer, 0.0));
    };
    let mut decayed = optimizer;
    let Optimizer::AdamW { weight_decay, .. } = &mut decayed else {
        return Ok((optimizer, asked));
    };
    let written = settings.optimizer.as_deref().unwrap_or_default();
    if written.contains(WEIGHT_DECAY) && *weight_decay != asked {
        return Err(Failure::usage(format!(
            "--weight-decay: expected {weight_decay} as in --optimizer {optimizer}, found {asked}"
        ))
        .help("give one of them, such as --optimizer adamw --weight-decay 0.01"));
    }
    *weight_decay = asked;
    Ok((decayed, 0.0))
}

/// Cosine belongs to the default training; whoever names an optimizer or a
/// rate gets that rate, unchanged.
fn schedule(settings: &Settings) -> Result<Schedule> {
    match &settings.schedule {
        Some(name) => parse("--schedule", name),
        None if settings.optimizer.is_none() && settings.lr.is_none() => {
            parse("--schedule", SCHEDULE)
        }
        None => Ok(Schedule::Constant),
    }
}

fn batch_size(text: &str) -> Result<BatchSize> {
    if text == "full" {
        return Ok(BatchSize::Full);
    }
    let wrong = || {
        Failure::usage(format!(
            "--batch-size: expected a whole number from 1 or full, found \"{}\"",
            text.escape_debug()
        ))
    };
    match text.parse() {
        Ok(0) | Err(_) => Err(wrong()),
        Ok(rows) => Ok(BatchSize::Rows(rows)),
    }
}

/// What `--class-weight` says.
pub(crate) fn class_weights(text: Option<&str>) -> Result<ClassWeights> {
    match text {
        None | Some("none") => Ok(ClassWeights::None),
        Some("balanced") => Ok(ClassWeights::Balanced),
        Some(list) => {
            let weights = list.split(',').map(|weight| weight.trim().parse::<f64>());
            weights.collect::<Result<_, _>>().map(ClassWeights::Given).map_err(|_| {
                Failure::usage(format!(
                    "--class-weight: expected none, balanced or numbers such as 1,2.5, found \"{}\"",
                    list.escape_debug()
                ))
            })
        }
    }
}

fn on_divergence(settings: &Settings) -> Result<OnDivergence> {
    match settings.on_divergence.as_deref() {
        None | Some(ON_DIVERGENCE) => Ok(OnDivergence::Stop),
        Some("halve-lr") => Ok(OnDivergence::HalveRate),
        Some(other) => Err(Failure::usage(format!(
            "--on-divergence: expected {ON_DIVERGENCE} or halve-lr, found \"{}\"",
            other.escape_debug()
        ))),
    }
}

fn check_class_weights(weights: &ClassWeights, data: &Data) -> Result<()> {
    let n_classes = data.class_names.len();
    match (weights, data.task) {
        (ClassWeights::None, _) => Ok(()),
        (_, Task::Flags(_) | Task::Numbers(_)) => {
            Err(Failure::usage("--class-weight: needs one class a sample"))
        }
        (ClassWeights::Given(weights), _) if weights.len() != n_classes => {
            Err(Failure::usage(format!(
                "--class-weight: expected {n_classes} numbers for {n_classes} classes, found {}",
                weights.len()
            )))
        }
        (ClassWeights::Given(weights), _) if weights.iter().all(|&weight| weight == 0.0) => Err(
            Failure::usage("--class-weight: expected at least one number above 0, found none")
                .help("a weight of 0 leaves a class out, 2 counts each of its samples twice"),
        ),
        _ => Ok(()),
    }
}

fn augment(settings: &Settings, data: &Data) -> Result<Augment> {
    let text = settings.augment.as_deref().unwrap_or(AUGMENT);
    let augment: Augment = text
        .parse()
        .map_err(|error: nn_data::Error| Failure::from(error).at("--augment"))?;
    if augment != Augment::NONE && data.dataset.image_size.is_none() {
        return Err(Failure::usage(format!(
            "--augment {augment}: needs images, {} has rows of {} values",
            data.dataset.name,
            data.n_inputs()
        ))
        .help("leave --augment out: a table has nothing to deform"));
    }
    Ok(augment)
}

fn parse<T: FromStr<Err = nn_core::Error>>(flag: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|error: nn_core::Error| Failure::from(error).at(flag))
}

/// The settings with every default written out.
fn resolved(
    settings: &Settings,
    data: &Data,
    network: &NetworkConfig,
    training: &TrainingConfig,
    augment: Augment,
) -> Settings {
    let (output, hidden) = network
        .layers
        .split_last()
        .expect("a checked network has a layer");
    let list = |items: Vec<String>| items.join(",");
    let filled = Settings {
        data: Some(data.origin.clone()),
        validation: Some(settings.validation.unwrap_or(VALIDATION)),
        test_split: Some(settings.test_split.unwrap_or(TEST_SPLIT)),
        stratify: data.stratify,
        hidden: Some(list(
            hidden
                .iter()
                .map(|layer| layer.n_outputs.to_string())
                .collect(),
        )),
        activation: Some(match hidden {
            [] => ACTIVATION.to_owned(),
            _ => list(
                hidden
                    .iter()
                    .map(|layer| layer.activation.to_string())
                    .collect(),
            ),
        }),
        output_activation: Some(output.activation.to_string()),
        init: settings.init.clone(),
        bias_init: Some(output.bias_init.to_string()),
        batch_norm: Some(settings.batch_norm.unwrap_or(false)),
        layer_norm: Some(settings.layer_norm.unwrap_or(false)),
        residual: Some(settings.residual.unwrap_or(false)),
        dropout: Some(settings.dropout.unwrap_or(0.0)),
        loss: Some(training.loss.to_string()),
        reduction: Some(
            settings
                .reduction
                .clone()
                .unwrap_or_else(|| "mean".to_owned()),
        ),
        class_weight: Some(
            settings
                .class_weight
                .clone()
                .unwrap_or_else(|| "none".to_owned()),
        ),
        label_smoothing: Some(training.label_smoothing),
        optimizer: Some(training.optimizer.to_string()),
        lr: Some(training.learning_rate),
        schedule: Some(training.schedule.to_string()),
        batch_size: Some(match training.batch_size {
            BatchSize::Full => "full".to_owned(),
            BatchSize::Rows(rows) => rows.to_string(),
        }),
        accumulate: Some(training.accumulate),
        epochs: Some(training.epochs),
        patience: Some(training.patience),
        on_divergence: Some(
            settings
                .on_divergence
                .clone()
                .unwrap_or_else(|| ON_DIVERGENCE.to_owned()),
        ),
        seed: Some(training.seed),
        augment: Some(augment.to_string()),
        l1: Some(training.regularization.l1),
        l2: Some(training.regularization.l2),
        ..Settings::default()
    };
    let others = Settings {
        // adamw's is a parameter of the optimizer.
        weight_decay: Some(training.weight_decay).filter(|&decay| decay != 0.0),
        ..settings.clone()
    };
    filled.or(&others)
}
