//! Checkpoints: the saved state of a training run. A resumed run gives the same
//! weights, bit for bit, as an uninterrupted run.
//!
//! A checkpoint is a [safetensors](https://github.com/huggingface/safetensors) file
//! with a one-dimensional tensor for every buffer that is not empty:
//!
//! | tensor | content |
//! |---|---|
//! | `parameters`, `statistics` | parameters and running statistics of the [`Network`](crate::Network) |
//! | `optimizer.first`, `optimizer.second` | state of the optimizer |
//! | `average` | exponential moving average of the parameters |
//! | `best.parameters`, `best.statistics` | weights that early stopping would restore |
//!
//! The metadata has one entry, `nn_checkpoint`, a JSON object: `format`, the position,
//! the learning rate, the state of the schedule and of early stopping, the configuration, the
//! SHA-256 of the samples, a user-provided note, and `sha256`, the SHA-256 of the whole
//! file with these 64 digits set to zero.
//!
//! A checkpoint is validated before it is used: the checksum must match, every value must be
//! finite, and every length and position must be possible in the training run. The settings and
//! the samples must be the same as in the run that wrote the checkpoint.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use nn_error::{Error, Result};
use nn_functions::schedule::Plateau;
use nn_functions::{Optimizer, Schedule};
use nn_safetensors::{
    Encoded, Kind, NO_CHECKSUM, Tensor, TensorFile, bounded, hexadecimal, read_all,
};
use nn_samples::Samples;
use nn_tensor::Scalar;
use nn_tensor::function::flushed;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use sha2::{Digest, Sha256};

use crate::exchange::broadcast;
use crate::layer::Layer;
use crate::memory::probe;
use crate::training::division::Command;
use crate::training::{Monitor, Progress, RateFactor, State, StateBuffers, Trainer};

/// The metadata key and the format version.
const KIND: Kind = Kind {
    key: "nn_checkpoint",
    format: 1,
    first_checksummed: 1,
};

/// The name of the user-provided note in error messages.
const NOTE: &str = "the note";

/// The state of a training run between two steps.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use ndarray::array;
/// use nn_core::{
///     Activation, Checkpoint, Inputs, LayerConfig, Loss, Network, NetworkConfig, Samples,
///     Targets, Threads, Trainer, TrainingConfig,
/// };
///
/// let inputs = array![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let targets = Targets::classes(&[0, 1, 1, 0], 2);
/// let samples = Samples::new(Inputs::values(inputs.view()), targets)?;
/// let layers = vec![LayerConfig::new(2, Activation::Softmax)];
/// let network = Network::new(&NetworkConfig { n_inputs: 2, layers }, 0)?;
/// let config = TrainingConfig::new(Loss::CrossEntropy, "adam".parse()?);
/// let trainer = || {
///     let (network, samples) = (network.clone(), samples.clone());
///     Trainer::new(network, samples, None, config.clone(), Threads::single())
/// };
///
/// let mut stopped = trainer()?;
/// stopped.advance()?;
/// let mut file = Vec::new();
/// stopped.checkpoint(serde_json::Value::Null)?.write(&mut file)?;
///
/// let mut continued = trainer()?;
/// continued.restore(&Checkpoint::read(&file[..])?)?;
/// assert_eq!(continued.finish()?, trainer()?.finish()?);
/// # Ok::<(), nn_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint<S = f32> {
    state: State<S>,
    configuration: BTreeMap<String, String>,
    note: Value,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    format: u32,
    sha256: String,
    progress: Progress,
    plateau_factor: f64,
    /// `None` before the end of the first epoch.
    plateau_best: Option<f64>,
    plateau_waited: u64,
    #[serde(rename = "best_loss")]
    best_value: Option<f64>,
    best_waited: usize,
    optimizer_steps: u64,
    descends: bool,
    configuration: Box<RawValue>,
    note: Box<RawValue>,
}

impl<S: Scalar> Trainer<'_, S> {
    /// Returns a checkpoint of the current state, with a user-provided note.
    ///
    /// # Errors
    /// Returns [`Error::Diverged`] if a value of the state is NaN or infinite,
    /// [`Error::OutOfMemory`] if a copy cannot be allocated, and [`Error::Conflict`] if a
    /// gradient has not been used by a step, or if several processes share the training run and
    /// [`complete_state`](Self::complete_state) was not called.
    #[inline(never)]
    pub fn checkpoint(&self, note: Value) -> Result<Checkpoint<S>> {
        self.check_complete()?;
        self.check_state()?;
        self.check_no_pending_gradient()?;
        probe(self.state_bytes())?;
        Ok(Checkpoint {
            state: self.copy_state(),
            configuration: self.description()?,
            note,
        })
    }

    /// Restores a checkpoint of the same training run.
    ///
    /// # Errors
    /// Returns [`Error::CheckpointMismatch`] if the settings or the samples differ from those
    /// of the checkpoint, and [`Error::ModelFile`] if the checkpoint has an invalid position or
    /// length. On an error, the trainer is not changed.
    #[inline(never)]
    pub fn restore(&mut self, checkpoint: &Checkpoint<S>) -> Result<()> {
        self.restore_here(checkpoint)?;
        if let Some(division) = self.division() {
            self.announce(Command::Restore)?;
            broadcast(division.exchange(), checkpoint.to_bytes()?)?;
        }
        Ok(())
    }

    /// As [`restore`](Self::restore), without the other processes.
    pub(crate) fn restore_here(&mut self, checkpoint: &Checkpoint<S>) -> Result<()> {
        check_same(&checkpoint.configuration, &self.description()?)?;
        self.set_state(&checkpoint.state)
    }

    /// All settings that determine the result, except the initial weights.
    pub(crate) fn description(&self) -> Result<BTreeMap<String, String>> {
        let config = self.config();
        let [loss, optimizer] = self.names();
        let digests = self.sample_digests(digest)?;
        let parts = [
            ("numbers", format!("f{}", 8 * S::BYTES)),
            ("layers", layers(self.state().0.layers())),
            ("loss", loss),
            ("reduction", format!("{:?}", config.reduction)),
            ("label smoothing", config.label_smoothing.to_string()),
            ("class weights", format!("{:?}", config.class_weights)),
            ("optimizer", optimizer.clone()),
            ("learning rate", config.learning_rate.to_string()),
            ("schedule", config.schedule.to_string()),
            ("batch size", format!("{:?}", config.batch_size)),
            ("epochs", config.epochs.to_string()),
            ("L1 penalty", config.regularization.l1.to_string()),
            ("L2 penalty", config.regularization.l2.to_string()),
            ("max-norm", format!("{:?}", config.max_norm)),
            ("clip-norm", format!("{:?}", config.clip_norm)),
            ("clip-value", format!("{:?}", config.clip_value)),
            ("patience", config.patience.to_string()),
            ("averaging", format!("{:?}", config.averaging)),
            ("shuffle", config.shuffle.to_string()),
            ("seed", config.seed.to_string()),
            ("augmentation", self.is_augmented().to_string()),
            ("training samples (SHA-256)", digests[0].clone()),
            ("validation samples (SHA-256)", digests[1].clone()),
        ];
        let velocity = has_velocity(&optimizer).then(|| VELOCITY.to_owned());
        let decay = (config.weight_decay != 0.0).then(|| config.weight_decay.to_string());
        let accumulate = (config.accumulate > 1).then(|| config.accumulate.to_string());
        // Chosen by the trainer if the configuration does not set it.
        let sum_rows = config.sum_rows.or(self.chosen_sum_rows());
        let sum_rows = sum_rows.map(|rows| rows.to_string());
        let frozen = (config.frozen_layers > 0).then(|| config.frozen_layers.to_string());
        let schedule =
            |schedule: Schedule| (schedule != Schedule::Constant).then(|| schedule.to_string());
        let factors: Vec<String> = config
            .rate_factors
            .iter()
            .map(RateFactor::to_string)
            .collect();
        let later = [
            (
                "rate factors",
                (!factors.is_empty()).then(|| factors.join(", ")),
            ),
            (
                "weight-decay schedule",
                schedule(config.weight_decay_schedule),
            ),
            ("dropout schedule", schedule(config.dropout_schedule)),
            ("velocity", velocity),
            ("weight decay", decay),
            ("accumulate", accumulate),
            ("rows per summation block", sum_rows),
            ("frozen layers", frozen),
            ("drop last", config.drop_last.then(|| "true".to_owned())),
            (
                "monitor",
                (config.monitor != Monitor::Loss).then(|| config.monitor.to_string()),
            ),
        ];
        let later = later
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)));
        let parts = parts.into_iter().chain(later);
        Ok(parts.map(|(name, text)| (name.to_owned(), text)).collect())
    }
}

impl<S: Scalar> Checkpoint<S> {
    /// Writes the checkpoint file. Equal checkpoints give byte-identical files.
    ///
    /// # Errors
    /// Returns [`Error::ModelFile`] if the note has more than a hundred thousand
    /// values, [`Error::HeaderTooLong`] if the note is too long to be read back, and
    /// [`Error::Io`] if `writer` fails.
    pub fn write(&self, mut writer: impl Write) -> Result<()> {
        self.write_to(&mut writer)
    }

    #[inline(never)]
    pub(crate) fn write_to(&self, writer: &mut dyn Write) -> Result<()> {
        self.encoded()?.write(writer)
    }

    /// Returns the bytes of the checkpoint file.
    ///
    /// # Errors
    /// Returns the same errors as [`write`](Self::write), and [`Error::OutOfMemory`] if
    /// the bytes cannot be allocated.
    #[inline(never)]
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.encoded()?.to_bytes()
    }

    fn encoded(&self) -> Result<Encoded<'_, S>> {
        let metadata = self.metadata()?;
        let tensors = self.state.buffers.named().into_iter();
        let tensors = tensors.filter(|(_, values)| !values.is_empty());
        let tensors = tensors.map(|(name, values)| Tensor {
            name: name.to_owned(),
            shape: vec![values.len()],
            values,
        });
        Encoded::new(tensors.collect(), KIND, &metadata)
    }

    /// Reads and validates a checkpoint file.
    ///
    /// # Errors
    /// Returns [`Error::ModelFile`] or [`Error::NotFiniteWeight`] if the file is
    /// invalid, and [`Error::Io`] if `reader` fails.
    pub fn read(mut reader: impl Read) -> Result<Self> {
        Self::read_from(&mut reader)
    }

    #[inline(never)]
    pub(crate) fn read_from(reader: &mut dyn Read) -> Result<Self> {
        let bytes = read_all(reader)?;
        let file = TensorFile::parse(&bytes, KIND)?;
        let metadata: Metadata = serde_json::from_str(&file.metadata)
            .map_err(|error| Error::invalid_file(format!("the metadata: {error}")))?;
        let row = |name: &str| file.row(name).map(Option::unwrap_or_default);
        let buffers = StateBuffers {
            parameters: row("parameters")?,
            statistics: row("statistics")?,
            slots: [row("optimizer.first")?, row("optimizer.second")?],
            average: row("average")?,
            best_parameters: row("best.parameters")?,
            best_statistics: row("best.statistics")?,
        };
        let n_buffers = buffers
            .named()
            .iter()
            .filter(|(_, b)| !b.is_empty())
            .count();
        if n_buffers != file.n_tensors() {
            return Err(Error::invalid_file(format!(
                "expected {n_buffers} tensors, found {}",
                file.n_tensors()
            )));
        }
        let configuration = bounded(&metadata.configuration, "the configuration")?;
        let note = bounded(&metadata.note, NOTE)?;
        Ok(Self {
            state: state(&metadata, buffers),
            configuration,
            note,
        }
        .with_plain_velocity())
    }

    /// Converts a checkpoint of an older version, whose velocity includes the
    /// learning rate (v ← γ·v + η·g).
    fn with_plain_velocity(mut self) -> Self {
        let optimizer = self.configuration.get("optimizer");
        let is_old = optimizer.is_some_and(|name| has_velocity(name))
            && !self.configuration.contains_key("velocity");
        let rate = self.state.progress.last_rate;
        if is_old {
            // Before the first step there is no rate, and v is 0.
            let inverse = S::from_f64(if rate > 0.0 { 1.0 / rate } else { 0.0 });
            for v in &mut self.state.buffers.slots[0] {
                *v = flushed(*v * inverse);
            }
            let entry = ("velocity".to_owned(), VELOCITY.to_owned());
            self.configuration.extend([entry]);
        }
        self
    }

    /// The user-provided note.
    pub fn note(&self) -> &Value {
        &self.note
    }

    /// The number of finished epochs.
    pub fn epoch(&self) -> usize {
        self.state.progress.epoch
    }

    /// The number of steps taken.
    pub fn step(&self) -> u64 {
        self.state.progress.step
    }

    fn metadata(&self) -> Result<String> {
        let State {
            progress,
            plateau,
            best_value,
            best_waited,
            optimizer_steps,
            descends,
            ..
        } = self.state;
        let finite = |value: f64| value.is_finite().then_some(value);
        let json = |error: serde_json::Error| Error::invalid_file(format!("{NOTE}: {error}"));
        let note = to_raw_value(&self.note).map_err(json)?;
        // The reader bounds the number of values, so the writer must as well.
        bounded::<Value>(&note, NOTE)?;
        let metadata = Metadata {
            format: KIND.format,
            sha256: NO_CHECKSUM.to_owned(),
            progress,
            plateau_factor: plateau.factor,
            plateau_best: finite(plateau.best),
            plateau_waited: plateau.waited,
            best_value: finite(best_value),
            best_waited,
            optimizer_steps,
            descends,
            configuration: to_raw_value(&self.configuration).map_err(json)?,
            note,
        };
        serde_json::to_string(&metadata).map_err(json)
    }
}

fn state<S: Scalar>(metadata: &Metadata, buffers: StateBuffers<S>) -> State<S> {
    State {
        progress: metadata.progress,
        plateau: Plateau {
            factor: metadata.plateau_factor,
            best: metadata.plateau_best.unwrap_or(f64::INFINITY),
            waited: metadata.plateau_waited,
        },
        best_value: metadata.best_value.unwrap_or(f64::INFINITY),
        best_waited: metadata.best_waited,
        optimizer_steps: metadata.optimizer_steps,
        descends: metadata.descends,
        buffers,
    }
}

/// The definition of the velocity; older versions included the learning rate.
const VELOCITY: &str = "a sum of gradients, without the learning rate";

/// Returns `true` if the optimizer of this name has a velocity.
fn has_velocity(optimizer: &str) -> bool {
    optimizer.parse().is_ok_and(|optimizer| {
        matches!(
            optimizer,
            Optimizer::Momentum { .. } | Optimizer::Nesterov { .. }
        )
    })
}

fn check_same(saved: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> Result<()> {
    let text = |text: Option<&String>| text.map_or_else(|| "none".to_owned(), String::clone);
    let mut names = saved.keys().chain(found.keys());
    match names.find(|name| saved.get(*name) != found.get(*name)) {
        None => Ok(()),
        Some(name) => Err(Error::CheckpointMismatch {
            what: name.clone(),
            saved: text(saved.get(name)),
            found: text(found.get(name)),
        }),
    }
}

/// `784-128 relu, dropout 0.2-10 softmax`
fn layers(layers: &[Layer]) -> String {
    let mut text = layers[0].n_inputs.to_string();
    for layer in layers {
        text.push_str(&format!("-{} {}", layer.n_outputs, layer.activation));
        for stage in layer.further_stages() {
            text.push_str(&format!(", {stage}"));
        }
        if layer.batch_norm {
            text.push_str(", batch norm");
        }
        if layer.dropout > 0.0 {
            text.push_str(&format!(", dropout {}", layer.dropout));
        }
    }
    text
}

/// The SHA-256 of the stored samples, in their order. The digest of a source takes the place of
/// its inputs.
fn digest<S: Scalar>(samples: &Samples<'_, S>) -> Result<String> {
    let n_classes = samples.n_classes().unwrap_or(0);
    let mut sum = Sha256::new();
    for size in [samples.len(), samples.n_inputs(), n_classes] {
        sum.update((size as u64).to_le_bytes());
    }
    let source = samples.source_digest();
    sum.update(source.as_deref().unwrap_or_default());
    let mut row = Vec::new();
    for position in 0..samples.len() {
        row.clear();
        match source {
            Some(_) => {
                row.extend(samples.row(position as u32).to_le_bytes());
                samples.write_stored_target(position, &mut row);
            }
            None => samples.write_stored(position, &mut row)?,
        }
        sum.update(&row);
    }
    Ok(hexadecimal(sum.finalize().as_slice()))
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use nn_tensor::Threads;

    use super::*;
    use crate::{Activation, LayerConfig, Loss, Network, NetworkConfig, TrainingConfig};
    use nn_samples::{Inputs, Targets};

    /// A file with a correct checksum may still hold an impossible state.
    #[test]
    fn impossible_states_are_refused() {
        let inputs = array![[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
        let targets = Targets::classes(&[0, 1, 1, 0], 2);
        let samples = Samples::new(Inputs::values(inputs.view()), targets).unwrap();
        let layers = vec![LayerConfig::new(2, Activation::Softmax)];
        let network = Network::new(
            &NetworkConfig {
                n_inputs: 2,
                layers,
            },
            0,
        )
        .unwrap();
        let config = TrainingConfig {
            batch_size: crate::training::BatchSize::Rows(2),
            ..TrainingConfig::new(Loss::CrossEntropy, "adam".parse().unwrap())
        };
        let mut trainer = Trainer::new(network, samples, None, config, Threads::single()).unwrap();
        (0..4).for_each(|_| drop(trainer.advance().unwrap()));
        let original = trainer.checkpoint(Value::Null).unwrap();
        let edits: [fn(&mut State<f32>); 14] = [
            |state| state.progress.epoch = usize::MAX,
            |state| state.progress.batch = 3,
            |state| state.progress.step = u64::MAX,
            |state| state.progress.is_done = true,
            |state| state.progress.learning_rate = -1.0,
            |state| state.progress.learning_rate = 0.0,
            |state| state.progress.last_rate = f64::MAX * 2.0,
            |state| state.plateau.factor = -1.0,
            |state| state.plateau.waited = u64::MAX,
            |state| state.best_waited = usize::MAX,
            |state| state.optimizer_steps = u64::MAX,
            |state| state.buffers.parameters.truncate(5),
            |state| state.buffers.slots[1].clear(),
            |state| state.buffers.best_parameters = vec![0.0; 6],
        ];
        for (index, edit) in edits.into_iter().enumerate() {
            let mut checkpoint = original.clone();
            edit(&mut checkpoint.state);
            let error = trainer
                .restore(&checkpoint)
                .expect_err("the state is impossible");
            assert_eq!(
                error.kind(),
                crate::ErrorKind::Data,
                "edit {index}: {error}"
            );
        }
        assert_eq!(trainer.checkpoint(Value::Null).unwrap(), original);
        trainer.restore(&original).unwrap();
    }

    /// Older versions stored v ← γ·v + η·g.
    #[test]
    fn the_velocity_of_older_versions_is_divided_by_the_learning_rate() {
        let inputs = array![[1.0_f32, 2.0], [0.5, -1.0]];
        let targets = array![[1.0_f32], [-1.0]];
        let samples = Samples::new(
            Inputs::values(inputs.view()),
            Targets::values(targets.view()),
        )
        .unwrap();
        let layers = vec![LayerConfig::new(1, Activation::Identity)];
        let network = Network::new(
            &NetworkConfig {
                n_inputs: 2,
                layers,
            },
            0,
        )
        .unwrap();
        let config = TrainingConfig {
            learning_rate: 0.25,
            ..TrainingConfig::new(Loss::Mse, "momentum".parse().unwrap())
        };
        let mut trainer = Trainer::new(network, samples, None, config, Threads::single()).unwrap();
        trainer.advance().unwrap();
        let new = trainer.checkpoint(Value::Null).unwrap();
        let mut old = new.clone();
        old.configuration.remove("velocity");
        old.state.buffers.slots[0]
            .iter_mut()
            .for_each(|v| *v *= 0.25);
        let mut file = Vec::new();
        old.write(&mut file).unwrap();
        assert_eq!(Checkpoint::read(&file[..]).unwrap(), new);
    }

    #[test]
    fn nonfinite_values_are_refused() {
        let file = |parameters: Vec<f32>| {
            let mut bytes = Vec::new();
            checkpoint(parameters, Value::Null)
                .write(&mut bytes)
                .unwrap();
            bytes
        };
        Checkpoint::<f32>::read(&file(vec![1.0, 2.0])[..]).unwrap();
        let error = Checkpoint::<f32>::read(&file(vec![1.0, f32::NAN])[..]).unwrap_err();
        assert_eq!(error.to_string(), "tensor parameters: element 1 is NaN");
    }

    /// Texts may be long, but the number of values is bounded on writing, too.
    #[test]
    fn written_notes_are_read_unchanged() {
        let written = |note: Value| {
            let mut bytes = Vec::new();
            let checkpoint = checkpoint(vec![1.0], note);
            let written = checkpoint.write(&mut bytes);
            written.map(|()| assert_eq!(Checkpoint::read(&bytes[..]).unwrap(), checkpoint))
        };
        written(Value::from("1,".repeat(3_000_000))).unwrap();
        written(Value::from(vec![1; 99_000])).unwrap();
        let error = written(Value::from(vec![1; 100_000])).unwrap_err();
        let expected = "the note: expected at most 100000 values, found 100001";
        assert_eq!(error.to_string(), expected);
        let error = written(Value::from("1".repeat(100_000_000))).unwrap_err();
        assert!(matches!(error, Error::HeaderTooLong { .. }), "{error}");
    }

    fn checkpoint(parameters: Vec<f32>, note: Value) -> Checkpoint<f32> {
        let buffers = StateBuffers {
            parameters,
            statistics: Vec::new(),
            slots: [Vec::new(), Vec::new()],
            average: Vec::new(),
            best_parameters: Vec::new(),
            best_statistics: Vec::new(),
        };
        let progress = Progress {
            epoch: 0,
            batch: 0,
            step: 0,
            sums: crate::training::EpochSums::default(),
            learning_rate: 0.1,
            last_rate: 0.0,
            is_done: false,
            n_streamed_steps: 0,
        };
        let plateau = Plateau {
            factor: 1.0,
            best: f64::INFINITY,
            waited: 0,
        };
        Checkpoint {
            state: State {
                progress,
                plateau,
                best_value: f64::INFINITY,
                best_waited: 0,
                optimizer_steps: 0,
                descends: false,
                buffers,
            },
            configuration: BTreeMap::new(),
            note,
        }
    }
}
